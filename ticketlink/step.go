package ticketlink

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/ticketlink/ticket"
)

// A callRow is what tickets must know of a call in progress.
type callRow struct {
	At       time.Time     `json:"at"` // Offered
	Instant  time.Time     `json:"instant,omitzero"`
	Service  cti.ServiceID `json:"service,omitempty"`
	From     cti.SiteID    `json:"from,omitempty"`
	Class    cti.Class     `json:"class,omitempty"`
	Topic    string        `json:"topic,omitempty"`
	Withheld bool          `json:"withheld,omitempty"`
	Ticket   cti.TicketID  `json:"ticket,omitempty"`
	Rule     Rule          `json:"rule,omitempty"`
	Queued   time.Time     `json:"queued,omitzero"`
	Answered time.Time     `json:"answered,omitzero"`
}

// A Fact is a call that left before it was queued: it makes no ticket.
type Fact struct {
	Call    cti.CallID    `json:"call"`
	At      time.Time     `json:"at"`
	Service cti.ServiceID `json:"service,omitempty"`
	Cause   cti.Cause     `json:"cause"`
}

func callKey(c cti.CallID) []byte { return []byte("c/" + string(c)) }
func factKey(c cti.CallID) []byte { return []byte("f/" + string(c)) }

// Step folds one event, for stream.Fold. It depends on nothing but its arguments
// and the configuration. Events that it has no use for change nothing; a change
// that does not fit its ticket is logged and left out.
func (s *Service) Step(tx cti.Tx, ev cti.Event) error {
	switch ev.Type {
	case cti.EvTicketOpened, cti.EvTicketAttached, cti.EvTicketUpdated:
		if ev.Change == nil {
			return s.announced(tx, ev)
		}
		return s.changed(tx, ev)
	case cti.EvOffered, cti.EvQueued, cti.EvEstablished, cti.EvCallCleared:
		if ev.Call == "" {
			return nil
		}
		return s.called(tx, ev)
	default:
		return nil
	}
}

// changed folds a change into its ticket and takes it out of the outbox.
func (s *Service) changed(tx cti.Tx, ev cti.Event) error {
	c, ok := ticket.FromEvent(ev)
	if !ok {
		return nil
	}
	t, err := load(tx, c.Ticket)
	if err != nil {
		return err
	}
	next, err := ticket.Apply(t, c)
	if err != nil {
		if !errors.Is(err, ticket.ErrRevision) || c.Revision > t.Revision {
			s.cfg.Logger.Error("ticket change left out", "ticket", c.Ticket, "kind", c.Kind, "revision", c.Revision, "error", err)
		}
		return nil
	}
	if err := save(tx, t, next); err != nil {
		return err
	}
	if key := todoKeyOf(c.Cause); key != nil {
		return tx.Delete(key)
	}
	return nil
}

// announced is the script's word that a call belongs to a known ticket.
func (s *Service) announced(tx cti.Tx, ev cti.Event) error {
	row, err := loadCall(tx, ev.Call)
	if err != nil || row == nil || ev.Type != cti.EvTicketAttached {
		return err
	}
	if err := putTodos(tx, ev, row.attach(ev, s.cfg.Site)); err != nil {
		return err
	}
	return putCall(tx, ev.Call, row)
}

// attach makes the ticket of ev that of the call. When the call was queued before
// (an agent of another office consulted ours, and then handed its caller over), its
// contact moves from the ticket that it had to the new one.
func (row *callRow) attach(ev cti.Event, site cti.SiteID) (out []todo) {
	moves := !row.Queued.IsZero() && row.Ticket != ev.Ticket
	if moves && !row.Answered.IsZero() {
		d := row.todo(ev, doEnd)
		d.Seconds = seconds(ev.At.Sub(row.Answered))
		out = append(out, d)
	}
	row.Ticket, row.Rule = ev.Ticket, ruleOf(ev.Value)
	if !moves {
		return nil
	}
	row.Class = cti.Class(ev.Value)
	out = append(out, row.todo(ev, doBegin))
	if !row.Answered.IsZero() {
		row.Answered = ev.At
		give := row.todo(ev, doGive)
		give.To, give.Reason = site, "request"
		out = append(out, row.todo(ev, doAnswer), give)
	}
	return out
}

// ruleOf reads the reason as the script gives it: a rule, a class of inter-office
// calls, or "tracking_code".
func ruleOf(word string) Rule {
	switch word {
	case string(cti.ClassTransfer), string(cti.ClassOverflow):
		return RuleTransfer
	case "tracking_code":
		return RuleCode
	}
	return Rule(word)
}

func loadCall(tx cti.Tx, call cti.CallID) (*callRow, error) {
	raw := tx.Get(callKey(call))
	if raw == nil {
		return nil, nil
	}
	row := &callRow{}
	if err := json.Unmarshal(raw, row); err != nil {
		return nil, fmt.Errorf("ticketlink: call %s: %w", call, err)
	}
	return row, nil
}

