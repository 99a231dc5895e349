package cdr_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/cti/cdr"
	"github.com/lineaamica/la2/cti/stream"
)

var update = flag.Bool("update", false, "rewrite the golden file")

var nine = time.Date(2026, 3, 10, 9, 0, 0, 0, time.UTC)

// at makes the events of one call: each at a second after nine.
type history struct {
	call cti.CallID
	evs  []cti.Event
}

func (h *history) at(s int, t cti.EventType, change ...func(*cti.Event)) *history {
	ev := cti.Event{Type: t, Call: h.call, Site: "formezpa", At: nine.Add(time.Duration(s) * time.Second), Seq: uint64(len(h.evs) + 1), Epoch: "E"}
	for _, c := range change {
		c(&ev)
	}
	h.evs = append(h.evs, ev)
	return h
}

func leg(n int) func(*cti.Event) {
	return func(ev *cti.Event) { ev.Leg = cti.LegID(fmt.Sprintf("%s/%d", ev.Call, n)) }
}
func agent(a cti.AgentID) func(*cti.Event)   { return func(ev *cti.Event) { ev.Agent = a } }
func queue(q cti.QueueID) func(*cti.Event)   { return func(ev *cti.Event) { ev.Queue = q } }
func cause(c cti.Cause) func(*cti.Event)     { return func(ev *cti.Event) { ev.Cause = c } }
func trunk(t string) func(*cti.Event)        { return func(ev *cti.Event) { ev.Trunk = t } }
func target(t string) func(*cti.Event)       { return func(ev *cti.Event) { ev.Target = t } }
func device(d cti.DeviceID) func(*cti.Event) { return func(ev *cti.Event) { ev.Device = d } }

func info(ev *cti.Event) {
	ev.Service, ev.Trunk, ev.Instant = "803001", "carrier", nine
	ev.Info = &cti.CallInfo{Caller: cti.Party{Number: "+390831000412"}, Dialled: "803001"}
}

func withheld(ev *cti.Event) {
	info(ev)
	ev.Info.Caller = cti.Party{Number: "+390831000412", Display: "Rossi", Withheld: true}
}

func newHistory() *history { return &history{call: "01JZ8Q4W7N5T3X9V2R6K1M0HDC"} }

// queued is a call that waits from second 4.
func queued() *history {
	return newHistory().at(0, cti.EvOffered, info).at(1, cti.EvAnswered, leg(1)).at(4, cti.EvQueued, queue("urp"))
}

// fold runs the events through a log and returns the records as exported.
func fold(t testing.TB, evs []cti.Event) []cdr.Record {
	t.Helper()
	return export(t, folded(t, evs), 0)
}

func folded(t testing.TB, evs []cti.Event) cti.Projection {
	t.Helper()
	m := stream.NewMemory()
	if err := m.Append(context.Background(), evs); err != nil {
		t.Fatal(err)
	}
	l, err := stream.New(stream.Config{}, m)
	if err != nil {
		t.Fatal(err)
	}
	p := &stream.MemoryProjection{}
	if _, err := cdr.CloseOpen(context.Background(), l, p); err != nil {
		t.Fatal(err)
	}
	l.Close()
	return p
}

