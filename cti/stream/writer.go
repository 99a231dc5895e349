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
		batch := l.take()
		if len(batch) == 0 {
			select {
			case <-l.work:
				continue
			case <-ctx.Done():
				if batch = l.take(); len(batch) == 0 {
					l.failWaiters(ErrClosed)
					return
				}
			}
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

func (l *Log) take() []cti.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
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
		l.cfg.Logger.Error("journal does not write; calls go on unrecorded", "err", err)
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
