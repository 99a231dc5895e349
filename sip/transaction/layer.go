package transaction

import (
	"context"
	"errors"
	"hash/maphash"
	"net/netip"
	"sync"

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

// A Sender puts bytes on a flow; *flow.Layer is one. Send must neither block nor keep b.
type Sender interface {
	Send(f flow.Flow, b []byte) error
}

// TU is the transaction user above the layer (RFC 3261 17). Its methods run on the shard of
// the Call-ID, which is the goroutine of a reader as a rule: they must return soon and never block;
// they may call any method of the layer.
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
	cfg    Config
	send   Sender
	tu     TU
	relay  Relay // tu, if it is one
	parser *sip.Parser
	seed   maphash.Seed // a sender cannot choose its shard
	shards []*shard
	life   context.Context // ends with Close
	end    context.CancelFunc
	wg     sync.WaitGroup // large requests that wait for a connection

	mu     sync.Mutex // guards closed
	closed bool
}

// New returns a running layer that sends by send and reports to tu. The caller closes it.
// New panics when cfg.Validate fails: the configuration was checked long before.
func New(cfg Config, send Sender, tu TU) *Layer {
	if err := cfg.Validate(); err != nil {
		panic(err)
	}
	l := &Layer{cfg: cfg.withDefaults(), send: send, tu: tu, parser: sip.NewParser(), seed: maphash.MakeSeed()}
	l.relay, _ = tu.(Relay)
	l.life, l.end = context.WithCancel(context.Background())
	for range l.cfg.Shards {
		sh := newShard(l)
		l.shards = append(l.shards, sh)
		go sh.run() // ends by Close
	}
	return l
}

// Receive takes a message from a flow; it is a flow.Handler. It handles it on the spot, callbacks
// included, unless the shard is at work: then it leaves a copy there. It does not block.
func (l *Layer) Receive(f flow.Flow, m *wire.Message) {
	sh := l.shards[maphash.Bytes(l.seed, m.CallID())%uint64(len(l.shards))]
	a := l.admission(f, m)
	switch sh.q.push(f, m.Raw(), a, l.cfg.Inbox) {
	case refused:
		sh.n.dropped.Add(1)
	case inTurn:
		sh.receive(f, m, a == unwanted)
	}
}

// admission sorts m: new work may be refused, what belongs to a call or is urgent may not.
func (l *Layer) admission(f flow.Flow, m *wire.Message) admission {
	if !m.IsRequest() || len(m.ToTag()) > 0 {
		return always
	}
	switch m.Method() {
	case wire.Invite, wire.Register, wire.Options, wire.Subscribe, wire.InstantMessage:
	default:
		return always
	}
	switch {
	case l.cfg.Urgent(m):
		return always
	case l.cfg.Admit(f):
		return sheddable
	}
	return unwanted
}

// Closed tells that a connection ended: client transactions on it fail with ErrTransport
// at once instead of at their timeout. It is a flow.Config.OnClosed.
func (l *Layer) Closed(f flow.Flow) {
	for _, sh := range l.shards {
		sh.q.leave(item{kind: itemClosed, flow: f})
	}
}

// Close does what has come, ends the shards and returns when their goroutines have ended. Client
// transactions without a final response get ErrClosed; server transactions just end. It must not
// be called from a callback.
func (l *Layer) Close() {
	l.halt()
	for _, sh := range l.shards {
		sh.q.close()
	}
	for _, sh := range l.shards {
		<-sh.done
	}
}

func (l *Layer) shardOf(callID string) *shard {
	return l.shards[maphash.String(l.seed, callID)%uint64(len(l.shards))]
}

// sentBy returns the address that our Via gives for flow f.
func (l *Layer) sentBy(f flow.Flow) netip.AddrPort {
	if l.cfg.Address != nil {
		if a := l.cfg.Address(f); a.IsValid() {
			return a
		}
	}
	return f.Local
}
