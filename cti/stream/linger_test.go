package stream_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/cti/stream"
)

// counted counts the journal writes.
type counted struct {
	*stream.Memory
	writes int
}

func (c *counted) Append(ctx context.Context, evs []cti.Event) error {
	c.writes++
	return c.Memory.Append(ctx, evs)
}

// inBubble runs f with a log on a counting journal.
func inBubble(t *testing.T, cfg stream.Config, f func(t *testing.T, l *stream.Log, j *counted)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		j := &counted{Memory: stream.NewMemory()}
		l, err := stream.New(cfg, j)
		if err != nil {
			t.Fatal(err)
		}
		f(t, l, j)
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestLinger(t *testing.T) {
	inBubble(t, stream.Config{Linger: 10 * time.Millisecond}, func(t *testing.T, l *stream.Log, j *counted) {
		for range 5 {
			l.Publish(cti.Event{Type: cti.EvStage})
			time.Sleep(time.Millisecond)
		}
		if got := l.Last().Seq; got != 0 {
			t.Errorf("%d events were written at once", got)
		}
		time.Sleep(10 * time.Millisecond)
		if got := l.Last().Seq; got != 5 || j.writes != 1 {
			t.Errorf("got %d events in %d writes, want 5 in one", got, j.writes)
		}
		l.Publish(cti.Event{Type: cti.EvStage})
		began := time.Now()
		if err := l.Commit(t.Context(), cti.Event{Type: cti.EvAnswered}); err != nil {
			t.Error(err)
		}
		if d := time.Since(began); d != 0 {
			t.Errorf("a commit waited %v behind an event that lingers", d)
		}
	})
}

func TestPace(t *testing.T) {
	inBubble(t, stream.Config{Pace: 5 * time.Millisecond}, func(t *testing.T, l *stream.Log, j *counted) {
		commit := func() time.Duration {
			began := time.Now()
			if err := l.Commit(t.Context(), cti.Event{Type: cti.EvAnswered}); err != nil {
				t.Error(err)
			}
			return time.Since(began)
		}
		for i := range 8 { // a few after a rest
			if d := commit(); d != 0 {
				t.Fatalf("commit %d waited %v", i, d)
			}
		}
		var waited time.Duration
		for range 100 {
			waited += commit()
		}
		if waited < 490*time.Millisecond || waited > 510*time.Millisecond {
			t.Errorf("100 commits took %v, want about 500 ms", waited)
		}
		time.Sleep(time.Second)
		if d := commit(); d != 0 {
			t.Errorf("a commit after a rest waited %v", d)
		}
	})
}

// advances counts the transactions of a projection.
type advances struct {
	stream.MemoryProjection
	n int
}

func (a *advances) Advance(ctx context.Context, to cti.Position, fn func(cti.Tx) error) error {
	a.n++
	return a.MemoryProjection.Advance(ctx, to, fn)
}

func TestFold_nothingToChange(t *testing.T) {
	inBubble(t, stream.Config{Linger: 10 * time.Millisecond}, func(t *testing.T, l *stream.Log, _ *counted) {
		ctx, cancel := context.WithCancel(t.Context())
		p, done := &advances{}, make(chan error)
		go func() { // ends with ctx
			done <- stream.Fold(ctx, l, p, func(tx cti.Tx, ev cti.Event) error {
				if ev.Type != cti.EvQueued {
					return nil
				}
				_ = tx.Put([]byte(ev.Call), []byte("x")) // a step may forget to look
				return nil
			})
		}()
		for range 50 {
			l.Publish(cti.Event{Type: cti.EvStage})
			time.Sleep(20 * time.Millisecond)
		}
		if p.n != 0 {
			t.Errorf("%d transactions for nothing", p.n)
		}
		l.Publish(cti.Event{Type: cti.EvQueued, Call: "c"})
		time.Sleep(50 * time.Millisecond)
		if got := p.Cursor().Seq; p.n != 1 || got != 51 {
			t.Errorf("%d transactions, cursor %d; want 1 and 51", p.n, got)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
