package engine

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/lineaamica/la2/cti"
)

// Saved is the whole state of an Engine as plain data, in a fixed order.
type Saved struct {
	Now      time.Time      `json:"now"`
	Fence    cti.Fence      `json:"fence"`
	Arrival  uint64         `json:"arrival"`
	Up       []cti.DeviceID `json:"up,omitempty"`
	Counted  []counters     `json:"counted"`            // by queue id
	Seizures []savedSeizure `json:"seizures,omitempty"` // as they came
	Agents   []savedAgent   `json:"agents"`             // by agent id
	Callers  []savedCaller  `json:"callers,omitempty"`
}

type savedAgent struct {
	ID      cti.AgentID    `json:"id"`
	State   cti.AgentState `json:"state"`
	Reason  string         `json:"reason,omitempty"`
	Since   time.Time      `json:"since,omitzero"`
	Idle    time.Time      `json:"idle,omitzero"`
	Pending cti.AgentState `json:"pending,omitempty"`
	Because string         `json:"because,omitempty"`
	Device  cti.DeviceID   `json:"device,omitempty"`
	Clock   time.Time      `json:"clock,omitzero"`
	Lease   time.Time      `json:"lease,omitzero"`
	Offer   cti.Fence      `json:"offer,omitempty"`
	Call    cti.CallID     `json:"call,omitempty"`
	Ticket  cti.TicketID   `json:"ticket,omitempty"`
	Queue   cti.QueueID    `json:"queue,omitempty"`
	Rang    bool           `json:"rang,omitempty"`
	Seized  bool           `json:"seized,omitempty"` // Call is the seizure of Device
}

type savedSeizure struct {
	Device  cti.DeviceID `json:"device"`
	Call    cti.CallID   `json:"call"`
	Leg     cti.LegID    `json:"leg,omitempty"`
	Talking bool         `json:"talking,omitempty"`
	Ticket  cti.TicketID `json:"ticket,omitempty"`
	Queue   cti.QueueID  `json:"queue,omitempty"`
}

type savedCaller struct {
	Caller
	Arrival  uint64      `json:"arrival"`
	Agent    cti.AgentID `json:"agent,omitempty"`
	Clock    time.Time   `json:"clock,omitzero"`
	Due      bool        `json:"due,omitempty"`
	Spilling string      `json:"spilling,omitempty"`
	Tries    int         `json:"tries,omitempty"`
}

// Save writes down the state.
func (e *Engine) Save() Saved {
	s := Saved{Now: e.now, Fence: e.fence, Arrival: e.arrival}
	for d := range e.up {
		s.Up = append(s.Up, d)
	}
	slices.Sort(s.Up)
	for _, q := range e.queues {
		s.Counted = append(s.Counted, q.counted)
	}
	for _, a := range e.agents {
		v := savedAgent{
			ID: a.ID, State: a.state, Reason: a.reason, Since: a.since, Idle: a.idle,
			Pending: a.pending, Because: a.because, Device: a.device, Clock: a.clock.at, Lease: a.lease.at,
			Offer: a.offer, Call: a.call, Ticket: a.ticket, Rang: a.rang,
			Seized: a.seizure != nil,
		}
		if a.queue != nil {
			v.Queue = a.queue.ID
		}
		s.Agents = append(s.Agents, v)
	}
	for _, z := range e.seizures {
		v := savedSeizure{Device: z.device, Call: z.call, Leg: z.leg, Talking: z.talking, Ticket: z.ticket}
		if z.queue != nil {
			v.Queue = z.queue.ID
		}
		s.Seizures = append(s.Seizures, v)
	}
	for _, c := range e.callers {
		v := savedCaller{
			Caller: c.Caller, Arrival: c.arrival,
			Clock: c.clock.at, Due: c.due, Spilling: c.spilling, Tries: c.tries,
		}
		if c.agent != nil {
			v.Agent = c.agent.ID
		}
		s.Callers = append(s.Callers, v)
	}
	slices.SortFunc(s.Callers, func(a, b savedCaller) int { return cmp.Compare(a.Arrival, b.Arrival) })
	return s
}

