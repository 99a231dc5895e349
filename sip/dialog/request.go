package dialog

import (
	"github.com/emiago/sipgo/sip"
)

// Request builds the next request of the dialog with a CSeq one higher (RFC 3261 12.2.1.1).
// It has all but Via, Content-Length and a body. Contact is in it where the method refreshes the
// target or must say where its own requests go. ACK is not built so, see Ack; nor is CANCEL,
// which is the transaction's.
func (d *Dialog) Request(method sip.RequestMethod) *sip.Request {
	d.localSeq++
	req := d.build(method, d.localSeq)
	switch method {
	case sip.INVITE, sip.UPDATE, sip.SUBSCRIBE, sip.NOTIFY, sip.REFER:
		req.AppendHeader(d.Contact())
	}
	return req
}

// NextSeq takes the next CSeq number, for a request of ours that goes out a second time: with
// credentials, after a challenge (RFC 3261 22.2).
func (d *Dialog) NextSeq() uint32 {
	d.localSeq++
	return d.localSeq
}

// Ack builds the ACK for the 2xx of the INVITE with that CSeq (RFC 3261 13.2.2.4). It may be
// built again for a repeated 2xx: the number does not move.
func (d *Dialog) Ack(inviteCSeq uint32) *sip.Request { return d.build(sip.ACK, inviteCSeq) }

// Contact returns our Contact header, as our 1xx and 2xx to an INVITE carry it (RFC 3261 12.1.1).
func (d *Dialog) Contact() *sip.ContactHeader {
	return &sip.ContactHeader{Address: *d.contact.Clone()}
}

// LocalSeq returns the CSeq number of our last request; 0 before the first.
func (d *Dialog) LocalSeq() uint32 { return d.localSeq }

func (d *Dialog) build(method sip.RequestMethod, seq uint32) *sip.Request {
	uri, routes := d.path()
	req := sip.NewRequest(method, uri)
	for i := range routes {
		req.AppendHeader(&sip.RouteHeader{Address: routes[i]})
	}
	forwards := sip.MaxForwardsHeader(70)
	callID := sip.CallIDHeader(d.id.CallID)
	req.AppendHeader(&forwards)
	req.AppendHeader(&sip.FromHeader{DisplayName: d.local.display, Address: *d.local.uri.Clone(), Params: tagParam(d.id.LocalTag)})
	req.AppendHeader(&sip.ToHeader{DisplayName: d.remote.display, Address: *d.remote.uri.Clone(), Params: tagParam(d.id.RemoteTag)})
	req.AppendHeader(&callID)
	req.AppendHeader(&sip.CSeqHeader{SeqNo: seq, MethodName: method})
	return req
}

// path returns the Request-URI and the Route headers (RFC 3261 12.2.1.1). A first route without
// lr is a strict router: it becomes the Request-URI, and the target goes to the end.
func (d *Dialog) path() (sip.Uri, []sip.Uri) {
	target := *d.target.Clone()
	if len(d.routes) == 0 {
		return target, nil
	}
	routes := make([]sip.Uri, 0, len(d.routes)+1)
	for i := range d.routes {
		routes = append(routes, *d.routes[i].Clone())
	}
	first := routes[0]
	if hasParam(first.UriParams, "lr") {
		return target, routes
	}
	// RFC 3261 19.1.1: a Request-URI has neither headers nor a method parameter.
	first.Headers = nil
	first.UriParams.Remove("method")
	return first, append(routes[1:], target)
}

func tagParam(tag string) sip.HeaderParams {
	if tag == "" {
		return nil
	}
	return sip.HeaderParams{{K: "tag", V: tag}}
}
