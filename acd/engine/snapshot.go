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
	Call          cti.CallID // while Reserved, Ringing, Talking
	Offer         cti.Fence
	Queues        []cti.QueueID
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
