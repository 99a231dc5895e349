package transaction

import (
	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/sip/flow"
)

// A ClientEvent is what a client transaction tells its user: a response or an error, never both.
//
// Every 1xx, one final response, and for INVITE every 2xx: the same one again when its ACK was
// lost, another To tag when the request was forked (RFC 6026 7.2). The layer has sent the ACK of
// a final response to INVITE that is not a 2xx.
type ClientEvent struct {
	Response *sip.Response
	Err      error     // ErrTimeout, ErrTransport, ErrRequest or ErrClosed; ends the transaction
	Flow     flow.Flow // where Response came from
}

// A Client is a client transaction as its user sees it (RFC 3261 17.1).
type Client struct{}

// Cancel asks to cancel an INVITE (RFC 3261 9.1). CANCEL leaves after the first 1xx; it is
// remembered until then, and forgotten when the final response is there first. The transaction
// goes on until that response, but no longer than 64*T1 after CANCEL (ErrTimeout). reason is the
// value of a Reason header (RFC 3326), or empty. Safe from any goroutine; repeating it, or
// cancelling another method, does nothing.
func (c *Client) Cancel(reason string) {}
