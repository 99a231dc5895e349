// Package ticketlink keeps the tickets of an office: it opens them for calls,
// links calls to them, and lets agents classify and close them.
//
// A ticket is a fold of its changes (package ticket), and every change is an
// event of the one stream, so tickets survive a crash like everything else there:
//
//	            stream of events ◄───────────────┐ Commit
//	                  │ Step, exactly once       │
//	                  ▼                          │
//	Table:  tickets, open calls, outbox ──► Run: outbox ──► changes
//	                  ▲                          │
//	                  └── Get, Match    Transition, Edit, Tracking
//
// Step folds call events into what must happen to which ticket (the outbox) and
// ticket events into tickets, all in the transaction that moves the cursor. Run
// turns the outbox into changes; an entry goes when its change has been folded.
// After a kill at any point the outbox holds exactly what is still to be done.
//
// A ticket has one writer at a time (turn.go), who lets go when its change has
// been folded. Births and deaths of tickets follow the calls:
//
//	Queued          own id: draft · known id: contact · another office's id: mirror
//	Established     by an agent: draft becomes open_fo; by another office: it owns the ticket
//	CallCleared     in the queue: draft is cancelled, kept as abandoned contact;
//	                before it: a contact fact and no ticket
//
// Between offices the id travels with the call and the owner changes on answer, on
// both sides alike. The TUPA Contract, which will carry the content and settle
// what one side missed, comes later: until then a mirror knows only what its own
// office wrote.
//
// The goroutines are those of Run and of whoever folds Step.
package ticketlink

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/ticketlink/taxonomy"
	"github.com/lineaamica/la2/ticketlink/ticket"
	"github.com/lineaamica/la2/ticketlink/tracking"
)

// A Journal is the stream. Satisfied by *stream.Log.
type Journal interface {
	// Commit returns when the events are durable, next to each other.
	Commit(ctx context.Context, evs ...cti.Event) error
}

// Errors a caller branches on, besides those of package ticket.
var (
	// ErrNotFound is a ticket that this office does not have.
	ErrNotFound = errors.New("ticketlink: no such ticket")
	// ErrStale is a change based on a revision that is not the ticket's.
	ErrStale = errors.New("ticketlink: changed by somebody else meanwhile")
)

// Config of a Service. Site, Rows, Codes and Journal are required.
type Config struct {
	Site cti.SiteID
	// Offices are the trunks that lead to an office of the network.
	Offices map[string]cti.SiteID
	// Rows is the table of tickets, folded by Step and used by nobody else.
	Rows cti.Projection
	// Codes knows the tracking codes.
	Codes   *tracking.Book
	Journal Journal
	// MatchNumber joins a call to the only open ticket of a verified number
	// without asking (the owner's policy). Default: such tickets are only
	// proposed.
	MatchNumber bool
	// Retry is the pause of Run after a failed journal write. Default 1s.
	Retry time.Duration
	// Now is the clock. Default time.Now.
	Now func() time.Time
	// Logger. Default: discarded.
	Logger *slog.Logger
}

// A Service keeps the tickets of one office. Safe for concurrent use.
type Service struct {
	cfg      Config
	rows     *table
	turns    turns
	taxonomy taxonomy.Taxonomy
}

// New makes a Service.
func New(cfg Config) (*Service, error) {
	if !cfg.Site.Valid() || cfg.Rows == nil || cfg.Codes == nil || cfg.Journal == nil {
		return nil, errors.New("ticketlink: config: Site, Rows, Codes and Journal are required")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Retry <= 0 {
		cfg.Retry = time.Second
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Service{cfg: cfg, rows: newTable(cfg.Rows), taxonomy: taxonomy.Default()}, nil
}

// Table is the projection to fold with Step: stream.Fold(ctx, log, s.Table(),
// s.Step). It is Config.Rows, and tells the Service when it moves on.
func (s *Service) Table() cti.Projection { return s.rows }

// Mint makes the id of a new ticket. Nothing is stored: the ticket begins when a
// call is Queued with the id. Safe for concurrent use.
func (s *Service) Mint() cti.TicketID { return cti.NewTicketID(s.cfg.Site, s.cfg.Now()) }

func ticketKey(id cti.TicketID) []byte { return []byte("t/" + string(id)) }

// load reads a ticket; the zero Ticket when there is none.
func load(tx cti.Tx, id cti.TicketID) (t ticket.Ticket, err error) {
	if raw := tx.Get(ticketKey(id)); raw != nil {
		if err = json.Unmarshal(raw, &t); err != nil {
			err = fmt.Errorf("ticketlink: ticket %s: %w", id, err)
		}
	}
	return t, err
}

// save writes a ticket and its place in the index of numbers.
func save(tx cti.Tx, old, t ticket.Ticket) error {
	raw, err := json.Marshal(t)
	if err != nil {
		return fmt.Errorf("ticketlink: ticket %s: %w", t.ID, err)
	}
	if err := tx.Put(ticketKey(t.ID), raw); err != nil {
		return err
	}
	before, after := numberKey(old), numberKey(t)
	if before != "" && before != after {
		if err := tx.Delete([]byte(before)); err != nil {
			return err
		}
	}
	if after == "" {
		return nil
	}
	return tx.Put([]byte(after), []byte{})
}

// numberKey is where an open ticket stands in the index of numbers, "" for one
// that is closed or whose citizen left none.
func numberKey(t ticket.Ticket) string {
	if t.Citizen.ContactKind != "phone" || t.Citizen.Contact == "" || t.State.Closed() || t.State == ticket.Cancelled {
		return ""
	}
	return "n/" + t.Citizen.Contact + "/" + string(t.ID)
}

func (s *Service) load(id cti.TicketID) (t ticket.Ticket, err error) {
	err = s.rows.View(func(tx cti.Tx) error {
		t, err = load(tx, id)
		return err
	})
	return t, err
}

// arrival is how long Get waits for a ticket whose call has just been queued.
const arrival = 500 * time.Millisecond

// Get returns a ticket. It waits a moment for one that is only being opened or
// changed: the desktop may hear of a call or a change before it has been folded,
// and who has heard of a revision must not be given an older one. The error is
// ErrNotFound, or the table's.
func (s *Service) Get(ctx context.Context, id cti.TicketID) (ticket.Ticket, error) {
	if !id.Valid() {
		return ticket.Ticket{}, ErrNotFound
	}
	ctx, cancel := context.WithTimeout(ctx, arrival)
	defer cancel()
	s.turns.rest(ctx, id)
	for {
		moved := s.rows.moved()
		t, err := s.load(id)
		if err != nil || t.Revision > 0 {
			return t, err
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return t, ErrNotFound
		}
	}
}

// All calls yield for every ticket in the order of their ids, until it returns
// false.
func (s *Service) All(yield func(ticket.Ticket) bool) error {
	return s.rows.View(func(tx cti.Tx) error {
		for _, raw := range tx.Scan([]byte("t/")) {
			var t ticket.Ticket
			if err := json.Unmarshal(raw, &t); err != nil {
				return fmt.Errorf("ticketlink: ticket: %w", err)
			}
			if !yield(t) {
				return nil
			}
		}
		return nil
	})
}
