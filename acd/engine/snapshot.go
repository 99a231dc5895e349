package engine

import (
	"time"

	"github.com/lineaamica/la2/cti"
)

// AgentView is an agent as others see it.
type AgentView struct {
	ID       cti.AgentID
	State    cti.AgentState
	Reason   string
	Since    time.Time // of State, UTC
	Deadline time.Time // when State ends by itself; zero: not
	// Pending is the state after what the agent does now; "" when none was asked for.
	Pending       cti.AgentState
	PendingReason string
	Device        cti.DeviceID
	DeviceUp      bool
	Call          cti.CallID // while Reserved, Ringing, Talking, WrapUp
	Offer         cti.Fence
	Queues        []cti.QueueID // shared: read only
	Backup        bool
	Static        bool
}

// QueueView is a queue as others see it. Offered = Answered + Abandoned +
// Redirected + Waiting + Ringing, always.
type QueueView struct {
	ID      cti.QueueID
	Waiting int       // callers without an offer
	Ringing int       // callers with a live offer
	Longest time.Time // oldest network instant among both; zero when none
	Ready   int       // agents who could be offered a caller now, over all skills

	Offered    int64
	Answered   int64
	Abandoned  int64
	Redirected int64
}

// A Snapshot is a consistent view of all agents and queues, each sorted by id.
type Snapshot struct {
	Agents []AgentView
	Queues []QueueView
}

// Snapshot views everything; the result shares nothing that changes.
func (e *Engine) Snapshot() Snapshot {
	s := Snapshot{Agents: make([]AgentView, len(e.agents)), Queues: make([]QueueView, len(e.queues))}
	at := make(map[cti.QueueID]*QueueView, len(e.queues))
	for i, q := range e.queues {
		v := &s.Queues[i]
		at[q.ID] = v
		v.ID, v.Ringing = q.ID, q.inside
		v.Offered, v.Answered = q.counted.Offered, q.counted.Answered
		v.Abandoned, v.Redirected = q.counted.Abandoned, q.counted.Redirected
		for _, l := range q.lines {
			v.Waiting += len(l.waiting)
			v.Ringing -= len(l.waiting)
			for _, c := range l.waiting {
				v.Longest = older(v.Longest, c.Instant)
			}
		}
	}
	for i, a := range e.agents {
		s.Agents[i] = e.view(a)
		if a.caller != nil {
			v := at[a.queue.ID]
			v.Longest = older(v.Longest, a.caller.Instant)
		}
		if a.pos < 0 {
			continue
		}
		for _, q := range a.Queues {
			at[q].Ready++
		}
	}
	return s
}

func (e *Engine) view(a *agent) AgentView {
	v := AgentView{
		ID: a.ID, State: a.state, Reason: a.reason, Since: a.since, Deadline: a.clock.at,
		Pending: a.pending, PendingReason: a.because,
		Device: a.device, DeviceUp: a.Contact != "" || e.up[a.device],
		Call: a.call, Offer: a.offer,
		Queues: a.Queues, Backup: a.Backup, Static: a.Static,
	}
	if a.state == cti.AgentReady {
		v.Deadline = time.Time{}
	}
	return v
}

func older(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}
