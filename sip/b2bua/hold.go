package b2bua

import (
	"context"

	"github.com/lineaamica/la2/cti"
)

// Hold makes leg (of an agent) put the caller on hold: music for the caller,
// silence for the agent, no SIP; a telephone that takes the command holds itself.
// Holding what is held does nothing.
func (s *Switch) Hold(ctx context.Context, call cti.CallID, leg cti.LegID) error {
	reply := make(chan error, 1)
	return s.command(ctx, call, &cmdHold{leg: leg, reply: reply}, reply)
}

// Retrieve ends Hold, and takes the caller back from a transfer that nobody has
// answered yet, or from a consultation: TransferFailed with CauseAbandoned follows. A
// hold that the agent's phone began by SDP is ended by the phone alone, which may be
// told so (remote.go).
func (s *Switch) Retrieve(ctx context.Context, call cti.CallID, leg cti.LegID) error {
	reply := make(chan error, 1)
	return s.command(ctx, call, &cmdRetrieve{leg: leg, reply: reply}, reply)
}

// command puts cmd to a call by its id.
func (s *Switch) command(ctx context.Context, id cti.CallID, cmd event, reply <-chan error) error {
	c := s.call(id)
	if c == nil {
		return cti.Fail(cti.CauseNotFound, "no such call")
	}
	err, gone := ask(ctx, c, cmd, reply)
	if gone != nil {
		return gone
	}
	return err
}

// bridged finds the leg of a command: it must talk with the caller now.
func (c *Call) bridged(id cti.LegID) (*leg, error) {
	switch {
	case c.cause != "":
		return nil, c.goneErr()
	case c.peer == nil || c.peer.id != id:
		return nil, cti.Fail(cti.CauseNotFound, "leg does not talk")
	case c.transfer != nil:
		return nil, cti.Fail(cti.CauseForbidden, "a transfer is under way")
	}
	return c.peer, nil
}

func (c *Call) hold(id cti.LegID) error {
	l, err := c.bridged(id)
	if err != nil || l.held {
		return err
	}
	before := l.onHold()
	if !before && l.control&controlHold != 0 {
		c.holdByPhone(l)
		return nil
	}
	l.held = true
	c.arrange()
	c.heldChanged(l, before)
	return nil
}

func (c *Call) retrieve(id cti.LegID) error {
	if t := c.transfer; c.cause == "" && t != nil && t.from != nil && t.from.id == id {
		t.extra = nil // and nothing else is tried, see yieldLocally
		c.hangUp(t.to, cti.CauseAbandoned)
		return nil
	}
	l, err := c.bridged(id)
	if err == nil && !l.held && l.agreed.Held && l.control&controlTalk != 0 {
		c.tellPhone(l.dlg, "talk", nil)
	}
	if err != nil || !l.held {
		return err
	}
	before := l.onHold()
	l.held = false
	c.arrange()
	c.heldChanged(l, before)
	return nil
}

// heldChanged tells the stream when l began or ceased to hold the caller. A caller
// who holds is no event: nobody's state changes.
func (c *Call) heldChanged(l *leg, before bool) {
	now := l.onHold()
	if now == before || l == c.caller {
		return
	}
	l.asked = false
	kind := cti.EvRetrieved
	if now {
		kind = cti.EvHeld
	}
	c.publish(cti.Event{Type: kind, Leg: l.id, Device: l.device, Trunk: l.trunk, Ticket: c.ticket})
}
