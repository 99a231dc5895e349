package b2bua

import (
	"context"
	"crypto/rand"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/media/relay"
	"github.com/lineaamica/la2/sip/dialog"
	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/transaction"
)

// A Switch is the table of calls of a node and the transaction user behind its
// request route. All methods are safe for concurrent use; those of
// transaction.TU and MediaEvent never block.
type Switch struct {
	panics atomic.Uint64

	cfg   Config
	deps  Deps
	token string // ours in the list of hops

	mu      sync.Mutex // guards all below
	calls   map[cti.CallID]*Call
	dialogs map[dialogKey]*leg
	leaving map[dialogKey]struct{} // a BYE of ours is not answered yet
	lines   map[string]int         // legs by trunk
	closing bool
	empty   chan struct{} // closed when closing and the last call ended; nil before Drain
}

// A dialogKey finds the leg of a request inside a dialog: the Call-ID and our tag
// (RFC 3261 12). The tag of the far end is checked by the owner, since forks of
// one INVITE share the key.
type dialogKey struct{ callID, tag string }

// New makes a Switch.
func New(cfg Config, deps Deps) *Switch {
	cfg.setDefaults()
	if deps.Now == nil {
		deps.Now = func() time.Time { return time.Now().UTC() }
	}
	return &Switch{
		cfg: cfg, deps: deps, token: rand.Text()[:10],
		calls:   make(map[cti.CallID]*Call),
		dialogs: make(map[dialogKey]*leg),
		leaving: make(map[dialogKey]struct{}),
		lines:   make(map[string]int),
	}
}

// Panics counts the faults of calls and scripts; each ended one call.
func (s *Switch) Panics() uint64 { return s.panics.Load() }

// Invite starts the call that tx opens. in must name the caller as admission
// knows it; in.Call is made here when it is empty. After Drain it answers 503. An
// INVITE with Replaces joins the call that it names instead.
func (s *Switch) Invite(tx *transaction.Server, in cti.Inbound) {
	if refused := unsupported(tx.Request()); refused != "" {
		tx.Respond(sip.StatusBadExtension, "", sip.NewHeader("Unsupported", refused))
		return
	}
	if status := s.round(tx.Request(), in); status != 0 {
		tx.Respond(status, "")
		return
	}
	switch names, err := replacesOf(tx.Request()); {
	case err != nil:
		tx.Respond(sip.StatusBadRequest, "")
		return
	case names != nil:
		s.replace(tx, in, *names)
		return
	}
	c := newCall(s, tx, in)
	s.mu.Lock()
	if s.closing && (!in.Emergency || len(s.calls) == 0) { // with no call left the node is gone
		s.mu.Unlock()
		tx.Respond(sip.StatusServiceUnavailable, "", sip.NewHeader("Retry-After", "30"))
		return
	}
	s.calls[c.id] = c
	s.put(c.caller)
	s.mu.Unlock()
	go c.run() // ends when all legs are cleared and the script has returned
}

// Request takes a request inside a dialog: BYE, re-INVITE, UPDATE, INFO, REFER,
// NOTIFY, OPTIONS. An unknown dialog gets 481.
func (s *Switch) Request(tx *transaction.Server) {
	req := tx.Request()
	key := dialogKey{callIDOf(req), dialog.ToTag(req.To())}
	l := s.find(key)
	switch {
	case l != nil && l.call.box.put(evRequest{leg: l, tx: tx}):
	case req.Method == sip.BYE && s.departing(key):
		tx.Respond(sip.StatusOK, "OK")
	default:
		tx.RespondOnce(sip.StatusCallTransactionDoesNotExists, "")
	}
}

// depart notes that a BYE of ours leaves in a dialog.
func (s *Switch) depart(k dialogKey) {
	s.mu.Lock()
	s.leaving[k] = struct{}{}
	s.mu.Unlock()
}

// departed notes that it was answered, or never will be.
func (s *Switch) departed(k dialogKey) {
	s.mu.Lock()
	delete(s.leaving, k)
	s.mu.Unlock()
}

func (s *Switch) departing(k dialogKey) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.leaving[k]
	return ok
}

