package dialog

import (
	"slices"

	"github.com/emiago/sipgo/sip"
)

// Update takes a response to the INVITE that we sent. A 1xx sets the remote target and route
// set of the early dialog; the 2xx confirms it and computes both anew, because a proxy may have
// record-routed only that one (RFC 3261 13.2.2.4). A 2xx to a re-INVITE refreshes the target
// only (12.2.1.2): the route set of a confirmed dialog never changes.
//
// The error is ErrForeign or ErrNoDialog; the dialog is unchanged on error.
func (d *Dialog) Update(res *sip.Response) error {
	if IDOfResponse(res) != d.id {
		return ErrForeign
	}
	if res.StatusCode <= 100 || res.StatusCode >= 300 {
		return ErrNoDialog
	}
	// Departs from RFC 3261 12.1.2: a response without Contact is accepted, because older
	// phones ring without one; the target stays what it was, at first the Request-URI.
	d.Refresh(res.Contact())
	if d.state != Early {
		return nil
	}
	d.routes = recordRoutes(&res.MessageData)
	slices.Reverse(d.routes)
	if res.StatusCode >= 200 {
		d.state = Confirmed
	}
	return nil
}

// Receive takes a request of the peer in the dialog and notes its CSeq. The error is ErrForeign,
// ErrIncomplete or ErrStale, and then the dialog is unchanged. ACK and CANCEL carry the number of
// their INVITE and pass without being noted.
//
// Departs from RFC 3261 12.2.2: a number equal to the last is stale, too. Retransmissions do not
// get here, so it is a duplicate that outlived its transaction, or a fault.
func (d *Dialog) Receive(req *sip.Request) error {
	if IDOf(req) != d.id {
		return ErrForeign
	}
	cseq := req.CSeq()
	if cseq == nil {
		return ErrIncomplete
	}
	if req.Method == sip.ACK || req.Method == sip.CANCEL {
		return nil
	}
	if d.heard && cseq.SeqNo <= d.remoteSeq {
		return ErrStale
	}
	d.remoteSeq, d.heard = cseq.SeqNo, true
	return nil
}

// Refresh sets the remote target from the Contact of a target refresh request that we accept,
// or of its 2xx (RFC 3261 12.2). nil and "*" change nothing.
func (d *Dialog) Refresh(contact *sip.ContactHeader) {
	if contact == nil || contact.Address.Wildcard {
		return
	}
	d.target = *contact.Address.Clone()
	d.target.Headers = nil
}

// recordRoutes returns the Record-Route URIs in the order of the message.
func recordRoutes(m *sip.MessageData) []sip.Uri {
	var out []sip.Uri
	for _, h := range m.Headers() {
		if rr, ok := h.(*sip.RecordRouteHeader); ok {
			out = append(out, *rr.Address.Clone())
		}
	}
	return out
}
