package b2bua

import (
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/cti"
)

// A call has one timer, set to the earliest of its deadlines. A zero deadline is
// off. The owner sets deadlines by assigning them.

// arm sets the timer to the earliest deadline.
func (c *Call) arm() {
	at := c.maxAt
	if p := c.prompt; p != nil {
		at = earlier(at, p.at)
	}
	for _, l := range c.legs {
		at = earlier(at, l.ringAt)
		at = earlier(at, l.silentAt)
		at = earlier(at, l.byInfo.at)
		if l.rel != nil {
			at = earlier(at, l.rel.at)
		}
		at = earlier(at, l.session.refreshAt)
		at = earlier(at, l.session.expiresAt)
	}
	if at.Equal(c.armed) {
		return
	}
	c.armed = at
	switch {
	case at.IsZero():
		c.timer.Stop()
	case c.timer == nil:
		c.timer = time.AfterFunc(time.Until(at), func() { c.box.put(evTimer{}) })
	default:
		c.timer.Reset(time.Until(at))
	}
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// expire acts on every deadline that has passed.
func (c *Call) expire() {
	if c.armed.IsZero() {
		return
	}
	now := time.Now()
	if now.Before(c.armed) {
		return
	}
	c.armed = time.Time{}
	due := func(at *time.Time) bool {
		if at.IsZero() || now.Before(*at) {
			return false
		}
		*at = time.Time{}
		return true
	}
	if due(&c.maxAt) {
		c.clear(cti.CauseMaxDuration)
	}
	if c.prompt != nil && due(&c.prompt.at) {
		c.endPrompt()
	}
	for _, l := range append([]*leg(nil), c.legs...) {
		if due(&l.ringAt) {
			c.rungOut(l)
		}
		if due(&l.byInfo.at) {
			c.keyExpired(l)
		}
		if due(&l.silentAt) {
			c.silence(l)
		}
		if l.rel != nil && due(&l.rel.at) {
			c.repeatReliable(l)
		}
		switch {
		case due(&l.session.expiresAt):
			c.hangUp(l, cti.CauseUnreachable)
		case due(&l.session.refreshAt):
			c.refresh(l)
		}
	}
}

// rungOut: the caller is told again that somebody rings, a callee has rung enough.
func (c *Call) rungOut(l *leg) {
	if l.uas {
		_ = c.ring(c.told) // cannot fail: it was sent before
		return
	}
	c.fail(l, cti.CauseNoAnswer, sip.StatusRequestTimeout)
}
