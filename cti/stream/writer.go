package stream

import (
	"context"
	"fmt"
	"time"

	"github.com/lineaamica/la2/cti"
)

// maxBatch bounds one journal write: 1024 events of some 400 bytes keep a
// transaction near half a megabyte.
const maxBatch = 1024

// write is the writer goroutine: it appends what has gathered, tells the
// commits, wakes the readers. A failed write is repeated with the same events,
// so the numbers stay without gaps; meanwhile the stream is degraded.
func (l *Log) write(ctx context.Context) {
	defer close(l.ended)
	for {
		batch := l.gather(ctx)
		if len(batch) == 0 {
			l.failWaiters(ErrClosed)
			return
		}
		for {
			err := l.journal.Append(context.WithoutCancel(ctx), batch)
			if err == nil {
				l.written(batch)
				break
			}
			l.failed(err)
			if ctx.Err() != nil || !pause(ctx, l.cfg.Retry) {
				return
			}
		}
	}
}

// burst is how many writes may go faster than Config.Pace after a rest.
const burst = 8

// gather waits until events are due and returns them; none when the stream is
// closed and everything was written.
func (l *Log) gather(ctx context.Context) []cti.Event {
	for {
		batch, due := l.take()
		if len(batch) > 0 {
			return batch
		}
		if ctx.Err() != nil {
			return nil
		}
		var timer *time.Timer
		var ring <-chan time.Time
		if !due.IsZero() {
			timer = time.NewTimer(time.Until(due))
			ring = timer.C
		}
		select {
		case <-l.work:
		case <-ring:
		case <-ctx.Done():
		}
		if timer != nil {
			timer.Stop()
		}
	}
}

// take hands out what is to be written now, or says when to ask again; the zero
// time is: when something has come.
func (l *Log) take() (batch []cti.Event, due time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) == 0 {
		return nil, due
	}
	now := time.Now()
	if due = l.due(now); due.After(now) {
		return nil, due
	}
	if l.paced.Before(now) {
		l.paced = now
	}
	l.paced = l.paced.Add(l.cfg.Pace)
	return l.cut(), due
}

// due is when the queue is to be written. l.mu must be held.
func (l *Log) due(now time.Time) time.Time {
	if l.closed || len(l.queue) >= maxBatch {
		return now
	}
	due := l.since
	if len(l.waiters) == 0 {
		due = due.Add(l.cfg.Linger)
	}
	if earliest := l.paced.Add(-burst * l.cfg.Pace); due.Before(earliest) {
		return earliest
	}
	return due
}

// cut takes a batch off the queue. l.mu must be held.
func (l *Log) cut() []cti.Event {
	n := min(len(l.queue), maxBatch)
	batch := l.queue[:n:n]
	l.queue = l.queue[n:]
	if len(l.queue) == 0 {
		l.queue = nil
	}
	l.writing = n
	return batch
}

// written makes batch visible and tells the commits it completes.
func (l *Log) written(batch []cti.Event) {
	l.mu.Lock()
	recovered := l.degraded != nil
	for i := range batch {
		l.tail[batch[i].Seq%uint64(len(l.tail))] = batch[i]
	}
	l.durable = batch[len(batch)-1].Seq
	l.writing, l.degraded = 0, nil
	n := 0
	for n < len(l.waiters) && l.waiters[n].seq <= l.durable {
		l.waiters[n].done <- nil
		n++
	}
	l.waiters = l.waiters[n:]
	close(l.arrived)
	l.arrived = make(chan struct{})
	l.room.Broadcast()
	lost := l.lost
	l.mu.Unlock()
	if recovered {
		l.cfg.Logger.Info("journal writes again", "lost", lost)
	}
}

// failed marks the stream degraded and lets all commits go with the error.
func (l *Log) failed(err error) {
	l.mu.Lock()
	first := l.degraded == nil
	l.degraded = err
	l.mu.Unlock()
	l.failWaiters(fmt.Errorf("stream: commit: %w", err))
	if first {
		l.cfg.Logger.Error("journal does not write; calls go on unrecorded", "error", err)
	}
}

func (l *Log) failWaiters(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, w := range l.waiters {
		w.done <- err
	}
	l.waiters = nil
	l.room.Broadcast()
}

func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return true // one last attempt
	}
}