func export(t testing.TB, p cti.Projection, after uint64) []cdr.Record {
	t.Helper()
	var buf bytes.Buffer
	if _, err := cdr.Export(p, after, &buf); err != nil {
		t.Fatal(err)
	}
	var out []cdr.Record
	for dec := json.NewDecoder(&buf); dec.More(); {
		var r cdr.Record
		if err := dec.Decode(&r); err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
	return out
}

func TestHistories(t *testing.T) {
	ringing := func() *history {
		return queued().at(10, cti.EvDelivered, agent("1001"), queue("urp"))
	}
	talking := func() *history {
		return ringing().at(15, cti.EvEstablished, leg(2), device("1001"))
	}
	tests := []struct {
		name     string
		h        *history
		outcome  cdr.Outcome
		segments string // kind:seconds
		wait     int64
	}{
		{"closed", newHistory().at(0, cti.EvOffered, info).at(6, cti.EvCallCleared, cause(cti.CauseClosed)), cdr.Closed, "", 0},
		{"left in the menu", newHistory().at(0, cti.EvOffered, info).at(6, cti.EvCallCleared, cause(cti.CauseAbandoned)), cdr.Left, "", 0},
		{"abandoned in the queue", queued().at(15, cti.EvCallCleared, cause(cti.CauseAbandoned)), cdr.Abandoned, "queue:11", 11},
		{"abandoned while the agent rings", ringing().at(15, cti.EvCallCleared, cause(cti.CauseAbandoned)), cdr.Abandoned, "queue:11 ring:5", 11},
		{"answered", talking().at(75, cti.EvCallCleared, cause(cti.CauseNormal)), cdr.Answered, "queue:11 ring:5 talk:60", 11},
		{"RONA, then answered", ringing().at(12, cti.EvDiverted, agent("1001"), cause(cti.CauseNoAnswer)).
			at(13, cti.EvDelivered, agent("1002")).at(15, cti.EvEstablished, leg(3)).at(20, cti.EvCallCleared), cdr.Answered, "queue:11 ring:2 ring:2 talk:5", 11},
		{"held twice", talking().at(20, cti.EvHeld, leg(2)).at(30, cti.EvRetrieved, leg(2)).at(40, cti.EvHeld, leg(2)).at(45, cti.EvCallCleared),
			cdr.Answered, "queue:11 ring:5 talk:5 hold:10 talk:10 hold:5", 11},
		{"transferred", talking().at(20, cti.EvTransferring, leg(2), target("napoli:+390810002222")).at(25, cti.EvTransferred, leg(2)).
			at(25, cti.EvEstablished, leg(3), trunk("napoli")).at(25, cti.EvConnectionCleared, leg(2)).at(60, cti.EvCallCleared),
			cdr.Answered, "queue:11 ring:5 talk:10 transfer:5 talk:35", 11},
		{"transfer fails", talking().at(20, cti.EvTransferring, leg(2), target("1002")).at(25, cti.EvTransferFailed, leg(2), cause(cti.CauseBusy)).
			at(60, cti.EvCallCleared), cdr.Answered, "queue:11 ring:5 talk:45 transfer:5", 11},
		{"taken by another office", queued().at(30, cti.EvDelivered, leg(2), trunk("napoli")).at(34, cti.EvEstablished, leg(2), trunk("napoli")).
			at(34, cti.EvRedirected, target("napoli")).at(60, cti.EvCallCleared), cdr.Redirected, "queue:30 ring:4 talk:26", 30},
		{"an overflow rings, the agent is faster", ringing().at(12, cti.EvDelivered, leg(3), trunk("napoli")).at(15, cti.EvEstablished, leg(2), device("1001")).
			at(15, cti.EvConnectionCleared, leg(3), trunk("napoli"), cause(cti.CauseAnsweredElsewhere)).at(20, cti.EvCallCleared),
			cdr.Answered, "queue:11 ring:5 ring:3 talk:5", 11},
		{"found open after a crash", talking().at(75, cti.EvCallCleared, cause(cti.CauseRestart)), cdr.Answered, "queue:11 ring:5 talk:60", 11},
		{"waiting at a crash", queued().at(75, cti.EvCallCleared, cause(cti.CauseRestart)), cdr.Failed, "queue:71", 71},
		{"answered before it rang", queued().at(10, cti.EvEstablished, leg(2)).at(10, cti.EvDelivered, agent("1001")).at(20, cti.EvCallCleared),
			cdr.Answered, "queue:6 talk:10", 6},
		{"events after the end", queued().at(15, cti.EvCallCleared, cause(cti.CauseAbandoned)).at(16, cti.EvEstablished, leg(2)).
			at(17, cti.EvCallCleared, cause(cti.CauseNormal)), cdr.Abandoned, "queue:11", 11},
	}
	for _, tt := range tests {
		got := fold(t, tt.h.evs)
		if len(got) != 1 {
			t.Errorf("%s: %d records", tt.name, len(got))
			continue
		}
		r := got[0]
		var segments []string
		for _, s := range r.Segments {
			segments = append(segments, fmt.Sprintf("%s:%d", s.Kind, int(s.End.Sub(s.Start).Seconds())))
		}
		if r.Outcome != tt.outcome || strings.Join(segments, " ") != tt.segments || r.WaitMS != tt.wait*1000 {
			t.Errorf("%s: %s %v wait %d; want %s %s %d", tt.name, r.Outcome, segments, r.WaitMS, tt.outcome, tt.segments, tt.wait*1000)
		}
	}
}

func TestWithheldNumberIsNowhere(t *testing.T) {
	h := newHistory().at(0, cti.EvOffered, withheld).at(6, cti.EvCallCleared, cause(cti.CauseAbandoned))
	r := fold(t, h.evs)[0]
	raw, _ := json.Marshal(r)
	if !r.Withheld || strings.Contains(string(raw), "0831") || strings.Contains(string(raw), "Rossi") {
		t.Errorf("record %s", raw)
	}
}

// The line format is read by others: it changes on purpose only.
func TestGoldenLine(t *testing.T) {
	h := queued().at(10, cti.EvDelivered, agent("1001"), queue("urp")).at(15, cti.EvEstablished, leg(2)).
		at(20, cti.EvTransferring, leg(2), target("1002")).at(22, cti.EvTransferFailed, leg(2), cause(cti.CauseBusy)).
		at(60, cti.EvCallCleared, cause(cti.CauseNormal))
	p := folded(t, h.evs)
	var got bytes.Buffer
	if last, err := cdr.Export(p, 0, &got); err != nil || last != uint64(len(h.evs)) {
		t.Fatal(last, err)
	}
	if strings.Contains(got.String(), "1001") || strings.Contains(got.String(), "1002") {
		t.Error("an agent is in the record")
	}
	golden := filepath.Join("testdata", "answered.jsonl")
	if *update {
		os.MkdirAll("testdata", 0o755)
		os.WriteFile(golden, got.Bytes(), 0o644)
	}
	want, err := os.ReadFile(golden)
	if err != nil || got.String() != string(want) {
		t.Errorf("got  %swant %s(%v; -update rewrites it)", got.String(), want, err)
	}
}

func TestExportContinues(t *testing.T) {
	l, err := stream.New(stream.Config{}, stream.NewMemory())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for i := range 1200 { // more than one chunk
		call := cti.CallID(fmt.Sprintf("C%d", i))
		l.Publish(cti.Event{Type: cti.EvOffered, Call: call})
		l.Publish(cti.Event{Type: cti.EvCallCleared, Call: call, Cause: cti.CauseClosed})
	}
	l.Sync(t.Context())
	p := &stream.MemoryProjection{}
	if _, err := cdr.CloseOpen(t.Context(), l, p); err != nil {
		t.Fatal(err)
	}
	if n := len(export(t, p, 0)); n != 1200 {
		t.Errorf("%d records", n)
	}
	if n := len(export(t, p, 1200)); n != 600 {
		t.Errorf("%d records after the middle", n)
	}
	if last, err := cdr.Export(p, 2400, failing{}); err != nil || last != 2400 {
		t.Errorf("nothing to export: %d, %v", last, err)
	}
	if last, err := cdr.Export(p, 0, failing{}); err == nil || last != 0 {
		t.Errorf("failing writer: %d, %v", last, err)
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("pipe") }

func TestCloseOpen(t *testing.T) {
	l, err := stream.New(stream.Config{}, stream.NewMemory())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, c := range []cti.CallID{"A", "B", "C"} {
		l.Publish(cti.Event{Type: cti.EvOffered, Call: c})
	}
	l.Publish(cti.Event{Type: cti.EvCallCleared, Call: "B", Cause: cti.CauseNormal})
	l.Sync(t.Context())
	p := &stream.MemoryProjection{}
	for i, want := range []int{2, 0} {
		if n, err := cdr.CloseOpen(t.Context(), l, p); n != want || err != nil {
			t.Errorf("start %d: closed %d, %v; want %d", i, n, err, want)
		}
	}
	got := export(t, p, 0)
	if len(got) != 3 || got[1].Cause != cti.CauseRestart || got[1].Outcome != cdr.Failed {
		t.Errorf("records %+v", got)
	}
}

// Whatever the order of events, a record's segments end, none is negative, and
// there is one record for each Offered that was followed by a CallCleared.
func TestAnyOrder(t *testing.T) {
	kinds := []cti.EventType{cti.EvOffered, cti.EvAnswered, cti.EvQueued, cti.EvDelivered, cti.EvDiverted, cti.EvEstablished, cti.EvHeld,
		cti.EvRetrieved, cti.EvTransferring, cti.EvTransferred, cti.EvTransferFailed, cti.EvRedirected, cti.EvConnectionCleared, cti.EvCallCleared}
	rapid.Check(t, func(rt *rapid.T) {
		h := newHistory().at(0, cti.EvOffered, info)
		for s := range rapid.IntRange(0, 30).Draw(rt, "events") {
			k := rapid.SampledFrom(kinds).Draw(rt, "kind")
			h.at(s+1, k, leg(rapid.IntRange(1, 4).Draw(rt, "leg")), queue(rapid.SampledFrom([]cti.QueueID{"a", "b"}).Draw(rt, "queue")))
			if k == cti.EvCallCleared {
				break
			}
		}
		if h.evs[len(h.evs)-1].Type != cti.EvCallCleared {
			h.at(99, cti.EvCallCleared, cause(cti.CauseNormal))
		}
		got := fold(t, h.evs)
		if len(got) != 1 || got[0].Outcome == "" {
			rt.Fatalf("records %+v", got)
		}
		for _, s := range got[0].Segments {
			if s.End.IsZero() || s.End.Before(s.Start) || s.Kind == cdr.KindQueue && s.Outcome == "" {
				rt.Fatalf("segment %+v", s)
			}
		}
	})
}

// Run stopped at any event and started again, over a projection that fails now
// and then, writes every record once.
func TestRunInterruptedAnywhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, err := stream.New(stream.Config{}, stream.NewMemory())
		if err != nil {
			t.Fatal(err)
		}
		p := &flaky{}
		for i := range 60 { // calls that overlap: one lives through all
			call := cti.CallID(fmt.Sprintf("C%d", i))
			l.Publish(cti.Event{Type: cti.EvOffered, Call: call, Service: "803001"})
			l.Publish(cti.Event{Type: cti.EvQueued, Call: call, Queue: "urp"})
			if i >= 2 {
				l.Publish(cti.Event{Type: cti.EvCallCleared, Call: cti.CallID(fmt.Sprintf("C%d", i-1)), Cause: cti.CauseAbandoned})
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i%4)*linger)
			if err := cdr.Run(ctx, l, p); err != nil && !errors.Is(err, errDisk) {
				t.Error(err)
			}
			cancel()
			if c := p.Cursor().Seq; c > 0 {
				t.Fatalf("cursor %d passed the open call C0", c)
			}
		}
		l.Publish(cti.Event{Type: cti.EvCallCleared, Call: "C0", Cause: cti.CauseAbandoned})
		l.Close()
		for range 2 {
			if err := cdr.Run(t.Context(), l, p); err != nil && !errors.Is(err, errDisk) {
				t.Error(err)
			}
		}
		seen := map[cti.CallID]int{}
		for _, r := range export(t, p, 0) {
			seen[r.Call]++
			if r.Outcome != cdr.Abandoned || len(r.Segments) != 1 {
				t.Errorf("record %+v", r)
			}
		}
		for i := range 59 {
			if n := seen[cti.CallID(fmt.Sprintf("C%d", i))]; n != 1 {
				t.Errorf("C%d has %d records", i, n)
			}
		}
	})
}

