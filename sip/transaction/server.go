package transaction

import (
	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/sip/flow"
)

// A Server is a server transaction as its user sees it (RFC 3261 17.2). Its methods are safe
// from any goroutine; responses leave in the order of the calls of one goroutine.
type Server struct {
	tx  *serverTx
	req *sip.Request
	f   flow.Flow
	tag string

	reason string // of its CANCEL; set before TU.Cancel
}

// Request returns the request: parsed once, read only. Its compact header names are spelled
// out, its top Via carries received and rport.
func (s *Server) Request() *sip.Request { return s.req }

// Flow returns the path on which the request came. Requests of the dialog that it opens go there, too.
func (s *Server) Flow() flow.Flow { return s.f }

// Tag returns the To tag of every response of this transaction above 100: the tag of the
// request if it came in a dialog, else a new one.
func (s *Server) Tag() string { return s.tag }

// CancelReason returns the Reason of the CANCEL (RFC 3326 2), as it came; "" when it gave none. It
// may be called inside TU.Cancel only.
func (s *Server) CancelReason() string { return s.reason }

// NewResponse returns a response to the request with Via, From, To with the tag, Call-ID,
// CSeq and, where a dialog may form, Record-Route (RFC 3261 8.2.6, 12.1.1). An empty reason stands
// for the usual phrase of the status. Headers are shared with the request: add to them, do not
// change them.
func (s *Server) NewResponse(status int, reason string) *sip.Response {
	if reason == "" {
		reason = phrase(status)
	}
	res := sip.NewResponse(status, reason)
	// RFC 3261 12.1.1 copies Record-Route into what makes a dialog; REGISTER makes none.
	routed := status > 100 && status < 300 && s.req.Method != sip.REGISTER
	for _, h := range s.req.Headers() {
		switch h := h.(type) {
		case *sip.ViaHeader, *sip.FromHeader, *sip.CallIDHeader, *sip.CSeqHeader:
			res.AppendHeader(h)
		case *sip.RecordRouteHeader:
			if routed {
				res.AppendHeader(h)
			}
		case *sip.ToHeader:
			to := *h
			to.Params = h.Params.Clone()
			if status > 100 {
				to.Params.Add("tag", s.tag)
			}
			res.AppendHeader(&to)
		}
	}
	return res
}

// Respond answers with a response without body: any number of 1xx, then one final. headers
// are added to those of NewResponse. An empty reason stands for the usual phrase of the status.
func (s *Server) Respond(status int, reason string, headers ...sip.Header) {
	res := s.NewResponse(status, reason)
	for _, h := range headers {
		res.AppendHeader(h)
	}
	s.Reply(res)
}

// Reply answers with res, which came from NewResponse; its To tag is set to Tag. res may not
// change afterwards. A response after the final one is counted and dropped.
func (s *Server) Reply(res *sip.Response) { s.reply(res, false) }

// ReplyOnce is Reply with a final response that leaves no state (RFC 3261 8.2.7):
// it is sent a single time, and the request, should it come again, is a new one. It is for who
// has not shown who he is: a flood costs no memory, and a forged source gets one answer, not
// those of 64*T1.
func (s *Server) ReplyOnce(res *sip.Response) { s.reply(res, true) }

// RespondOnce is Respond with ReplyOnce.
func (s *Server) RespondOnce(status int, reason string, headers ...sip.Header) {
	res := s.NewResponse(status, reason)
	for _, h := range headers {
		res.AppendHeader(h)
	}
	s.ReplyOnce(res)
}

// Flush returns when the responses given so far have been handed to the flow: for who must not
// let another message overtake them. It must not be called from a callback.
func (s *Server) Flush() {
	done := make(chan struct{})
	if s.tx.sh.post(item{kind: itemFlush, done: done}) {
		<-done
	}
}

func (s *Server) reply(res *sip.Response, once bool) {
	if to := res.To(); to != nil && res.StatusCode > 100 {
		if tag, _ := to.Params.Get("tag"); tag != s.tag {
			to.Params.Add("tag", s.tag)
		}
	}
	s.tx.sh.post(item{kind: itemReply, server: s.tx, status: res.StatusCode, once: once, raw: encodeResponse(res)})
}

// phrase returns the usual reason phrase (RFC 3261 21 and the registry of response codes).
func phrase(status int) string {
	switch status {
	case 100:
		return "Trying"
	case 180:
		return "Ringing"
	case 181:
		return "Call Is Being Forwarded"
	case 182:
		return "Queued"
	case 183:
		return "Session Progress"
	case 200:
		return "OK"
	case 202:
		return "Accepted"
	case 302:
		return "Moved Temporarily"
	case 400:
		return "Bad Request"
	case 401:
		return "Unauthorized"
	case 403:
		return "Forbidden"
	case 404:
		return "Not Found"
	case 405:
		return "Method Not Allowed"
	case 407:
		return "Proxy Authentication Required"
	case 408:
		return "Request Timeout"
	case 415:
		return "Unsupported Media Type"
	case 416:
		return "Unsupported URI Scheme"
	case 420:
		return "Bad Extension"
	case 423:
		return "Interval Too Brief"
	case 480:
		return "Temporarily Unavailable"
	case 481:
		return "Call/Transaction Does Not Exist"
	case 482:
		return "Loop Detected"
	case 483:
		return "Too Many Hops"
	case 484:
		return "Address Incomplete"
	case 486:
		return "Busy Here"
	case 487:
		return "Request Terminated"
	case 488:
		return "Not Acceptable Here"
	case 489:
		return "Bad Event"
	case 491:
		return "Request Pending"
	case 500:
		return "Server Internal Error"
	case 501:
		return "Not Implemented"
	case 503:
		return "Service Unavailable"
	case 600:
		return "Busy Everywhere"
	case 603:
		return "Decline"
	case 604:
		return "Does Not Exist Anywhere"
	default:
		return "Response"
	}
}
