package stream

import (
	"context"
	"errors"
	"fmt"

	"github.com/lineaamica/la2/cti"
)

// readAhead is how many events a reader that is behind takes from the journal
// at once.
const readAhead = 512

// A Reader yields durable events in order. It pulls: it holds at most
// readAhead events, never delays a writer, and when it is slower than the
// stream it reads from the journal what left the tail in memory. Only trimming
// can outrun it (ErrTooOld). Not for concurrent use.
type Reader struct {
	l     *Log
	next  uint64
	ahead []cti.Event
}

// Subscribe returns a reader of the events after the position; the zero
// Position reads from the first event kept. Errors: ErrUnknownEpoch,
// ErrTooOld, ErrAhead; after each of them a snapshot comes first.
func (l *Log) Subscribe(after cti.Position) (*Reader, error) {
	first, _ := l.journal.Bounds()
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case after == (cti.Position{}):
		return &Reader{l: l, next: first}, nil
	case after.Epoch != l.epoch:
		return nil, fmt.Errorf("stream: subscribe %s: %w", after, ErrUnknownEpoch)
	case after.Seq+1 < first:
		return nil, fmt.Errorf("stream: subscribe %s: %w", after, ErrTooOld)
	case after.Seq > l.durable:
		return nil, fmt.Errorf("stream: subscribe %s: %w", after, ErrAhead)
	}
	return &Reader{l: l, next: after.Seq + 1}, nil
}

// Next returns the next durable event, waiting for it. Errors: the cause of
// ctx, ErrClosed, ErrTooOld, and those of the journal.
func (r *Reader) Next(ctx context.Context) (cti.Event, error) {
	for {
		ev, ok, arrived, err := r.try()
		if ok || err != nil {
			return ev, err
		}
		select {
		case <-arrived:
		case <-ctx.Done():
			return cti.Event{}, context.Cause(ctx)
		}
	}
}

// Ready returns the next event if it is there already.
func (r *Reader) Ready() (cti.Event, bool, error) {
	ev, ok, _, err := r.try()
	if errors.Is(err, ErrClosed) {
		err = nil
	}
	return ev, ok, err
}

// Position is that of the last event returned.
func (r *Reader) Position() cti.Position {
	return cti.Position{Epoch: r.l.epoch, Seq: r.next - 1}
}

func (r *Reader) try() (ev cti.Event, ok bool, arrived <-chan struct{}, err error) {
	l := r.l
	if len(r.ahead) == 0 {
		l.mu.Lock()
		if r.next > l.durable {
			arrived = l.arrived
			if l.closed {
				err = fmt.Errorf("stream: %w", ErrClosed)
			}
			l.mu.Unlock()
			return ev, false, arrived, err
		}
		if ev = l.tail[r.next%uint64(len(l.tail))]; ev.Seq == r.next {
			l.mu.Unlock()
			r.next++
			return ev, true, nil, nil
		}
		durable := l.durable
		l.mu.Unlock()
		if err = r.fill(durable); err != nil {
			return cti.Event{}, false, nil, err
		}
	}
	ev, r.ahead = r.ahead[0], r.ahead[1:]
	r.next++
	return ev, true, nil, nil
}

// fill reads ahead, but not past durable: the journal may know a little more
// than the log has told anybody.
func (r *Reader) fill(durable uint64) error {
	evs, err := r.l.journal.Read(r.next-1, int(min(readAhead, durable-r.next+1)))
	first, _ := r.l.journal.Bounds()
	if r.next < first {
		return fmt.Errorf("stream: event %d: %w", r.next, ErrTooOld)
	}
	if err != nil {
		return fmt.Errorf("stream: read: %w", err)
	}
	if len(evs) == 0 || evs[0].Seq != r.next {
		return fmt.Errorf("stream: event %d is missing in the journal", r.next)
	}
	r.ahead = evs
	return nil
}
