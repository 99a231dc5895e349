package transaction

import (
	"errors"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/wire"
)

// What ends a client transaction without a final response; ClientEvent.Err wraps one of them.
var (
	// ErrTimeout: no final response in time (timers B and F, and 64*T1 after CANCEL).
	ErrTimeout = errors.New("transaction: timed out")
	// ErrTransport: the flow refused the request or closed (RFC 3261 17.1.4).
	ErrTransport = errors.New("transaction: transport failed")
	// ErrRequest: the request lacks From, To, Call-ID or CSeq, or the methods of CSeq and request line differ.
	ErrRequest = errors.New("transaction: request is incomplete")
	// ErrClosed: the layer was closed.
	ErrClosed = errors.New("transaction: layer closed")
)

// Sender puts bytes on a flow; *flow.Layer is one. Send must not block and must not keep b.
type Sender interface {
	Send(f flow.Flow, b []byte) error
}

// TU is the transaction user above the layer (RFC 3261 17). Its methods run on the shard of
// the Call-ID: they must return soon and never block; they may call any method of the layer.
// A panic in one ends that transaction with 500 and nothing else.
type TU interface {
	// Request tells of a new request, in or out of a dialog, other than ACK and CANCEL.
	// For INVITE the layer has sent 100.
	Request(tx *Server)
	// Cancel tells that CANCEL came for the INVITE tx, which has no final response yet.
	// The layer has answered the CANCEL; the user answers tx with 487.
	Cancel(tx *Server)
	// Ack gives an ACK for a 2xx, also when it is a repeated one. The layer has stopped
	// sending that 2xx again. An ACK that belongs to nothing comes here, too.
	Ack(f flow.Flow, ack *sip.Request)
	// Unacked tells that 64*T1 passed and no ACK came for the 2xx that answered tx. The user
	// ends the dialog with BYE (RFC 3261 13.3.1.4).
	Unacked(tx *Server)
	// Stray gives a 2xx to INVITE that belongs to no transaction, as one that comes later
	// than 64*T1 does. The user repeats its ACK, or sends ACK and BYE.
	Stray(f flow.Flow, res *sip.Response)
}

// A Layer holds all transactions of a node. Its methods are safe for concurrent use.
type Layer struct {
	cfg  Config
	send Sender
	tu   TU
}

// New returns a running layer that sends by send and reports to tu. The caller closes it.
// New panics when cfg.Validate fails: the configuration was checked long before.
func New(cfg Config, send Sender, tu TU) *Layer { return nil }

// Receive takes a message from a flow; it is a flow.Handler. It copies what it keeps and
// does not block.
func (l *Layer) Receive(f flow.Flow, m *wire.Message) {}

// Closed tells that a connection ended: client transactions on it fail with ErrTransport
// at once instead of at their timeout.
func (l *Layer) Closed(f flow.Flow) {}

// Request sends req on flow f in a new client transaction (RFC 3261 17.1).
//
// The layer puts its Via on top, adds Max-Forwards 70 and Content-Length when absent; Route
// and the Request-URI are the caller's. req must not change until the final response came.
// ACK is not sent so: see SendAck. on gets the events on the shard, never before Request
// returns; nil is allowed. An incomplete req gives ErrRequest to on.
func (l *Layer) Request(req *sip.Request, f flow.Flow, on func(ClientEvent)) *Client { return nil }

// SendAck sends the ACK for a 2xx on f, with a Via of its own and no transaction
// (RFC 3261 13.2.2.4). It is on the flow when SendAck returns, so a BYE sent after it comes after it.
func (l *Layer) SendAck(f flow.Flow, ack *sip.Request) error { return nil }

// Stats returns the counters since New, and how many transactions live now.
func (l *Layer) Stats() Stats { return Stats{} }

// Close ends the shards and returns when their goroutines have ended. Client transactions
// without a final response get ErrClosed; server transactions just end.
func (l *Layer) Close() {}

// Stats counts what the layer did. Counters only grow, except the two gauges.
type Stats struct {
	Servers, Clients int64 // transactions alive now

	Requests        uint64 // new requests given to the transaction user
	Retransmissions uint64 // repeated requests absorbed or answered from the cache
	Resent          uint64 // messages that a timer sent again
	Shed            uint64 // new requests refused with 503 because the shard was full
	Dropped         uint64 // messages dropped because the shard was full beyond refusing
	Malformed       uint64 // messages that the typed parser refused
	Merged          uint64 // requests refused with 482 (RFC 3261 8.2.2.2)
	Strays          uint64 // responses without transaction
	Unmatched       uint64 // CANCEL without transaction, answered 481
	Timeouts        uint64 // client transactions ended by timer B or F, or after CANCEL
	Unacked         uint64 // 2xx that no ACK answered
	SendErrors      uint64 // messages that the flow refused
	Ignored         uint64 // events that do not belong to the state of a machine
	Panics          uint64 // panics of the transaction user, contained
}
