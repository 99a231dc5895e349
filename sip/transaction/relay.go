package transaction

import (
	"bytes"
	"time"

	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/wire"
)

// A Relay is the part of a transaction user that passes requests on: a proxy (RFC 3261 16). A TU
// that is one is asked first; what it takes is never given to the typed parser and is no merged
// request, as it may be on its way through us twice. Its methods run on the shard like those of TU.
//
// The layer does for a relayed INVITE what a proxy core does for every call: 100 at once, CANCEL
// answered and sent on (16.10), ACK for a refusal at each hop, timer C (16.8), each 2xx passed on
// and none repeated. Responses without a client transaction go nowhere (RFC 6026 7.3).
type Relay interface {
	// Relays reports whether a new request, not ACK or CANCEL, is passed on from its bytes.
	Relays(f flow.Flow, m *wire.Message) bool
	// Relay gives such a request; it is answered by Forward or Refuse before Relay returns, or later
	// within Server.Do. Its Request is nil: see Wire.
	Relay(tx *Server)
	// RelayAck sees each ACK that acknowledges no refusal; false leaves it to TU.Ack.
	RelayAck(f flow.Flow, m *wire.Message) bool
}

// Forwarded is what comes back for a forwarded request: each response but those that were
// absorbed, or the error that ended it. Response and Request are valid during the call only.
type Forwarded struct {
	Branch   Branch
	Response *wire.Message // with our Via on top
	Flow     flow.Flow     // where Response came from

	Err       error         // ErrTimeout or ErrTransport
	Request   *wire.Message // with Err: the forwarded request without our Via, for Refuse
	Cancelled bool          // with Err: the caller had sent CANCEL
}

// Wire returns the request in bytes, within TU.Request and Relay.Relay; nil at any other time.
func (s *Server) Wire() *wire.Message {
	if sh := s.tx.sh; sh.serving == s.tx {
		return sh.msg
	}
	return nil
}

// A Branch is one forwarding of a request: a client transaction (RFC 3261 16.7). It is comparable.
type Branch struct{ tx *clientTx }

// Forward sends raw, the request as the user changed it, on f in a new client transaction; each
// call adds a branch (RFC 3261 16.6 step 10). branch is that of the Via on top of raw. back gets
// what comes of it, on the shard; it may come before Forward returns. CANCEL for s goes to all
// branches. On the shard only; raw may be used again when it returns.
func (s *Server) Forward(f flow.Flow, branch, raw []byte, back func(*Server, Forwarded)) Branch {
	t := s.tx
	method, _, _ := bytes.Cut(raw, []byte{' '})
	t.sh.key = append(append(append(t.sh.key[:0], branch...), '|'), method...)
	key := string(t.sh.key)
	c := &clientTx{sh: t.sh, up: s, back: back, flow: f, branch: key[:len(branch)], key: key,
		invite: t.invite, last: t.sh.keep(raw), next: t.down}
	c.retry = timer{owner: c, slot: retrySlot}
	c.life = timer{owner: c, slot: lifeSlot}
	t.down = c
	t.sh.begin(c)
	return Branch{c}
}

// Cancel cancels the branch of an INVITE, as Client.Cancel does. Nothing happens when it has its
// final response. On the shard only.
func (b Branch) Cancel(reason string) {
	if b.tx.invite {
		b.tx.reason = reason
		b.tx.stepInvite(ictCancel)
	}
}

// Cancelled reports whether CANCEL came for s. On the shard only.
func (s *Server) Cancelled() bool { return s.tx.cancelled }

// Do runs f on the shard of s soon, for who had to wait for something before it could answer; never
// when the layer is closed. Safe from any goroutine; Wire is nil within f.
func (s *Server) Do(f func()) { s.tx.sh.q.leave(item{kind: itemCall, call: f}) }

// An alarm is a timer that a user set on its server transaction.
type alarm struct {
	s    *Server
	ring func()
	timer
}

// Alarm runs ring on the shard after d, unless s has ended by then; it takes the place of one that
// was set before. d 0 sets none. On the shard only.
func (s *Server) Alarm(d time.Duration, ring func()) {
	t := s.tx
	if t.alarm != nil {
		t.sh.timers.stop(&t.alarm.timer)
	}
	if t.alarm = nil; d > 0 && t.sh.servers[t.key] == t {
		a := &alarm{s: s, ring: ring}
		a.timer.owner = a
		t.alarm = a
		t.sh.timers.arm(&a.timer, t.sh.now, d)
	}
}

