package node

import (
	"context"
	"errors"
	"slices"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/cti/server"
	"github.com/lineaamica/la2/cti/stream"
	"github.com/lineaamica/la2/store"
	"github.com/lineaamica/la2/ticketlink"
	"github.com/lineaamica/la2/ticketlink/ticket"
	"github.com/lineaamica/la2/ticketlink/tracking"
)

func (n *Node) openTickets(ctx context.Context) error {
	codes, err := tracking.New(tracking.Config{Rows: n.store.Projection("tracking"), Cost: n.opts.Env.PINCost})
	if err != nil {
		return err
	}
	offices := map[string]cti.SiteID{}
	for _, t := range n.cfg.Trunks {
		if t.Site != "" {
			offices[t.Name] = cti.SiteID(t.Site)
		}
	}
	n.tickets, err = ticketlink.New(ticketlink.Config{Site: cti.SiteID(n.cfg.Site.IPA), Offices: offices,
		Rows: n.store.Projection("tickets"), Codes: codes, Journal: n.stream, Logger: n.log})
	if err != nil {
		return err
	}
	// What a crash left between journal and table must not be said twice.
	return stream.CatchUp(ctx, n.stream, n.tickets.Table(), n.tickets.Step)
}

func (n *Node) foldTickets(ctx context.Context) error {
	return stream.Fold(ctx, n.stream, n.tickets.Table(), n.tickets.Step)
}

// tickets lets the CTI server read and move tickets; agents are front office.
type tickets struct{ s *ticketlink.Service }

func (t tickets) Get(ctx context.Context, id cti.TicketID) (server.Ticket, error) {
	return shown(t.s.Get(ctx, id))
}

func (t tickets) Transition(ctx context.Context, id cti.TicketID, revision int64, tr server.Transition) (server.Ticket, error) {
	return shown(t.s.Transition(ctx, id, revision, ticket.FrontOffice, ticket.State(tr.To), map[string]string{
		"category": tr.Category, "topic": tr.Topic, "outcome": tr.Outcome, "answer": tr.Answer,
		"subject": tr.Subject, "description": tr.Description, "contact_reason": tr.ContactReason}))
}

func (t tickets) Edit(ctx context.Context, id cti.TicketID, revision int64, e server.Edit) (server.Ticket, error) {
	fields := map[string]string{}
	for name, v := range map[string]*string{"subject": e.Subject, "description": e.Description, "category": e.Category,
		"topic": e.Topic, "contact_reason": e.ContactReason} {
		if v != nil {
			fields[name] = *v
		}
	}
	return shown(t.s.Edit(ctx, id, revision, ticket.FrontOffice, fields))
}

func (t tickets) Tracking(ctx context.Context, id cti.TicketID) (server.Tracking, error) {
	code, pin, err := t.s.Tracking(ctx, id, ticket.FrontOffice)
	return server.Tracking{Code: code.String(), PIN: pin}, ticketErr(err)
}

// shown is a ticket as the desktop's protocol has it.
func shown(t ticket.Ticket, err error) (server.Ticket, error) {
	if err != nil {
		return server.Ticket{}, ticketErr(err)
	}
	out := server.Ticket{ID: t.ID, Creator: t.Creator, Owner: t.Owner, State: string(t.State), ReportingState: string(t.ReportingState),
		Category: t.Category, Topic: t.Topic, ContactReason: t.ContactReason, Channel: t.Channel, Language: t.Language, Subject: t.Subject,
		Description: t.Description, Answer: t.Answer, Outcome: t.Outcome, OpenedAt: t.OpenedAt, ClosedAt: t.ClosedAt, Revision: t.Revision,
		Contacts: []server.Contact{}, History: []server.History{}}
	for _, c := range t.Contacts {
		out.Contacts = append(out.Contacts, server.Contact{ID: c.ID, Channel: c.Channel, Direction: c.Direction, At: c.At, Site: c.Site,
			WaitS: c.WaitS, DurationS: c.DurationS})
	}
	for _, h := range t.History {
		out.History = append(out.History, server.History{At: h.At, By: h.By, Role: string(h.Role), Kind: string(h.Kind)})
	}
	return out, nil
}

// ticketErr says in the server's words what went wrong.
func ticketErr(err error) error {
	if illegal, ok := errors.AsType[*ticket.IllegalError](err); ok {
		return errors.Join(server.ErrIllegalState, illegal)
	}
	if fields, ok := errors.AsType[*ticket.FieldError](err); ok {
		return &server.Invalid{Fields: slices.Concat(fields.Missing, fields.Invalid)}
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ticketlink.ErrNotFound):
		return server.ErrNotFound
	case errors.Is(err, ticketlink.ErrStale):
		return server.ErrStale
	case errors.Is(err, ticket.ErrNotOwner):
		return server.ErrForbidden
	case errors.Is(err, ticket.ErrTooLate):
		return server.ErrIllegalState
	case errors.Is(err, stream.ErrDegraded), errors.Is(err, stream.ErrClosed), errors.Is(err, store.ErrFull), errors.Is(err, store.ErrClosed):
		return errors.Join(server.ErrUnavailable, err)
	}
	return err
}
