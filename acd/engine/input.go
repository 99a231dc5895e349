package engine

import (
	"time"

	"github.com/lineaamica/la2/cti"
)

// Op names what happened to the engine.
type Op string

const (
	OpTick Op = "tick" // a deadline passed

	// Callers.
	OpEnter      Op = "enter"       // Caller joins its queue
	OpLeave      Op = "leave"       // Call left; a live offer ends by release
	OpRedirected Op = "redirected"  // Target answered Call; a live offer ends by fence
	OpSpillEnded Op = "spill_ended" // the overflow dial of Call failed; Cause

	// Offers; Offer is the fence that was given out.
	OpRinging Op = "ringing" // the agent's device rings
	OpAccept  Op = "accept"  // the agent answered
	OpReject  Op = "reject"  // the agent did not answer; Cause
	OpRelease Op = "release" // the caller left while the agent rang
	OpFinish  Op = "finish"  // the conversation is over

	// Stations that are in use past the queues.
	OpSeize  Op = "seize"  // Device is being rung for Call
	OpEngage Op = "engage" // Device answered Call by Leg
	OpFree   Op = "free"   // Device has left Call; Leg, if set, must be that of OpEngage

	// Agents.
	OpLogIn      Op = "log_in"      // Agent sits at Device
	OpLogOut     Op = "log_out"     // Agent
	OpReady      Op = "ready"       // Agent
	OpNotReady   Op = "not_ready"   // Agent; Reason
	OpSetDevice  Op = "set_device"  // Agent moves to Device
	OpAlive      Op = "alive"       // Agent renews its lease
	OpDeviceUp   Op = "device_up"   // Device has a binding
	OpDeviceDown Op = "device_down" // Device lost its last binding
)

// An Input is one thing that happened. Fields that Op does not name are ignored.
type Input struct {
	Op     Op           `json:"op"`
	Call   cti.CallID   `json:"call,omitempty"`
	Agent  cti.AgentID  `json:"agent,omitempty"`
	Device cti.DeviceID `json:"device,omitempty"`
	Leg    cti.LegID    `json:"leg,omitempty"`
	Offer  cti.Fence    `json:"offer,omitempty"`
	Cause  cti.Cause    `json:"cause,omitempty"`
	Reason string       `json:"reason,omitempty"`
	Target string       `json:"target,omitempty"`
	Caller *Caller      `json:"caller,omitempty"`
}

// A Caller is a call that wants an agent. No personal data: inputs are journalled.
type Caller struct {
	Call  cti.CallID  `json:"call"`
	Queue cti.QueueID `json:"queue"`
	Class cti.Class   `json:"class,omitempty"`
	// Priority orders before the instant: higher is served first.
	Priority int `json:"priority,omitempty"`
	// Skills are all required of the agent.
	Skills []string `json:"skills,omitempty"`
	// Instant is when the call entered the network; older is served first. UTC.
	Instant time.Time    `json:"instant"`
	Topic   string       `json:"topic,omitempty"`
	Ticket  cti.TicketID `json:"ticket,omitempty"`
}

// Kind names a decision.
type Kind string

const (
	Queued    Kind = "queued"    // Call waits in Queue
	Offered   Kind = "offered"   // Agent is reserved for Call: ring Device or Contact
	Rang      Kind = "rang"      // Agent's device rings
	Accepted  Kind = "accepted"  // Agent talks with Call
	Rejected  Kind = "rejected"  // the offer ended by the agent's side; Cause; Call waits again
	Released  Kind = "released"  // the offer ended because Call left
	Fenced    Kind = "fenced"    // the offer ended because another answered Call
	Finished  Kind = "finished"  // the conversation of Offer ended
	Abandoned Kind = "abandoned" // Call left without an answer
	Taken     Kind = "taken"     // Target answered Call (CSTA: Redirected)
	Spill     Kind = "spill"     // ring Target for Call, which keeps its place
	Unspill   Kind = "unspill"   // stop ringing Target
	State     Kind = "state"     // Agent entered State
	Pending   Kind = "pending"   // Agent will enter State after what it does now
	Refused   Kind = "refused"   // the input is not possible now; Reason
	Stale     Kind = "stale"     // the input carries a fence that lost the race
)

// A Decision is what follows from an input, in order.
type Decision struct {
	Kind    Kind           `json:"kind"`
	Call    cti.CallID     `json:"call,omitempty"`
	Agent   cti.AgentID    `json:"agent,omitempty"`
	Device  cti.DeviceID   `json:"device,omitempty"`
	Contact string         `json:"contact,omitempty"`
	Queue   cti.QueueID    `json:"queue,omitempty"`
	Offer   cti.Fence      `json:"offer,omitempty"`
	Ticket  cti.TicketID   `json:"ticket,omitempty"`
	Cause   cti.Cause      `json:"cause,omitempty"`
	State   cti.AgentState `json:"state,omitempty"`
	Reason  string         `json:"reason,omitempty"`
	Target  string         `json:"target,omitempty"`
	// Deadline ends State by itself (wrap-up, rest), UTC.
	Deadline time.Time `json:"deadline,omitzero"`
	// WaitMS is how long Call waited, from its network instant.
	WaitMS int64 `json:"wait_ms,omitempty"`
}
