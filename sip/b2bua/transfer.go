package b2bua

import (
	"context"

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
	from  *leg // nil once the transferor hung up
	by    cti.LegID
	to    *leg
	label string    // Target in the stream
	refer *referral // nil when commanded
}

// ErrOwnStation is what who transfers to the station of its own leg gets.
var ErrOwnStation error = cti.Fail(cti.CauseForbidden, "transfer to the own station")

// Transfer makes leg (of an agent) hand the caller over to dest. It returns when
// dest is being rung; the outcome is in the stream: Transferred or
// TransferFailed. An empty capsule of dest is filled with the ticket and the
// network instant of the call, class transfer, one hop more. ErrOwnStation: dest is
// where leg is.
func (s *Switch) Transfer(ctx context.Context, call cti.CallID, leg cti.LegID, dest cti.Destination) error {
	c := s.call(call)
	if c == nil {
		return cti.Fail(cti.CauseNotFound, "no such call")
	}
	targets, err := s.targets(ctx, dest)
	if err != nil {
		return err
	}
	reply := make(chan error, 1)
	return s.command(ctx, call, &cmdTransfer{leg: leg, to: dest, targets: targets, reply: reply}, reply)
}

func (c *Call) command(cmd *cmdTransfer) error {
	l, err := c.bridged(cmd.leg)
	if err != nil {
		return err
	}
	return c.beginTransfer(l, cmd.to, cmd.targets, nil)
}

// beginTransfer rings the target.
func (c *Call) beginTransfer(from *leg, dest cti.Destination, targets []Target, r *referral) error {
	if dest.Device != "" && dest.Device == from.device {
		return ErrOwnStation
	}
	if dest.Capsule == (cti.Capsule{}) {
		dest.Capsule = c.handover()
	}
	if dest.Caller == (cti.Party{}) {
		dest.Caller = c.in.Caller
	}
	if dest.Ring == 0 {
		dest.Ring = c.sw.cfg.RingTime
	}
	to, err := c.callOut(dest, targets)
	if err != nil {
		return err
	}
	from.held = false
	c.transfer = &transfer{from: from, by: from.id, to: to, label: labelOf(dest), refer: r}
	c.publish(cti.Event{Type: cti.EvTransferring, Leg: from.id, Device: from.device, Ticket: c.ticket, Target: c.transfer.label})
	c.arrange()
	return nil
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
	c.arrange()
	c.publish(cti.Event{Type: cti.EvTransferred, Leg: t.by, Ticket: c.ticket, Target: t.label})
	c.established(t.to)
	if t.from == nil {
		return
	}
	c.conclude(t.by, talked{next: t.to.id, cause: cti.CauseTransferred})
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
	ev := cti.Event{Type: cti.EvTransferFailed, Ticket: c.ticket, Cause: cause, Target: t.label, Leg: t.by}
	c.publish(ev)
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
	c.arrange()
	c.conclude(l.id, talked{next: t.to.id, cause: cti.CauseTransferred})
}
