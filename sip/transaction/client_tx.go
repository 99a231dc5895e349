package transaction

import (
	"net/netip"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/sip/flow"
)

// A clientTx is a client transaction inside its shard.
type clientTx struct {
	// Immutable after Layer.Request.
	sh     *shard
	on     func(ClientEvent)
	flow   flow.Flow
	sentBy netip.AddrPort
	branch string
	key    string // in shard.clients
	invite bool
	up     *Server                  // whose request was forwarded; nil for one of our own
	back   func(*Server, Forwarded) // with up
	next   *clientTx                // the branch of up before this one

	// Owned by the shard.
	req      *sip.Request // until the final response, for ACK and CANCEL; nil if it was incomplete
	last     []byte       // the request, while it may have to be sent again
	ack      []byte       // the ACK for a failure
	reason   string       // of CANCEL
	event    ClientEvent  // what deliver gives to the user
	ict      ictState     // if invite
	nict     nictState    // if not
	early    bool         // it was cancelled before it left
	failed   bool         // the flow refused a message
	lapsed   bool         // a timer of length zero was armed
	interval time.Duration
	retry    timer
	life     timer
}

// stepInvite feeds the INVITE machine and does what it says.
func (c *clientTx) stepInvite(e ictEvent) {
	for {
		next, acts := stepICT(c.ict, e)
		c.ict = next
		c.do(acts)
		switch {
		case next == ictTerminated:
			c.sh.endClient(c)
			return
		case c.failed:
			c.failed, e = false, ictTransport
		case c.lapsed:
			c.lapsed, e = false, ictExpire
		default:
			if next == ictCompleted || next == ictAccepted {
				c.sh.release(c.last)
				c.last, c.req = nil, nil
			}
			return
		}
	}
}

// stepOther feeds the machine of the other requests and does what it says.
func (c *clientTx) stepOther(e nictEvent) {
	for {
		next, acts := stepNICT(c.nict, e)
		c.nict = next
		c.do(acts)
		switch {
		case next == nictTerminated:
			c.sh.endClient(c)
			return
		case c.failed:
			c.failed, e = false, nictTransport
		case c.lapsed:
			c.lapsed, e = false, nictExpire
		default:
			if next == nictCompleted {
				c.sh.release(c.last)
				c.last, c.req = nil, nil
			}
			return
		}
	}
}

// start sends the request.
func (c *clientTx) start() {
	if c.invite {
		c.stepInvite(ictRequest)
		return
	}
	c.stepOther(nictRequest)
}

// response takes a response with that status; event holds it parsed if answering says so.
func (c *clientTx) response(status int) {
	switch {
	case !c.invite && status < 200:
		c.stepOther(nict1xx)
	case !c.invite:
		c.stepOther(nictFinal)
	case status < 200:
		c.stepInvite(ict1xx)
		c.armC(status)
	case status < 300:
		c.stepInvite(ict2xx)
	default:
		c.stepInvite(ict3xx)
	}
	c.event = ClientEvent{}
}

// armC starts timer C of a forwarded INVITE, and starts it anew with each 1xx above 100
// (RFC 3261 16.7 step 2).
func (c *clientTx) armC(status int) {
	if c.up != nil && c.ict == ictProceeding && (status > 100 || c.life.lane == nil) {
		c.lifeAfter(c.sh.l.cfg.TimerC)
	}
}

// answering reports whether a response with that status will be given to the user. If not,
// it is absorbed and need not be parsed.
func (c *clientTx) answering(status int) bool {
	return !c.final() || (c.invite && c.ict == ictAccepted && status/100 == 2)
}

// final reports whether the user has got its last event or need not get one.
func (c *clientTx) final() bool {
	if c.invite {
		return c.ict >= ictCompleted
	}
	return c.nict >= nictCompleted
}

// broken tells that the flow ended.
func (c *clientTx) broken() {
	if c.invite {
		c.stepInvite(ictTransport)
		return
	}
	c.stepOther(nictTransport)
}

// expired implements expirer.
func (c *clientTx) expired(s slot) {
	switch {
	case c.invite && s == retrySlot:
		c.stepInvite(ictRetry)
	case c.invite:
		c.stepInvite(ictExpire)
	case s == retrySlot:
		c.stepOther(nictRetry)
	default:
		c.stepOther(nictExpire)
	}
}

func (c *clientTx) do(acts actions) {
	sh, cfg := c.sh, &c.sh.l.cfg
	for _, a := range acts {
		switch a {
		case none:
			return
		case send:
			c.emit(c.last)
		case resend:
			sh.n.resent.Add(1)
			c.emit(c.last)
		case sendAck:
			switch {
			case c.ack != nil:
			case c.up != nil && c.last != nil:
				c.ack = c.sibling("ACK", sh.msg.Header("To"))
			case c.req != nil && c.event.Response != nil:
				c.ack = encodeSibling(sip.ACK, c, c.event.Response.To(), "")
			}
			c.emit(c.ack)
		case sendCancel:
			sh.sendCancel(c)
		case deliver:
			c.deliver()
		case timeout:
			sh.n.timeouts.Add(1)
			c.end(ErrTimeout)
		case fail:
			c.end(ErrTransport)
		case startRetry:
			if !c.flow.Transport.Reliable() {
				c.retryAfter(cfg.T1)
			}
		case backOff:
			c.retryAfter(2 * c.interval)
		case backOffT2:
			c.retryAfter(min(2*c.interval, cfg.T2))
		case steadyT2:
			c.retryAfter(cfg.T2)
		case stopRetry:
			sh.timers.stop(&c.retry)
		case stopLife:
			sh.timers.stop(&c.life)
		case armB, armF, armM, armX:
			c.lifeAfter(64 * cfg.T1)
		case armD:
			c.lifeAfter(onUnreliable(c.flow, 64*cfg.T1))
		case armK:
			c.lifeAfter(onUnreliable(c.flow, cfg.T4))
		case lastAction:
			sh.n.ignored.Add(1)
		}
	}
}

// deliver gives the response in hand to the user.
func (c *clientTx) deliver() {
	if c.up != nil {
		c.sh.tellForwarded(c, Forwarded{Response: c.sh.msg, Flow: c.sh.flow})
		return
	}
	c.sh.tellClient(c, c.event)
}

// end tells the user of an error.
func (c *clientTx) end(err error) {
	if c.up != nil {
		c.sh.tellForwarded(c, Forwarded{Err: err})
		return
	}
	c.sh.tellClient(c, ClientEvent{Err: err})
}

func (c *clientTx) emit(b []byte) {
	if !c.sh.emit(c.flow, b) {
		c.failed = true
	}
}

func (c *clientTx) retryAfter(d time.Duration) {
	c.interval = d
	c.sh.timers.arm(&c.retry, c.sh.now, d)
}

func (c *clientTx) lifeAfter(d time.Duration) {
	if d == 0 {
		c.sh.timers.stop(&c.life)
		c.lapsed = true
		return
	}
	c.sh.timers.arm(&c.life, c.sh.now, d)
}
