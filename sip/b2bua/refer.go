package b2bua

import (
	"context"
	"errors"
	"net/url"
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
}

// findTimeout bounds the search for the targets of a Refer-To.
const findTimeout = 5 * time.Second

// onRefer terminates a REFER of an agent and originates the new leg ourselves:
//
//	referrer            switch                 target
//	   │── REFER ─────────►│
//	   │◄──────────── 202 ─│── INVITE ────────────►│
//	   │◄─ NOTIFY 100 ─────│◄───────────────── 200 ─│
//	   │◄─ NOTIFY 200 ─────│
//	   │── 200 ───────────►│
//	   │◄─ BYE ────────────│
//
// Who may go where is the decision of Deps.Resolve.
func (c *Call) onRefer(l *leg, tx *transaction.Server) {
	req := tx.Request()
	user, ok := referTo(req)
	switch {
	case !ok:
		tx.Respond(sip.StatusBadRequest, "")
		return
	case l != c.peer || l.state != legConfirmed:
		tx.Respond(sip.StatusForbidden, "")
		return
	case c.transfer != nil || l.refer != nil:
		tx.Respond(sip.StatusRequestPending, "")
		return
	}
	r := &referral{id: req.CSeq().SeqNo, silent: strings.EqualFold(strings.TrimSpace(header(req, "Refer-Sub")), "false")}
	dest, allowed := cti.Destination{}, false
	if c.sw.deps.Resolve != nil && user != "" {
		dest, allowed = c.sw.deps.Resolve(user, l.device)
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
	if !r.silent {
		c.notify(l, r, "SIP/2.0 100 Trying", "active;expires=60", nil)
	}
	go c.find(l, dest) // ends within findTimeout, by the contract of Deps.Targets
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
	if c.cause != "" || l.refer == nil || l.state != legConfirmed || l != c.peer {
		return
	}
	err := e.err
	if err == nil {
		err = c.beginTransfer(l, e.dest, e.targets, l.refer)
	}
	if err != nil {
		status, reason := StatusOf(causeIn(err, cti.CauseUnreachable))
		c.notifyLast(l, status, reason)
	}
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

// referTo is the user part of Refer-To, unescaped, "" when it is not one. False: a
// missing header, or one that wants a Replaces, which we do not do yet.
func referTo(req *sip.Request) (string, bool) {
	value := header(req, "Refer-To")
	if value == "" {
		return "", false
	}
	var u sip.Uri
	var params sip.HeaderParams
	if _, err := sip.ParseAddressValue(value, &u, &params); err != nil {
		return "", false
	}
	for _, h := range u.Headers {
		if strings.EqualFold(h.K, "Replaces") {
			return "", false
		}
	}
	user := u.User
	if strings.EqualFold(u.Scheme, "tel") {
		user = u.Raw()
	}
	user, _, _ = strings.Cut(user, ";")
	plain, err := url.PathUnescape(user)
	if err != nil {
		return "", false
	}
	return userPart(plain), true
}

// A pending says which request of ours was answered.
type pending uint8

const (
	notified  pending = iota // the last NOTIFY of a referral
	refreshed                // UPDATE or re-INVITE that refreshes the session
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
	}
}

// timedOut tells whether the dialog is dead after ev (RFC 3261 12.2.1.2).
func timedOut(ev transaction.ClientEvent) bool {
	if ev.Err != nil {
		return errors.Is(ev.Err, transaction.ErrTimeout)
	}
	return ev.Response.StatusCode == sip.StatusCallTransactionDoesNotExists || ev.Response.StatusCode == sip.StatusRequestTimeout
}
