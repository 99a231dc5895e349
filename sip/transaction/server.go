package transaction

import (
	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/sip/flow"
)

// A Server is a server transaction as its user sees it (RFC 3261 17.2). Its methods are safe
// from any goroutine; responses leave in the order of the calls of one goroutine.
type Server struct {
	req *sip.Request
	f   flow.Flow
	tag string
}

// Request returns the request: parsed once, read only. Its compact header names are spelled
// out, its top Via carries received and rport.
func (s *Server) Request() *sip.Request { return s.req }

// Flow returns the path on which the request came. Requests of the dialog that it opens go there, too.
func (s *Server) Flow() flow.Flow { return s.f }

// Tag returns the To tag of every response of this transaction above 100: the tag of the
// request if it came in a dialog, else a new one.
func (s *Server) Tag() string { return s.tag }

// NewResponse returns a response to the request with Via, From, To with the tag, Call-ID,
// CSeq and, where a dialog may form, Record-Route (RFC 3261 8.2.6, 12.1.1). Headers are shared
// with the request: add to them, do not change them.
func (s *Server) NewResponse(status int, reason string) *sip.Response { return nil }

// Respond answers with a response without body: any number of 1xx, then one final. headers
// are added to those of NewResponse. An empty reason stands for the usual phrase of the status.
func (s *Server) Respond(status int, reason string, headers ...sip.Header) {}

// Reply answers with res, which came from NewResponse; its To tag is set to Tag. res may not
// change afterwards. A response after the final one is counted and dropped.
func (s *Server) Reply(res *sip.Response) {}
