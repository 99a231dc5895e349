package server

import (
	"time"

	"github.com/lineaamica/la2/cti"
)

// A Ticket as the desktop shows it (docs/cti-protocol.md, Tickets).
type Ticket struct {
	ID             cti.TicketID `json:"ticket_id"`
	Creator        cti.SiteID   `json:"creator_ipa"`
	Owner          cti.SiteID   `json:"owner_ipa"`
	State          string       `json:"state"`
	ReportingState string       `json:"reporting_state"`
	Category       string       `json:"category"`
	Topic          string       `json:"topic"`
	ContactReason  string       `json:"contact_reason"`
	Channel        string       `json:"channel"`
	Language       string       `json:"language"`
	Subject        string       `json:"subject"`
	Description    string       `json:"description"`
	Answer         string       `json:"answer"`
	Outcome        string       `json:"outcome"`
	OpenedAt       time.Time    `json:"opened_at"`
	ClosedAt       time.Time    `json:"closed_at,omitzero"`
	Contacts       []Contact    `json:"contacts"`
	History        []History    `json:"history"`
	Revision       int64        `json:"revision"`
}

// A Contact is one call or message about a ticket.
type Contact struct {
	ID        string     `json:"contact_id"`
	Channel   string     `json:"channel"`
	Direction string     `json:"direction"` // in, out
	At        time.Time  `json:"at"`
	Site      cti.SiteID `json:"site"`
	WaitS     int64      `json:"wait_s"`
	DurationS int64      `json:"duration_s"`
}

// A History line says what happened to a ticket, not who did it by name.
type History struct {
	At   time.Time  `json:"at"`
	By   cti.SiteID `json:"by"`
	Role string     `json:"role"`
	Kind string     `json:"kind"`
}

// A Transition is the body of POST /tickets/{id}/transitions. Empty fields
// stay as they are on the ticket.
type Transition struct {
	To            string `json:"to"`
	Category      string `json:"category"`
	Topic         string `json:"topic"`
	Outcome       string `json:"outcome"`
	Answer        string `json:"answer"`
	Subject       string `json:"subject"`
	Description   string `json:"description"`
	ContactReason string `json:"contact_reason"`
}

// An Edit is the body of PUT /tickets/{id}; nil fields stay.
type Edit struct {
	Subject       *string `json:"subject"`
	Description   *string `json:"description"`
	Category      *string `json:"category"`
	Topic         *string `json:"topic"`
	ContactReason *string `json:"contact_reason"`
}

// Tracking is the code to tell the caller, "123 456 789 0", and, the first
// time only, its PIN.
type Tracking struct {
	Code string `json:"code"`
	PIN  string `json:"pin,omitempty"`
}

// Status is the body of GET /cti/v1/status: counts, no persons.
type Status struct {
	Site     Site                                   `json:"site"`
	UptimeMS int64                                  `json:"uptime_ms"`
	Queues   []QueueStatus                          `json:"queues"`
	Agents   map[cti.QueueID]map[cti.AgentState]int `json:"agents"`
	Calls    int                                    `json:"calls"`
	Trunks   []TrunkStatus                          `json:"trunks"`
	Bans     []BanStatus                            `json:"bans"`
}

// QueueStatus counts since the node started. offered = answered + abandoned +
// redirected + those still waiting.
type QueueStatus struct {
	Queue      cti.QueueID `json:"queue"`
	Waiting    int         `json:"waiting"`
	LongestMS  int64       `json:"longest_ms"`
	Offered    int         `json:"offered"`
	Answered   int         `json:"answered"`
	Abandoned  int         `json:"abandoned"`
	Redirected int         `json:"redirected"`
}

// BanStatus is a source of SIP that is not listened to for now: an address, an
// IPv6 /64, or a network whose passwords are refused unread.
type BanStatus struct {
	Source  string    `json:"source"`
	Reason  string    `json:"reason"`
	Since   time.Time `json:"since"`
	Until   time.Time `json:"until"`
	Times   int       `json:"times"`   // bans of it that are remembered
	Dropped uint64    `json:"dropped"` // messages since then
}

// TrunkStatus is one trunk and the calls that came by it or go out on it.
type TrunkStatus struct {
	Name  string `json:"name"`
	Up    bool   `json:"up"`
	Calls int    `json:"calls"`
	TrunkDetail
}

// TrunkDetail is what signalling knows of a trunk. Times are zero and words empty
// for what never was.
type TrunkDetail struct {
	Since        time.Time `json:"since,omitzero"`         // of Up, UTC
	Registration string    `json:"registration,omitempty"` // registering, registered, unregistered
	Fault        string    `json:"fault,omitempty"`        // the last failure
	FaultAt      time.Time `json:"fault_at,omitzero"`
}
