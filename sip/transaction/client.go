package transaction

import (
	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/wire"
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
type Client struct {
	tx *clientTx
}

// Cancel asks to cancel an INVITE (RFC 3261 9.1). CANCEL leaves after the first 1xx; it is
// remembered until then, and forgotten when the final response is there first. The transaction
// goes on until that response, but no longer than 64*T1 after CANCEL (ErrTimeout). reason is the
// value of a Reason header (RFC 3326), or empty. Safe from any goroutine; repeating it, or
// cancelling another method, does nothing.
func (c *Client) Cancel(reason string) {
	if c.tx.invite {
		c.tx.sh.post(item{kind: itemCancel, client: c.tx, reason: reason})
	}
}

// Request sends req on flow f in a new client transaction (RFC 3261 17.1).
//
// The layer puts its Via on top, adds Max-Forwards 70 and Content-Length when absent; Route
// and the Request-URI are the caller's. req must not change until the final response came.
// A request of more than 1300 octets on UDP leaves on the connection that Config.Stream finds, if
// any (RFC 3261 18.1.1). ACK is not sent so: see SendAck. on gets the events on the shard, never before the request
// left; nil is allowed. An incomplete req gives ErrRequest to on, a closed layer ErrClosed at once
// and on the caller's goroutine.
func (l *Layer) Request(req *sip.Request, f flow.Flow, on func(ClientEvent)) *Client {
	tx := &clientTx{
		sh: l.shards[0], on: on, req: req, flow: f,
		branch: wire.Cookie + l.cfg.Branch(), sentBy: l.sentBy(f),
		invite: req.Method == sip.INVITE,
	}
	tx.retry = timer{owner: tx, slot: retrySlot}
	tx.life = timer{owner: tx, slot: lifeSlot}
	if !complete(req) {
		tx.req = nil
	}
	if tx.req != nil {
		tx.sh = l.shardOf(string(*req.CallID()))
		tx.key = tx.branch + "|" + string(req.Method)
		tx.last = encodeRequest(req, f.Transport, tx.sentBy, tx.branch)
	}
	l.begin(tx)
	return &Client{tx: tx}
}

// SendAck sends the ACK for a 2xx on f, with a Via of its own and no transaction
// (RFC 3261 13.2.2.4). It is on the flow when SendAck returns, so a BYE sent after it comes after
// it. The error is ErrRequest or that of the Sender.
func (l *Layer) SendAck(f flow.Flow, ack *sip.Request) error {
	if !complete(ack) {
		return ErrRequest
	}
	return l.send.Send(f, encodeRequest(ack, f.Transport, l.sentBy(f), wire.Cookie+l.cfg.Branch()))
}

// complete reports whether req has what every request must have (RFC 3261 8.1.1).
func complete(req *sip.Request) bool {
	cseq := req.CSeq()
	return req.From() != nil && req.To() != nil && req.CallID() != nil && cseq != nil && cseq.MethodName == req.Method
}
