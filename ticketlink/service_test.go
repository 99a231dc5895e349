package ticketlink

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/cti/stream"
	"github.com/lineaamica/la2/ticketlink/ticket"
	"github.com/lineaamica/la2/ticketlink/tracking"
)

const home = cti.SiteID("formezpa")

var began = time.Date(2026, 3, 10, 9, 0, 0, 0, time.UTC)

// A bench is an office whose journal and table survive a kill.
type bench struct {
	t       *testing.T
	site    cti.SiteID
	journal *stream.Memory
	rows    *stream.MemoryProjection
	codes   *tracking.Book
	mu      sync.Mutex // guards now, fault
	now     time.Time
	fault   func() fault // of the next Commit of the service
	linger  time.Duration

	log   *stream.Log
	svc   *Service
	stop  context.CancelFunc
	ended sync.WaitGroup
}

func newBench(t *testing.T) *bench {
	t.Helper()
	codes, err := tracking.New(tracking.Config{Rows: &stream.MemoryProjection{}, Cost: 4})
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, site: home, journal: stream.NewMemory(), rows: &stream.MemoryProjection{}, codes: codes, now: began}
	b.start()
	t.Cleanup(b.kill)
	return b
}

func (b *bench) start() {
	b.t.Helper()
	var err error
	if b.log, err = stream.New(stream.Config{Site: b.site, Now: b.clock, Linger: b.linger}, b.journal); err != nil {
		b.t.Fatal(err)
	}
	b.svc, err = New(Config{Site: b.site, Offices: map[string]cti.SiteID{"napoli": "cmna"}, Rows: b.rows, Codes: b.codes, Journal: faulty{b},
		Retry: time.Millisecond, Now: b.clock, MatchNumber: true})
	if err != nil {
		b.t.Fatal(err)
	}
	if err := stream.CatchUp(b.t.Context(), b.log, b.svc.Table(), b.svc.Step); err != nil {
		b.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	b.stop = stop
	for _, run := range []func() error{
		func() error { return stream.Fold(ctx, b.log, b.svc.Table(), b.svc.Step) },
		func() error { return b.svc.Run(ctx) },
	} {
		b.ended.Go(func() { // ends with ctx
			if err := run(); err != nil {
				b.t.Error(err)
			}
		})
	}
}

// fault is what goes wrong with a Commit.
type fault int

const (
	none fault = iota
	drop       // nothing is written
	mute       // written, but the writer is told that it failed
)

type faulty struct{ b *bench }

var errFault = errors.New("fault")

func (f faulty) Commit(ctx context.Context, evs ...cti.Event) error {
	f.b.mu.Lock()
	next := f.b.fault
	f.b.mu.Unlock()
	what := none
	if next != nil && len(evs) > 0 {
		what = next()
	}
	if what == drop {
		return errFault
	}
	if err := f.b.log.Commit(ctx, evs...); err != nil {
		return err
	}
	if what == mute {
		return errFault
	}
	return nil
}

func (b *bench) clock() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

// breaks makes f say how the commits of the service go.
func (b *bench) breaks(f func() fault) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fault = f
}

// kill stops everything at once; what was not durable is lost.
func (b *bench) kill() {
	if b.stop == nil {
		return
	}
	b.stop()
	b.ended.Wait()
	b.stop = nil
	if err := b.log.Close(); err != nil {
		b.t.Error(err)
	}
}

// publish makes events of a call durable, one second after another.
func (b *bench) publish(evs ...cti.Event) {
	b.t.Helper()
	for i := range evs {
		b.mu.Lock()
		b.now = b.now.Add(time.Second)
		b.mu.Unlock()
		evs[i].At = b.clock()
	}
	if err := b.log.Commit(b.t.Context(), evs...); err != nil {
		b.t.Fatal(err)
	}
}

