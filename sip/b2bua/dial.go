package b2bua

import (
	"context"
	"errors"
	"time"

	"github.com/lineaamica/la2/cti"
)

// Dial rings d while the caller keeps hearing what it hears. When somebody
// answers, the caller gets its 200 if it has none yet, both are bridged, and Dial
// returns the new leg. When ctx ends first the ringing is cancelled and Dial
// returns at once, unless d had answered. The error is a *cti.Failure.
//
// Who sets d.Ringing publishes Delivered, with the agent; otherwise the call does.
// Several Dials of one call may run side by side: the first answer wins, the
// others end with CauseAnsweredElsewhere.
func (c *Call) Dial(ctx context.Context, d cti.Destination) (cti.LegID, error) {
	targets, err := c.sw.targets(ctx, d)
	if err != nil {
		return "", err
	}
	reply := make(chan dialled, 1)
	cmd := &cmdDial{to: d, targets: targets, reply: reply}
	if !c.box.put(cmd) {
		return "", c.goneErr()
	}
	select {
	case r := <-reply:
		return r.leg, r.err
	case <-c.done:
		return "", c.goneErr()
	case <-ctx.Done():
	}
	fallback := cti.CauseAnsweredElsewhere
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		fallback = cti.CauseNoAnswer
	}
	c.box.put(cmdCancelDial{dial: cmd, cause: causeIn(context.Cause(ctx), fallback)})
	select {
	case r := <-reply: // the owner says who won
		return r.leg, r.err
	case <-c.done:
		return "", c.goneErr()
	}
}

// targets finds where d can be rung.
func (s *Switch) targets(ctx context.Context, d cti.Destination) ([]Target, error) {
	targets, err := s.deps.Targets(ctx, d)
	if err != nil {
		return nil, cti.Fail(causeIn(err, cti.CauseUnreachable), err.Error())
	}
	if len(targets) == 0 {
		return nil, cti.Fail(cti.CauseUnreachable, "no target")
	}
	return targets, nil
}

func (c *Call) startDial(cmd *cmdDial) {
	switch {
	case c.cause != "":
		cmd.reply <- dialled{err: c.goneErr()}
		return
	case c.peer != nil || c.transfer != nil:
		cmd.reply <- dialled{err: cti.Fail(cti.CauseAnsweredElsewhere, "call is bridged")}
		return
	}
	l, err := c.callOut(cmd.to, cmd.targets)
	if err != nil {
		cmd.reply <- dialled{err: err}
		return
	}
	l.dial = cmd
}

// undial answers who dialled l, which is gone.
func (c *Call) undial(l *leg, cause cti.Cause) {
	if l.dial == nil {
		return
	}
	l.dial.reply <- dialled{err: cti.Fail(cause, "")}
	l.dial = nil
}

func (c *Call) cancelDial(cmd *cmdDial, cause cti.Cause) {
	for _, l := range c.legs {
		if l.dial == cmd {
			c.hangUp(l, cause)
			return
		}
	}
}

// picked: somebody answered l, its 2xx is acknowledged and its audio agreed.
func (c *Call) picked(l *leg) {
	l.ringAt, l.alerting = time.Time{}, false
	if t := c.transfer; t != nil && t.to == l {
		if t.consult != noConsultation {
			c.consulted(t)
			return
		}
		c.transferred(t)
		return
	}
	if c.peer != nil {
		c.hangUp(l, cti.CauseAnsweredElsewhere)
		return
	}
	if c.caller.state == legIncoming {
		if err := c.answer(); err != nil {
			c.hangUp(l, causeIn(err, cti.CauseFailed))
			return
		}
	}
	dial := l.dial
	l.dial = nil
	c.peer, c.heard = l, nil
	for _, other := range append([]*leg(nil), c.legs...) {
		if other.dial != nil {
			c.hangUp(other, cti.CauseAnsweredElsewhere)
		}
	}
	c.talked = true
	c.dropPrompt(nil)
	c.arrange()
	c.established(l)
	dial.reply <- dialled{leg: l.id}
}

func (c *Call) established(l *leg) {
	c.publish(cti.Event{Type: cti.EvEstablished, Leg: l.id, Device: l.device, Trunk: l.trunk, Ticket: c.ticket})
}
