package engine

import "github.com/lineaamica/la2/cti"

// maySpill: only a citizen's own call goes to another office by itself; a call
// that came from one stays, so that it never goes round in circles.
func (c *caller) maySpill() bool {
	return c.Class == "" && len(c.line.queue.Overflow.Targets) > 0
}

// spill has a target rung for c when it has waited long enough without an agent.
func (e *Engine) spill(c *caller) {
	if !c.due || c.agent != nil || c.spilling != "" {
		return
	}
	targets := c.line.queue.Overflow.Targets
	c.spilling = targets[c.tries%len(targets)]
	c.tries++
	c.due = false
	e.decide(Decision{Kind: Spill, Call: c.Call, Queue: c.Queue, Ticket: c.Ticket, Target: c.spilling})
}

// unspill stops the overflow dial of c, because an agent here is reserved.
func (e *Engine) unspill(c *caller) {
	if c.spilling == "" {
		return
	}
	e.decide(Decision{Kind: Unspill, Call: c.Call, Queue: c.Queue, Target: c.spilling})
	c.spilling = ""
	e.arm(&c.clock, e.now.Add(c.line.queue.Overflow.Retry))
}

// spillEnded: the target did not answer; another try after Retry.
func (e *Engine) spillEnded(call cti.CallID) {
	c := e.callers[call]
	if c == nil || c.spilling == "" {
		return
	}
	c.spilling = ""
	e.arm(&c.clock, e.now.Add(c.line.queue.Overflow.Retry))
}