// expired implements expirer.
func (a *alarm) expired(slot) { a.ring() }

// Return passes a response on: raw is it without our Via. Any number of 1xx, then one final, or,
// for INVITE, any number of 2xx. On the shard only; raw may be used again when it returns.
func (s *Server) Return(status int, raw []byte) {
	t := s.tx
	if t.invite && status/100 == 2 {
		t.next = raw
		t.stepInvite(istPassed2xx)
		t.next = nil
		if t.ist == istRelayed {
			t.last = nil // nothing is sent again from now on
		}
		return
	}
	t.answer(status, t.sh.keep(raw))
}

// Refuse answers m, which is Wire or Forwarded.Request, with a response of our own. An empty
// reason stands for the usual phrase. On the shard only.
func (s *Server) Refuse(m *wire.Message, status int, reason string, extra ...wire.Field) {
	s.tx.answer(status, s.refusal(m, status, reason, extra...))
}

// RefuseOnce is Refuse without state: see ReplyOnce.
func (s *Server) RefuseOnce(m *wire.Message, status int, reason string, extra ...wire.Field) {
	s.tx.dismiss(s.refusal(m, status, reason, extra...))
}

func (s *Server) refusal(m *wire.Message, status int, reason string, extra ...wire.Field) []byte {
	if reason == "" {
		reason = phrase(status)
	}
	return wire.AppendReplyTo(make([]byte, 0, sizeHint/2), m, s.f.Remote, status, reason, s.tx.toTag(), extra...)
}

// relay makes the server transaction of the request in hand, for the Relay.
func (sh *shard) relay(key string) {
	var both struct {
		serverTx
		Server
	}
	t := sh.begun(&both.serverTx, key, sh.msg.Method() == wire.Invite)
	t.relayed = true
	both.Server = Server{tx: t, f: sh.flow}
	t.handle = &both.Server
	sh.n.requests.Add(1)
	sh.serve(t)
}

// serve gives the request in hand to the machine of t, and so to the user.
func (sh *shard) serve(t *serverTx) {
	sh.serving = t
	defer func() { sh.serving = nil }()
	if !t.invite {
		t.stepOther(nistRequest)
		return
	}
	t.next = sh.stateless(100, "")
	t.stepInvite(istInvite)
}

func (sh *shard) tellRelay(t *serverTx) {
	defer func(s *Server) {
		if r := recover(); r != nil {
			sh.panicked("Relay", r)
			s.Refuse(sh.msg, 500, "")
		}
	}(t.handle)
	sh.l.relay.Relay(t.handle)
}

func (sh *shard) tellForwarded(c *clientTx, ev Forwarded) {
	defer sh.recovered("forwarded")
	ev.Branch = Branch{c}
	if ev.Err != nil {
		ev.Request, ev.Cancelled = c.received(), c.up.tx.cancelled
		if ev.Request == nil {
			return
		}
	}
	c.back(c.up, ev)
}

// received returns the forwarded request without our Via. It is rare, so it may cost.
func (c *clientTx) received() *wire.Message {
	var sent, m wire.Message
	if sent.Parse(c.last) != nil || !sent.MoreVia() {
		return nil
	}
	var e wire.Edit
	e.Reset(&sent)
	e.PopVia()
	if m.Parse(e.Append(nil)) != nil {
		return nil
	}
	return &m
}

// sibling writes the ACK for the refusal in hand, or the CANCEL, of a forwarded INVITE.
func (c *clientTx) sibling(method string, to []byte) []byte {
	var sent wire.Message
	if sent.Parse(c.last) != nil {
		return nil
	}
	var reason []byte
	if c.reason != "" {
		reason = []byte(c.reason)
	}
	if method != "CANCEL" {
		reason = nil
	}
	return wire.AppendSibling(make([]byte, 0, sizeHint/2), &sent, method, to, reason)
}

// cancelBelow sends a CANCEL on along all ways of its INVITE, with its Reason (RFC 3261 16.10,
// RFC 3326 2). The CANCEL is in hand.
func (t *serverTx) cancelBelow() {
	reason := string(t.sh.msg.Header("Reason"))
	for c := t.down; c != nil; c = c.next {
		if !c.final() {
			Branch{c}.Cancel(reason)
		}
	}
}
