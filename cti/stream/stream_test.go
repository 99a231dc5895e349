package stream_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/cti/stream"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newLog(t testing.TB, cfg stream.Config) (*stream.Log, *stream.Memory) {
	t.Helper()
	m := stream.NewMemory()
	l, err := stream.New(cfg, m)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l, m
}

func TestPublishOrderAndPositions(t *testing.T) {
	l, m := newLog(t, stream.Config{Site: "formezpa"})
	for i := range 2500 { // more than one batch
		pos := l.Publish(cti.Event{Type: cti.EvStage, Value: fmt.Sprint(i)})
		if want := (cti.Position{Epoch: m.Epoch(), Seq: uint64(i + 1)}); pos != want {
			t.Fatalf("position %v, want %v", pos, want)
		}
	}
	if err := l.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	evs, _ := m.Read(0, 5000)
	if len(evs) != 2500 {
		t.Fatalf("%d events in the journal", len(evs))
	}
	for i, ev := range evs {
		if ev.Value != fmt.Sprint(i) || ev.Seq != uint64(i+1) || ev.Site != "formezpa" || ev.Epoch != m.Epoch() {
			t.Fatalf("event %d is %+v", i, ev)
		}
	}
}

// At is never smaller than that of the previous event, also when the clock
// steps back, a publisher is late, and after a restart.
func TestPublishAll(t *testing.T) {
	l, m := newLog(t, stream.Config{Buffer: 64})
	var evs []cti.Event
	for i := range 300 { // more than the buffer
		evs = append(evs, cti.Event{Type: cti.EvStage, Value: fmt.Sprint(i)})
	}
	l.PublishAll(evs)
	l.PublishAll(nil)
	if err := l.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, _ := m.Read(0, 1000)
	if len(got) != 300 {
		t.Fatalf("%d events in the journal", len(got))
	}
	for i, ev := range got {
		if ev.Value != fmt.Sprint(i) || ev.Seq != uint64(i+1) || ev.At.IsZero() {
			t.Fatalf("event %d is %+v", i, ev)
		}
	}
	l.Close()
	l.PublishAll([]cti.Event{{Type: cti.EvStage}, {Type: cti.EvStage}})
	if n := l.Stats().Lost; n != 2 {
		t.Errorf("%d events lost after Close, want 2", n)
	}
}

