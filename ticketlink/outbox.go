package ticketlink

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/ticketlink/ticket"
)

// do says what a call brings about for its ticket.
type do string

const (
	doBegin   do = "begin"   // open, mirror, or link the call
	doAnswer  do = "answer"  // an agent answered
	doGive    do = "give"    // another office owns it now, or we do
	doAbandon do = "abandon" // the caller left the queue
	doEnd     do = "end"     // the call is over
)

// A todo is an entry of the outbox: a change that a call event has brought about
// and that is not yet folded. Its key is "o/", the number of that event in twenty
// digits, and a slash and its place among the todos of the event.
type todo struct {
	ID       string       `json:"id"` // position of the event, slash, place
	Do       do           `json:"do"`
	Ticket   cti.TicketID `json:"ticket"`
	Call     cti.CallID   `json:"call"`
	At       time.Time    `json:"at"`
	Instant  time.Time    `json:"instant"`
	From     cti.SiteID   `json:"from,omitempty"`
	Topic    string       `json:"topic,omitempty"`
	Withheld bool         `json:"withheld,omitempty"`
	Rule     Rule         `json:"rule,omitempty"`
	Seconds  int64        `json:"seconds,omitempty"`
	To       cti.SiteID   `json:"to,omitempty"`
	Reason   string       `json:"reason,omitempty"`
}

func (row *callRow) todo(ev cti.Event, d do) todo {
	return todo{Do: d, Ticket: row.Ticket, Call: ev.Call, At: ev.At, Instant: row.Instant, From: row.From, Topic: row.Topic,
		Withheld: row.Withheld, Rule: row.Rule}
}

// rule is why the call belongs to the ticket, now that it is known whether the
// ticket existed before.
func (d todo) rule(k ticket.Kind) Rule {
	if k == ticket.Contacted && d.Rule == RuleDraft {
		return RuleCode
	}
	return d.Rule
}

func todoKey(seq uint64, place int) []byte { return fmt.Appendf(nil, "o/%020d/%d", seq, place) }

// todoKeyOf is the key of the todo with that id, nil when id is none.
func todoKeyOf(id string) []byte {
	position, place, ok := strings.Cut(id, "/")
	p, err := cti.ParsePosition(position)
	n, err2 := strconv.Atoi(place)
	if !ok || err != nil || err2 != nil {
		return nil
	}
	return todoKey(p.Seq, n)
}

func putTodos(tx cti.Tx, ev cti.Event, todos []todo) error {
	for i, d := range todos {
		d.ID = cti.Position{Epoch: ev.Epoch, Seq: ev.Seq}.String() + "/" + strconv.Itoa(i)
		raw, err := json.Marshal(d)
		if err != nil {
			return fmt.Errorf("ticketlink: outbox: %w", err)
		}
		if err := tx.Put(todoKey(ev.Seq, i), raw); err != nil {
			return err
		}
	}
	return nil
}

// roundSize bounds how many tickets one commit of Run changes.
const roundSize = 64

// Run turns the outbox into changes until ctx ends. Start it when Table has caught
// up with the stream. While the journal does not write it tries again every
// Config.Retry.
func (s *Service) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		moved := s.rows.moved()
		n, err := s.round(ctx)
		if n > 0 && err == nil {
			continue
		}
		var again <-chan time.Time
		if err != nil && ctx.Err() == nil {
			s.cfg.Logger.Error("ticket changes wait", "error", err)
			moved, again = nil, time.After(s.cfg.Retry)
		}
		select {
		case <-moved:
		case <-again:
		case <-ctx.Done():
		}
	}
	return nil
}

// pending are the oldest todos, one of each ticket.
func (s *Service) pending() (out []todo, err error) {
	err = s.rows.View(func(tx cti.Tx) error {
		seen := map[cti.TicketID]bool{}
		for _, raw := range tx.Scan([]byte("o/")) {
			var d todo
			if err := json.Unmarshal(raw, &d); err != nil {
				return fmt.Errorf("ticketlink: outbox: %w", err)
			}
			if !seen[d.Ticket] {
				seen[d.Ticket] = true
				out = append(out, d)
			}
			if len(out) == roundSize {
				break
			}
		}
		return nil
	})
	return out, err
}

