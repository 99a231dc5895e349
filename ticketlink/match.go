package ticketlink

import (
	"context"
	"strings"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/ticketlink/ticket"
	"github.com/lineaamica/la2/ticketlink/tracking"
)

// Rule says why a call belongs to a ticket, by falling precedence.
type Rule string

// The rules.
const (
	// RuleTransfer: another office of the network sent the id with the call.
	RuleTransfer Rule = "transfer"
	// RuleCode: the caller typed the tracking code.
	RuleCode Rule = "code"
	// RuleCallback: the caller answers our call-back. Call-backs come later.
	RuleCallback Rule = "callback"
	// RuleNumber: the verified number has exactly one open ticket, and the owner
	// lets that be enough (Config.MatchNumber).
	RuleNumber Rule = "number"
	// RuleDraft: none of these; a new ticket.
	RuleDraft Rule = "draft"
)

// A Query is what is known of a call that may belong to a ticket.
type Query struct {
	Capsule cti.TicketID // sent by a trusted office; "" when none
	Code    string       // as typed; "" when none
	Caller  cti.Party
}

// A Match is the ticket of a call. Possible are open tickets of the number when
// it alone does not decide; none for a number that is withheld or unverified.
type Match struct {
	Ticket   cti.TicketID
	Rule     Rule
	Possible []cti.TicketID
}

// Match decides to which ticket a call belongs. Without a reason for another one
// it mints a new id. Its error is the table's; Match is then a new ticket all
// the same, for never is a call without one.
func (s *Service) Match(ctx context.Context, q Query) (Match, error) {
	if q.Capsule.Valid() {
		return Match{Ticket: q.Capsule, Rule: RuleTransfer}, nil
	}
	if id, ok := s.Resolve(ctx, q.Code); ok {
		return Match{Ticket: id, Rule: RuleCode}, nil
	}
	m := Match{Ticket: s.Mint(), Rule: RuleDraft}
	if q.Caller.Withheld || !q.Caller.Verified || q.Caller.Number == "" {
		return m, nil
	}
	open, err := s.openOf(q.Caller.Number)
	if err != nil {
		return m, err
	}
	if len(open) == 1 && s.cfg.MatchNumber {
		return Match{Ticket: open[0], Rule: RuleNumber}, nil
	}
	m.Possible = open
	return m, nil
}

// openOf lists the open tickets of a citizen's number.
func (s *Service) openOf(number string) (out []cti.TicketID, err error) {
	prefix := "n/" + number + "/"
	err = s.rows.View(func(tx cti.Tx) error {
		for key := range tx.Scan([]byte(prefix)) {
			out = append(out, cti.TicketID(strings.TrimPrefix(string(key), prefix)))
		}
		return nil
	})
	return out, err
}

// Resolve finds the ticket of a tracking code as typed on a telephone: it needs no
// PIN, since the caller is only linked to the ticket and told nothing of it. False:
// no such code, or a ticket that was cancelled.
func (s *Service) Resolve(_ context.Context, typed string) (cti.TicketID, bool) {
	code, ok := tracking.Parse(typed)
	if !ok {
		return "", false
	}
	id, ok := s.cfg.Codes.Ticket(code)
	if !ok {
		return "", false
	}
	t, err := s.load(id)
	if err != nil || t.Revision == 0 || t.State == ticket.Cancelled {
		return "", false
	}
	return id, true
}
