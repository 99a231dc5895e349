package b2bua

import (
	"context"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/cti"
)

// Attended transfer (RFC 5589 7): a telephone that has two calls refers one to the
// far end of the other, by Refer-To with Replaces. Both dialogs end here, so nothing
// is asked of the far ends: the far leg of one call moves into the other, and the
// transferor's two legs get BYE.
//
//	           call X, survives                     call Y, ends
//	party ═══ x.far ── x.from ═══ transferor ═══ y.near ── y.far ═══ target
//	party ═══ x.far ── y.far ═══ target
//
// Each call has its own owner, so the two agree by messages, of which none waits:
//
//	X  cmdYield  → Y   may the transferor, and how?
//	X ← evYielded  Y   no; or ring this destination; or here is your leg; or you yield
//	X  cmdRelease → Y  the transferor is told: its leg may go
//
// X, to which the REFER came, survives unless Y alone has a ticket: that is the
// citizen's call, whose record, queue and ticket go on. Then X yields to Y.
//
// When the target is another office, and this call has something to tell it (the
// ticket), the office is asked to replace the dialog itself, by INVITE with
// Replaces on the trunk: so its operator sees the ticket.

type (
	// cmdYield asks the other call of a transferor for its far leg.
	cmdYield struct {
		leg    *leg // the transferor's, named by Replaces
		names  replaces
		by     *Call
		from   *leg // the transferor's leg in by
		to     *leg // waits in by for the far leg; nil when it asks for none
		owner  cti.DeviceID
		ticket bool // by has one
		local  bool // do not ask the other office
		tries  int
	}
	// evYielded is the answer. Exactly one of status, dest, moved and back is set.
	evYielded struct {
		cmdYield
		status   int
		dest     *cti.Destination // ring this
		replaces *replaces        // and replace that dialog there
		moved    *leg             // the far leg, to be taken over
		back     *cmdYield        // the other call survives: it asks for our far leg
	}
	// evMoved brings a far leg to a survivor that did not ask: see evYielded.back.
	evMoved struct {
		from, leg *leg
	}
	// evFound brings the targets of a destination that a yield named.
	evFound struct {
		transfer *transfer
		dest     cti.Destination
		targets  []Target
		err      error
	}
	// cmdRelease ends a leg that was kept for its transferor; cmdUnkeep lets it live.
	cmdRelease struct{ leg *leg }
	cmdUnkeep  struct{ leg *leg }
)

func (cmdYield) name() string   { return "yield" }
func (evYielded) name() string  { return "yielded" }
func (evMoved) name() string    { return "moved" }
func (evFound) name() string    { return "found" }
func (cmdRelease) name() string { return "release" }
func (cmdUnkeep) name() string  { return "unkeep" }

// A yield waits this long for a far leg that is just changing its session, so often.
const (
	yieldPause = 200 * time.Millisecond
	yieldTries = 25
)

// attend begins an attended transfer from l. False: Replaces names no dialog of
// ours.
func (c *Call) attend(l *leg, r *referral, names replaces) bool {
	near := c.sw.find(names.key())
	if near == nil {
		return false
	}
	to := c.newLeg()
	t := &transfer{from: l, by: l.id, to: to, refer: r}
	c.transfer = t
	c.arrange()
	t.yield = &cmdYield{leg: near, names: names, by: c, from: l, to: to, owner: l.owner, ticket: c.ticket != ""}
	if near.call == c || !near.call.box.put(*t.yield) {
		c.fail(to, cti.CauseNotFound, sip.StatusCallTransactionDoesNotExists)
	}
	return true
}