func TestHybridClock(t *testing.T) {
	now := time.Date(2026, 3, 10, 9, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	m := stream.NewMemory()
	l, err := stream.New(stream.Config{Now: clock}, m)
	if err != nil {
		t.Fatal(err)
	}
	l.Publish(cti.Event{})
	l.Publish(cti.Event{At: now.Add(-time.Minute)}) // late
	l.Publish(cti.Event{At: now.Add(time.Hour)})    // a liar
	now = now.Add(-time.Hour)                       // the clock steps back
	l.Publish(cti.Event{})
	l.Close()
	if l, err = stream.New(stream.Config{Now: clock}, m); err != nil {
		t.Fatal(err)
	}
	l.Publish(cti.Event{})
	now = now.Add(2 * time.Hour)
	l.Publish(cti.Event{})
	l.Close()
	evs, _ := m.Read(0, 100)
	nine := time.Date(2026, 3, 10, 9, 0, 0, 0, time.UTC)
	for i, want := range []time.Time{nine, nine, nine, nine, nine, nine.Add(time.Hour)} {
		if !evs[i].At.Equal(want) {
			t.Errorf("event %d at %v, want %v", i, evs[i].At, want)
		}
	}
}

func TestWithheldNumberIsNotStored(t *testing.T) {
	l, m := newLog(t, stream.Config{})
	info := &cti.CallInfo{Caller: cti.Party{Number: "+390831000111", Display: "Rossi", Withheld: true}}
	if err := l.Commit(t.Context(), cti.Event{Info: info}); err != nil {
		t.Fatal(err)
	}
	evs, _ := m.Read(0, 1)
	if c := evs[0].Info.Caller; c.Number != "" || c.Display != "" || !c.Withheld {
		t.Errorf("stored caller %+v", c)
	}
	if info.Caller.Number == "" {
		t.Error("the publisher's own data was changed")
	}
}

func TestSubscribeErrors(t *testing.T) {
	l, m := newLog(t, stream.Config{Tail: 4})
	for range 20 {
		l.Publish(cti.Event{})
	}
	l.Sync(t.Context())
	m.Trim(10)
	tests := []struct {
		name  string
		after cti.Position
		want  error
	}{
		{"zero reads from the first kept", cti.Position{}, nil},
		{"another epoch", cti.Position{Epoch: "OTHER", Seq: 5}, stream.ErrUnknownEpoch},
		{"trimmed", cti.Position{Epoch: m.Epoch(), Seq: 8}, stream.ErrTooOld},
		{"just before the first kept", cti.Position{Epoch: m.Epoch(), Seq: 9}, nil},
		{"the last", cti.Position{Epoch: m.Epoch(), Seq: 20}, nil},
		{"ahead", cti.Position{Epoch: m.Epoch(), Seq: 21}, stream.ErrAhead},
	}
	for _, tt := range tests {
		r, err := l.Subscribe(tt.after)
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
		if err == nil && tt.after.Seq != 20 {
			if ev, err := r.Next(t.Context()); err != nil || ev.Seq != 10 {
				t.Errorf("%s: first event %d, %v", tt.name, ev.Seq, err)
			}
		}
	}
	r, _ := l.Subscribe(cti.Position{})
	m.Trim(15) // outran it
	if _, err := r.Next(t.Context()); !errors.Is(err, stream.ErrTooOld) {
		t.Errorf("reader behind a trim: %v", err)
	}
}

func TestReaderWaitsAndEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := newLog(t, stream.Config{})
		r, _ := l.Subscribe(cti.Position{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := r.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("idle reader: %v", err)
		}
		go func() { // ends after one event
			time.Sleep(time.Second)
			l.Publish(cti.Event{Type: cti.EvStage})
		}()
		if ev, err := r.Next(t.Context()); err != nil || ev.Seq != 1 {
			t.Errorf("got %d, %v", ev.Seq, err)
		}
		go func() { // ends with the log
			time.Sleep(time.Second)
			l.Close()
		}()
		if _, err := r.Next(t.Context()); !errors.Is(err, stream.ErrClosed) {
			t.Errorf("reader of a closed log: %v", err)
		}
		if err := l.Commit(t.Context(), cti.Event{}); !errors.Is(err, stream.ErrClosed) {
			t.Errorf("commit after close: %v", err)
		}
	})
}

// With a disk that fails calls go on: Publish never blocks for ever, Commit
// refuses, and when the disk is back nothing has a gap.
func TestFailingJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := errors.New("disk full")
		l, m := newLog(t, stream.Config{Buffer: 8})
		l.Commit(t.Context(), cti.Event{Value: "before"})
		m.Break(full)
		if err := l.Commit(t.Context(), cti.Event{Value: "torn"}); !errors.Is(err, full) {
			t.Errorf("commit on the failing disk: %v", err)
		}
		if err := l.Commit(t.Context(), cti.Event{Value: "refused"}); !errors.Is(err, stream.ErrDegraded) {
			t.Errorf("second commit: %v", err)
		}
		if l.Healthy() == nil {
			t.Error("healthy with a failing disk")
		}
		dropped := 0
		for range 20 {
			if l.Publish(cti.Event{Value: "meanwhile"}) == (cti.Position{}) {
				dropped++
			}
		}
		if st := l.Stats(); dropped == 0 || uint64(dropped) != st.Lost || st.Waiting > 8 {
			t.Errorf("%d dropped, stats %+v", dropped, st)
		}
		m.Break(nil)
		time.Sleep(time.Second)
		if err := l.Commit(t.Context(), cti.Event{Value: "after"}); err != nil || l.Healthy() != nil {
			t.Errorf("commit on the mended disk: %v, %v", err, l.Healthy())
		}
		evs, _ := m.Read(0, 100)
		for i, ev := range evs {
			if ev.Seq != uint64(i+1) || ev.Value == "refused" {
				t.Errorf("event %d: %+v", i, ev)
			}
		}
	})
}

// slow is a journal that takes a while for each write.
type slow struct {
	*stream.Memory
	mu     sync.Mutex
	writes int
}