// Cancel tells that the caller cancelled the INVITE tx.
func (s *Switch) Cancel(tx *transaction.Server) {
	l := s.find(dialogKey{callIDOf(tx.Request()), tx.Tag()})
	if l == nil || !l.call.box.put(evCancel{l, tx.CancelReason()}) {
		tx.Respond(sip.StatusRequestTerminated, "")
	}
}

// Ack takes the ACK of a 2xx of ours.
func (s *Switch) Ack(_ flow.Flow, ack *sip.Request) {
	if l := s.find(dialogKey{callIDOf(ack), dialog.ToTag(ack.To())}); l != nil {
		l.call.box.put(evAck{leg: l, ack: ack})
	}
}

// Unacked tells that nobody acknowledged the 2xx of tx.
func (s *Switch) Unacked(tx *transaction.Server) {
	if l := s.find(dialogKey{callIDOf(tx.Request()), tx.Tag()}); l != nil {
		l.call.box.put(evNoAck{leg: l})
	}
}

// Stray takes a 2xx to INVITE without transaction. Its ACK is repeated when the
// dialog lives; a dialog that we do not know was ended long ago.
func (s *Switch) Stray(_ flow.Flow, res *sip.Response) {
	id := dialog.IDOfResponse(res)
	if l := s.find(dialogKey{id.CallID, id.LocalTag}); l != nil {
		l.call.box.put(evStray{leg: l, res: res})
	}
}

// MediaEvent takes an event of the packet path; it is a relay.Config.OnEvent.
func (s *Switch) MediaEvent(ev relay.Event) {
	c := s.call(ev.Call)
	if c != nil && (ev.Kind != relay.FirstPacket || c.wantsFirst.Load()) {
		c.box.put(evMedia{ev: ev})
	}
}

// Drain refuses new calls and waits until the running ones ended; when ctx ends
// first it hangs them up with CauseShutdown and waits for that, at most 64*T1 for
// callers who never acknowledged.
func (s *Switch) Drain(ctx context.Context) {
	s.mu.Lock()
	if !s.closing {
		s.closing, s.empty = true, make(chan struct{})
		if len(s.calls) == 0 {
			close(s.empty)
		}
	}
	empty := s.empty
	s.mu.Unlock()
	select {
	case <-empty:
		return
	case <-ctx.Done():
	}
	for _, c := range s.all() {
		c.box.put(cmdHangup{cause: cti.CauseShutdown})
	}
	<-empty
}

func (s *Switch) all() []*Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]*Call, 0, len(s.calls))
	for _, c := range s.calls {
		list = append(list, c)
	}
	return list
}

func (s *Switch) call(id cti.CallID) *Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[id]
}

func (s *Switch) find(k dialogKey) *leg {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dialogs[k]
}

func (s *Switch) enter(l *leg) {
	s.mu.Lock()
	s.put(l)
	s.mu.Unlock()
}

// put enters l; s.mu is held.
func (s *Switch) put(l *leg) {
	s.dialogs[l.key] = l
	if l.trunk != "" {
		s.lines[l.trunk]++
	}
}

func (s *Switch) leave(l *leg) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l.out = true
	if s.dialogs[l.key] != l {
		return
	}
	delete(s.dialogs, l.key)
	s.drop(l.trunk)
}

// move puts l, which is being dialled, on another trunk.
func (s *Switch) move(l *leg, trunk string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.trunk == trunk {
		return
	}
	s.drop(l.trunk)
	if l.trunk = trunk; trunk != "" {
		s.lines[trunk]++
	}
}

// drop takes one leg off a trunk; s.mu is held.
func (s *Switch) drop(trunk string) {
	if trunk == "" {
		return
	}
	if s.lines[trunk]--; s.lines[trunk] == 0 {
		delete(s.lines, trunk)
	}
}

// Lines is how many legs are on a trunk, both ways, those that ring included.
func (s *Switch) Lines(trunk string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lines[trunk]
}

func (s *Switch) forget(c *Call) {
	s.mu.Lock()
	delete(s.calls, c.id)
	if s.closing && len(s.calls) == 0 {
		close(s.empty)
	}
	s.mu.Unlock()
}
