// Package cdr folds the stream into call detail records: one per call that a
// service accepted (Offered), finished by CallCleared, exactly once over a
// crash because record and cursor change in one transaction.
//
// A record has no agent: per-person figures need a labour agreement that is
// not assumed here. A withheld number is never in a record. Retention is the
// caller's. The package owns no goroutine; Run is called by cmd.
package cdr

import (
	"time"

	"github.com/lineaamica/la2/cti"
)

// A Record is one call. Times are UTC; durations are milliseconds.
type Record struct {
	Call     cti.CallID    `json:"call"`
	Seq      uint64        `json:"seq,omitempty"` // of its CallCleared; orders the export
	Site     cti.SiteID    `json:"site"`
	Service  cti.ServiceID `json:"service,omitempty"`
	Queue    cti.QueueID   `json:"queue,omitempty"` // the last one
	Trunk    string        `json:"trunk,omitempty"`
	From     cti.SiteID    `json:"from,omitempty"`
	Class    cti.Class     `json:"class,omitempty"`
	Topic    string        `json:"topic,omitempty"`
	Caller   string        `json:"caller,omitempty"`
	Withheld bool          `json:"withheld,omitempty"`
	Dialled  string        `json:"dialled"`
	Ticket   cti.TicketID  `json:"ticket,omitempty"`

	Instant     time.Time `json:"instant,omitzero"`     // entered the network
	Offered     time.Time `json:"offered"`              // the service accepted it
	Answered    time.Time `json:"answered,omitzero"`    // our 200 to the caller
	Established time.Time `json:"established,omitzero"` // first agent spoke
	Cleared     time.Time `json:"cleared,omitzero"`

	Cause   cti.Cause `json:"cause,omitempty"`
	Outcome Outcome   `json:"outcome,omitempty"`

	WaitMS   int64     `json:"wait_ms"` // in queue, ringing included
	RingMS   int64     `json:"ring_ms"`
	TalkMS   int64     `json:"talk_ms"` // without hold
	HoldMS   int64     `json:"hold_ms"`
	Segments []Segment `json:"segments"`
	Audio    []Audio   `json:"audio,omitempty"` // of the legs that had any, as they left
}

// Audio is how the audio of one leg was.
type Audio struct {
	Leg cti.LegID `json:"leg"`
	cti.Quality
}

// Outcome is how a call ended for the citizen.
type Outcome string

const (
	// Answered is a call that spoke with an agent or an office.
	Answered Outcome = "answered"
	// Abandoned is a caller who left the queue.
	Abandoned Outcome = "abandoned"
	// Left is a caller who left before the queue (greeting, menu).
	Left Outcome = "left"
	// Redirected is a waiting caller whom another office took over.
	Redirected Outcome = "redirected"
	// Closed is a call outside the hours.
	Closed Outcome = "closed"
	// Failed is a call that we or the network ended before anybody spoke.
	Failed Outcome = "failed"
)

// A Segment is one stretch of a call.
type Segment struct {
	Kind   Kind        `json:"kind"`
	Start  time.Time   `json:"start"`
	End    time.Time   `json:"end,omitzero"`
	Queue  cti.QueueID `json:"queue,omitempty"`
	Leg    cti.LegID   `json:"leg,omitempty"`
	Trunk  string      `json:"trunk,omitempty"`  // a ring, talk or hold over a trunk
	Target string      `json:"target,omitempty"` // of a transfer or redirection: an office, or "device"
	Cause  cti.Cause   `json:"cause,omitempty"`  // how it ended, when not normal
	// Outcome of a queue segment: answered, abandoned, redirected or failed.
	Outcome Outcome `json:"outcome,omitempty"`
}

// Kind of a segment.
type Kind string

// The kinds. Queue spans ring; talk excludes hold.
const (
	KindQueue    Kind = "queue"
	KindRing     Kind = "ring"
	KindTalk     Kind = "talk"
	KindHold     Kind = "hold"
	KindTransfer Kind = "transfer"
)
