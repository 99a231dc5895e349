package ticket

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/lineaamica/la2/cti"
)

// ReopenWithin is how long after its closing a ticket may be opened again.
const ReopenWithin = 30 * 24 * time.Hour

// Errors of Apply, besides *IllegalError and *FieldError.
var (
	// ErrRevision: the change is not the next one of the ticket.
	ErrRevision = errors.New("ticket: revision is not the next one")
	// ErrNotOwner: only the owner moves and edits a ticket.
	ErrNotOwner = errors.New("ticket: not the owner")
	// ErrTooLate: a closed ticket can no longer be reopened.
	ErrTooLate = errors.New("ticket: closed for more than 30 days")
	// ErrContact: a contact that is unknown, or known already.
	ErrContact = errors.New("ticket: contact")
	// ErrKind: a change that this release does not know, or for another ticket.
	ErrKind = errors.New("ticket: change not understood")
)

// Apply returns t after c. t itself is never changed, and on error it is
// returned as it was.
func Apply(t Ticket, c Change) (Ticket, error) {
	if c.Revision != t.Revision+1 {
		return t, fmt.Errorf("%w: have %d, got %d", ErrRevision, t.Revision, c.Revision)
	}
	if (t.Revision == 0) != (c.Kind == Opened || c.Kind == Mirrored) || (t.Revision > 0 && c.Ticket != t.ID) {
		return t, fmt.Errorf("%w: %s of %s", ErrKind, c.Kind, c.Ticket)
	}
	next := t
	if err := next.apply(c); err != nil {
		return t, err
	}
	e := Entry{Revision: c.Revision, EventID: c.EventID, At: c.At.UTC(), By: c.By, Role: c.Role, Kind: c.Kind}
	if next.State != t.State {
		e.From, e.To = t.State, next.State
	}
	next.History = append(slices.Clip(t.History), e)
	next.ReportingState = next.State.Reporting()
	next.Revision = c.Revision
	return next, nil
}

// apply does what c says to t, a shallow copy: slices are cloned before writing.
func (t *Ticket) apply(c Change) error {
	f := c.Fields
	switch c.Kind {
	case Opened, Mirrored:
		return t.open(c)
	case Contacted:
		return t.contacted(c)
	case Answered:
		return t.answered(c)
	case Abandoned:
		return t.abandoned(c)
	case Ended:
		return t.editContact(f["contact_id"], func(k *Contact) { k.DurationS = seconds(f["duration_s"]) })
	case Transferred:
		return t.transferred(c)
	case Moved:
		return t.moved(c)
	case Edited:
		if c.By != t.Owner {
			return ErrNotOwner
		}
		return t.edit(f, c.At)
	case Tracked:
		t.Tracked = true
		return nil
	}
	return fmt.Errorf("%w: kind %q", ErrKind, c.Kind)
}

func (t *Ticket) open(c Change) error {
	if !c.Ticket.Valid() || !c.By.Valid() {
		return fmt.Errorf("%w: ticket %q by %q", ErrKind, c.Ticket, c.By)
	}
	t.ID, t.ContractVersion = c.Ticket, ContractVersion
	t.Creator, t.Owner, t.State = c.Ticket.Creator(), c.By, Draft
	if c.Kind == Mirrored {
		t.Owner, t.State = cti.SiteID(c.Fields["owner"]), OpenFO
		if !t.Owner.Valid() {
			return &FieldError{Invalid: []string{"owner"}}
		}
	}
	t.Channel, t.Language, t.Priority = or(c.Fields["channel"], "phone"), or(c.Fields["language"], "it"), "normal"
	t.Category, t.TaxonomyVersion = c.Fields["category"], c.Fields["taxonomy_version"]
	t.Citizen.Anonymous = c.Fields["anonymous"] == "true"
	t.OpenedAt = c.At.UTC()
	t.Contacts, t.Transfers = []Contact{}, []Transfer{}
	if c.Fields["contact_id"] == "" {
		return nil
	}
	return t.contacted(c)
}

func (t *Ticket) contacted(c Change) error {
	id := c.Fields["contact_id"]
	if _, known := t.Contact(id); known || id == "" {
		return fmt.Errorf("%w: %q is known", ErrContact, id)
	}
	at, err := time.Parse(time.RFC3339Nano, c.Fields["contact_at"])
	if err != nil {
		at = c.At
	}
	k := Contact{ID: id, Channel: or(c.Fields["channel"], "phone"), Direction: or(c.Fields["direction"], "in"), At: at.UTC(), Site: c.By}
	t.Contacts = append(slices.Clip(t.Contacts), k)
	return nil
}

