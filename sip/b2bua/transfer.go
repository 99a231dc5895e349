package b2bua

import (
	"context"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/cti"
)

// A transfer moves the caller from one peer to another. The transferor's leg
// stays until the target answers or the transferor hangs up; the caller hears
// music.
//
//	           target answers
//	pending ───────────────────► Transferred: bridge caller and target, BYE from
//	 │   │  target fails, from there
//	 │   └─────────────────────► TransferFailed: bridge caller and from again
//	 │ from hangs up
//	 ▼            target answers
//	orphaned ──────────────────► Transferred
//	     │        target fails
//	     └─────────────────────► TransferFailed: Talk(target) tells the script
type transfer struct {
	from      *leg // nil once the transferor hung up
	by        cti.LegID
	to        *leg
	label     string       // Target in the stream
	refer     *referral    // nil when commanded
	emergency bool         // to the rescuers
	yield     *cmdYield    // of an attended transfer: what was asked of the other call
	extra     []sip.Header // of the INVITE to the target
	linger    bool         // from is hung up by the other call of the transferor
	// consult says how far a consultation is.
	consult consultation
}

// ErrOwnStation is what who transfers to the station of its own leg gets.
var ErrOwnStation error = cti.Fail(cti.CauseForbidden, "transfer to the own station")

// Transfer makes leg (of an agent) hand the caller over to dest. It returns when
// dest is being rung; the outcome is in the stream: Transferred or
// TransferFailed. An empty capsule of dest is filled with the ticket and the
// network instant of the call, class transfer, one hop more. ErrOwnStation: dest is
// where leg is.
func (s *Switch) Transfer(ctx context.Context, call cti.CallID, leg cti.LegID, dest cti.Destination) error {
	return s.beginTo(ctx, call, leg, dest, noConsultation)
}

// beginTo finds the targets of dest and has the call ring them.
func (s *Switch) beginTo(ctx context.Context, call cti.CallID, leg cti.LegID, dest cti.Destination, how consultation) error {
	c := s.call(call)
	if c == nil {
		return cti.Fail(cti.CauseNotFound, "no such call")
	}
	targets, err := s.targets(ctx, dest)
	if err != nil {
		return err
	}
	reply := make(chan error, 1)
	return s.command(ctx, call, &cmdTransfer{leg: leg, to: dest, targets: targets, consult: how, reply: reply}, reply)
}

func (c *Call) command(cmd *cmdTransfer) error {
	if t := c.transfer; t != nil && cmd.to.Emergency && !t.emergency {
		_ = c.retrieve(cmd.leg) // help goes first; if it is not of this leg it is refused below
	}
	l, err := c.bridged(cmd.leg)
	if err != nil {
		return err
	}
	if err := c.beginTransfer(l, cmd.to, cmd.targets, nil); err != nil {
		return err
	}
	c.transfer.consult = cmd.consult
	c.arrange()
	return nil
}

// beginTransfer rings the target.
func (c *Call) beginTransfer(from *leg, dest cti.Destination, targets []Target, r *referral) error {
	if dest.Device != "" && dest.Device == from.owner {
		return ErrOwnStation
	}
	t := &transfer{from: from, by: from.id, to: c.newLeg(), refer: r, emergency: dest.Emergency}
	if r != nil && r.to.replaces != nil { // of a dialog that only passed through us
		t.extra = append(t.extra, sip.NewHeader("Replaces", r.to.replaces.String()))
	}
	if err := c.ringTarget(t, dest, targets); err != nil {
		c.withdraw(t.to)
		return err
	}
	from.held = false
	c.transfer = t
	c.arrange()
	return nil
}