// settle waits until everything is folded and the outbox is empty.
func (b *bench) settle() {
	b.t.Helper()
	for {
		moved := b.svc.rows.moved()
		folded := b.rows.Cursor().Seq == b.log.Last().Seq // before the outbox, which folding fills
		todos, err := b.svc.pending()
		if err != nil {
			b.t.Fatal(err)
		}
		if len(todos) == 0 && folded {
			return
		}
		select {
		case <-moved:
		case <-time.After(10 * time.Second):
			b.t.Fatalf("not settled: %d todos, cursor %v of %v", len(todos), b.rows.Cursor(), b.log.Last())
		}
	}
}

func (b *bench) ticket(id cti.TicketID) ticket.Ticket {
	b.t.Helper()
	b.settle()
	t, err := b.svc.Get(b.t.Context(), id)
	if err != nil {
		b.t.Fatalf("%s: %v", id, err)
	}
	return t
}

func (b *bench) count() int {
	b.t.Helper()
	b.settle()
	n := 0
	if err := b.svc.All(func(ticket.Ticket) bool { n++; return true }); err != nil {
		b.t.Fatal(err)
	}
	return n
}

// The events of a call.
func offered(c cti.CallID, id cti.TicketID, info cti.CallInfo) cti.Event {
	return cti.Event{Type: cti.EvOffered, Call: c, Ticket: id, Info: &info}
}
func queued(c cti.CallID, id cti.TicketID, info cti.CallInfo) cti.Event {
	return cti.Event{Type: cti.EvQueued, Call: c, Ticket: id, Info: &info}
}
func established(c cti.CallID, trunk string) cti.Event {
	return cti.Event{Type: cti.EvEstablished, Call: c, Leg: cti.LegID(c) + "/2", Trunk: trunk}
}
func cleared(c cti.CallID, cause cti.Cause) cti.Event {
	return cti.Event{Type: cti.EvCallCleared, Call: c, Cause: cause}
}

func kinds(t ticket.Ticket) []ticket.Kind {
	var out []ticket.Kind
	for _, e := range t.History {
		out = append(out, e.Kind)
	}
	return out
}

func TestCall_answered(t *testing.T) {
	b := newBench(t)
	id := b.svc.Mint()
	info := cti.CallInfo{Topic: "previdenza"}
	b.publish(offered("C1", id, info), queued("C1", id, info))
	got := b.ticket(id)
	if got.State != ticket.Draft || got.Owner != home || got.Category != "13" || len(got.Contacts) != 1 || got.Contacts[0].ID != "C1" {
		t.Fatalf("got %+v", got)
	}
	b.publish(established("C1", ""), cleared("C1", cti.CauseNormal))
	got = b.ticket(id)
	want := []ticket.Kind{ticket.Opened, ticket.Answered, ticket.Ended}
	if got.State != ticket.OpenFO || !reflect.DeepEqual(kinds(got), want) {
		t.Errorf("got %s %v", got.State, kinds(got))
	}
	if c := got.Contacts[0]; c.WaitS != 2 || c.DurationS != 1 || c.Abandoned {
		t.Errorf("got %+v", c)
	}
	if e := got.History[0]; e.By != home || e.Role != ticket.System || e.EventID == "" {
		t.Errorf("got %+v", e)
	}
}

