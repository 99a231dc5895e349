package b2bua

import (
	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/sip/transaction"
)

// An INVITE with Replaces (RFC 3891) makes no call: its sender takes the place of
// one end of a call that runs.
//
//	party ═══ other ── old ═══ who is replaced        old gets BYE, or CANCEL
//	                └─ new ═══ who sent the INVITE    while it only rings
//
// It may be the same station with another dialog, a colleague of it (call pick-up;
// not of a citizen who came by a queue, whom the queue gives to somebody), or the
// office at the far end of the same trunk (an attended transfer there). Everybody
// else gets 403.

// evReplace brings such an INVITE to the call of the dialog that it names.
type evReplace struct {
	leg   *leg
	names replaces
	tx    *transaction.Server
	in    cti.Inbound
}

func (evReplace) name() string { return "replace" }

// Replaces tells whether req has a Replaces that is for us: for a dialog of ours, or
// one that nobody can read. Others name a dialog that passed through.
func (s *Switch) Replaces(req *sip.Request) bool {
	names, err := replacesOf(req)
	return err != nil || names != nil && s.find(names.key()) != nil
}

// replace hands tx to the call whose dialog it replaces.
func (s *Switch) replace(tx *transaction.Server, in cti.Inbound, names replaces) {
	if in.Device == "" && in.From == "" {
		tx.Respond(sip.StatusForbidden, "")
		return
	}
	l := s.find(names.key())
	if l == nil || !l.call.box.put(evReplace{l, names, tx, in}) {
		tx.Respond(sip.StatusCallTransactionDoesNotExists, "")
	}
}

// onReplace takes the sender of the INVITE in, or refuses.
func (c *Call) onReplace(e evReplace) {
	if e.leg.heir != nil {
		e.leg = e.leg.heir
		if !e.leg.call.box.put(e) {
			e.tx.Respond(sip.StatusCallTransactionDoesNotExists, "")
		}
		return
	}
	if status := c.mayReplace(e); status != 0 {
		e.tx.Respond(status, "")
		return
	}
	l := c.newLeg()
	l.invited(e.tx, e.in)
	if status, headers := c.readInvite(l); status != 0 {
		e.tx.Respond(status, "", headers...)
		c.withdraw(l)
		return
	}
	c.sw.enter(l)
	if err := c.take200(l); err != nil {
		status, reason := StatusOf(causeIn(err, cti.CauseFailed))
		e.tx.Respond(status, reason)
		l.state = legCleared
		c.cleared(l, causeIn(err, cti.CauseFailed))
		return
	}
	c.seat(l, e)
}

// mayReplace is the status that refuses e, 0 when it is allowed (RFC 3891 3).
func (c *Call) mayReplace(e evReplace) int {
	l := e.leg
	early := l.state == legCalling || l.state == legRinging
	switch {
	case early && !l.rang(e.names.fromTag),
		!early && (l.dlg == nil || !e.names.names(l.dlg.ID())):
		return sip.StatusCallTransactionDoesNotExists
	case c.cause != "" || l.state == legCleared || l.state == legClosing:
		return sip.StatusGlobalDecline // terminated, but not forgotten yet
	case !c.mayTake(l, e.in):
		return sip.StatusForbidden
	case l.state == legIncoming || l.state == legPledged: // an early dialog that we did not begin
		return sip.StatusCallTransactionDoesNotExists
	case !early && e.names.earlyOnly:
		return sip.StatusBusyHere
	case c.transfer != nil, early && (l.dial == nil || c.peer != nil), !early && c.opposite(l) == nil:
		return sip.StatusRequestPending
	}
	return 0
}

// mayTake tells whether who sent in may have the place of l.
func (c *Call) mayTake(l *leg, in cti.Inbound) bool {
	switch {
	case in.From != "":
		return in.Trunk == l.trunk
	case in.Device == l.owner:
		return true
	}
	return l.owner != "" && c.ticket == "" && c.sw.deps.Colleagues != nil && c.sw.deps.Colleagues(in.Device, l.owner)
}

// seat puts l into the place of the leg that it replaces.
func (c *Call) seat(l *leg, e evReplace) {
	old := e.leg
	switch {
	case old == c.caller:
		c.caller, c.joined = l, joint{}
		if e.in.From != "" { // another office handed its party over
			c.in.Caller = e.in.Caller
			c.learn(e.in.Capsule)
		}
		c.arrange()
		c.hangUp(old, cti.CauseTransferred)
	case old == c.peer:
		c.handedOver(old, l)
		c.peer = l
		c.arrange()
		c.conclude(old.id, talked{next: l.id, cause: cti.CauseTransferred})
		c.established(l)
		c.hangUp(old, cti.CauseTransferred)
	default: // picked up
		c.handedOver(old, l)
		l.dial, old.dial = old.dial, nil
		c.picked(l)
		c.hangUp(old, cti.CauseAnsweredElsewhere)
	}
}

// handedOver tells the stream that by took over from old.
func (c *Call) handedOver(old, by *leg) {
	target := labelOf(*by.destination())
	c.publish(cti.Event{Type: cti.EvTransferring, Leg: old.id, Device: old.device, Ticket: c.ticket, Target: target})
	c.publish(cti.Event{Type: cti.EvDelivered, Leg: by.id, Device: by.device, Trunk: by.trunk, Ticket: c.ticket})
	c.publish(cti.Event{Type: cti.EvTransferred, Leg: old.id, Ticket: c.ticket, Target: target})
}

// learn takes the ticket that another office tells of.
func (c *Call) learn(p cti.Capsule) {
	before := c.ticket
	c.note(p)
	if p.Ticket != "" && p.Ticket != before {
		c.publish(cti.Event{Type: cti.EvTicketAttached, Ticket: p.Ticket, Value: string(p.Class)})
	}
}

// invited makes l the server side of the INVITE tx from who sent in.
func (l *leg) invited(tx *transaction.Server, in cti.Inbound) {
	l.state, l.uas = legIncoming, true
	l.tx, l.flow = tx, tx.Flow()
	l.key = dialogKey{callIDOf(tx.Request()), tx.Tag()}
	l.device, l.owner, l.trunk, l.trusted = in.Device, in.Device, in.Trunk, in.From != ""
	l.party = in.Caller
	l.protect()
	if l.trusted {
		l.number = in.Caller.Number
	}
	l.able = lists(header(tx.Request(), "Supported"), "replaces")
}
