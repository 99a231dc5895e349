package ticketlink

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/oklog/ulid/v2"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/ticketlink/ticket"
	"github.com/lineaamica/la2/ticketlink/tracking"
)

// Transition moves the ticket to a state, filling in fields on the way; empty
// ones stay as they are. It returns the new ticket when the change is durable.
//
// Errors: ErrNotFound; ErrStale when revision is not the ticket's;
// *ticket.IllegalError; *ticket.FieldError with what is missing or wrong;
// ticket.ErrNotOwner, ticket.ErrTooLate; the journal's.
func (s *Service) Transition(ctx context.Context, id cti.TicketID, revision int64, role ticket.Role, to ticket.State, fields map[string]string) (ticket.Ticket, error) {
	f := map[string]string{}
	for k, v := range fields {
		if v != "" {
			f[k] = v
		}
	}
	waiting := f["waiting_for"]
	delete(f, "waiting_for")
	if err := s.check(f); err != nil {
		return ticket.Ticket{}, err
	}
	f["to"] = string(to)
	if waiting != "" {
		f["waiting_for"] = waiting
	}
	return s.change(ctx, id, revision, ticket.Change{Kind: ticket.Moved, Role: role, Fields: f})
}

// Edit changes the fields given, also to nothing. Results and errors as of
// Transition.
func (s *Service) Edit(ctx context.Context, id cti.TicketID, revision int64, role ticket.Role, fields map[string]string) (ticket.Ticket, error) {
	f := maps.Clone(fields)
	if err := s.check(f); err != nil {
		return ticket.Ticket{}, err
	}
	return s.change(ctx, id, revision, ticket.Change{Kind: ticket.Edited, Role: role, Fields: f})
}

// editable are the fields that a person may fill in.
func editable(name string) bool {
	return slices.Contains([]string{"category", "topic", "contact_reason", "subject", "description", "answer", "outcome",
		"priority", "language", "contact_kind", "contact_value"}, name)
}

// check refuses fields that are not for people and codes that are not in the
// taxonomy, and notes its edition. A topic brings its category along.
func (s *Service) check(f map[string]string) error {
	var invalid []string
	for _, name := range slices.Sorted(maps.Keys(f)) {
		if !editable(name) {
			invalid = append(invalid, name)
		}
	}
	if topic := f["topic"]; topic != "" {
		if _, ok := s.taxonomy.Topic(topic); !ok {
			invalid = append(invalid, "topic")
		} else if f["category"] == "" {
			f["category"] = topic[:2]
		}
	}
	if category := f["category"]; category != "" {
		if _, ok := s.taxonomy.Category(category); !ok {
			invalid = append(invalid, "category")
		}
		f["taxonomy_version"] = s.taxonomy.Version
	}
	if len(invalid) > 0 {
		return &ticket.FieldError{Invalid: invalid}
	}
	return nil
}

// change commits c as the next change of the ticket and waits until it is folded.
func (s *Service) change(ctx context.Context, id cti.TicketID, revision int64, c ticket.Change) (ticket.Ticket, error) {
	release, err := s.turns.take(ctx, id)
	if err != nil {
		return ticket.Ticket{}, err
	}
	defer release()
	t, err := s.load(id)
	switch {
	case err != nil:
		return t, err
	case t.Revision == 0:
		return t, ErrNotFound
	case t.Revision != revision:
		return t, ErrStale
	}
	c.Ticket, c.Revision, c.At, c.By, c.EventID = id, revision+1, s.cfg.Now().UTC(), s.cfg.Site, ulid.Make().String()
	next, err := ticket.Apply(t, c)
	if err != nil {
		return t, err
	}
	ev := c.Event()
	ev.Type = cti.EvTicketUpdated
	if err := s.cfg.Journal.Commit(ctx, ev); err != nil {
		return t, err
	}
	if s.folded(ctx, c) != nil {
		return next, nil // durable all the same
	}
	if t, err = s.load(id); err != nil {
		return t, err
	}
	if e, _ := t.Entry(c.Revision); e.EventID != c.EventID {
		return t, ErrStale // an earlier writer's change came through after its time-out
	}
	return next, nil
}

// Tracking returns the code to tell the citizen and, the first time, its PIN. It
// is noted in the ticket's history that a code was told, not which.
func (s *Service) Tracking(ctx context.Context, id cti.TicketID, role ticket.Role) (code tracking.Code, pin string, err error) {
	t, err := s.Get(ctx, id)
	if err != nil {
		return "", "", err
	}
	if code, pin, err = s.cfg.Codes.Issue(ctx, id); err != nil {
		return "", "", err
	}
	for !t.Tracked {
		_, err = s.change(ctx, id, t.Revision, ticket.Change{Kind: ticket.Tracked, Role: role})
		if errors.Is(err, ErrStale) {
			t, err = s.Get(ctx, id)
		} else if err == nil {
			break
		}
		if err != nil {
			// The code holds; the note comes when the code is asked for again.
			s.cfg.Logger.Warn("tracking code told without a note", "ticket", id, "error", err)
			break
		}
	}
	return code, pin, nil
}
