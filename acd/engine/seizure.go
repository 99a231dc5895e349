package engine

import (
	"slices"

	"github.com/lineaamica/la2/cti"
)

// A seizure is a station that rings or talks past the queues: a colleague's
// transfer, or a call from desk to desk. It belongs to the station, whoever sits
// there; the agent takes part in it as soon as it does nothing else.
//
//	Ready, NotReady ─ seize ─► Reserved ─ engage ─► Talking ─ free ─► WrapUp
//	                               └─ free ─► as before
//
// Only a call that another agent had from a queue has a wrap-up, that of the
// queue, and takes its agent out of another wrap-up. What the agent was before,
// if NotReady, is pending.
type seizure struct {
	device  cti.DeviceID
	call    cti.CallID
	leg     cti.LegID // that answered: the fence of free
	talking bool
	ticket  cti.TicketID
	queue   *queue // of the agent who had the call before; nil: a call of no queue
}

// seizure finds that of call at d.
func (e *Engine) seizure(d cti.DeviceID, call cti.CallID) *seizure {
	i := slices.IndexFunc(e.seizures, func(s *seizure) bool { return s.device == d && s.call == call })
	if i < 0 {
		return nil
	}
	return e.seizures[i]
}

// seizureInput serves what stations do past the queues.
func (e *Engine) seizureInput(in Input) {
	s := e.seizure(in.Device, in.Call)
	switch {
	case in.Op == OpSeize && s == nil && in.Device != "" && in.Call != "":
		e.seize(in)
	case in.Op == OpEngage && s != nil:
		s.talking, s.leg = true, in.Leg
	case in.Op == OpFree && s != nil && (in.Leg == "" || in.Leg == s.leg):
		e.free(s)
	default:
		e.decide(Decision{Kind: Stale, Call: in.Call, Device: in.Device, Reason: string(in.Op)})
	}
}

// seize knows the call by the agent who has it now.
func (e *Engine) seize(in Input) {
	s := &seizure{device: in.Device, call: in.Call}
	for _, a := range e.agents {
		if a.call == s.call && a.queue != nil {
			s.queue, s.ticket = a.queue, a.ticket
			break
		}
	}
	e.seizures = append(e.seizures, s)
}

func (e *Engine) free(s *seizure) {
	e.seizures = slices.DeleteFunc(e.seizures, func(o *seizure) bool { return o == s })
	a := e.seats[s.device]
	switch {
	case a == nil || a.seizure != s:
	case a.state == cti.AgentTalking:
		e.finish(a)
	default:
		e.unreserve(a)
	}
}

// seized: the station of a is in use past the queues.
func (e *Engine) seized(a *agent) bool {
	return a.device != "" && slices.ContainsFunc(e.seizures, func(s *seizure) bool { return s.device == a.device })
}

// partake is the end of every input: agents at seized stations who do nothing
// else take part. What talks goes before what rings.
func (e *Engine) partake() {
	for _, s := range e.seizures {
		if a := e.seats[s.device]; a != nil && s.talking {
			e.join(a, s)
		}
	}
	for _, s := range e.seizures {
		if a := e.seats[s.device]; a != nil {
			e.join(a, s)
		}
	}
}

// join makes a part of s, if a is free for it.
func (e *Engine) join(a *agent, s *seizure) {
	before, reason := a.state, a.reason
	switch {
	case before == cti.AgentReady, before == cti.AgentNotReady:
	case before == cti.AgentWrapUp && s.talking && s.queue != nil:
	case before == cti.AgentReserved && a.seizure != nil && s.talking:
	default:
		return
	}
	a.seizure, a.call, a.queue, a.ticket, a.offer, a.rang = s, s.call, s.queue, s.ticket, 0, false
	state := cti.AgentReserved
	if s.talking {
		state = cti.AgentTalking
	}
	e.become(a, state, "")
	if before == cti.AgentNotReady {
		a.idle = e.now // if it is Ready after all
		e.pend(a, cti.AgentNotReady, reason)
	}
}
