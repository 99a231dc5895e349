package b2bua

import (
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/media/sdp"
	"github.com/lineaamica/la2/sip/transaction"
)

// soon is how long a refresh waits that cannot leave now, or that failed without
// a word about when to try again.
const soon = 3 * time.Second

// refresh sends UPDATE, or a re-INVITE with what we said last, to keep the session
// (RFC 4028 7.4).
func (c *Call) refresh(l *leg) {
	if l.state != legConfirmed || l.oa != stable || l.session.refreshing {
		l.session.refreshAt = time.Now().Add(soon)
		return
	}
	method := sip.INVITE
	if l.session.update {
		method = sip.UPDATE
	}
	req := l.dlg.Request(method)
	c.sw.abilities(req, "User-Agent")
	req.AppendHeader(sip.NewHeader("Session-Expires", seconds(l.session.interval)+";refresher=uac"))
	req.AppendHeader(sip.NewHeader("Min-SE", seconds(max(l.session.floor, c.sw.cfg.MinSE))))
	if method == sip.INVITE {
		c.repeat(l)
		setSDP(req, l.said)
		l.turn(offerRequest)
	}
	l.session.refreshing = true
	c.request(l, req, func(ev transaction.ClientEvent) {
		if ev.Err == nil && ev.Response.StatusCode < 200 {
			return
		}
		if e := (evAnswered{leg: l, what: refreshed, ev: ev}); !c.box.put(e) {
			c.ackLate(e)
		}
	})
}

func (c *Call) onRefreshed(l *leg, ev transaction.ClientEvent) {
	again := !l.session.refreshing // a repeated 2xx
	l.session.refreshing = false
	if ev.Response == nil || !ev.Response.IsSuccess() {
		c.refreshFailed(l, ev)
		return
	}
	if isInvite(ev.Response) {
		c.ackReinvite(l, ev.Response)
	}
	if again {
		return
	}
	l.dlg.Refresh(ev.Response.Contact())
	if l.turn(answerCame) {
		if s, err := l.offerIn(ev.Response); err == nil {
			c.take(l, s)
		}
	}
	l.session.granted(ev.Response, c.sw.cfg.MinSE)
}

// refreshFailed tries again by what the far end says, for as long as the session
// lasts: by re-INVITE when it takes no UPDATE, with its Min-SE (RFC 4028 7.4), or
// later. A dialog that is gone there ends here (RFC 3261 12.2.1.2).
func (c *Call) refreshFailed(l *leg, ev transaction.ClientEvent) {
	if l.oa == inResponse {
		l.turn(failed)
	}
	if timedOut(ev) {
		c.hangUp(l, cti.CauseUnreachable)
		return
	}
	s := &l.session
	if s.expiresAt.IsZero() {
		return
	}
	wait := soon
	if res := ev.Response; res != nil {
		switch res.StatusCode {
		case sip.StatusRequestPending:
			wait = afterGlare(!l.uas)
		case statusIntervalTooSmall:
			if more := minimumIn(res); more > s.interval {
				s.floor, s.interval, wait = more, more, 0
			}
		case sip.StatusMethodNotAllowed, sip.StatusNotImplemented:
			if s.update {
				s.update, wait = false, 0
			}
		default:
			if d, ok := retryIn(res); ok {
				wait = d
			}
		}
	}
	s.refreshAt = time.Now().Add(wait)
}

// afterGlare is how long who got 491 waits (RFC 3261 14.1): the owner of the
// Call-ID 2.1 to 4 s, the other end 0 to 2 s, in units of 10 ms, so that the two
// do not meet again.
func afterGlare(owner bool) time.Duration {
	if owner {
		return time.Duration(210+rand.IntN(191)) * 10 * time.Millisecond
	}
	return time.Duration(rand.IntN(201)) * 10 * time.Millisecond
}

// retryIn reads Retry-After in seconds, a minute at most (RFC 3261 20.33).
func retryIn(res *sip.Response) (time.Duration, bool) {
	n, err := strconv.ParseUint(header(res, "Retry-After"), 10, 16)
	return min(time.Duration(n)*time.Second, time.Minute), err == nil
}

// ackLate acknowledges a 2xx to a re-INVITE of a leg that has gone meanwhile. It
// runs on the owner, or on the shard after the owner has gone.
func (c *Call) ackLate(e evAnswered) {
	if e.ev.Response != nil && e.ev.Response.IsSuccess() && isInvite(e.ev.Response) {
		c.ackReinvite(e.leg, e.ev.Response)
	}
}

func (c *Call) ackReinvite(l *leg, res *sip.Response) {
	l.dlg.Refresh(res.Contact())
	c.sw.ack(l.dlg, res.CSeq().SeqNo, l.proof)
}

func isInvite(res *sip.Response) bool {
	return res.CSeq() != nil && res.CSeq().MethodName == sip.INVITE
}

// take applies an answer of the far end to what we offered last.
func (c *Call) take(l *leg, s *sdp.Session) bool {
	n, err := sdp.Accept(s, l.local)
	if err != nil {
		return false
	}
	before := l.onHold()
	l.agreed, l.local.Lines = n, s.Lines
	l.far()
	c.arrange()
	c.heldChanged(l, before)
	return true
}
