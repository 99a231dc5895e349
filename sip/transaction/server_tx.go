package transaction

import (
	"time"

	"github.com/lineaamica/la2/sip/flow"
)

// A serverTx is a server transaction inside its shard. It outlives the interest of its user by
// up to 32 s, so it holds little: the answer in bytes, its keys and two timers.
type serverTx struct {
	sh *shard // immutable

	// Owned by the shard.
	handle    *Server   // nil for CANCEL, and after a failure or the ACK for a 2xx
	down      *clientTx // what the request was forwarded in, the latest branch; see clientTx.next
	relayed   bool      // the Relay has it
	cancelled bool      // CANCEL came for what was forwarded
	alarm     *alarm    // set by the user; nil when none is
	tag       string    // the To tag of all responses
	key       string    // in shard.servers
	mergedKey string    // in shard.merged, or empty
	ackKey    string    // in shard.owed after a 2xx
	reply     flow.Flow // where responses go
	invite    bool
	ist       istState  // if invite
	nist      nistState // if not
	next      []byte    // what the action send sends
	last      []byte    // what it sent last, for resend
	lapsed    bool      // a timer of length zero was armed
	interval  time.Duration
	retry     timer
	life      timer
}

// stepInvite feeds the INVITE machine and does what it says.
func (t *serverTx) stepInvite(e istEvent) {
	for {
		next, acts := stepIST(t.ist, e)
		t.ist = next
		t.do(acts)
		switch next {
		case istTerminated:
			t.sh.endServer(t)
			return
		case istCompleted, istConfirmed:
			t.handle = nil
		}
		if !t.lapsed {
			return
		}
		t.lapsed, e = false, istExpire
	}
}

// stepOther feeds the machine of the other requests and does what it says.
func (t *serverTx) stepOther(e nistEvent) {
	for {
		next, acts := stepNIST(t.nist, e)
		t.nist = next
		t.do(acts)
		switch next {
		case nistTerminated:
			t.sh.endServer(t)
			return
		case nistCompleted:
			t.handle = nil
		}
		if !t.lapsed {
			return
		}
		t.lapsed, e = false, nistExpire
	}
}

// toTag returns the To tag of our own responses; a relayed request has none until one is needed.
func (t *serverTx) toTag() string {
	if t.tag == "" {
		t.tag = t.sh.l.cfg.Tag()
	}
	return t.tag
}

// again takes a repeated request.
func (t *serverTx) again() {
	t.sh.n.retransmissions.Add(1)
	if t.invite {
		t.stepInvite(istInvite)
		return
	}
	t.stepOther(nistRequest)
}

// answer takes a response of the user, in bytes.
func (t *serverTx) answer(status int, raw []byte) {
	t.next = raw
	switch {
	case !t.invite && status < 200:
		t.stepOther(nistTU1xx)
	case !t.invite:
		t.stepOther(nistTUFinal)
	case status < 200:
		t.stepInvite(istTU1xx)
	case status < 300:
		t.stepInvite(istTU2xx)
	default:
		t.stepInvite(istTU3xx)
	}
	t.next = nil
}

// dismiss sends the final response raw once and forgets t.
func (t *serverTx) dismiss(raw []byte) {
	open := t.nist == nistTrying || t.nist == nistProceeding
	if t.invite {
		open = t.ist == istProceeding
	}
	if !open {
		t.sh.n.ignored.Add(1)
		return
	}
	t.ist, t.nist = istTerminated, nistTerminated // an answer that comes yet is ignored
	t.sh.emit(t.reply, raw)
	t.sh.endServer(t)
}

// expired implements expirer.
func (t *serverTx) expired(s slot) {
	switch {
	case t.invite && s == retrySlot:
		t.stepInvite(istRetry)
	case t.invite:
		t.stepInvite(istExpire)
	default:
		t.stepOther(nistExpire)
	}
}

func (t *serverTx) do(acts actions) {
	sh, cfg := t.sh, &t.sh.l.cfg
	for _, a := range acts {
		switch a {
		case none:
			return
		case pass:
			sh.tellRequest(t)
		case passCancel:
			sh.tellCancel(t)
		case passAck:
			t.handle = nil
			sh.tellAck()
		case unacked:
			sh.n.unacked.Add(1)
			sh.tellUnacked(t)
		case trying, send:
			sh.release(t.last)
			t.last = t.next
			sh.emit(t.reply, t.last)
		case resend:
			if t.last != nil {
				sh.emit(t.reply, t.last)
			}
		case startRetry:
			if !t.reply.Transport.Reliable() {
				t.retryAfter(cfg.T1)
			}
		case startR:
			sh.owe(t)
			t.retryAfter(cfg.T1)
		case backOffT2:
			sh.n.resent.Add(1)
			t.retryAfter(min(2*t.interval, cfg.T2))
		case stopRetry:
			sh.timers.stop(&t.retry)
		case armF, armH, armL:
			t.lifeAfter(64 * cfg.T1)
		case armI:
			t.lifeAfter(onUnreliable(t.reply, cfg.T4))
		case armJ:
			t.lifeAfter(onUnreliable(t.reply, 64*cfg.T1))
		case lastAction:
			sh.n.ignored.Add(1)
		}
	}
}

func (t *serverTx) retryAfter(d time.Duration) {
	t.interval = d
	t.sh.timers.arm(&t.retry, t.sh.now, d)
}

func (t *serverTx) lifeAfter(d time.Duration) {
	if d == 0 {
		t.sh.timers.stop(&t.life)
		t.lapsed = true
		return
	}
	t.sh.timers.arm(&t.life, t.sh.now, d)
}

// onUnreliable is d on UDP and 0 on a transport that does not lose or repeat messages.
func onUnreliable(f flow.Flow, d time.Duration) time.Duration {
	if f.Transport.Reliable() {
		return 0
	}
	return d
}