// onYield decides what becomes of our far leg.
func (c *Call) onYield(e cmdYield) {
	answer := evYielded{cmdYield: e}
	answer.status = c.mayYield(e)
	if e.tries > 0 && e.leg.claimed != e.to { // the transfer has failed meanwhile
		answer.status = sip.StatusCallTransactionDoesNotExists
	}
	if answer.status != 0 {
		e.by.box.put(answer)
		return
	}
	far := c.opposite(e.leg)
	switch {
	case far == nil:
		far = c.dialling()
		if far == nil {
			answer.status = sip.StatusCallTransactionDoesNotExists
			break
		}
		// Semi-attended: who was to be consulted has not answered. It is rung anew.
		answer.dest = far.destination()
		e.by.box.put(answer)
		c.clear(cti.CauseTransferred)
		return
	case e.leg.state != legConfirmed && !e.leg.kept || !far.settled():
		if e.tries++; e.tries > yieldTries {
			answer.status = sip.StatusRequestPending
			break
		}
		e.leg.claimed = e.to
		time.AfterFunc(yieldPause, func() { // ends by itself
			if !c.box.put(e) {
				answer.status = sip.StatusCallTransactionDoesNotExists
				e.by.box.put(answer)
			}
		})
		return
	case c.ticket != "" && e.ticket:
		answer.status = sip.StatusForbidden // two citizens are not joined
	case c.ticket != "":
		answer.back = &cmdYield{leg: e.from, by: c, from: e.leg, owner: e.owner}
	case e.ticket && far.trusted && far.able && !e.local:
		id := far.dlg.ID()
		answer.dest = far.destination()
		answer.replaces = &replaces{callID: id.CallID, toTag: id.RemoteTag, fromTag: id.LocalTag}
		e.leg.kept = true
	default:
		if !c.yieldTo(e, far, func(moved *leg) event { answer.moved = moved; return answer }) {
			c.unkeep(e.leg)
		}
		return
	}
	if !e.by.box.put(answer) && answer.replaces != nil {
		c.unkeep(e.leg)
	}
}

// mayYield is the status that refuses e, 0 when it is allowed: the transferor must
// be a station that is in both calls.
func (c *Call) mayYield(e cmdYield) int {
	l := e.leg
	switch {
	case c.cause != "" || l.state == legCleared && !l.kept || l.dlg == nil || !e.names.names(l.dlg.ID()):
		return sip.StatusCallTransactionDoesNotExists
	case e.owner == "" || l.owner != e.owner:
		return sip.StatusForbidden
	case c.transfer != nil || l.refer != nil:
		return sip.StatusRequestPending
	}
	return 0
}

// opposite is whom l talks with, nil when nobody.
func (c *Call) opposite(l *leg) *leg {
	switch l {
	case c.caller:
		return c.peer
	case c.peer:
		return c.caller
	}
	return nil
}

// settled tells whether l can move: no offer and no refresh is under way.
func (l *leg) settled() bool {
	return l.state == legConfirmed && l.oa == stable && !l.session.refreshing
}

// dialling is the leg that rings, if there is just one.
func (c *Call) dialling() (one *leg) {
	for _, l := range c.legs {
		if l.dial == nil {
			continue
		}
		if one != nil {
			return nil
		}
		one = l
	}
	return one
}

// onYielded goes on with the transfer as the other call says.
func (c *Call) onYielded(e evYielded) {
	t := c.transfer
	if t == nil || t.to != e.to || e.to.state == legCleared {
		if e.moved != nil {
			c.adopt(e.to, e.moved)
			c.hangUp(e.moved, cti.CauseTransferred)
		}
		e.leg.call.box.put(cmdUnkeep{leg: e.leg})
		return
	}
	switch {
	case e.status != 0:
		c.fail(e.to, CauseOf(e.status), e.status)
	case e.dest != nil:
		if e.replaces != nil { // the other leg of the transferor goes when that is done
			t.extra = append(t.extra, sip.NewHeader("Replaces", e.replaces.String()), sip.NewHeader("Require", "replaces"))
		} else {
			t.yield = nil
		}
		go c.findFor(t, *e.dest) // ends within findTimeout, by the contract of Deps.Targets
	case e.back != nil:
		c.yieldBack(t, *e.back)
	default:
		c.adopt(e.to, e.moved)
		t.to = e.moved
		c.attended(t)
	}
}

// pair ties the legs of one transferor: when ours is cleared, the other goes, too.
func (c *Call) pair(ours, other *leg) {
	if ours == nil {
		other.call.box.put(cmdRelease{leg: other})
		return
	}
	ours.twin = other
}

// attended: the far leg is ours, the transfer is done.
func (c *Call) attended(t *transfer) {
	if t.from != nil && t.from == c.caller {
		c.swap()
	}
	t.label = labelOf(*t.to.destination())
	c.publish(cti.Event{Type: cti.EvTransferring, Leg: t.by, Device: ownerOf(t.from), Ticket: c.ticket, Target: t.label})
	c.publish(cti.Event{Type: cti.EvDelivered, Leg: t.to.id, Device: t.to.device, Trunk: t.to.trunk, Ticket: c.ticket})
	c.transferred(t)
}

func ownerOf(l *leg) cti.DeviceID {
	if l == nil {
		return ""
	}
	return l.owner
}