// ringTarget sends the INVITE of a transfer.
func (c *Call) ringTarget(t *transfer, dest cti.Destination, targets []Target) error {
	if dest.Capsule == (cti.Capsule{}) {
		dest.Capsule = c.handover()
	}
	if dest.Caller == (cti.Party{}) {
		dest.Caller = c.staying()
	}
	if dest.Ring == 0 {
		dest.Ring = c.sw.cfg.RingTime
	}
	dest.Follow = dest.Follow || dest.Device != ""
	if t.from != nil && t.from.owner != "" {
		t.extra = append(t.extra, referredBy(t.from.owner, c.sw.contact(targets[0].Flow)))
	}
	if t.refer != nil && len(t.refer.to.uui) > 0 {
		c.uui = t.refer.to.uui
	}
	t.to.extra = t.extra
	if err := c.ringOut(t.to, dest, targets); err != nil {
		return err
	}
	t.label = labelOf(dest)
	c.publish(cti.Event{Type: cti.EvTransferring, Leg: t.by, Device: ownerOf(t.from), Ticket: c.ticket, Target: t.label})
	return nil
}

// staying is who is handed over, as the target sees it.
func (c *Call) staying() cti.Party {
	switch l := c.caller; {
	case l.uas:
		return l.party
	case l.owner != "": // whom a station called, see swap
		return cti.Party{Number: string(l.owner), Verified: true}
	default:
		return cti.Party{Number: l.number}
	}
}

// referredBy says on whose behalf we call (RFC 3892 2.1.1): the station whose REFER
// or command it is, as we know it, whatever the REFER said.
func referredBy(station cti.DeviceID, self sip.Uri) sip.Header {
	by := sip.Uri{Scheme: "sip", User: userPart(string(station)), Host: self.Host, Port: self.Port}
	return sip.NewHeader("Referred-By", "<"+by.String()+">")
}

// handover is the capsule of a transfer to another office.
func (c *Call) handover() cti.Capsule {
	p := c.capsule
	if p.Instant.IsZero() {
		p.Instant = c.in.At
	}
	p.Class, p.Hops = cti.ClassTransfer, c.in.Capsule.Hops+1
	return p
}

func labelOf(d cti.Destination) string {
	switch {
	case d.Trunk != "" && d.Number != "":
		return d.Trunk + ":" + d.Number
	case d.Trunk != "":
		return d.Trunk
	case d.Device != "":
		return string(d.Device)
	case d.Number != "":
		return d.Number
	}
	return d.Contact
}

// transferred: the target answered.
func (c *Call) transferred(t *transfer) {
	c.transfer, c.peer = nil, t.to
	if t.yield != nil {
		c.pair(t.from, t.yield.leg)
	}
	if t.emergency {
		c.maxAt = time.Time{}
	}
	c.arrange()
	c.publish(cti.Event{Type: cti.EvTransferred, Leg: t.by, Ticket: c.ticket, Target: t.label})
	if t.consult == noConsultation || t.to.device == "" { // else it was told
		c.established(t.to)
	}
	if t.from == nil {
		return
	}
	c.conclude(t.by, talked{next: t.to.id, cause: cti.CauseTransferred})
	if t.linger {
		return
	}
	if t.refer != nil {
		c.notifyLast(t.from, sip.StatusOK, "OK")
		return
	}
	c.hangUp(t.from, cti.CauseTransferred)
}

// transferFailed: the target did not answer.
func (c *Call) transferFailed(cause cti.Cause, status int) {
	t := c.transfer
	c.transfer = nil
	if t.label != "" { // it had begun
		c.publish(cti.Event{Type: cti.EvTransferFailed, Ticket: c.ticket, Cause: cause, Target: t.label, Leg: t.by})
	}
	if t.yield != nil {
		t.yield.leg.call.box.put(cmdUnkeep{leg: t.yield.leg})
	}
	if t.from == nil {
		c.conclude(t.to.id, talked{cause: cti.CauseTransferred})
		return
	}
	c.arrange()
	if t.refer != nil {
		if status < 300 {
			status, _ = StatusOf(cause)
		}
		c.notifyLast(t.from, status, "")
	}
}

// transferorLeft: the transferor hung up before the target answered; the transfer
// goes on.
func (c *Call) transferorLeft(l *leg) {
	t := c.transfer
	t.from, c.peer = nil, nil
	c.conclude(l.id, talked{next: t.to.id, cause: cti.CauseTransferred})
	if t.consult > consultRings { // it was agreed with the target
		c.transferred(t)
		return
	}
	t.consult = noConsultation
	c.arrange()
}
