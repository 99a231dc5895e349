package engine

import "time"

// A timer is a deadline of one agent or caller; it lies in Engine.timers while
// armed. Ties at one instant fall in the order kind, then owner.
type timer struct {
	at   time.Time
	kind timerKind
	rank uint64 // ordinal of the agent, arrival number of the caller
	pos  int

	agent  *agent
	caller *caller
}

type timerKind uint8

const (
	timerState timerKind = iota // end of wrap-up, rest or back-off
	timerLease                  // no sign of life
	timerSpill                  // nobody was free for so long
)

func (t *timer) index() *int { return &t.pos }

func (t *timer) before(o *timer) bool {
	if c := t.at.Compare(o.at); c != 0 {
		return c < 0
	}
	if t.kind != o.kind {
		return t.kind < o.kind
	}
	return t.rank < o.rank
}

func (e *Engine) arm(t *timer, at time.Time) {
	t.at = at
	if t.pos < 0 {
		e.timers.push(t)
		return
	}
	e.timers.fix(t.pos)
}

func (e *Engine) disarm(t *timer) {
	t.at = time.Time{}
	if t.pos >= 0 {
		e.timers.remove(t)
	}
}

// expire lets every deadline up to now happen.
func (e *Engine) expire() {
	for len(e.timers) > 0 && !e.timers[0].at.After(e.now) {
		t := e.timers[0]
		e.disarm(t)
		switch t.kind {
		case timerState:
			e.stateOver(t.agent)
		case timerLease:
			e.leaseOver(t.agent)
		case timerSpill:
			t.caller.due = true
			e.spill(t.caller)
		}
	}
}
