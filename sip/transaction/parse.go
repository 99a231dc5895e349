package transaction

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/sip/flow"
)

// errParse: sipgo refused a message that the span index let through, or left out a header that
// everything above relies on.
var errParse = errors.New("transaction: message is malformed")

// parse gives raw, in canonical form, to sipgo. A panic of the parser is an error: raw comes
// from anywhere.
func parse(p *sip.Parser, raw []byte) (msg sip.Message, err error) {
	defer func() {
		if r := recover(); r != nil {
			msg, err = nil, fmt.Errorf("%w: parser: %v", errParse, r)
		}
	}()
	msg, err = p.ParseSIP(raw)
	if err != nil {
		// The cause quotes the message; it does not go into a log.
		return nil, errParse
	}
	from, to := msg.From(), msg.To()
	if from == nil || to == nil || msg.CallID() == nil || msg.CSeq() == nil || msg.Via() == nil {
		return nil, errParse
	}
	// Parameter names have no case (RFC 3261 7.3.1); sipgo looks for "tag".
	lowerTag(from.Params)
	lowerTag(to.Params)
	keepBrackets(msg)
	return msg, nil
}

// keepBrackets puts back the brackets that sipgo takes off and does not write again: those of an
// IPv4-mapped address, which it takes for IPv4 (RFC 5118 4.9), and of what is no address at all.
func keepBrackets(msg sip.Message) {
	mapped := func(host *string) {
		if strings.IndexByte(*host, ':') < 0 || (*host)[0] == '[' {
			return
		}
		if a, err := netip.ParseAddr(*host); err != nil || a.Is4In6() {
			*host = "[" + *host + "]"
		}
	}
	if req, ok := msg.(*sip.Request); ok {
		mapped(&req.Recipient.Host)
	}
	for _, h := range msg.(interface{ Headers() []sip.Header }).Headers() {
		switch h := h.(type) {
		case *sip.ViaHeader:
			mapped(&h.Host)
		case *sip.FromHeader:
			mapped(&h.Address.Host)
		case *sip.ToHeader:
			mapped(&h.Address.Host)
		case *sip.ContactHeader:
			mapped(&h.Address.Host)
		case *sip.RouteHeader:
			mapped(&h.Address.Host)
		case *sip.RecordRouteHeader:
			mapped(&h.Address.Host)
		}
	}
}

func lowerTag(params sip.HeaderParams) {
	for i := range params {
		if strings.EqualFold(params[i].K, "tag") {
			params[i].K = "tag"
		}
	}
}

func parseRequest(p *sip.Parser, raw []byte, f flow.Flow) (*sip.Request, error) {
	msg, err := parse(p, raw)
	if err != nil {
		return nil, err
	}
	req, ok := msg.(*sip.Request)
	if !ok {
		return nil, errParse
	}
	stampVia(req.Via(), f)
	req.SetSource(f.Remote.String())
	return req, nil
}

func parseResponse(p *sip.Parser, raw []byte) (*sip.Response, error) {
	msg, err := parse(p, raw)
	if err != nil {
		return nil, err
	}
	res, ok := msg.(*sip.Response)
	if !ok {
		return nil, errParse
	}
	return res, nil
}

// stampVia notes in the top Via where the request came from: received when the sent-by says
// something else (RFC 3261 18.2.1), both received and rport when rport was asked for
// (RFC 3581 4). A value that the sender put there itself is replaced.
func stampVia(via *sip.ViaHeader, f flow.Flow) {
	asked := false
	for i := range via.Params {
		if strings.EqualFold(via.Params[i].K, "rport") {
			via.Params[i] = sip.HeaderKV{K: "rport", V: strconv.Itoa(int(f.Remote.Port()))}
			asked = true
		}
	}
	src := f.Remote.Addr().Unmap()
	host, err := netip.ParseAddr(strings.Trim(via.Host, "[]"))
	via.Params.Remove("received")
	if asked || err != nil || host.Unmap() != src {
		via.Params.Add("received", src.String())
	}
}
