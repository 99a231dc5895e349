package stream

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/lineaamica/la2/cti"
)

// Publish appends ev to the stream and returns its position at once; it is
// durable a little later. Events of one goroutine keep their order.
//
// Publish sets Epoch, Seq and Site. An At that is zero or in the future
// becomes now, one before the previous event becomes that event's: along the
// stream At never decreases, also when the clock steps back (a hybrid logical
// clock: At, then Seq). The number of a withheld caller is erased.
//
// Back-pressure: at most Config.Buffer events wait in memory. While the
// journal writes, Publish blocks for room; while it fails, Publish drops ev,
// counts it and returns the zero Position, so that calls go on without a disk.
// After Close it drops too.
func (l *Log) Publish(ev cti.Event) cti.Position {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.reserve(1); err != nil {
		l.lost++
		return cti.Position{}
	}
	l.enqueue(&ev)
	return cti.Position{Epoch: l.epoch, Seq: ev.Seq}
}

// PublishAll is Publish for many events, which cost less together. They are next to each other as
// far as half the buffer holds them. evs is not to be used again.
func (l *Log) PublishAll(evs []cti.Event) {
	for some := range slices.Chunk(evs, max(1, l.cfg.Buffer/2)) {
		l.publishSome(some)
	}
}

func (l *Log) publishSome(evs []cti.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.reserve(len(evs)); err != nil {
		l.lost += uint64(len(evs))
		return
	}
	l.queue = slices.Grow(l.queue, len(evs))
	for i := range evs {
		l.enqueue(&evs[i])
	}
}

// Commit publishes evs, next to each other, and returns when they are durable.
// Concurrent commits share one journal write. While the journal fails it
// returns ErrDegraded at once and publishes nothing. Any other error means not
// known to be durable: as after any time-out, the events may still appear.
func (l *Log) Commit(ctx context.Context, evs ...cti.Event) error {
	if len(evs) == 0 {
		return nil
	}
	w := waiter{done: make(chan error, 1)}
	l.mu.Lock()
	if l.degraded != nil {
		err := l.degraded
		l.mu.Unlock()
		return fmt.Errorf("stream: commit: %w: %w", ErrDegraded, err)
	}
	if err := l.reserve(len(evs)); err != nil {
		l.mu.Unlock()
		return fmt.Errorf("stream: commit: %w", err)
	}
	for i := range evs {
		ev := evs[i]
		l.enqueue(&ev)
		w.seq = ev.Seq
	}
	l.await(w)
	l.mu.Unlock()
	return await(ctx, w.done)
}

// Sync returns when everything published before is durable.
func (l *Log) Sync(ctx context.Context) error {
	w := waiter{done: make(chan error, 1)}
	l.mu.Lock()
	if w.seq = l.next - 1; w.seq <= l.durable {
		l.mu.Unlock()
		return nil
	}
	if l.degraded != nil {
		err := l.degraded
		l.mu.Unlock()
		return fmt.Errorf("stream: sync: %w: %w", ErrDegraded, err)
	}
	l.await(w)
	l.mu.Unlock()
	return await(ctx, w.done)
}

// await lets the writer know that somebody waits. l.mu must be held.
func (l *Log) await(w waiter) {
	l.waiters = append(l.waiters, w)
	if len(l.waiters) == 1 {
		l.wake()
	}
}

// wake makes the writer look again. l.mu must be held.
func (l *Log) wake() {
	select {
	case l.work <- struct{}{}:
	default:
	}
}

func await(ctx context.Context, done <-chan error) error {
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("stream: commit: %w", context.Cause(ctx))
	}
}

// reserve waits for room for n events. l.mu must be held.
func (l *Log) reserve(n int) error {
	for {
		switch {
		case l.closed:
			return ErrClosed
		case len(l.queue) == 0 || len(l.queue)+l.writing+n <= l.cfg.Buffer:
			return nil
		case l.degraded != nil:
			return fmt.Errorf("%w: %w", ErrDegraded, l.degraded)
		}
		l.room.Wait()
	}
}

// enqueue numbers and dates ev. l.mu must be held.
func (l *Log) enqueue(ev *cti.Event) {
	ev.Epoch, ev.Seq = l.epoch, l.next
	l.next++
	if ev.Site == "" {
		ev.Site = l.cfg.Site
	}
	ev.At = l.date(ev.At)
	if ev.Info != nil && ev.Info.Caller.Withheld && (ev.Info.Caller.Number != "" || ev.Info.Caller.Display != "") {
		info := *ev.Info
		info.Caller.Number, info.Caller.Display = "", ""
		ev.Info = &info
	}
	l.queue = append(l.queue, *ev)
	switch len(l.queue) {
	case 1:
		l.since = time.Now()
		l.wake()
	case maxBatch:
		l.wake()
	}
}

// date is at in UTC, in whole microseconds, never after now nor before the
// previous event. l.mu must be held.
func (l *Log) date(at time.Time) time.Time {
	now := l.cfg.Now()
	if at.IsZero() || at.After(now) {
		at = now
	}
	at = at.UTC().Truncate(time.Microsecond)
	if at.Before(l.lastAt) {
		return l.lastAt
	}
	l.lastAt = at
	return at
}
