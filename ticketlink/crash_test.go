package ticketlink

import (
	"errors"
	"fmt"
	"reflect"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/cti/stream"
	"github.com/lineaamica/la2/ticketlink/ticket"
)

// A modelCall is what must have become of one call.
type modelCall struct {
	call     cti.CallID
	id       cti.TicketID
	steps    int // events published: Offered, Queued, Established or not, CallCleared
	answered bool
}

// next publishes the next event of the call.
func (m *modelCall) next(b *bench, answer bool) {
	var ev cti.Event
	switch {
	case m.steps == 0:
		ev = offered(m.call, m.id, cti.CallInfo{})
	case m.steps == 1:
		ev = queued(m.call, m.id, cti.CallInfo{})
	case m.steps == 2 && answer:
		ev, m.answered = established(m.call, ""), true
	case m.steps <= 3:
		m.steps = 3
		ev = cleared(m.call, cti.CauseNormal)
	default:
		return
	}
	m.steps++
	b.publish(ev)
}

// want is the history that its ticket must have.
func (m *modelCall) want() (state ticket.State, kinds []ticket.Kind) {
	if m.steps < 2 {
		return "", nil
	}
	state, kinds = ticket.Draft, []ticket.Kind{ticket.Opened}
	if m.answered {
		state, kinds = ticket.OpenFO, append(kinds, ticket.Answered)
	}
	if m.steps == 4 && m.answered {
		kinds = append(kinds, ticket.Ended)
	} else if m.steps == 4 {
		state, kinds = ticket.Cancelled, append(kinds, ticket.Abandoned)
	}
	return state, kinds
}

// Whatever is killed or fails when, no ticket is lost or doubled, every one has
// exactly the history of its call, and the stream alone gives them all back.
func TestCrash(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := newBench(t)
		defer b.kill()
		var faults atomic.Int64 // how the next commits go, two bits each
		b.breaks(func() fault {
			for {
				v := faults.Load()
				if faults.CompareAndSwap(v, v>>2) {
					return fault(v & 3)
				}
			}
		})
		calls := make([]*modelCall, 4)
		for i := range calls {
			calls[i] = &modelCall{call: cti.CallID(fmt.Sprint("C", i)), id: b.svc.Mint()}
		}
		for range rapid.IntRange(1, 25).Draw(rt, "steps") {
			switch rapid.IntRange(0, 6).Draw(rt, "op") {
			case 0:
				b.kill()
				b.start()
			case 1:
				v := int64(0)
				for range 3 {
					v = v<<2 | int64(rapid.SampledFrom([]fault{none, drop, mute}).Draw(rt, "fault"))
				}
				faults.Store(v)
			case 2:
				b.settle()
			default:
				rapid.SampledFrom(calls).Draw(rt, "call").next(b, rapid.Bool().Draw(rt, "answer"))
			}
		}
		b.kill()
		b.start()
		b.settle()
		verify(rt, b, calls)
	})
}

func verify(rt *rapid.T, b *bench, calls []*modelCall) {
	tickets := map[cti.TicketID]ticket.Ticket{}
	if err := b.svc.All(func(t ticket.Ticket) bool { tickets[t.ID] = t; return true }); err != nil {
		rt.Fatal(err)
	}
	for _, m := range calls {
		state, want := m.want()
		got, ok := tickets[m.id]
		if ok != (want != nil) || got.State != state || !reflect.DeepEqual(kinds(got), want) || (ok && len(got.Contacts) != 1) {
			rt.Fatalf("%s after %d steps: got %s %v, want %s %v", m.call, m.steps, got.State, kinds(got), state, want)
		}
		delete(tickets, m.id)
	}
	if len(tickets) > 0 {
		rt.Fatalf("tickets of nobody: %v", tickets)
	}
	replayed(rt, b)
}

// replayed folds the journal from its beginning into an empty table.
func replayed(rt *rapid.T, b *bench) {
	rows := &stream.MemoryProjection{}
	svc, err := New(Config{Site: b.site, Offices: map[string]cti.SiteID{"napoli": "cmna"}, Rows: rows, Codes: b.codes, Journal: b.log})
	if err != nil {
		rt.Fatal(err)
	}
	if err := stream.CatchUp(b.t.Context(), b.log, svc.Table(), svc.Step); err != nil {
		rt.Fatal(err)
	}
	dump := func(p cti.Projection) map[string]string {
		out := map[string]string{}
		if err := p.View(func(tx cti.Tx) error {
			for k, v := range tx.Scan(nil) {
				out[string(k)] = string(v)
			}
			return nil
		}); err != nil {
			rt.Fatal(err)
		}
		return out
	}
	if got, want := dump(rows), dump(b.rows); !reflect.DeepEqual(got, want) {
		rt.Fatalf("replayed %v\nlive     %v", got, want)
	}
}

// A commit that failed after it was written does not change a ticket twice, and
// its author is told when somebody else's change came in between.
func TestChange_mute(t *testing.T) {
	b := newBench(t)
	id := b.svc.Mint()
	b.publish(queued("C1", id, cti.CallInfo{}), established("C1", ""))
	rev := b.ticket(id).Revision
	var once atomic.Bool
	b.breaks(func() fault {
		if once.CompareAndSwap(false, true) {
			return mute
		}
		return none
	})
	_, err := b.svc.Edit(t.Context(), id, rev, ticket.FrontOffice, map[string]string{"subject": "first"})
	if !errors.Is(err, errFault) {
		t.Fatalf("got %v", err)
	}
	if _, err := b.svc.Edit(t.Context(), id, rev, ticket.FrontOffice, map[string]string{"subject": "second"}); !errors.Is(err, ErrStale) {
		t.Errorf("got %v", err)
	}
	if got := b.ticket(id); got.Subject != "first" || got.Revision != rev+1 {
		t.Errorf("got %+v", got)
	}
}