func (s *slow) Append(ctx context.Context, evs []cti.Event) error {
	time.Sleep(time.Millisecond)
	s.mu.Lock()
	s.writes++
	s.mu.Unlock()
	return s.Memory.Append(ctx, evs)
}

func TestCommitsShareOneWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &slow{Memory: stream.NewMemory()}
		l, err := stream.New(stream.Config{}, j)
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				if err := l.Commit(t.Context(), cti.Event{}, cti.Event{}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		l.Close()
		if _, last := j.Bounds(); last != 200 || j.writes > 3 {
			t.Errorf("%d events in %d writes", last, j.writes)
		}
	})
}

func TestPublishBlocksForRoomWhileTheJournalWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &slow{Memory: stream.NewMemory()}
		l, err := stream.New(stream.Config{Buffer: 4}, j)
		if err != nil {
			t.Fatal(err)
		}
		for range 50 {
			if l.Publish(cti.Event{}) == (cti.Position{}) {
				t.Fatal("dropped with a journal that writes")
			}
			if w := l.Stats().Waiting; w > 5 {
				t.Fatalf("%d events wait, room is for 4", w)
			}
		}
		l.Close()
		if _, last := j.Bounds(); last != 50 {
			t.Errorf("%d events", last)
		}
	})
}

func TestFoldIsExactlyOnceOverFailures(t *testing.T) {
	l, _ := newLog(t, stream.Config{Retry: time.Millisecond})
	p := &flaky{}
	done := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { // ends with ctx
		done <- stream.Fold(ctx, l, p, func(tx cti.Tx, ev cti.Event) error {
			return tx.Put(fmt.Appendf(nil, "%08d", ev.Seq), append(append([]byte{}, tx.Get(fmt.Appendf(nil, "%08d", ev.Seq))...), 'x'))
		})
	}()
	for range 500 {
		l.Publish(cti.Event{})
	}
	l.Sync(t.Context())
	if err := stream.CatchUp(t.Context(), l, &stream.MemoryProjection{}, func(cti.Tx, cti.Event) error { return nil }); err != nil {
		t.Fatal(err)
	}
	for p.Cursor().Seq < 500 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	n := 0
	p.View(func(tx cti.Tx) error {
		for k, v := range tx.Scan(nil) {
			if n++; string(v) != "x" {
				t.Errorf("event %s folded %d times", k, len(v))
			}
		}
		return nil
	})
	if n != 500 {
		t.Errorf("%d events folded", n)
	}
}

// flaky is a projection whose every third transaction fails.
type flaky struct {
	stream.MemoryProjection
	n int
}

func (f *flaky) Advance(ctx context.Context, to cti.Position, fn func(cti.Tx) error) error {
	if f.n++; f.n%3 == 0 {
		return f.MemoryProjection.Advance(ctx, to, func(tx cti.Tx) error {
			fn(tx)
			return errors.New("disk")
		})
	}
	return f.MemoryProjection.Advance(ctx, to, fn)
}

func TestFoldStopsAtItsOwnError(t *testing.T) {
	l, _ := newLog(t, stream.Config{})
	l.Publish(cti.Event{})
	bad := errors.New("bad event")
	err := stream.Fold(t.Context(), l, &stream.MemoryProjection{}, func(cti.Tx, cti.Event) error { return bad })
	if !errors.Is(err, bad) {
		t.Errorf("got %v", err)
	}
}

func Example() {
	l, err := stream.New(stream.Config{Site: "formezpa"}, stream.NewMemory())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer l.Close()
	ctx := context.Background()
	l.Publish(cti.Event{Type: cti.EvOffered, Call: "C1"})
	l.Commit(ctx, cti.Event{Type: cti.EvAgentReserved, Call: "C1", Agent: "1001"})
	r, _ := l.Subscribe(cti.Position{})
	for range 2 {
		ev, _ := r.Next(ctx)
		fmt.Println(ev.Seq, ev.Site, ev.Type)
	}
	// Output:
	// 1 formezpa Offered
	// 2 formezpa AgentReserved
}

func BenchmarkPublish(b *testing.B) {
	l, _ := newLog(b, stream.Config{})
	for b.Loop() {
		l.Publish(cti.Event{Type: cti.EvStage, Call: "C1"})
	}
}