func (t *Ticket) answered(c Change) error {
	err := t.editContact(c.Fields["contact_id"], func(k *Contact) { k.WaitS = seconds(c.Fields["wait_s"]) })
	if err != nil {
		return err
	}
	if t.FirstResponseAt.IsZero() {
		t.FirstResponseAt = c.At.UTC()
	}
	if t.State == Draft {
		t.State = OpenFO
	}
	return nil
}

func (t *Ticket) abandoned(c Change) error {
	err := t.editContact(c.Fields["contact_id"], func(k *Contact) {
		k.WaitS, k.Abandoned = seconds(c.Fields["wait_s"]), true
	})
	if err == nil && t.State == Draft {
		t.State, t.Outcome, t.ClosedAt = Cancelled, "abandoned", c.At.UTC()
	}
	return err
}

func (t *Ticket) editContact(id string, edit func(*Contact)) error {
	i := slices.IndexFunc(t.Contacts, func(k Contact) bool { return k.ID == id })
	if i < 0 {
		return fmt.Errorf("%w: %q is unknown", ErrContact, id)
	}
	t.Contacts = slices.Clone(t.Contacts)
	edit(&t.Contacts[i])
	return nil
}

func (t *Ticket) transferred(c Change) error {
	to := cti.SiteID(c.Fields["to"])
	if !to.Valid() || to == t.Owner {
		return &FieldError{Invalid: []string{"to"}}
	}
	mode := or(c.Fields["mode"], "synchronous")
	t.Transfers = append(slices.Clip(t.Transfers), Transfer{From: t.Owner, To: to, Mode: mode, Reason: or(c.Fields["reason"], "request"), At: c.At.UTC()})
	t.Owner = to
	if t.State.Closed() || t.State == Cancelled {
		return nil
	}
	t.State, t.WaitingFor, t.WaitingFrom = OpenFO, "", ""
	if mode == "asynchronous" {
		t.State = OpenBO
	}
	return nil
}

// moved is a transition with its guards.
func (t *Ticket) moved(c Change) error {
	to := State(c.Fields["to"])
	switch {
	case c.By != t.Owner:
		return ErrNotOwner
	case !t.State.May(to):
		return &IllegalError{t.State, to}
	case t.State == Waiting && !to.Closed() && to != t.WaitingFrom:
		return &IllegalError{t.State, to}
	case t.State.Closed() && c.At.Sub(t.ClosedAt) > ReopenWithin:
		return ErrTooLate
	}
	if err := t.edit(c.Fields, c.At); err != nil {
		return err
	}
	if to.Closed() {
		if missing := t.Missing(); len(missing) > 0 {
			return &FieldError{Missing: missing}
		}
		t.ClosedAt, t.ClosedByRole = c.At.UTC(), FrontOffice
		if to == ClosedBO {
			t.ClosedByRole = BackOffice
		}
	}
	if t.State.Closed() {
		t.ClosedAt, t.ClosedByRole, t.Outcome = time.Time{}, "", ""
	}
	if to == Cancelled {
		t.ClosedAt = c.At.UTC()
	}
	from := t.State
	t.State, t.WaitingFor, t.WaitingFrom = to, "", ""
	if to == Waiting {
		t.WaitingFor, t.WaitingFrom = c.Fields["waiting_for"], from
		if !slices.Contains(WaitingReasons(), t.WaitingFor) {
			return &FieldError{Invalid: []string{"waiting_for"}}
		}
	}
	return nil
}

// Missing lists what must be filled in before t can be closed: category, topic,
// outcome and, when the outcome is answered, the answer.
func (t Ticket) Missing() []string {
	var out []string
	for _, f := range []struct{ name, value string }{{"category", t.Category}, {"topic", t.Topic}, {"outcome", t.Outcome}} {
		if f.value == "" {
			out = append(out, f.name)
		}
	}
	if t.Outcome == "answered" && t.Answer == "" {
		out = append(out, "answer")
	}
	return out
}

func or(s, def string) string {
	if s == "" {
		return def
	}
	return s
}

// seconds reads a count of seconds; anything else is 0.
func seconds(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}
