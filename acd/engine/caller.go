package engine

import (
	"slices"

	"github.com/lineaamica/la2/cti"
)

// A caller waits (in line.waiting) or has a live offer (agent is set).
type caller struct {
	Caller
	line    *line
	arrival uint64
	pos     int    // in line.waiting, -1 outside
	agent   *agent // of the live offer

	clock    timer  // until the next overflow try
	due      bool   // clock has passed
	spilling string // the target that is being rung
	tries    int    // overflow tries so far
}

func (c *caller) index() *int { return &c.pos }

// before is the order of service: priority, network instant, arrival here.
func (c *caller) before(o *caller) bool {
	if c.Priority != o.Priority {
		return c.Priority > o.Priority
	}
	if n := c.Instant.Compare(o.Instant); n != 0 {
		return n < 0
	}
	return c.arrival < o.arrival
}

func (e *Engine) enter(in Input) {
	if in.Caller == nil {
		e.refuse(in, RefusedUnknown)
		return
	}
	in.Call = in.Caller.Call
	q := e.queueOf[in.Caller.Queue]
	switch {
	case q == nil:
		e.refuse(in, RefusedUnknown)
		return
	case e.callers[in.Call] != nil:
		e.refuse(in, RefusedTwice)
		return
	case q.Max > 0 && q.inside >= q.Max:
		e.refuse(in, RefusedFull)
		return
	}
	e.arrival++
	c := &caller{Caller: *in.Caller, arrival: e.arrival, pos: -1}
	c.Instant = c.Instant.Round(0).UTC()
	c.Skills = sortedSkills(c.Skills)
	c.line = e.lineFor(q, c.Skills)
	c.clock = timer{kind: timerSpill, rank: c.arrival, pos: -1, caller: c}
	e.callers[c.Call] = c
	q.inside++
	q.counted.Offered++
	e.decide(Decision{Kind: Queued, Call: c.Call, Queue: q.ID, Ticket: c.Ticket})
	if c.maySpill() {
		e.arm(&c.clock, e.now.Add(q.Overflow.After))
	}
	e.place(c)
}

func sortedSkills(s []string) []string {
	if len(s) == 0 {
		return nil
	}
	if len(s) == 1 {
		return s
	}
	return slices.Compact(slices.Sorted(slices.Values(s)))
}

// leave is a caller who hung up, before or during an offer.
func (e *Engine) leave(call cti.CallID, cause cti.Cause) {
	c := e.callers[call]
	if c == nil {
		return
	}
	if cause == "" {
		cause = cti.CauseAbandoned
	}
	a := c.agent
	if a != nil {
		e.decide(e.about(a, Decision{Kind: Released, Cause: cause}))
	}
	c.line.queue.counted.Abandoned++
	e.decide(Decision{Kind: Abandoned, Call: call, Queue: c.Queue, Ticket: c.Ticket, Cause: cause, WaitMS: e.waited(c)})
	e.forget(c)
	if a != nil {
		e.unreserve(a)
	}
}

// redirected is a caller whom an overflow target answered.
func (e *Engine) redirected(call cti.CallID, target string) {
	c := e.callers[call]
	if c == nil {
		e.refuse(Input{Call: call}, RefusedUnknown)
		return
	}
	a := c.agent
	if a != nil {
		e.decide(e.about(a, Decision{Kind: Fenced, Cause: cti.CauseAnsweredElsewhere}))
	}
	c.line.queue.counted.Redirected++
	e.decide(Decision{
		Kind: Taken, Call: call, Queue: c.Queue, Ticket: c.Ticket, Target: target,
		Cause: cti.CauseRedirected, WaitMS: e.waited(c),
	})
	e.forget(c)
	if a != nil {
		e.unreserve(a)
	}
}

// forget takes c out of the engine.
func (e *Engine) forget(c *caller) {
	if c.pos >= 0 {
		c.line.waiting.remove(c)
	}
	e.disarm(&c.clock)
	if c.agent != nil {
		c.agent.caller = nil
		c.agent = nil
	}
	c.line.queue.inside--
	delete(e.callers, c.Call)
}

func (e *Engine) waited(c *caller) int64 { return max(e.now.Sub(c.Instant).Milliseconds(), 0) }

// Position is the place of call in its queue, 1 for the next to be served;
// 0 when it does not wait.
func (e *Engine) Position(call cti.CallID) int {
	c := e.callers[call]
	if c == nil || c.pos < 0 {
		return 0
	}
	n := 1
	for _, l := range c.line.queue.lines {
		for _, o := range l.waiting {
			if o.before(c) {
				n++
			}
		}
	}
	return n
}
