package engine

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/lineaamica/la2/cti"
)

// Defaults of the zero values in Config and Queue.
const (
	DefaultWrapUp  = 30 * time.Second
	DefaultLease   = 60 * time.Second
	DefaultBackOff = 5 * time.Second
	DefaultRest    = 30 * time.Second
)

// Config is what an Engine serves. It is fixed for the life of the Engine, and
// a replay needs the same one.
type Config struct {
	Queues []Queue
	Agents []Agent
	// Lease is how long an agent lives without a sign of life. Default 60 s.
	Lease time.Duration
	// BackOff is how long an agent whose device could not be reached is passed
	// over while staying Ready. Default 5 s.
	BackOff time.Duration
	// Rest is how long a static agent stays NotReady after RONA before it comes
	// back by itself. Default 30 s.
	Rest time.Duration
}

// A Queue is where callers wait.
type Queue struct {
	ID cti.QueueID
	// WrapUp is the time after a conversation before the agent's next state.
	// Default 30 s; negative means none.
	WrapUp time.Duration
	// Max is how many callers may wait; 0 means no limit.
	Max int
	// Overflow sends callers elsewhere when nobody is free here.
	Overflow Overflow
}

// Overflow says when and where a caller without a free agent is tried elsewhere.
type Overflow struct {
	// After is the time in queue before the first try. Default 20 s.
	After time.Duration
	// Retry is the time after a failed try before the next one. Default After.
	Retry time.Duration
	// Targets are tried in turn, one at a time; none: no overflow.
	Targets []string
}

// An Agent is somebody who may be offered callers.
type Agent struct {
	ID     cti.AgentID
	Queues []cti.QueueID
	Skills []string
	// Device is where a static agent is reached from the start; other agents
	// name theirs when they log in.
	Device cti.DeviceID
	// Contact is a fixed SIP URI of a static agent, used instead of Device.
	Contact string
	// Backup agents (bots) serve only while no other eligible agent is Ready.
	Backup bool
	// Static agents are logged on and Ready from the start, exempt from leases,
	// and come back by themselves after RONA.
	Static bool
}

// Validate reports every fault of c at once. The zero Config is valid.
func (c Config) Validate() error {
	var errs []error
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf("engine: "+format, args...)) }
	queues := map[cti.QueueID]bool{}
	for _, q := range c.Queues {
		if q.ID == "" {
			fault("queue without an id")
		}
		if queues[q.ID] {
			fault("queue %q: defined twice", q.ID)
		}
		queues[q.ID] = true
		if q.Max < 0 {
			fault("queue %q: max %d: want 0 or more", q.ID, q.Max)
		}
		if q.Overflow.After < 0 || q.Overflow.Retry < 0 {
			fault("queue %q: overflow after %v, retry %v: want 0 or more", q.ID, q.Overflow.After, q.Overflow.Retry)
		}
	}
	agents := map[cti.AgentID]bool{}
	for _, a := range c.Agents {
		if a.ID == "" {
			fault("agent without an id")
		}
		if agents[a.ID] {
			fault("agent %q: defined twice", a.ID)
		}
		agents[a.ID] = true
		for _, q := range a.Queues {
			if !queues[q] {
				fault("agent %q: queue %q: not defined", a.ID, q)
			}
		}
		if a.Static && a.Contact == "" && a.Device == "" {
			fault("agent %q: static without contact and device", a.ID)
		}
	}
	if c.Lease < 0 || c.BackOff < 0 || c.Rest < 0 {
		fault("lease %v, back-off %v, rest %v: want 0 or more", c.Lease, c.BackOff, c.Rest)
	}
	return errors.Join(errs...)
}

// withDefaults fills zero values and sorts, so that the order in a file does
// not change decisions.
func (c Config) withDefaults() Config {
	c.Lease = cmp.Or(c.Lease, DefaultLease)
	c.BackOff = cmp.Or(c.BackOff, DefaultBackOff)
	c.Rest = cmp.Or(c.Rest, DefaultRest)
	c.Queues = slices.Clone(c.Queues)
	c.Agents = slices.Clone(c.Agents)
	slices.SortFunc(c.Queues, func(a, b Queue) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(c.Agents, func(a, b Agent) int { return cmp.Compare(a.ID, b.ID) })
	for i := range c.Queues {
		q := &c.Queues[i]
		q.WrapUp = max(cmp.Or(q.WrapUp, DefaultWrapUp), 0)
		q.Overflow.After = cmp.Or(q.Overflow.After, 20*time.Second)
		q.Overflow.Retry = cmp.Or(q.Overflow.Retry, q.Overflow.After)
	}
	for i := range c.Agents {
		a := &c.Agents[i]
		a.Queues = slices.Compact(slices.Sorted(slices.Values(a.Queues)))
		a.Skills = slices.Compact(slices.Sorted(slices.Values(a.Skills)))
	}
	return c
}
