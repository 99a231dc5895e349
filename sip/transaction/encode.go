package transaction

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/sip/flow"
)

// An encoder appends text to bytes and leaves out CR, LF and NUL: whatever a display name or a
// User-to-User value holds, it cannot begin another header (RFC 3261 25.1).
type encoder []byte

// WriteString implements io.StringWriter; it does not fail.
func (e *encoder) WriteString(s string) (int, error) {
	if strings.IndexByte(s, '\r') < 0 && strings.IndexByte(s, '\n') < 0 && strings.IndexByte(s, 0) < 0 {
		*e = append(*e, s...)
		return len(s), nil
	}
	for i := range len(s) {
		if c := s[i]; c != '\r' && c != '\n' && c != 0 {
			*e = append(*e, c)
		}
	}
	return len(s), nil
}

func (e *encoder) line(s string) {
	e.WriteString(s)
	e.end()
}

func (e *encoder) end() { *e = append(*e, '\r', '\n') }

func (e *encoder) header(h sip.Header) {
	h.StringWrite(e)
	e.end()
}

// finish writes Content-Length, the empty line and the body (RFC 3261 18.3).
func (e *encoder) finish(body []byte) []byte {
	*e = append(*e, "Content-Length: "...)
	*e = strconv.AppendInt(*e, int64(len(body)), 10)
	*e = append(*e, "\r\n\r\n"...)
	return append(*e, body...)
}

// headers writes all headers but Content-Length, which finish counts itself.
func (e *encoder) headers(hs []sip.Header) {
	for _, h := range hs {
		if h == nil || strings.EqualFold(h.Name(), "Content-Length") {
			continue
		}
		e.header(h)
	}
}

func (e *encoder) requestLine(method sip.RequestMethod, uri *sip.Uri) {
	e.WriteString(string(method))
	e.WriteString(" ")
	uri.StringWrite(e)
	e.line(" SIP/2.0")
}

// via writes our Via. rport is asked for on UDP (RFC 3581 3).
func (e *encoder) via(t flow.Transport, sentBy netip.AddrPort, branch string) {
	e.WriteString("Via: SIP/2.0/")
	e.WriteString(t.String())
	e.WriteString(" ")
	*e = sentBy.AppendTo(*e)
	if !t.Reliable() {
		e.WriteString(";rport")
	}
	e.WriteString(";branch=")
	e.line(branch)
}

// sizeHint is room for a usual message, so that encoding allocates once.
const sizeHint = 1024

// encodeRequest writes req with our Via on top.
func encodeRequest(req *sip.Request, t flow.Transport, sentBy netip.AddrPort, branch string) []byte {
	e := make(encoder, 0, sizeHint+len(req.Body()))
	e.requestLine(req.Method, &req.Recipient)
	e.via(t, sentBy, branch)
	if req.MaxForwards() == nil {
		e.line("Max-Forwards: 70")
	}
	e.headers(req.Headers())
	return e.finish(req.Body())
}

// encodeResponse writes res.
func encodeResponse(res *sip.Response) []byte {
	e := make(encoder, 0, sizeHint+len(res.Body()))
	e.WriteString("SIP/2.0 ")
	e = strconv.AppendInt(e, int64(res.StatusCode), 10)
	e.WriteString(" ")
	e.line(res.Reason)
	e.headers(res.Headers())
	return e.finish(res.Body())
}

// encodeSibling writes the ACK for a failure (RFC 3261 17.1.1.3) or the CANCEL (9.1) of invite:
// same Request-URI, Via, Route, From, Call-ID and CSeq number. to is that of the response for
// ACK, of the INVITE for CANCEL. reason is the value of a Reason header, or empty.
func encodeSibling(method sip.RequestMethod, c *clientTx, to *sip.ToHeader, reason string) []byte {
	invite := c.req
	e := make(encoder, 0, sizeHint/2)
	e.requestLine(method, &invite.Recipient)
	e.via(c.flow.Transport, c.sentBy, c.branch)
	e.line("Max-Forwards: 70")
	for _, h := range invite.Headers() {
		if r, ok := h.(*sip.RouteHeader); ok {
			e.header(r)
		}
	}
	e.header(invite.From())
	e.header(to)
	e.header(invite.CallID())
	e.header(&sip.CSeqHeader{SeqNo: invite.CSeq().SeqNo, MethodName: method})
	if reason != "" {
		e.WriteString("Reason: ")
		e.line(reason)
	}
	return e.finish(nil)
}