// The node was down for an hour in the middle of a call: nobody spoke that long.
func TestCall_restart(t *testing.T) {
	b := newBench(t)
	id := b.svc.Mint()
	b.publish(offered("C1", id, cti.CallInfo{}), queued("C1", id, cti.CallInfo{}), established("C1", ""))
	b.settle()
	evs, err := b.log.Subscribe(cti.Position{})
	if err != nil {
		t.Fatal(err)
	}
	var answered cti.Event
	for answered.Type != cti.EvEstablished {
		if answered, err = evs.Next(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	end := cleared("C1", cti.CauseRestart)
	end.Instant = answered.At.Add(400 * time.Millisecond)
	b.publish(end)
	if c := b.ticket(id).Contacts[0]; c.DurationS != 0 {
		t.Errorf("spoke for %d s, want 0", c.DurationS)
	}
}

func TestCall_leaves(t *testing.T) {
	b := newBench(t)
	id, never := b.svc.Mint(), b.svc.Mint()
	b.publish(offered("C1", id, cti.CallInfo{Caller: cti.Party{Withheld: true}}), queued("C1", id, cti.CallInfo{Caller: cti.Party{Withheld: true}}),
		cleared("C1", cti.CauseAbandoned),                                                        // in the queue
		offered("C2", never, cti.CallInfo{Service: "803001"}), cleared("C2", cti.CauseAbandoned)) // in the greeting
	got := b.ticket(id)
	if got.State != ticket.Cancelled || got.Outcome != "abandoned" || !got.Contacts[0].Abandoned || !got.Citizen.Anonymous {
		t.Errorf("got %+v", got)
	}
	if n := b.count(); n != 1 {
		t.Errorf("%d tickets", n)
	}
	if _, err := b.svc.Get(t.Context(), never); !errors.Is(err, ErrNotFound) {
		t.Errorf("got %v", err)
	}
	var facts []Fact
	if err := b.svc.Facts(func(f Fact) bool { facts = append(facts, f); return true }); err != nil {
		t.Fatal(err)
	}
	if len(facts) != 1 || facts[0].Call != "C2" || facts[0].Service != "803001" || facts[0].Cause != cti.CauseAbandoned {
		t.Errorf("got %+v", facts)
	}
}

// A typed code links the call to its ticket and makes no draft.
func TestCall_attached(t *testing.T) {
	b := newBench(t)
	id := b.svc.Mint()
	b.publish(queued("C1", id, cti.CallInfo{}), established("C1", ""), cleared("C1", cti.CauseNormal))
	b.settle()
	code, pin, err := b.svc.Tracking(t.Context(), id, ticket.FrontOffice)
	if err != nil || pin == "" {
		t.Fatal(code, pin, err)
	}
	m, err := b.svc.Match(t.Context(), Query{Code: code.String()})
	if err != nil || m.Ticket != id || m.Rule != RuleCode {
		t.Fatalf("got %+v, %v", m, err)
	}
	b.publish(offered("C2", b.svc.Mint(), cti.CallInfo{}), cti.Event{Type: cti.EvTicketAttached, Call: "C2", Ticket: m.Ticket, Value: "tracking_code"},
		queued("C2", m.Ticket, cti.CallInfo{}), cleared("C2", cti.CauseAbandoned))
	got := b.ticket(id)
	want := []ticket.Kind{ticket.Opened, ticket.Answered, ticket.Ended, ticket.Tracked, ticket.Contacted, ticket.Abandoned}
	if !reflect.DeepEqual(kinds(got), want) || got.State != ticket.OpenFO || b.count() != 1 {
		t.Errorf("got %s %v", got.State, kinds(got))
	}
	evs, err := b.journal.Read(0, 100)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(evs, func(e cti.Event) bool { return e.Type == cti.EvTicketAttached && e.Change != nil })
	if i < 0 || evs[i].Call != "C2" || evs[i].Value != "code" || evs[i].Site != home {
		t.Errorf("got %+v", evs)
	}
}

// The other office's ticket comes with the call: same id here, and ours when an
// agent of ours answers.
func TestCall_fromOffice(t *testing.T) {
	for _, class := range []cti.Class{cti.ClassTransfer, cti.ClassOverflow} {
		b := newBench(t)
		id := cti.NewTicketID("cmna", began)
		m, err := b.svc.Match(t.Context(), Query{Capsule: id, Code: "0000000000"})
		if err != nil || m.Ticket != id || m.Rule != RuleTransfer {
			t.Fatalf("got %+v, %v", m, err)
		}
		info := cti.CallInfo{From: "cmna", Class: class}
		b.publish(offered("C1", id, info), queued("C1", id, info))
		got := b.ticket(id)
		if got.Owner != "cmna" || got.Creator != "cmna" || got.State != ticket.OpenFO {
			t.Fatalf("mirror: got %+v", got)
		}
		if _, err := b.svc.Transition(t.Context(), id, got.Revision, ticket.FrontOffice, ticket.OpenBO, nil); !errors.Is(err, ticket.ErrNotOwner) {
			t.Errorf("got %v", err)
		}
		b.publish(established("C1", ""))
		got = b.ticket(id)
		if got.Owner != home || len(got.Transfers) != 1 || got.Transfers[0].From != "cmna" {
			t.Errorf("%s: got %+v", class, got)
		}
		b.publish(cleared("C1", cti.CauseNormal))
		if got = b.ticket(id); b.count() != 1 || got.Contacts[0].DurationS == 0 {
			t.Errorf("got %+v", got)
		}
	}
}

// A call of another office that nobody answers leaves its ticket alone.
func TestCall_fromOffice_abandoned(t *testing.T) {
	b := newBench(t)
	id := cti.NewTicketID("cmna", began)
	info := cti.CallInfo{From: "cmna", Class: cti.ClassTransfer}
	b.publish(queued("C1", id, info), cleared("C1", cti.CauseAbandoned))
	if got := b.ticket(id); got.Owner != "cmna" || got.State != ticket.OpenFO || !got.Contacts[0].Abandoned {
		t.Errorf("got %+v", got)
	}
}

// An overflow and a transfer give the ticket away when the other office answers.
func TestCall_toOffice(t *testing.T) {
	b := newBench(t)
	over, moved := b.svc.Mint(), b.svc.Mint()
	b.publish(queued("C1", over, cti.CallInfo{}), established("C1", "napoli"), cleared("C1", cti.CauseNormal),
		queued("C2", moved, cti.CallInfo{}), established("C2", ""), established("C2", "napoli"), established("C2", "napoli"), cleared("C2", cti.CauseNormal))
	for id, reason := range map[cti.TicketID]string{over: "overflow", moved: "request"} {
		got := b.ticket(id)
		if got.Owner != "cmna" || got.State != ticket.OpenFO || len(got.Transfers) != 1 || got.Transfers[0].Reason != reason || len(got.Contacts) != 1 {
			t.Errorf("%s: got %+v", reason, got)
		}
	}
}

// Events that come twice, or of calls without service, change nothing.
func TestStep_idempotent(t *testing.T) {
	b := newBench(t)
	id := b.svc.Mint()
	b.publish(established("C0", ""), cleared("C0", cti.CauseNormal), cti.Event{Type: cti.EvCallCleared}, cti.Event{Type: cti.EvTicketUpdated, Ticket: id},
		queued("C1", id, cti.CallInfo{}), queued("C1", id, cti.CallInfo{}), established("C1", ""), established("C1", ""),
		cleared("C1", cti.CauseNormal), cleared("C1", cti.CauseNormal))
	before := b.ticket(id)
	evs, err := b.journal.Read(0, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, ev := range evs { // every change of the ticket once more
		if ev.Change != nil {
			ev.Seq = 0
			b.publish(ev)
		}
	}
	if after := b.ticket(id); !reflect.DeepEqual(after, before) || len(before.History) != 3 || b.count() != 1 {
		t.Errorf("got %+v", after)
	}
}

func TestCommands(t *testing.T) {
	b := newBench(t)
	id := b.svc.Mint()
	b.publish(queued("C1", id, cti.CallInfo{}), established("C1", ""))
	tk := b.ticket(id)
	fo := ticket.FrontOffice
	_, err := b.svc.Transition(t.Context(), id, tk.Revision, fo, ticket.ClosedFO, map[string]string{"outcome": "answered", "subject": ""})
	if fe, ok := errors.AsType[*ticket.FieldError](err); !ok || !slices.Equal(fe.Missing, []string{"category", "topic", "answer"}) {
		t.Errorf("got %v", err)
	}
	for name, f := range map[string]map[string]string{"unknown topic": {"topic": "13.99"}, "unknown category": {"category": "99"}, "not for people": {"to": "cmna"}} {
		if _, err := b.svc.Edit(t.Context(), id, tk.Revision, fo, f); err == nil {
			t.Errorf("%s accepted", name)
		}
	}
	tk, err = b.svc.Edit(t.Context(), id, tk.Revision, fo, map[string]string{"topic": "13.02", "subject": "Ricongiunzione"})
	if err != nil || tk.Category != "13" || tk.TaxonomyVersion != "1.0" {
		t.Fatalf("got %+v, %v", tk, err)
	}
	if _, err := b.svc.Edit(t.Context(), id, tk.Revision-1, fo, nil); !errors.Is(err, ErrStale) {
		t.Errorf("got %v", err)
	}
	if _, err := b.svc.Edit(t.Context(), b.svc.Mint(), 1, fo, nil); !errors.Is(err, ErrNotFound) {
		t.Errorf("got %v", err)
	}
	done, err := b.svc.Transition(t.Context(), id, tk.Revision, fo, ticket.ClosedFO, map[string]string{"outcome": "answered", "answer": "Sì."})
	if err != nil || done.State != ticket.ClosedFO || !reflect.DeepEqual(b.ticket(id), done) {
		t.Errorf("got %+v, %v", done, err)
	}
	if _, err := b.svc.Transition(t.Context(), id, done.Revision, fo, ticket.External, nil); err == nil {
		t.Error("illegal transition accepted")
	}
}

// Of writers with one revision exactly one succeeds.
func TestCommands_race(t *testing.T) {
	b := newBench(t)
	id := b.svc.Mint()
	b.publish(queued("C1", id, cti.CallInfo{}), established("C1", ""))
	rev := b.ticket(id).Revision
	var wg sync.WaitGroup
	results := make(chan error, 8)
	for i := range 8 {
		wg.Go(func() { // ends by itself
			_, err := b.svc.Edit(t.Context(), id, rev, ticket.FrontOffice, map[string]string{"subject": fmt.Sprint(i)})
			results <- err
		})
	}
	wg.Wait()
	close(results)
	won := 0
	for err := range results {
		if err == nil {
			won++
		} else if !errors.Is(err, ErrStale) {
			t.Error(err)
		}
	}
	if won != 1 || b.ticket(id).Revision != rev+1 {
		t.Errorf("%d won", won)
	}
}

func TestTracking(t *testing.T) {
	b := newBench(t)
	id := b.svc.Mint()
	b.publish(queued("C1", id, cti.CallInfo{}))
	code, pin, err := b.svc.Tracking(t.Context(), id, ticket.FrontOffice)
	again, pin2, err2 := b.svc.Tracking(t.Context(), id, ticket.FrontOffice)
	if err != nil || err2 != nil || code != again || pin == "" || pin2 != "" || !b.ticket(id).Tracked {
		t.Errorf("got %s %q %v, %s %q %v", code, pin, err, again, pin2, err2)
	}
	if got, ok := b.svc.Resolve(t.Context(), code.String()); !ok || got != id {
		t.Errorf("got %s %v", got, ok)
	}
	evs, err := b.journal.Read(0, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, ev := range evs {
		if ev.Change != nil && slices.Contains(slicesOf(ev.Change.Fields), string(code)) {
			t.Error("the code is in the stream")
		}
	}
	b.publish(cleared("C1", cti.CauseAbandoned))
	b.settle()
	if _, ok := b.svc.Resolve(t.Context(), string(code)); ok {
		t.Error("a cancelled ticket was found")
	}
	if _, _, err := b.svc.Tracking(t.Context(), b.svc.Mint(), ticket.FrontOffice); !errors.Is(err, ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

func slicesOf(m map[string]string) (out []string) {
	for _, v := range m {
		out = append(out, v)
	}
	return out
}

// The order of reasons, and that numbers count only when verified and left by the citizen.
func TestMatch(t *testing.T) {
	b := newBench(t)
	const number = "+390831000000"
	open := func(call cti.CallID) cti.TicketID {
		id := b.svc.Mint()
		b.publish(queued(call, id, cti.CallInfo{}), established(call, ""))
		tk := b.ticket(id)
		if _, err := b.svc.Edit(t.Context(), id, tk.Revision, ticket.FrontOffice, map[string]string{"contact_kind": "phone", "contact_value": number}); err != nil {
			t.Fatal(err)
		}
		return id
	}
	first := open("C1")
	verified := cti.Party{Number: number, Verified: true}
	match := func(q Query) Match {
		m, err := b.svc.Match(t.Context(), q)
		if err != nil || !m.Ticket.Valid() {
			t.Fatal(m, err)
		}
		return m
	}
	if m := match(Query{Caller: verified}); m.Ticket != first || m.Rule != RuleNumber {
		t.Errorf("got %+v", m)
	}
	for name, p := range map[string]cti.Party{"withheld": {Number: number, Verified: true, Withheld: true}, "unverified": {Number: number}, "other": {Number: "+39083100000", Verified: true}} {
		if m := match(Query{Caller: p}); m.Rule != RuleDraft || m.Ticket == first || m.Possible != nil {
			t.Errorf("%s: got %+v", name, m)
		}
	}
	second := open("C2")
	if m := match(Query{Caller: verified}); m.Rule != RuleDraft || len(m.Possible) != 2 {
		t.Errorf("two open tickets: got %+v", m)
	}
	tk := b.ticket(second)
	if _, err := b.svc.Transition(t.Context(), second, tk.Revision, ticket.FrontOffice, ticket.ClosedFO, map[string]string{"topic": "13.01", "outcome": "duplicate"}); err != nil {
		t.Fatal(err)
	}
	if m := match(Query{Caller: verified}); m.Ticket != first {
		t.Errorf("got %+v", m)
	}
	capsule := cti.NewTicketID("cmna", began)
	if m := match(Query{Capsule: capsule, Caller: verified}); m.Ticket != capsule {
		t.Errorf("got %+v", m)
	}
}

// Get waits for a ticket whose call is just being queued.
func TestGet_arrival(t *testing.T) {
	b := newBench(t)
	id := b.svc.Mint()
	got := make(chan error, 1)
	go func() { // ends by itself
		_, err := b.svc.Get(context.Background(), id)
		got <- err
	}()
	b.publish(queued("C1", id, cti.CallInfo{}))
	if err := <-got; err != nil {
		t.Error(err)
	}
}

// A reader who has heard of a revision never reads an older one, though the fold
// lingers behind the stream.
func TestGet_fresh(t *testing.T) {
	b := newBench(t)
	b.kill()
	b.linger = 20 * time.Millisecond
	b.start()
	r, err := b.log.Subscribe(b.log.Last())
	if err != nil {
		t.Fatal(err)
	}
	id := b.svc.Mint()
	b.publish(offered("C1", id, cti.CallInfo{}), queued("C1", id, cti.CallInfo{}), established("C1", ""))
	for heard := int64(0); heard < 2; {
		ev, err := r.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if ev.Change == nil {
			continue
		}
		heard = ev.Change.Revision
		got, err := b.svc.Get(t.Context(), id)
		if err != nil || got.Revision < heard {
			t.Errorf("heard of revision %d, read %d, %v", heard, got.Revision, err)
		}
	}
}

func TestNew_faults(t *testing.T) {
	if _, err := New(Config{Site: "no site"}); err == nil {
		t.Error("accepted")
	}
}
