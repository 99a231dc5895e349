package b2bua

import (
	"context"

	"github.com/lineaamica/la2/cti"
)

// A consultation is a transfer in two steps (RFC 5359 2.5), by command of a
// desktop: the agent talks with the target first, while the caller hears music, and
// then completes the transfer or takes the caller back with Retrieve. Meanwhile it
// may talk with either in turn. An agent who hangs up completes it.
//
//	          target answers        Swap
//	ringing ────────────────► target ◄──► caller
//	   │ Complete                │ Complete, agent hangs up
//	   ▼                         ▼
//	a plain transfer          Transferred
type consultation uint8

const (
	noConsultation consultation = iota // a plain transfer
	consultRings                       // the target rings, the agent hears it ring
	consultTarget                      // agent and target talk, the caller waits
	consultCaller                      // agent and caller talk, the target waits
)

// Consult makes leg (of an agent) talk with dest while the caller hears music. It
// returns when dest is being rung: Transferring, then Consulting when it answered,
// or TransferFailed.
func (s *Switch) Consult(ctx context.Context, call cti.CallID, leg cti.LegID, dest cti.Destination) error {
	return s.beginTo(ctx, call, leg, dest, consultRings)
}

// Complete hands the caller over to whom leg consults, also when it only rings.
func (s *Switch) Complete(ctx context.Context, call cti.CallID, leg cti.LegID) error {
	reply := make(chan error, 1)
	return s.command(ctx, call, &cmdConsult{leg: leg, complete: true, reply: reply}, reply)
}

// Swap lets leg talk with the caller while whom it consults hears music, or back.
// Each time Consulting says with whom.
func (s *Switch) Swap(ctx context.Context, call cti.CallID, leg cti.LegID) error {
	reply := make(chan error, 1)
	return s.command(ctx, call, &cmdConsult{leg: leg, reply: reply}, reply)
}

// cmdConsult completes a consultation or swaps its ends.
type cmdConsult struct {
	leg      cti.LegID
	complete bool
	reply    chan error
}

func (*cmdConsult) name() string { return "consult" }

func (c *Call) onConsult(cmd *cmdConsult) error {
	t := c.transfer
	switch {
	case c.cause != "":
		return c.goneErr()
	case t == nil || t.from == nil || t.from.id != cmd.leg || t.consult == noConsultation:
		return cti.Fail(cti.CauseNotFound, "leg consults nobody")
	case cmd.complete && t.consult == consultRings:
		t.consult = noConsultation
		c.arrange()
	case cmd.complete:
		c.transferred(t)
	case t.consult == consultTarget:
		c.consults(t, consultCaller)
	case t.consult == consultCaller:
		c.consults(t, consultTarget)
	default:
		return cti.Fail(cti.CauseForbidden, "nobody has answered yet")
	}
	return nil
}

// consults says with whom the agent talks.
func (c *Call) consults(t *transfer, with consultation) {
	t.consult = with
	c.arrange()
	who := "target"
	if with == consultCaller {
		who = "caller"
	}
	c.publish(cti.Event{Type: cti.EvConsulting, Leg: t.by, Device: ownerOf(t.from), Ticket: c.ticket, Target: t.label, Value: who})
}

// consulted: the target answered. A station is busy from now on; an office that
// answers has the caller only when it is handed over.
func (c *Call) consulted(t *transfer) {
	if t.to.device != "" {
		c.established(t.to)
	}
	c.consults(t, consultTarget)
}

// joint is how a transfer whose transferor is there sets the packet path.
func (t *transfer) joint() joint {
	switch t.consult {
	case consultRings:
		return joint{t.from, bothHear}
	case consultTarget:
		return joint{t.from, aside}
	case consultCaller:
		return joint{t.from, targetWaits}
	case noConsultation:
	}
	return joint{t.from, callerWaits}
}

// arrangeConsult is arrange for a consultation; the caller is parted already.
func (c *Call) arrangeConsult(t *transfer, how joining) error {
	m, a := c.sw.deps.Media, c.caller.port
	switch how {
	case bothHear:
		c.onHoldMusic(a)
		if clip := c.sw.clip(c.sw.cfg.Ringback); clip != nil {
			m.Music(t.from.port, clip)
		}
	case aside:
		c.onHoldMusic(a)
		return m.Bridge(t.from.port, t.to.port)
	case targetWaits:
		m.Unbridge(t.to.port)
		c.onHoldMusic(t.to.port)
		return m.Bridge(a, t.from.port)
	default:
	}
	return nil
}
