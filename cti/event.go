package cti

import "time"

// EventType names what happened, in the past tense and with the CSTA name
// where ECMA-269 has one.
type EventType string

const (
	// Call events.
	EvOffered           EventType = "Offered"     // a service accepted the INVITE; Info is set
	EvQueued            EventType = "Queued"      // entered Queue; Ticket is set
	EvDelivered         EventType = "Delivered"   // Agent's device rings; Ticket, Offer are set
	EvEstablished       EventType = "Established" // Leg answered and bridged
	EvHeld              EventType = "Held"        // Leg put the caller on hold
	EvRetrieved         EventType = "Retrieved"
	EvDiverted          EventType = "Diverted"          // the offer ended without answer; Cause
	EvTransferring      EventType = "Transferring"      // a transfer was ordered; Target
	EvConsulting        EventType = "Consulting"        // Leg talks with Target, or again with the caller: Value target, caller
	EvControllable      EventType = "Controllable"      // Device's telephone may be told: Value talk (to answer), hold, "talk,hold"
	EvTransferred       EventType = "Transferred"       // Leg was replaced by Target's leg
	EvTransferFailed    EventType = "TransferFailed"    // the caller is back with Leg; Cause
	EvConnectionCleared EventType = "ConnectionCleared" // Leg left; Cause
	EvCallCleared       EventType = "CallCleared"       // all legs left; Cause. Exactly one per Offered
	EvAnswered          EventType = "Answered"          // our 200 to the caller
	EvOneWayAudio       EventType = "OneWayAudio"       // Leg was answered and sends no audio
	EvStage             EventType = "Stage"             // the script entered Stage
	EvChoice            EventType = "Choice"            // the caller chose Value in the menu
	EvRedirected        EventType = "Redirected"        // a waiting caller was taken by Target
	// EvPassed is all of a call that only passed through, when it is over: Instant is its
	// beginning, Info.TalkMS how long it was connected. It has no Offered and no CallCleared.
	EvPassed EventType = "Passed"

	// Agent events.
	EvAgentLoggedOn         EventType = "AgentLoggedOn"
	EvAgentLoggedOff        EventType = "AgentLoggedOff"
	EvAgentReady            EventType = "AgentReady"
	EvAgentNotReady         EventType = "AgentNotReady" // Reason
	EvAgentReserved         EventType = "AgentReserved" // Offer; without one the station rings past the queues
	EvAgentBusy             EventType = "AgentBusy"
	EvAgentWorkingAfterCall EventType = "AgentWorkingAfterCall" // Deadline

	// Ticket events: Ticket and TicketChange are set.
	EvTicketOpened   EventType = "TicketOpened"
	EvTicketAttached EventType = "TicketAttached" // an existing ticket joined Call; Value is the rule
	EvTicketUpdated  EventType = "TicketUpdated"

	// Node events.
	EvEngineInput       EventType = "EngineInput"    // Raw: the input as given to the engine
	EvEngineDecision    EventType = "EngineDecision" // Raw: the decision
	EvDeviceUp          EventType = "DeviceUp"       // Device has a binding
	EvDeviceDown        EventType = "DeviceDown"
	EvTrunkUp           EventType = "TrunkUp"             // Trunk
	EvTrunkDown         EventType = "TrunkDown"           // Trunk
	EvEmergency         EventType = "EmergencyRedirected" // Leg hands the citizen to Target, a number of the rescuers
	EvTrunkRegistration EventType = "TrunkRegistration"   // Trunk; Value: registered, unregistered
	EvAudit             EventType = "Audit"               // a command: who (Agent), what (Value), outcome (Cause)
	EvNodeStarted       EventType = "NodeStarted"
	EvNodeStopped       EventType = "NodeStopped"
)

// An Event is one line of the stream. Only Type and At are always set by who
// publishes; the stream sets Epoch, Seq and Site. Fields that do not apply are
// zero and absent from JSON.
type Event struct {
	Epoch string    `json:"epoch"` // ULID of this journal's life
	Seq   uint64    `json:"seq"`   // from 1, without gaps inside an epoch
	At    time.Time `json:"at"`    // UTC
	Site  SiteID    `json:"site"`
	Type  EventType `json:"type"`

	Call   CallID   `json:"call,omitempty"`
	Leg    LegID    `json:"leg,omitempty"`
	Ticket TicketID `json:"ticket,omitempty"`
	Agent  AgentID  `json:"agent,omitempty"`
	Device DeviceID `json:"device,omitempty"`
	Queue  QueueID  `json:"queue,omitempty"`
	Trunk  string   `json:"trunk,omitempty"`
	Cause  Cause    `json:"cause,omitempty"`
	Offer  Fence    `json:"offer,omitempty"`

	Service  ServiceID `json:"service,omitempty"`
	Reason   string    `json:"reason,omitempty"`  // of AgentNotReady
	Stage    string    `json:"stage,omitempty"`   // greeting, menu, queue, offer, talk, closed
	Value    string    `json:"value,omitempty"`   // choice, rule, command
	Target   string    `json:"target,omitempty"`  // of a transfer or redirection: site or number
	Deadline time.Time `json:"deadline,omitzero"` // of wrap-up, UTC
	Instant  time.Time `json:"instant,omitzero"`  // network instant, UTC
	Info     *CallInfo `json:"info,omitempty"`
	Quality  *Quality  `json:"quality,omitempty"` // of ConnectionCleared
	Change   *Change   `json:"change,omitempty"`
	Raw      []byte    `json:"raw,omitempty"`
}

// CallInfo is what Offered, Queued and Delivered tell about a call.
type CallInfo struct {
	Caller  Party     `json:"caller"`
	Dialled string    `json:"dialled"`
	Service ServiceID `json:"service,omitempty"`
	Topic   string    `json:"topic,omitempty"`
	From    SiteID    `json:"from,omitempty"` // the office that sent the call
	Class   Class     `json:"class,omitempty"`
	WaitMS  int64     `json:"wait_ms,omitempty"` // in queue so far, from the network instant
	TalkMS  int64     `json:"talk_ms,omitempty"` // of Passed
}

// A Change is one event of a ticket; package ticketlink/ticket gives it meaning.
type Change struct {
	Kind     string            `json:"kind"`
	Revision int64             `json:"revision"`
	By       SiteID            `json:"by"`
	Role     string            `json:"role,omitempty"`
	Fields   map[string]string `json:"fields,omitempty"`
}

// A Position is a place in a stream: "EPOCH.SEQ". The zero Position is before
// the first event.
type Position struct {
	Epoch string
	Seq   uint64
}