// Restore makes the Engine that Save wrote down. It fails when cfg does not have
// the same queues and agents.
func Restore(cfg Config, s Saved) (*Engine, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	e := build(cfg)
	if len(s.Counted) != len(e.queues) || len(s.Agents) != len(e.agents) {
		return nil, fmt.Errorf("engine: restore: %d queues and %d agents saved, %d and %d configured",
			len(s.Counted), len(s.Agents), len(e.queues), len(e.agents))
	}
	e.now, e.fence, e.arrival = s.Now, s.Fence, s.Arrival
	for _, d := range s.Up {
		e.up[d] = true
	}
	for i, q := range e.queues {
		q.counted = s.Counted[i]
	}
	for _, v := range s.Seizures {
		e.seizures = append(e.seizures, &seizure{device: v.Device, call: v.Call, leg: v.Leg, talking: v.Talking,
			ticket: v.Ticket, queue: e.queueOf[v.Queue]})
	}
	for i, v := range s.Agents {
		if err := e.restoreAgent(e.agents[i], v); err != nil {
			return nil, err
		}
	}
	for _, v := range s.Callers {
		if err := e.restoreCaller(v); err != nil {
			return nil, err
		}
	}
	for _, a := range e.agents {
		if e.eligible(a) {
			a.team.ready.push(a)
		}
	}
	return e, nil
}

func (e *Engine) restoreAgent(a *agent, v savedAgent) error {
	if a.ID != v.ID || (v.Queue != "" && e.queueOf[v.Queue] == nil) {
		return fmt.Errorf("engine: restore: agent %q, queue %q: not configured", v.ID, v.Queue)
	}
	a.state, a.reason, a.since, a.idle = v.State, v.Reason, v.Since, v.Idle
	a.pending, a.because, a.device = v.Pending, v.Because, v.Device
	a.offer, a.call, a.ticket, a.queue, a.rang = v.Offer, v.Call, v.Ticket, e.queueOf[v.Queue], v.Rang
	if !v.Clock.IsZero() {
		e.arm(&a.clock, v.Clock)
	}
	if !v.Lease.IsZero() {
		e.arm(&a.lease, v.Lease)
	}
	if a.device != "" {
		e.seats[a.device] = a
	}
	if v.Seized {
		if a.seizure = e.seizure(a.device, a.call); a.seizure == nil {
			return fmt.Errorf("engine: restore: agent %q: call %s does not hold %q", v.ID, v.Call, v.Device)
		}
		return nil
	}
	if a.engaged() {
		e.holders[a.offer] = a
	}
	return nil
}

func (e *Engine) restoreCaller(v savedCaller) error {
	q := e.queueOf[v.Queue]
	if q == nil {
		return fmt.Errorf("engine: restore: queue %q: not configured", v.Queue)
	}
	c := &caller{
		Caller: v.Caller, arrival: v.Arrival, pos: -1,
		due: v.Due, spilling: v.Spilling, tries: v.Tries,
	}
	c.line = e.lineFor(q, c.Skills)
	c.clock = timer{kind: timerSpill, rank: c.arrival, pos: -1, caller: c}
	if !v.Clock.IsZero() {
		e.arm(&c.clock, v.Clock)
	}
	e.callers[c.Call] = c
	q.inside++
	if v.Agent == "" {
		c.line.waiting.push(c)
		return nil
	}
	a := e.agentOf[v.Agent]
	if a == nil || a.call != c.Call {
		return fmt.Errorf("engine: restore: agent %q of call %s: no such offer", v.Agent, c.Call)
	}
	c.agent, a.caller = a, c
	return nil
}

// Hash identifies the state: two engines with one Hash decide alike.
func (e *Engine) Hash() string {
	b, err := json.Marshal(e.Save())
	if err != nil {
		panic("engine: hash: " + err.Error()) // Saved is plain data
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
