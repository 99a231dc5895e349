package engine

import (
	"errors"
	"fmt"

	"github.com/lineaamica/la2/cti"
)

// check looks for broken invariants by brute force, without the indexes.
func (e *Engine) check() error {
	var errs []error
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	offers := map[cti.CallID]cti.AgentID{}
	for _, a := range e.agents {
		switch a.state {
		case cti.AgentReserved, cti.AgentRinging:
			if a.seizure != nil {
				break
			}
			if a.caller == nil || a.caller.agent != a {
				fault("agent %s is %s without a caller", a.ID, a.state)
				continue
			}
			if by, twice := offers[a.call]; twice {
				fault("caller %s is offered to %s and %s", a.call, by, a.ID)
			}
			offers[a.call] = a.ID
			if e.callers[a.call] != a.caller {
				fault("agent %s rings for a caller who is not there", a.ID)
			}
		case cti.AgentTalking, cti.AgentWrapUp:
			if a.caller != nil || a.call == "" {
				fault("agent %s is %s with caller %v, call %q", a.ID, a.state, a.caller, a.call)
			}
		case cti.AgentReady, cti.AgentNotReady, cti.AgentLoggedOut:
			if a.caller != nil || a.call != "" || a.offer != 0 || a.pending != "" {
				fault("agent %s is %s with call %q, pending %q", a.ID, a.state, a.call, a.pending)
			}
		default:
			fault("agent %s: state %q", a.ID, a.state)
		}
		if (a.pos >= 0) != e.eligible(a) {
			fault("agent %s: in heap %v, eligible %v", a.ID, a.pos >= 0, e.eligible(a))
		}
		if z := a.seizure; z != nil && (a.state != cti.AgentReserved && a.state != cti.AgentTalking || a.caller != nil || a.offer != 0 ||
			a.call != z.call || a.device != z.device || e.seizure(z.device, z.call) != z || (a.state == cti.AgentTalking) != z.talking) {
			fault("agent %s is %s by call %q at %q, offer %d; the seizure is %+v", a.ID, a.state, a.call, a.device, a.offer, *z)
		}
		if a.seizure == nil && (a.state == cti.AgentReady || a.state == cti.AgentNotReady) && e.seized(a) {
			fault("agent %s is %s at a station that is in use", a.ID, a.state)
		}
		if (a.engaged() && a.seizure == nil) != (e.holders[a.offer] == a && a.offer != 0) {
			fault("agent %s is %s, fence %d held: %v", a.ID, a.state, a.offer, e.holders[a.offer] == a)
		}
		if a.state == cti.AgentWrapUp && a.clock.pos < 0 {
			fault("agent %s: wrap-up without a deadline", a.ID)
		}
		if a.device != "" && e.seats[a.device] != a {
			fault("agent %s sits at %s, and so does %s", a.ID, a.device, e.seats[a.device].ID)
		}
	}
	waiting := 0
	for _, q := range e.queues {
		for _, l := range q.lines {
			waiting += len(l.waiting)
			for _, c := range l.waiting {
				if c.agent != nil || e.callers[c.Call] != c {
					fault("caller %s waits and has agent %v", c.Call, c.agent)
				}
			}
		}
	}
	if waiting+len(offers) != len(e.callers) {
		fault("%d callers are inside, %d wait and %d are offered", len(e.callers), waiting, len(offers))
	}
	for _, q := range e.Snapshot().Queues {
		inside := int64(q.Waiting + q.Ringing)
		if q.Offered != q.Answered+q.Abandoned+q.Redirected+inside {
			fault("queue %s: offered %d = answered %d + abandoned %d + redirected %d + inside %d",
				q.ID, q.Offered, q.Answered, q.Abandoned, q.Redirected, inside)
		}
	}
	for i := 1; i < len(e.timers); i++ {
		if e.timers[i].before(e.timers[(i-1)/2]) {
			fault("timers are out of order")
		}
	}
	return errors.Join(errs...)
}
