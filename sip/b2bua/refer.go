package b2bua

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/sip/transaction"
)

// A referral is the implicit subscription of a REFER (RFC 3515 2.4).
type referral struct {
	id     uint32 // CSeq of the REFER
	silent bool   // Refer-Sub: false (RFC 4488): no NOTIFY
	to     referee
}

// findTimeout bounds the search for the targets of a Refer-To.
const findTimeout = 5 * time.Second

// timerB is when an INVITE without any answer fails (RFC 3261 17.1.1.2).
const timerB = 32 * time.Second

// onRefer terminates a REFER and originates the new leg ourselves:
//
//	referrer            switch                 target
//	   │── REFER ─────────►│
//	   │◄──────────── 202 ─│── INVITE ────────────►│
//	   │◄─ NOTIFY 100 ─────│◄───────────────── 180 ─│
//	   │◄─ NOTIFY 180 ─────│◄───────────────── 200 ─│
//	   │◄─ NOTIFY 200 ─────│
//	   │── 200 ───────────►│
//	   │◄─ BYE ────────────│
//
// Who may go where is the decision of Deps.Resolve. With Replaces it is an attended
// transfer, see attended.go.
func (c *Call) onRefer(l *leg, tx *transaction.Server) {
	req := tx.Request()
	to, ok := referTo(req)
	switch {
	case !ok:
		tx.Respond(sip.StatusBadRequest, "")
		return
	case c.cause != "" || l.state != legConfirmed || !c.mayRefer(l):
		tx.Respond(sip.StatusForbidden, "")
		return
	case c.transfer != nil || l.refer != nil:
		tx.Respond(sip.StatusRequestPending, "")
		return
	}
	r := &referral{id: req.CSeq().SeqNo, silent: strings.EqualFold(strings.TrimSpace(header(req, "Refer-Sub")), "false"), to: to}
	ours := to.replaces != nil && c.sw.find(to.replaces.key()) != nil
	dest, allowed := cti.Destination{}, ours
	if !ours && c.sw.deps.Resolve != nil && to.user != "" {
		dest, allowed = c.sw.deps.Resolve(to.user, l.owner)
	}
	if !allowed && r.silent {
		tx.Respond(sip.StatusForbidden, "")
		return
	}
	if r.silent {
		tx.Respond(sip.StatusAccepted, "Accepted", sip.NewHeader("Refer-Sub", "false"))
	} else {
		tx.Respond(sip.StatusAccepted, "Accepted")
	}
	l.refer = r
	if !allowed {
		c.notifyLast(l, sip.StatusForbidden, "")
		return
	}
	c.progress(l, "SIP/2.0 100 Trying")
	if ours && c.attend(l, r, *to.replaces) {
		return
	}
	go c.find(l, dest) // ends within findTimeout, by the contract of Deps.Targets
}

// mayRefer tells whether l may move whom it talks with: the peer may, and a station
// that called somebody past the queues.
func (c *Call) mayRefer(l *leg) bool {
	if c.peer == nil {
		return false
	}
	return l == c.peer || l == c.caller && l.owner != "" && c.ticket == ""
}

// find asks where dest is, off the owner's goroutine.
func (c *Call) find(l *leg, dest cti.Destination) {
	ctx, cancel := context.WithTimeout(c.ctx, findTimeout)
	defer cancel()
	targets, err := c.sw.targets(ctx, dest)
	c.box.put(cmdTargets{leg: l, dest: dest, targets: targets, err: err})
}

func (c *Call) onTargets(e cmdTargets) {
	l := e.leg
	switch {
	case c.cause != "" || l.refer == nil || l.state != legConfirmed:
		return
	case !c.mayRefer(l): // whom it talked with has gone meanwhile
		c.notifyLast(l, sip.StatusCallTransactionDoesNotExists, "Call Does Not Exist")
		return
	case c.transfer != nil: // a desktop was faster
		c.notifyLast(l, sip.StatusRequestPending, "Request Pending")
		return
	}
	if l == c.caller {
		c.swap()
	}
	err := e.err
	if err == nil {
		err = c.beginTransfer(l, e.dest, e.targets, l.refer)
	}
	if err != nil {
		c.arrange()
		status, reason := StatusOf(causeIn(err, cti.CauseUnreachable))
		c.notifyLast(l, status, reason)
	}
}

// progress tells the referrer a provisional state of its target.
func (c *Call) progress(l *leg, line string) {
	if l == nil || l.refer == nil || l.refer.silent {
		return
	}
	c.notify(l, l.refer, line, "active;expires="+seconds(c.sw.cfg.RingTime+findTimeout+timerB), nil)
}

// notify sends the state of a referral.
func (c *Call) notify(l *leg, r *referral, line, state string, on func(transaction.ClientEvent)) {
	req := l.dlg.Request(sip.NOTIFY)
	req.AppendHeader(sip.NewHeader("Event", "refer;id="+strconv.FormatUint(uint64(r.id), 10)))
	req.AppendHeader(sip.NewHeader("Subscription-State", state))
	kind := sip.ContentTypeHeader("message/sipfrag;version=2.0")
	req.AppendHeader(&kind)
	req.SetBody([]byte(line + "\r\n"))
	c.request(l, req, on)
}

// notifyLast ends the referral with its outcome. After a 2xx the referrer gets BYE
// once it has answered the NOTIFY; one that did not want NOTIFY gets it at once.
func (c *Call) notifyLast(l *leg, status int, reason string) {
	r := l.refer
	if r == nil {
		return
	}
	l.refer = nil
	done := status < 300
	if r.silent {
		if done {
			c.hangUp(l, cti.CauseTransferred)
		}
		return
	}
	if reason == "" {
		reason = "Declined"
	}
	var on func(transaction.ClientEvent)
	if done {
		on = func(ev transaction.ClientEvent) {
			if ev.Err != nil || ev.Response.StatusCode >= 200 {
				c.box.put(evAnswered{leg: l, what: notified, ev: ev})
			}
		}
	}
	c.notify(l, r, "SIP/2.0 "+strconv.Itoa(status)+" "+reason, "terminated;reason=noresource", on)
}

// A pending says which request of ours was answered.
type pending uint8

const (
	notified  pending = iota // the last NOTIFY of a referral
	refreshed                // UPDATE or re-INVITE that refreshes the session
	reoffered                // re-INVITE that moves a leg to another port
)

func (c *Call) onOwnAnswered(e evAnswered) {
	if e.leg.state != legConfirmed {
		c.ackLate(e)
		return
	}
	switch e.what {
	case notified:
		c.hangUp(e.leg, cti.CauseTransferred)
	case refreshed:
		c.onRefreshed(e.leg, e.ev)
	case reoffered:
		c.onReoffered(e.leg, e.ev)
	}
}

// timedOut tells whether the dialog is dead after ev (RFC 3261 12.2.1.2).
func timedOut(ev transaction.ClientEvent) bool {
	if ev.Err != nil {
		return errors.Is(ev.Err, transaction.ErrTimeout)
	}
	return ev.Response.StatusCode == sip.StatusCallTransactionDoesNotExists || ev.Response.StatusCode == sip.StatusRequestTimeout
}
