package server

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/lineaamica/la2/cti"
)

// mayRead tells whether the agent of ses may see the ticket: that of a call it
// has now, wrap-up included, or that it answered in this session.
func (d *desk) mayRead(ses *session, id cti.TicketID) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if a := d.agents[ses.user.Agent]; a != nil {
		for _, c := range a.calls {
			if c.ticket == id && c.state != callReserved {
				return true
			}
		}
	}
	cs := d.concerns[ses.user.Agent]
	if cs == nil {
		return false
	}
	for _, c := range cs.tickets[id] {
		if c.answered && c.from > ses.since {
			return true
		}
	}
	return false
}

// ticketOf reads the ticket of a request, ErrNotFound when it is not for ses.
func (s *Server) ticketOf(r *http.Request, ses *session) (cti.TicketID, error) {
	id := cti.TicketID(r.PathValue("id"))
	if !id.Valid() || !s.desk.mayRead(ses, id) {
		return "", ErrNotFound
	}
	return id, nil
}

func (s *Server) getTicket(w http.ResponseWriter, r *http.Request, ses *session) error {
	id, err := s.ticketOf(r, ses)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), commandTime)
	defer cancel()
	t, err := s.cfg.Tickets.Get(ctx, id)
	if err != nil {
		return err
	}
	writeTicket(w, t)
	return nil
}

func (s *Server) transition(w http.ResponseWriter, r *http.Request, ses *session) error {
	var in Transition
	return s.changeTicket(w, r, ses, "ticket_transition", &in, func(ctx context.Context, id cti.TicketID, revision int64) (Ticket, error) {
		if in.To == "" {
			return Ticket{}, &Invalid{Fields: []string{"to"}}
		}
		return s.cfg.Tickets.Transition(ctx, id, revision, in)
	})
}

func (s *Server) editTicket(w http.ResponseWriter, r *http.Request, ses *session) error {
	var in Edit
	return s.changeTicket(w, r, ses, "ticket_edit", &in, func(ctx context.Context, id cti.TicketID, revision int64) (Ticket, error) {
		return s.cfg.Tickets.Edit(ctx, id, revision, in)
	})
}

// changeTicket reads If-Match and the body into in, runs do, audits and answers
// the new ticket.
func (s *Server) changeTicket(w http.ResponseWriter, r *http.Request, ses *session, what string, in any,
	do func(context.Context, cti.TicketID, int64) (Ticket, error)) error {
	if err := readJSON(w, r, in); err != nil {
		return err
	}
	id, err := s.ticketOf(r, ses)
	if err != nil {
		return err
	}
	revision, err := ifMatch(r)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), commandTime)
	defer cancel()
	t, err := do(ctx, id, revision)
	s.audit(cti.Event{Agent: ses.user.Agent, Ticket: id, Value: what, Cause: causeOf(err)})
	if err != nil {
		return err
	}
	writeTicket(w, t)
	return nil
}

func (s *Server) tracking(w http.ResponseWriter, r *http.Request, ses *session) error {
	if err := readJSON(w, r, &struct{}{}); err != nil {
		return err
	}
	id, err := s.ticketOf(r, ses)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), commandTime)
	defer cancel()
	t, err := s.cfg.Tickets.Tracking(ctx, id)
	s.audit(cti.Event{Agent: ses.user.Agent, Ticket: id, Value: "ticket_tracking", Cause: causeOf(err)})
	if err != nil {
		return err
	}
	writeJSON(w, "application/json", http.StatusOK, t)
	return nil
}

func writeTicket(w http.ResponseWriter, t Ticket) {
	if t.Contacts == nil {
		t.Contacts = []Contact{}
	}
	if t.History == nil {
		t.History = []History{}
	}
	w.Header().Set("ETag", strconv.Quote(strconv.FormatInt(t.Revision, 10)))
	writeJSON(w, "application/json", http.StatusOK, t)
}

// ifMatch reads `If-Match: "REVISION"` (RFC 9110 13.1.1).
func ifMatch(r *http.Request) (int64, error) {
	v := r.Header.Get("If-Match")
	if v == "" {
		return 0, newProblem(http.StatusPreconditionRequired, "precondition-required", "If-Match is missing")
	}
	n, err := strconv.ParseInt(strings.Trim(v, `"`), 10, 64)
	if err != nil || len(v) < 3 || v[0] != '"' || v[len(v)-1] != '"' {
		return 0, badRequest("If-Match")
	}
	return n, nil
}
