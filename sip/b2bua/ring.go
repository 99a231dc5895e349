package b2bua

import (
	"context"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/cti"
)

// Ring sends a provisional response to the caller: 180 or 182. It does nothing
// once the call is answered. The error is the call's end or ctx's.
func (c *Call) Ring(ctx context.Context, status int) error {
	reply := make(chan error, 1)
	err, gone := ask(ctx, c, &cmdRing{status: status, reply: reply}, reply)
	if gone != nil {
		return gone
	}
	return err
}

// ring tells the caller, reliably when that was agreed (RFC 3262). 183 carries our
// description when the caller may hear early media; so does the first reliable
// response to an INVITE without offer, because it must offer (RFC 3262 5).
func (c *Call) ring(status int) error {
	l := c.caller
	if c.cause != "" {
		return c.goneErr()
	}
	if status <= 100 || status > 199 {
		return cti.Fail(cti.CauseFailed, "provisional status out of range")
	}
	if l.state != legIncoming {
		return nil
	}
	c.told, l.ringAt = status, time.Now().Add(repeatRinging)
	described := status == sip.StatusSessionInProgress && c.heard != nil && c.describable() ||
		l.rel != nil && l.oa == stable && l.said == nil
	if r := l.rel; r != nil {
		e := relSend
		if described {
			e = relSendSDP
		}
		next, act := r.state.next(e)
		r.state = next
		if act != relDo {
			if r.deferred != sip.StatusSessionInProgress {
				r.deferred = status
			}
			return nil
		}
	}
	res := l.tx.NewResponse(status, phrase(status))
	res.AppendHeader(l.dlg.Contact())
	if described {
		described = c.describeEarly(l, res) == nil
	}
	if l.rel != nil {
		l.rel.begin(res)
	}
	l.tx.Reply(res)
	if described && status == sip.StatusSessionInProgress {
		l.early = true
		if l.oa != inPrack {
			l.far()
		}
		c.arrange()
		c.sounds()
	}
	return nil
}

// describeEarly puts our description into a 1xx. In a reliable one it is the
// answer, or an offer that the PRACK answers; in another it only says what the 2xx
// will say again (RFC 3261 13.2.1).
func (c *Call) describeEarly(l *leg, res *sip.Response) error {
	done := l.said != nil && l.oa == stable
	if err := c.describe(l); err != nil {
		return err
	}
	switch {
	case done:
		return nil
	case l.rel != nil && l.oa == theirs:
		l.turn(weAnswer)
	case l.rel != nil:
		l.turn(offerIn1xx)
	}
	setSDP(res, l.said)
	return nil
}

// repeatRinging is how often a provisional response is sent again, so that no
// proxy gives the INVITE up (RFC 3261 13.3.1.1).
const repeatRinging = time.Minute

// relayProgress tells the caller how l, for which it waits, is doing: 183 with our
// description when there is something to hear, 183 alone when a destination of its
// own is on the way without ringing, 180 otherwise; each once.
func (c *Call) relayProgress(l *leg, status int) {
	caller := c.caller
	early := c.heard == l && c.describable()
	switch {
	case caller.state != legIncoming, caller.early:
		return
	case early:
		status = sip.StatusSessionInProgress
	case status == sip.StatusSessionInProgress && l.mayBeHeard:
		if c.told != 0 {
			return
		}
	default:
		status = sip.StatusRinging
		if c.told == status {
			return
		}
	}
	if err := c.ring(status); err != nil {
		c.log().Debug("progress not relayed", "error", err)
	}
}

func phrase(status int) string {
	switch status {
	case sip.StatusRinging:
		return "Ringing"
	case sip.StatusQueued:
		return "Queued"
	case sip.StatusSessionInProgress:
		return "Session Progress"
	}
	return ""
}
