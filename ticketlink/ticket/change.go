package ticket

import (
	"fmt"
	"maps"
	"time"

	"github.com/lineaamica/la2/cti"
)

// Kind says what a change does; its fields are listed at each.
type Kind string

// The kinds.
const (
	// Opened makes a draft. channel, language, category, anonymous ("true") and
	// the fields of Contacted.
	Opened Kind = "opened"
	// Mirrored makes the local record of another office's ticket, learnt from a
	// call. owner and the fields of Opened.
	Mirrored Kind = "mirrored"
	// Contacted links a call or message. contact_id, channel, direction,
	// contact_at (RFC 3339).
	Contacted Kind = "contact"
	// Answered: an agent of By answered the contact; a draft becomes open_fo.
	// contact_id, wait_s.
	Answered Kind = "answered"
	// Abandoned: nobody answered the contact; a draft is cancelled. contact_id,
	// wait_s.
	Abandoned Kind = "abandoned"
	// Ended: the contact is over. contact_id, duration_s.
	Ended Kind = "ended"
	// Transferred gives the ticket to another owner. to (a codice IPA), mode,
	// reason. An open ticket starts there in open_fo, asynchronously in open_bo;
	// a closed or cancelled one stays so.
	Transferred Kind = "transferred"
	// Moved is a transition. to (a state), waiting_for, and any field of Edited,
	// outcome and answer.
	Moved Kind = "moved"
	// Edited changes category, topic, taxonomy_version, contact_reason, subject,
	// description, answer, priority, language, contact_kind, contact_value.
	Edited Kind = "edited"
	// Tracked: the citizen was told a tracking code. The code is not here.
	Tracked Kind = "tracked"
)

// A Change is one event of a ticket.
type Change struct {
	Ticket   cti.TicketID
	Kind     Kind
	Revision int64 // of the ticket after it
	At       time.Time
	By       cti.SiteID
	Role     Role
	// EventID is a ULID that makes the change unique.
	EventID string
	// Cause is the position of the event that brought the change about, "" when
	// a person did.
	Cause  string
	Fields map[string]string
}

// The names under which a change travels in the fields of a cti.Change.
const (
	fieldAt    = "at"
	fieldEvent = "event_id"
	fieldCause = "cause"
)

// Event is the change as an event of the stream, without a type.
func (c Change) Event() cti.Event {
	f := maps.Clone(c.Fields)
	if f == nil {
		f = map[string]string{}
	}
	f[fieldAt] = c.At.UTC().Format(time.RFC3339Nano)
	if c.EventID != "" {
		f[fieldEvent] = c.EventID
	}
	if c.Cause != "" {
		f[fieldCause] = c.Cause
	}
	return cti.Event{At: c.At, Ticket: c.Ticket, Change: &cti.Change{
		Kind: string(c.Kind), Revision: c.Revision, By: c.By, Role: string(c.Role), Fields: f,
	}}
}

// FromEvent reads what Event wrote; false when ev carries no change of a ticket.
func FromEvent(ev cti.Event) (Change, bool) {
	if ev.Change == nil || ev.Ticket == "" {
		return Change{}, false
	}
	f := maps.Clone(ev.Change.Fields)
	c := Change{
		Ticket: ev.Ticket, Kind: Kind(ev.Change.Kind), Revision: ev.Change.Revision, At: ev.At,
		By: ev.Change.By, Role: Role(ev.Change.Role), EventID: f[fieldEvent], Cause: f[fieldCause], Fields: f,
	}
	if at, err := time.Parse(time.RFC3339Nano, f[fieldAt]); err == nil {
		c.At = at
	}
	for _, name := range []string{fieldAt, fieldEvent, fieldCause} {
		delete(f, name)
	}
	return c, true
}

// An IllegalError is a transition that the state machine does not have.
type IllegalError struct{ From, To State }

func (e *IllegalError) Error() string {
	return fmt.Sprintf("ticket: transition %s to %s: not allowed", e.From, e.To)
}

// A FieldError lists what must still be filled in and what is filled in wrongly.
type FieldError struct{ Missing, Invalid []string }

func (e *FieldError) Error() string {
	return fmt.Sprintf("ticket: fields: missing %v, invalid %v", e.Missing, e.Invalid)
}
