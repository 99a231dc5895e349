package stream_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/cti/stream"
)

// A client that is killed at random and resumes after the last event it saw,
// 1,000 times, reads exactly the journal, whatever the sizes of tail and
// batches and whoever writes meanwhile.
func TestClientKilledAndResumed1000Times(t *testing.T) {
	const kills = 1000
	for _, tail := range []int{1, 7, 4096} {
		l, m := newLog(t, stream.Config{Tail: tail, Buffer: 64})
		stop := make(chan struct{})
		var writers sync.WaitGroup
		for range 3 {
			writers.Go(func() { // ends with stop
				for {
					select {
					case <-stop:
						return
					default:
						l.Publish(cti.Event{Type: cti.EvStage})
					}
				}
			})
		}
		var got []uint64
		var last cti.Position
		for range kills {
			last = readSome(t, l, last, &got)
		}
		close(stop)
		writers.Wait()
		l.Sync(t.Context())
		_, end := m.Bounds()
		for last.Seq < end {
			last = readSome(t, l, last, &got)
		}
		if uint64(len(got)) != end {
			t.Fatalf("tail %d: read %d events of %d", tail, len(got), end)
		}
		for i, seq := range got {
			if seq != uint64(i+1) {
				t.Fatalf("tail %d: event %d read at place %d", tail, seq, i+1)
			}
		}
	}
}

// readSome subscribes, reads up to 20 events and dies.
func readSome(t *testing.T, l *stream.Log, after cti.Position, got *[]uint64) cti.Position {
	t.Helper()
	r, err := l.Subscribe(after)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for n := rand.IntN(20); n > 0; n-- {
		if l.Last().Seq <= r.Position().Seq {
			cancel() // killed while it waits
		}
		ev, err := r.Next(ctx)
		if errors.Is(err, context.Canceled) {
			return r.Position()
		}
		if err != nil {
			t.Fatal(err)
		}
		*got = append(*got, ev.Seq)
	}
	return r.Position()
}

// Random histories of publishing, committing, failing disks and restarts: the
// journal has no gap, keeps every acknowledged event once and in order of time.
func TestRandomHistories(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := stream.NewMemory()
		open := func() *stream.Log {
			l, err := stream.New(stream.Config{Tail: 3, Buffer: 5, Retry: 1}, m)
			if err != nil {
				t.Fatal(err)
			}
			return l
		}
		l := open()
		acked := map[string]bool{}
		for i, n := 0, rapid.IntRange(1, 40).Draw(t, "steps"); i < n; i++ {
			id := string(rune('A' + i))
			switch rapid.IntRange(0, 4).Draw(t, "step") {
			case 0:
				l.Publish(cti.Event{Value: id})
			case 1, 2:
				if l.Commit(context.Background(), cti.Event{Value: id}) == nil {
					acked[id] = true
				}
			case 3:
				m.Break(errors.New("disk"))
				l.Publish(cti.Event{})
				l.Sync(context.Background())
				m.Break(nil)
			case 4:
				l.Close()
				l = open()
			}
		}
		l.Close()
		evs, _ := m.Read(0, 10000)
		seen := map[string]int{}
		for i, ev := range evs {
			if ev.Seq != uint64(i+1) || i > 0 && ev.At.Before(evs[i-1].At) {
				t.Fatalf("event %d: %+v", i, ev)
			}
			seen[ev.Value]++
		}
		for id := range acked {
			if seen[id] != 1 {
				t.Fatalf("acknowledged %s is there %d times", id, seen[id])
			}
		}
	})
}
