package b2bua

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/sip/transaction"
)

// A relState is where the reliable provisional responses of one INVITE stand that
// we answer (RFC 3262 3). One is outstanding at a time: a further one, and a 2xx
// while the outstanding one carries SDP, wait for the PRACK.
//
//	          1xx: send          ┌─────────┐ timer: resend
//	┌───────┐───────────────────►│ unacked │ 1xx: defer
//	│ quiet │◄───────────────────│ (SDP)   │ 2xx: send, with SDP defer
//	└───┬───┘  PRACK: release    └────┬────┘
//	    │ final: send                 │ final: send; 64*T1: refuse the INVITE
//	    ▼                             ▼
//	┌───────────────────────────────────┐
//	│ over        PRACK: still answered │
//	└───────────────────────────────────┘
type relState uint8

const (
	relQuiet relState = iota
	relUnacked
	relUnackedSDP
	relOver
)

// A relEvent moves it.
type relEvent uint8

const (
	relSend    relEvent = iota // a 1xx without SDP is to be sent
	relSendSDP                 // one with SDP
	relPrack                   // the PRACK of the outstanding one
	relTimer                   // it is time to send it again
	relExpire                  // 64*T1 went by without PRACK
	relAccept                  // a 2xx is to be sent
	relRefuse                  // 300 to 699 is to be sent
)

// A relAction is what the owner does.
type relAction uint8

const (
	relNothing relAction = iota
	relDo                // send it
	relDefer             // keep it until the PRACK
	relAgain             // send the outstanding one again
	relRelease           // answer the PRACK, then send what was kept
	relFail              // refuse the INVITE with 5xx
)

// next is the step.
func (s relState) next(e relEvent) (relState, relAction) {
	switch s {
	case relQuiet:
		switch e {
		case relSend:
			return relUnacked, relDo
		case relSendSDP:
			return relUnackedSDP, relDo
		case relAccept, relRefuse:
			return relOver, relDo
		case relPrack, relTimer, relExpire:
		}
	case relUnacked, relUnackedSDP:
		switch e {
		case relSend, relSendSDP:
			return s, relDefer
		case relPrack:
			return relQuiet, relRelease
		case relTimer:
			return s, relAgain
		case relExpire:
			return relOver, relFail
		case relAccept:
			if s == relUnackedSDP {
				return s, relDefer
			}
			return relOver, relDo
		case relRefuse:
			return relOver, relDo
		}
	case relOver:
		if e == relPrack {
			return s, relRelease
		}
	}
	return s, relNothing
}

// Intervals of RFC 3262 3: T1, doubled each time, for 64*T1.
const (
	relFirst = 500 * time.Millisecond
	relLife  = 64 * relFirst
)

// A reliability is the reliable side of a caller's INVITE. Legs without one send
// their provisional responses once.
type reliability struct {
	state    relState
	rseq     uint32        // of the last 1xx sent; 0 before the first
	sent     *sip.Response // is repeated
	owed     bool          // its PRACK did not come yet
	deferred int           // status of a 1xx that waits for a PRACK; 0: none
	final    *sip.Response // the 2xx that does
	wait     time.Duration
	at       time.Time // of the next repetition
	until    time.Time
}

// reliably tells whether provisional responses to req are to be reliable: when the
// far end requires it, and by Config.Reliable when it can.
func (c *Config) reliably(req *sip.Request) bool {
	return names(req, "Require", "100rel") || c.Reliable && names(req, "Supported", "100rel")
}

// names tells whether any header of that name lists token.
func names(m sip.Message, header, token string) bool {
	for _, h := range m.GetHeaders(header) {
		if lists(h.Value(), token) {
			return true
		}
	}
	return false
}

// begin gives res its number and starts the repetitions.
func (r *reliability) begin(res *sip.Response) {
	if r.rseq == 0 {
		r.rseq = 1 + rand.Uint32N(1<<30) // RFC 3262 3: 1 to 2^31-1, room to count
	} else {
		r.rseq++
	}
	res.AppendHeader(sip.NewHeader("Require", "100rel"))
	res.AppendHeader(sip.NewHeader("RSeq", strconv.FormatUint(uint64(r.rseq), 10)))
	now := time.Now()
	r.owed = true
	r.sent, r.wait, r.at, r.until = res, relFirst, now.Add(relFirst), now.Add(relLife)
}

// settled ends the repetitions.
func (r *reliability) settled() { r.sent, r.at = nil, time.Time{} }

// matches tells whether rack, the value of a RAck header, acknowledges the
// outstanding response to the INVITE with that CSeq (RFC 3262 7.2).
func (r *reliability) matches(rack string, cseq uint32) bool {
	f := strings.Fields(rack)
	return r.owed && len(f) == 3 &&
		f[0] == strconv.FormatUint(uint64(r.rseq), 10) && f[1] == strconv.FormatUint(uint64(cseq), 10) && f[2] == "INVITE"
}

// repeatReliable: it is time to send the outstanding response of l again, or to
// give the caller up.
func (c *Call) repeatReliable(l *leg) {
	r, e := l.rel, relTimer
	if !time.Now().Before(r.until) {
		e = relExpire
	}
	next, act := r.state.next(e)
	r.state = next
	switch act {
	case relAgain:
		l.tx.Reply(r.sent)
		r.wait *= 2
		r.at = earlier(time.Now().Add(r.wait), r.until)
	case relFail:
		r.settled()
		c.hangUp(l, cti.CauseNoAck)
	default:
	}
}

// onPrack takes the PRACK of a caller. It answers our offer, or makes a new one
// (RFC 3262 5).
func (c *Call) onPrack(l *leg, tx *transaction.Server) {
	r, req := l.rel, tx.Request()
	if r == nil || l.tx == nil || !r.matches(header(req, "RAck"), l.tx.Request().CSeq().SeqNo) {
		tx.Respond(sip.StatusCallTransactionDoesNotExists, "")
		return
	}
	answers, offers := l.turn(prackCame), len(req.Body()) > 0
	if !answers && offers && l.oa.refusal() != 0 {
		tx.Respond(sip.StatusRequestPending, "")
		return
	}
	r.state, _ = r.state.next(relPrack)
	r.owed = false
	r.settled()
	switch {
	case answers:
		tx.Respond(sip.StatusOK, "OK")
		s, err := l.offerIn(req)
		if err != nil || !c.take(l, s) {
			c.hangUp(l, cti.CauseIncompatible)
			return
		}
	case offers:
		c.renegotiate(l, tx)
	default:
		tx.Respond(sip.StatusOK, "OK")
	}
	c.release(l)
}

// release sends what waited for the PRACK.
func (c *Call) release(l *leg) {
	r := l.rel
	switch {
	case l.state == legPledged:
		res := r.final
		r.final, r.deferred = nil, 0
		c.accept(l, res)
	case r.deferred != 0 && l.state == legIncoming:
		status := r.deferred
		r.deferred = 0
		if err := c.ring(status); err != nil {
			c.log().Debug("ringing not told", "error", err)
		}
	}
}