const linger = 100 * time.Millisecond

var errDisk = errors.New("disk")

// flaky is a projection whose every third transaction fails.
type flaky struct {
	stream.MemoryProjection
	n int
}

func (f *flaky) Advance(ctx context.Context, to cti.Position, fn func(cti.Tx) error) error {
	if f.n++; f.n%3 == 0 {
		return errDisk
	}
	return f.MemoryProjection.Advance(ctx, to, fn)
}

func Example() {
	l, err := stream.New(stream.Config{Site: "formezpa"}, stream.NewMemory())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer l.Close()
	ctx := context.Background()
	l.Publish(cti.Event{Type: cti.EvOffered, Call: "C1", Service: "803001"})
	l.Commit(ctx, cti.Event{Type: cti.EvCallCleared, Call: "C1", Cause: cti.CauseClosed})
	p := &stream.MemoryProjection{}
	cdr.CloseOpen(ctx, l, p)
	var buf bytes.Buffer
	last, _ := cdr.Export(p, 0, &buf)
	fmt.Println(last, strings.Contains(buf.String(), `"outcome":"closed"`))
	// Output: 2 true
}

// A call that passed through is one event and one record.
func TestPassed(t *testing.T) {
	h := newHistory()
	h.at(10, cti.EvPassed, info, trunk("tim"), cause(cti.CauseNormal), func(ev *cti.Event) {
		ev.Instant, ev.Info.TalkMS = ev.At.Add(-9*time.Second), 7000
	})
	list := fold(t, h.evs)
	if len(list) != 1 {
		t.Fatalf("%d records", len(list))
	}
	r := list[0]
	if r.Cleared.Sub(r.Offered) != 9*time.Second || r.Cleared.Sub(r.Established) != 7*time.Second || r.TalkMS != 7000 ||
		r.Trunk != "tim" || r.Cause != cti.CauseNormal || r.Seq == 0 || r.Caller == "" || len(r.Segments) != 1 {
		t.Errorf("%+v", r)
	}
	h = newHistory()
	h.at(10, cti.EvPassed, info, cause(cti.CauseBusy))
	if list = fold(t, h.evs); len(list) != 1 || !list[0].Established.IsZero() || list[0].Cause != cti.CauseBusy || len(list[0].Segments) != 0 {
		t.Errorf("%+v", list)
	}
}