// round commits the changes of pending and waits until they are folded. It
// returns how many todos it has seen.
func (s *Service) round(ctx context.Context) (int, error) {
	todos, err := s.pending()
	if err != nil || len(todos) == 0 {
		return 0, err
	}
	for _, d := range todos {
		release, err := s.turns.take(ctx, d.Ticket)
		if err != nil {
			return 0, err
		}
		defer release()
	}
	var evs []cti.Event
	var made []ticket.Change
	var idle []todo
	for _, d := range todos {
		t, err := s.load(d.Ticket)
		if err != nil {
			return 0, err
		}
		c, typ, err := s.carryOut(t, d)
		if err != nil {
			// Nothing that trying again would mend: the call went a way that the ticket did not.
			if !errors.Is(err, errNothing) {
				s.cfg.Logger.Warn("call leaves no trace on its ticket", "ticket", d.Ticket, "do", d.Do, "error", err)
			}
			idle = append(idle, d)
			continue
		}
		ev := c.Event()
		ev.Type, ev.Call = typ, d.Call
		if d.Do == doBegin {
			ev.Value = string(d.rule(c.Kind))
		}
		evs, made = append(evs, ev), append(made, c)
	}
	if err := s.dismiss(ctx, idle); err != nil {
		return 0, err
	}
	if err := s.cfg.Journal.Commit(ctx, evs...); err != nil {
		return 0, err
	}
	for _, c := range made {
		if err := s.folded(ctx, c); err != nil {
			return 0, err
		}
	}
	return len(todos), nil
}

// dismiss takes todos out of the outbox without a change.
func (s *Service) dismiss(ctx context.Context, todos []todo) error {
	if len(todos) == 0 {
		return nil
	}
	return s.rows.Update(ctx, func(tx cti.Tx) error {
		for _, d := range todos {
			if err := tx.Delete(todoKeyOf(d.ID)); err != nil {
				return err
			}
		}
		return nil
	})
}

// folded waits until the ticket has the revision of c.
func (s *Service) folded(ctx context.Context, c ticket.Change) error {
	for {
		moved := s.rows.moved()
		t, err := s.load(c.Ticket)
		if err != nil || t.Revision >= c.Revision {
			return err
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// errNothing: the todo needs no change.
var errNothing = errors.New("ticketlink: nothing to do")

// carryOut makes the change of a todo for the ticket as it is. It has been tried
// on the ticket.
func (s *Service) carryOut(t ticket.Ticket, d todo) (c ticket.Change, typ cti.EventType, err error) {
	c = ticket.Change{
		Ticket: d.Ticket, Revision: t.Revision + 1, At: d.At, By: s.cfg.Site, Role: ticket.System,
		EventID: ulid.Make().String(), Cause: d.ID, Fields: map[string]string{"contact_id": string(d.Call)},
	}
	typ = cti.EvTicketUpdated
	count := strconv.FormatInt(d.Seconds, 10)
	switch d.Do {
	case doBegin:
		typ, err = s.begin(t, d, &c)
	case doAnswer:
		c.Kind, c.Fields["wait_s"] = ticket.Answered, count
	case doAbandon:
		c.Kind, c.Fields["wait_s"] = ticket.Abandoned, count
	case doEnd:
		c.Kind, c.Fields["duration_s"] = ticket.Ended, count
	case doGive:
		if t.Owner == d.To {
			return c, typ, errNothing
		}
		c.Kind = ticket.Transferred
		c.Fields = map[string]string{"to": string(d.To), "mode": "synchronous", "reason": d.Reason}
	}
	if err == nil {
		_, err = ticket.Apply(t, c)
	}
	return c, typ, err
}

// begin opens, mirrors or links.
func (s *Service) begin(t ticket.Ticket, d todo, c *ticket.Change) (cti.EventType, error) {
	if _, known := t.Contact(string(d.Call)); known {
		return "", errNothing
	}
	c.Fields["contact_at"] = d.Instant.UTC().Format(time.RFC3339Nano)
	c.Fields["channel"], c.Fields["direction"] = "phone", "in"
	if t.Revision > 0 {
		c.Kind = ticket.Contacted
		return cti.EvTicketAttached, nil
	}
	c.Kind = ticket.Opened
	if d.Ticket.Creator() != s.cfg.Site {
		c.Kind = ticket.Mirrored
		c.Fields["owner"] = string(d.Ticket.Creator())
		if d.From != "" {
			c.Fields["owner"] = string(d.From)
		}
	}
	if d.Withheld {
		c.Fields["anonymous"] = "true"
	}
	if category := s.taxonomy.Suggest(d.Topic); category != "" {
		c.Fields["category"], c.Fields["taxonomy_version"] = category, s.taxonomy.Version
	}
	return cti.EvTicketOpened, nil
}