func putCall(tx cti.Tx, call cti.CallID, row *callRow) error {
	raw, err := json.Marshal(row)
	if err != nil {
		return fmt.Errorf("ticketlink: call %s: %w", call, err)
	}
	return tx.Put(callKey(call), raw)
}

// called folds a call event.
func (s *Service) called(tx cti.Tx, ev cti.Event) error {
	row, err := loadCall(tx, ev.Call)
	if err != nil {
		return err
	}
	if row == nil {
		if ev.Type != cti.EvQueued && (ev.Type != cti.EvOffered || !served(ev)) {
			return nil // a call that no service took
		}
		row = &callRow{At: ev.At, Service: ev.Service}
	}
	var todos []todo
	switch ev.Type {
	case cti.EvOffered:
		row.learn(ev)
	case cti.EvQueued:
		todos = row.queued(ev)
	case cti.EvEstablished:
		todos = row.established(ev, s.cfg.Site, s.cfg.Offices[ev.Trunk])
	case cti.EvCallCleared:
		return s.cleared(tx, ev, row)
	default:
	}
	if err := putTodos(tx, ev, todos); err != nil {
		return err
	}
	return putCall(tx, ev.Call, row)
}

// served tells whether a service took the call that ev offers: it gave it a
// ticket. A plain connection has none and leaves no contact.
func served(ev cti.Event) bool { return ev.Service != "" || ev.Ticket != "" }

// learn takes over what the event tells of the call.
func (row *callRow) learn(ev cti.Event) {
	if ev.Ticket != "" {
		row.Ticket = ev.Ticket
	}
	if !ev.Instant.IsZero() {
		row.Instant = ev.Instant
	}
	if ev.Info == nil {
		return
	}
	row.From, row.Class, row.Withheld = ev.Info.From, ev.Info.Class, ev.Info.Caller.Withheld
	if ev.Info.Topic != "" {
		row.Topic = ev.Info.Topic
	}
	if ev.Info.Service != "" {
		row.Service = ev.Info.Service
	}
}

// queued: the first time, the ticket begins or gets a contact.
func (row *callRow) queued(ev cti.Event) []todo {
	row.learn(ev)
	if row.Instant.IsZero() {
		row.Instant = row.At
	}
	if !row.Queued.IsZero() || row.Ticket == "" {
		return nil
	}
	row.Queued = ev.At
	if row.Rule == "" {
		row.Rule = RuleDraft
		if row.From != "" {
			row.Rule = RuleTransfer
		}
	}
	return []todo{row.todo(ev, doBegin)}
}

// established: office is who answered when that is not us.
func (row *callRow) established(ev cti.Event, site, office cti.SiteID) []todo {
	if row.Queued.IsZero() {
		return nil
	}
	var out []todo
	if row.Answered.IsZero() {
		row.Answered = ev.At
		d := row.todo(ev, doAnswer)
		d.Seconds = seconds(ev.At.Sub(row.Instant))
		out = append(out, d)
	}
	owner := office
	if office == "" && row.Class != "" {
		owner = site
	}
	if owner != "" {
		d := row.todo(ev, doGive)
		d.To, d.Reason = owner, "request"
		if office != "" && len(out) > 0 || office == "" && row.Class == cti.ClassOverflow {
			d.Reason = "overflow"
		}
		out = append(out, d)
	}
	return out
}

// cleared ends the row.
func (s *Service) cleared(tx cti.Tx, ev cti.Event, row *callRow) error {
	if err := tx.Delete(callKey(ev.Call)); err != nil {
		return err
	}
	if ev.Cause == cti.CauseRestart && ev.Instant.After(row.At) {
		ev.At = ev.Instant // when the node was last known to live: nobody waited or spoke longer
	}
	if row.Queued.IsZero() {
		raw, err := json.Marshal(Fact{Call: ev.Call, At: row.At, Service: row.Service, Cause: ev.Cause})
		if err != nil {
			return fmt.Errorf("ticketlink: call %s: %w", ev.Call, err)
		}
		return tx.Put(factKey(ev.Call), raw)
	}
	d := row.todo(ev, doEnd)
	d.Seconds = seconds(ev.At.Sub(row.Answered))
	if row.Answered.IsZero() {
		d.Do, d.Seconds = doAbandon, seconds(ev.At.Sub(row.Instant))
	}
	return putTodos(tx, ev, []todo{d})
}

// seconds rounds half up; negative is 0.
func seconds(d time.Duration) int64 { return int64(max(d, 0).Round(time.Second) / time.Second) }

// Facts calls yield for every call that left before it was queued.
func (s *Service) Facts(yield func(Fact) bool) error {
	return s.rows.View(func(tx cti.Tx) error {
		for _, raw := range tx.Scan([]byte("f/")) {
			var f Fact
			if err := json.Unmarshal(raw, &f); err != nil {
				return fmt.Errorf("ticketlink: contact fact: %w", err)
			}
			if !yield(f) {
				return nil
			}
		}
		return nil
	})
}
