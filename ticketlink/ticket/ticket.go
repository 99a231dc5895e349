// Package ticket is the ticket of the network (TUPA Contract v1): its fields, its
// state machine and its history, as a pure fold over changes.
//
// A ticket is what Apply makes of its changes, in the order of their revisions;
// there is no other way to alter one. Apply has no clock, no I/O and no memory,
// and never touches the ticket that it is given, so replaying the changes of a
// ticket gives it back exactly. Who may command a change, and what the topic codes
// mean, is decided above (packages ticketlink and taxonomy).
//
// Not here yet: the Contract's transfer protocol with its offers and freezes (a
// ticket changes its owner by one change, Transferred), attachments, satisfaction,
// statistics, call-back. The package owns no goroutine.
package ticket

import (
	"slices"
	"time"

	"github.com/lineaamica/la2/cti"
)

// ContractVersion is the edition of the ticket's form.
const ContractVersion = "1.0"

// A Ticket is one request of a citizen. Zero: not opened.
type Ticket struct {
	ID              cti.TicketID `json:"ticket_id"`
	ContractVersion string       `json:"contract_version"`
	Creator         cti.SiteID   `json:"creator_ipa"`
	Owner           cti.SiteID   `json:"owner_ipa"`
	State           State        `json:"state"`
	ReportingState  Reporting    `json:"reporting_state"`
	// WaitingFor is citizen, other_administration or callback while State is
	// Waiting, and WaitingFrom the state to go back to.
	WaitingFor  string `json:"waiting_for,omitempty"`
	WaitingFrom State  `json:"waiting_from,omitempty"`

	Category        string `json:"category"` // "01" to "24"
	Topic           string `json:"topic"`    // "CC.TT"
	TaxonomyVersion string `json:"taxonomy_version,omitempty"`
	ContactReason   string `json:"contact_reason"`
	Channel         string `json:"channel"`
	Language        string `json:"language"`    // ISO 639-1
	Subject         string `json:"subject"`     // <= 160 characters, no personal data
	Description     string `json:"description"` // <= 8000 characters, internal
	Answer          string `json:"answer"`      // <= 8000 characters, told to the citizen
	Outcome         string `json:"outcome"`
	Priority        string `json:"priority"`

	OpenedAt        time.Time `json:"opened_at"`
	FirstResponseAt time.Time `json:"first_response_at,omitzero"`
	ClosedAt        time.Time `json:"closed_at,omitzero"`
	ClosedByRole    Role      `json:"closed_by_role,omitempty"`

	Citizen   Citizen    `json:"citizen"`
	Contacts  []Contact  `json:"contacts"`
	Transfers []Transfer `json:"transfers"`
	// Tracked: the citizen was told a tracking code.
	Tracked bool    `json:"tracked,omitempty"`
	History []Entry `json:"history"`
	// Revision counts the changes, from 1.
	Revision int64 `json:"revision"`
}

// Citizen is what we must know to answer, and no more.
type Citizen struct {
	// Anonymous: the number was withheld on the first call.
	Anonymous bool `json:"anonymous"`
	// Contact is kept only with the citizen's consent to be called back.
	ContactKind string    `json:"contact_kind,omitempty"` // phone, email, pec
	Contact     string    `json:"contact,omitempty"`
	ConsentAt   time.Time `json:"consent_callback_at,omitzero"`
}

// A Contact is one call or message about the ticket.
type Contact struct {
	ID        string     `json:"contact_id"` // of a call: its cti.CallID
	Channel   string     `json:"channel"`
	Direction string     `json:"direction"` // in, out
	At        time.Time  `json:"at"`        // of a call: when it entered the network
	Site      cti.SiteID `json:"site"`
	WaitS     int64      `json:"wait_s"`
	DurationS int64      `json:"duration_s"`
	Abandoned bool       `json:"abandoned,omitempty"` // nobody answered
}

// A Transfer is one change of owner.
type Transfer struct {
	From   cti.SiteID `json:"from_ipa"`
	To     cti.SiteID `json:"to_ipa"`
	Mode   string     `json:"mode"`   // synchronous, asynchronous
	Reason string     `json:"reason"` // overflow, request, …
	At     time.Time  `json:"at"`
}

// An Entry is one line of the history: who is an administration and a role,
// never a person.
type Entry struct {
	Revision int64      `json:"revision"`
	EventID  string     `json:"event_id,omitempty"`
	At       time.Time  `json:"at"`
	By       cti.SiteID `json:"by"`
	Role     Role       `json:"role,omitempty"`
	Kind     Kind       `json:"kind"`
	From     State      `json:"from,omitempty"` // when the state changed
	To       State      `json:"to,omitempty"`
}

// Role is in which part somebody acts.
type Role string

// The roles: front office, back office, and the switch itself.
const (
	FrontOffice Role = "fo"
	BackOffice  Role = "bo"
	System      Role = "system"
)

// Contact finds a contact by its id.
func (t Ticket) Contact(id string) (Contact, bool) {
	for _, c := range t.Contacts {
		if c.ID == id {
			return c, true
		}
	}
	return Contact{}, false
}

// Entry finds the history line of a revision.
func (t Ticket) Entry(revision int64) (Entry, bool) {
	i := slices.IndexFunc(t.History, func(e Entry) bool { return e.Revision == revision })
	if i < 0 {
		return Entry{}, false
	}
	return t.History[i], true
}
