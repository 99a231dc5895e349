package engine

import (
	"time"

	"github.com/lineaamica/la2/cti"
)

// offer reserves a for c. Both must be in no heap.
//
//	         ┌─ release (caller left) ──────────────► agent as before
//	Reserved ├─ fence (answered elsewhere) ─────────► agent as before
//	Ringing  ├─ reject: no_answer, rejected ────────► NotReady(rona)
//	         ├─ reject: anything else ──────────────► Ready, passed over for BackOff
//	         └─ accept ─► Talking ─ finish ─────────► WrapUp
func (e *Engine) offer(a *agent, c *caller) {
	e.unspill(c)
	e.fence++
	c.agent = a
	a.caller, a.call, a.queue, a.offer = c, c.Call, c.line.queue, e.fence
	a.ticket, a.rang = c.Ticket, false
	e.holders[a.offer] = a
	e.disarm(&a.clock)
	e.become(a, cti.AgentReserved, "")
	d := e.about(a, Decision{Kind: Offered, WaitMS: e.waited(c)})
	if a.Contact != "" {
		d.Device, d.Contact = "", a.Contact
	}
	e.decide(d)
}

// about fills in the offer that a has.
func (e *Engine) about(a *agent, d Decision) Decision {
	d.Call, d.Agent, d.Queue, d.Offer, d.Ticket = a.call, a.ID, a.queue.ID, a.offer, a.ticket
	d.Device = a.device
	return d
}

// offerInput serves inputs that carry a fence.
func (e *Engine) offerInput(in Input) {
	a := e.holders[in.Offer]
	if a == nil {
		e.decide(Decision{Kind: Stale, Offer: in.Offer, Call: in.Call, Reason: string(in.Op)})
		return
	}
	live := a.caller != nil
	switch {
	case in.Op == OpRinging && live:
		e.rang(a)
	case in.Op == OpAccept && live:
		e.accept(a)
	case in.Op == OpReject && live:
		e.reject(a, in.Cause)
	case in.Op == OpRelease && live:
		e.leave(a.call, in.Cause)
	case in.Op == OpFinish && !live:
		e.finish(a)
	default:
		e.decide(Decision{Kind: Stale, Offer: in.Offer, Call: a.call, Agent: a.ID, Reason: string(in.Op)})
	}
}

func (e *Engine) rang(a *agent) {
	if a.rang {
		return
	}
	a.rang = true
	e.decide(e.about(a, Decision{Kind: Rang, WaitMS: e.waited(a.caller)}))
	e.become(a, cti.AgentRinging, "")
}

func (e *Engine) accept(a *agent) {
	e.rang(a) // a device that answers without ringing rings for no time
	c := a.caller
	a.queue.counted.Answered++
	e.decide(e.about(a, Decision{Kind: Accepted, WaitMS: e.waited(c)}))
	e.forget(c)
	e.become(a, cti.AgentTalking, "")
}

// reject ends the offer by the agent's side; the caller waits again where it was.
func (e *Engine) reject(a *agent, cause cti.Cause) {
	if cause == "" {
		cause = cti.CauseFailed
	}
	c := e.giveBack(a, cause)
	rona := cause == cti.CauseNoAnswer || cause == cti.CauseRejected
	switch {
	case a.pending == cti.AgentLoggedOut || a.pending == cti.AgentNotReady:
		e.next(a)
	case rona:
		e.rona(a)
	default:
		a.pending, a.because = "", ""
		e.become(a, cti.AgentReady, "")
		e.arm(&a.clock, e.now.Add(e.cfg.BackOff))
	}
	e.place(c)
}

// giveBack ends the live offer of a, which keeps its state, and returns the
// caller, who is in no heap.
func (e *Engine) giveBack(a *agent, cause cti.Cause) *caller {
	c := a.caller
	e.decide(e.about(a, Decision{Kind: Rejected, Cause: cause}))
	c.agent = nil
	e.dropOffer(a)
	return c
}

func (e *Engine) dropOffer(a *agent) {
	delete(e.holders, a.offer)
	a.forgetCall()
}

// rona takes an agent who did not answer out of the queues; one without a desk
// comes back by itself.
func (e *Engine) rona(a *agent) {
	a.pending, a.because = "", ""
	if a.unattended() {
		e.becomeUntil(a, cti.AgentNotReady, ReasonRONA, e.now.Add(e.cfg.Rest))
		return
	}
	e.become(a, cti.AgentNotReady, ReasonRONA)
}

// unreserve frees a from an offer that ended without its doing: it keeps its
// idle time, and so its turn.
func (e *Engine) unreserve(a *agent) {
	e.dropOffer(a)
	if a.pending == cti.AgentLoggedOut || a.pending == cti.AgentNotReady {
		e.next(a)
		return
	}
	a.pending = ""
	e.become(a, cti.AgentReady, "")
	e.settle(a)
}

// finish ends the conversation of a, which was offered or a seizure.
func (e *Engine) finish(a *agent) {
	wrapUp := time.Duration(0)
	if a.queue != nil {
		wrapUp = a.queue.WrapUp
	}
	if a.seizure == nil {
		e.decide(e.about(a, Decision{Kind: Finished}))
	}
	delete(e.holders, a.offer)
	a.seizure = nil
	if wrapUp <= 0 || a.unattended() || a.pending == cti.AgentLoggedOut {
		e.next(a)
		return
	}
	e.becomeUntil(a, cti.AgentWrapUp, "", e.now.Add(wrapUp))
}
