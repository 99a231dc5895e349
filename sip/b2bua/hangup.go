package b2bua

import (
	"context"
	"slices"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/sip/transaction"
)

// retryAfter is what a 503 asks of the caller, in seconds (RFC 3261 21.5.4).
const retryAfter = "5"

// Hangup ends the call with all its legs. An unanswered caller gets the final
// status of the cause. It does not wait.
func (c *Call) Hangup(cause cti.Cause) { c.box.put(cmdHangup{cause: cause}) }

// Drop ends one leg other than the caller's.
func (c *Call) Drop(ctx context.Context, leg cti.LegID, cause cti.Cause) error {
	reply := make(chan error, 1)
	err, gone := ask(ctx, c, &cmdDrop{leg: leg, cause: cause, reply: reply}, reply)
	if gone != nil {
		return gone
	}
	return err
}

func (c *Call) drop(id cti.LegID, cause cti.Cause) error {
	l := c.leg(id)
	if l == nil {
		return cti.Fail(cti.CauseNotFound, "no such leg")
	}
	c.hangUp(l, cause)
	return nil
}

// clear ends the call: the first cause counts. The script's context ends, every
// waiting command gets its answer, every leg its last message.
func (c *Call) clear(cause cti.Cause) {
	if c.cause != "" {
		return
	}
	c.cause = cause
	c.leave(cti.Fail(cause, ""))
	if t := c.transfer; t != nil && t.yield != nil {
		t.yield.leg.call.box.put(cmdUnkeep{leg: t.yield.leg})
	}
	c.maxAt, c.transfer = time.Time{}, nil
	c.dropPrompt(c.goneErr())
	for _, cmd := range c.answering {
		cmd.reply <- c.goneErr()
	}
	for _, cmd := range c.talks {
		cmd.reply <- talked{cause: cause}
	}
	c.answering, c.talks = nil, nil
	for _, l := range slices.Clone(c.legs) {
		if l.kept {
			continue
		}
		c.part(l, legHangUp, cause)
		c.undial(l, cause)
	}
}

// hangUp ends one leg from our side.
func (c *Call) hangUp(l *leg, cause cti.Cause) {
	if l.state == legCleared || l.state == legClosing {
		return
	}
	c.part(l, legHangUp, cause)
	c.lost(l, cause)
}

// left notes that the far end of l went.
func (c *Call) left(l *leg, cause cti.Cause) {
	if l.state == legCleared {
		return
	}
	c.part(l, legLeft, cause)
	if l.kept && c.cause == "" { // whom it talked with waits for what becomes of the transfer
		l.leaving = cause
		return
	}
	c.lost(l, cause)
}

// part moves l by e and sends what is owed.
func (c *Call) part(l *leg, e legEvent, cause cti.Cause) {
	if l.state == legCleared {
		return
	}
	next, act := l.state.next(e)
	l.state = next
	switch act {
	case actCancel:
		for _, b := range l.branches {
			b.cancel(cause)
		}
	case actReject:
		status, reason := StatusOf(cause)
		headers := reasonHeader(cause)
		if status == sip.StatusServiceUnavailable {
			headers = append(headers, sip.NewHeader("Retry-After", retryAfter))
		}
		l.tx.Respond(status, reason, headers...)
	case actBye:
		c.bye(l, cause)
	case actNone:
	}
	switch next {
	case legClosing:
		l.leaving = cause
	case legCleared:
		c.cleared(l, cause)
	default:
	}
}

// lost draws the consequences of a leg that is gone.
func (c *Call) lost(l *leg, cause cti.Cause) {
	if c.cause == "" {
		c.unhear(l)
	}
	switch t := c.transfer; {
	case c.cause != "":
	case l == c.caller:
		c.clear(cause)
	case t != nil && l == t.to:
		if !c.yieldLocally(t) {
			c.transferFailed(cause, l.worst)
		}
	case t != nil && l == t.from:
		c.transferorLeft(l)
	case l == c.peer:
		c.peer = nil
		c.arrange()
		c.conclude(l.id, talked{cause: cause})
	default:
		c.undial(l, cause)
		if l.alerting {
			c.sounds() // ringback ends
		}
	}
}

// conclude tells Talk, now or later, what became of a leg.
func (c *Call) conclude(id cti.LegID, t talked) {
	c.ended = append(c.ended, endedLeg{leg: id, talked: t})
	c.talks = slices.DeleteFunc(c.talks, func(cmd *cmdTalk) bool {
		if cmd.leg != id {
			return false
		}
		cmd.reply <- t
		return true
	})
}

// bye sends BYE (RFC 3261 15.1.1). Nobody waits for its answer, but until it comes a BYE
// that crosses it is known (RFC 5407 3.2.1).
func (c *Call) bye(l *leg, cause cti.Cause) {
	req := l.dlg.Request(sip.BYE)
	for _, h := range reasonHeader(cause) {
		req.AppendHeader(h)
	}
	tell(req, c.farewell)
	sw, key := c.sw, l.key
	sw.depart(key)
	c.request(l, req, func(ev transaction.ClientEvent) {
		if ev.Err != nil || ev.Response.StatusCode >= 200 {
			sw.departed(key)
		}
	})
}

// onCancel: the caller gave up before our final response (RFC 3261 9.2). When the
// 200 won the race the caller acknowledges it and sends BYE. Whom we ring hears why when
// a trunk says so: a telephone shows no missed call for one that was answered elsewhere.
func (c *Call) onCancel(l *leg, reason string) {
	if l == c.caller && (l.state == legIncoming || l.state == legPledged) {
		if said, ok := causeNamed(reason); ok && l.trunk != "" {
			c.gaveUp = reasonValue(said)
		}
		c.left(c.caller, cti.CauseAbandoned)
	}
}

// onBye takes out a leg whose BYE was answered. An office may say why.
func (c *Call) onBye(l *leg, bye *sip.Request) {
	cause := cti.CauseNormal
	if said, ok := causeSaid(bye); ok && l.trusted {
		cause = said
	}
	if l == c.caller && !c.talked {
		cause = cti.CauseAbandoned
	}
	c.farewell = opaqueOf(bye)
	c.left(l, cause)
}