// yieldBack: the other call survives. Our far leg goes there, and the transferor
// hears of the success from here.
func (c *Call) yieldBack(t *transfer, e cmdYield) {
	c.transfer = nil
	from := t.from
	if far := c.opposite(e.leg); from != nil && far != nil && far.settled() {
		c.withdraw(t.to)
		c.pair(from, e.from)
		if c.yieldTo(e, far, func(moved *leg) event { return evMoved{from: e.from, leg: moved} }) {
			c.notifyLast(from, sip.StatusOK, "OK")
			return
		}
		from.twin = nil
	}
	c.transfer = t
	c.fail(t.to, cti.CauseNotFound, sip.StatusCallTransactionDoesNotExists)
}

// withdraw forgets a leg that nobody has heard of yet.
func (c *Call) withdraw(l *leg) {
	l.state = legCleared
	c.unlist(l)
}

// onMoved takes the far leg of the call that ends.
func (c *Call) onMoved(e evMoved) {
	c.adopt(c.newLeg(), e.leg)
	if c.cause != "" || c.transfer != nil || e.from.state != legConfirmed || c.opposite(e.from) == nil {
		c.hangUp(e.leg, cti.CauseTransferred)
		return
	}
	t := &transfer{from: e.from, by: e.from.id, to: e.leg, linger: true}
	c.transfer = t
	c.attended(t)
}

// findFor looks for the targets of a destination, off the owner's goroutine.
func (c *Call) findFor(t *transfer, dest cti.Destination) {
	ctx, cancel := context.WithTimeout(c.ctx, findTimeout)
	defer cancel()
	targets, err := c.sw.targets(ctx, dest)
	c.box.put(evFound{transfer: t, dest: dest, targets: targets, err: err})
}

// onFound rings the target that a yield named.
func (c *Call) onFound(e evFound) {
	t := e.transfer
	if c.transfer != t || t.to.state == legCleared {
		return
	}
	err := e.err
	if err == nil {
		err = c.ringTarget(t, e.dest, e.targets)
	}
	if err != nil {
		cause := causeIn(err, cti.CauseUnreachable)
		status, _ := StatusOf(cause)
		if t.to.state != legCleared {
			c.fail(t.to, cause, status)
			return
		}
		t.to.worst = status // no line was free: it is gone already
		c.lost(t.to, cause)
	}
}

// yieldLocally: the other office would not replace its dialog; the far leg of the
// consultation is taken over after all. False: that was tried.
func (c *Call) yieldLocally(t *transfer) bool {
	y := t.yield
	if y == nil || y.local || len(t.extra) == 0 {
		return false
	}
	y.local, y.tries = true, 0
	was := t.to
	t.extra, t.to = nil, c.newLeg()
	y.to = t.to
	if t.from == nil {
		c.conclude(was.id, talked{next: t.to.id, cause: cti.CauseTransferred})
	}
	if !y.leg.call.box.put(*y) {
		c.fail(t.to, cti.CauseNotFound, sip.StatusCallTransactionDoesNotExists)
	}
	return true
}

// unkeep lets a leg live that was kept; it goes with its call when that has ended
// meanwhile.
func (c *Call) unkeep(l *leg) {
	left := l.kept && l.state == legCleared
	l.kept, l.claimed = false, nil
	switch {
	case c.cause != "":
		c.hangUp(l, c.cause)
	case left:
		c.lost(l, l.leaving)
	}
}

// onRelease ends a transferor's leg that was kept.
func (c *Call) onRelease(l *leg) {
	left := l.kept && l.state == legCleared
	l.kept = false
	if left {
		c.lost(l, cti.CauseTransferred)
		return
	}
	c.hangUp(l, cti.CauseTransferred)
}

// handleMove takes the events between two calls, of who takes over, and of
// consultations and telephones.
func (c *Call) handleMove(e event) {
	switch e := e.(type) {
	case cmdYield:
		c.onYield(e)
	case evYielded:
		c.onYielded(e)
	case evMoved:
		c.onMoved(e)
	case evFound:
		c.onFound(e)
	case cmdRelease:
		c.onRelease(e.leg)
	case cmdUnkeep:
		c.unkeep(e.leg)
	case evReplace:
		c.onReplace(e)
	case *cmdPhone:
		e.reply <- c.onPhone(e)
	case evPhoneWont:
		c.onPhoneWont(e.leg)
	case *cmdConsult:
		e.reply <- c.onConsult(e)
	case cmdReoffer:
		c.reoffer(e.leg)
	}
}
