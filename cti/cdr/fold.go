package cdr

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/cti/stream"
)

// Finished records are JSON under "c/" and the number of their CallCleared as 8
// bytes, so that an export continues where it ended.
//
// Open calls are only in memory. Instead the cursor stays before the Offered of
// the oldest open call: a restart folds from there again, and writes again what
// it wrote, under the same key. So a record is written once per call and not
// once per event, and is exactly once all the same.

func doneKey(seq uint64) []byte { return binary.BigEndian.AppendUint64([]byte("c/"), seq) }

const (
	// linger is how long a finished record may wait for others to share its
	// transaction.
	linger = 100 * time.Millisecond
	// moveEvery is after how many events the cursor moves though no call ended.
	moveEvery = 4096
	// usualRecord is what a record takes as JSON, in bytes, more often than not.
	usualRecord = 640
	// retry is the pause after a failed write.
	retry = 200 * time.Millisecond
)

// A writer folds the stream from a cursor on.
type writer struct {
	p    cti.Projection
	r    *stream.Reader
	open Tracker
	done []*Record // finished, not yet written
	// begun are the calls by their Offered, closed ones dropped at the head.
	begun []begun
	moved int // events since the cursor moved
}

type begun struct {
	call cti.CallID
	seq  uint64
}

func newWriter(l *stream.Log, p cti.Projection) (*writer, error) {
	r, err := l.Subscribe(p.Cursor())
	if err != nil {
		return nil, err
	}
	return &writer{p: p, r: r}, nil
}

// apply folds one event.
func (w *writer) apply(ev cti.Event) {
	w.moved++
	r, _ := w.open.Apply(ev)
	switch {
	case r == nil:
	case ev.Type == cti.EvOffered:
		w.begun = append(w.begun, begun{ev.Call, ev.Seq})
	case ev.Type == cti.EvCallCleared, ev.Type == cti.EvPassed:
		w.done = append(w.done, r)
	}
}

// cursor is the position before the oldest open call.
func (w *writer) cursor() cti.Position {
	at := w.r.Position()
	for len(w.begun) > 0 && w.open.Open[w.begun[0].call] == nil {
		w.begun = w.begun[1:]
	}
	if len(w.begun) > 0 {
		at.Seq = w.begun[0].seq - 1
	}
	return at
}

// flush writes the finished records and the cursor.
func (w *writer) flush(ctx context.Context) error {
	if len(w.done) == 0 && w.moved < moveEvery {
		return nil
	}
	err := w.p.Advance(ctx, w.cursor(), func(tx cti.Tx) error {
		lines := make([]byte, 0, usualRecord*len(w.done))
		for _, r := range w.done {
			begin, err := len(lines), error(nil)
			if lines, err = r.AppendJSON(lines); err != nil {
				return fmt.Errorf("cdr: record %s: %w", r.Call, err)
			}
			if err := tx.Put(doneKey(r.Seq), lines[begin:len(lines):len(lines)]); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		w.done, w.moved = w.done[:0], 0
	}
	return err
}

// Run folds l into p until ctx ends or l closes; it returns nil then. While p
// does not write, records wait in memory.
func Run(ctx context.Context, l *stream.Log, p cti.Projection) error {
	w, err := newWriter(l, p)
	if err != nil {
		return err
	}
	var due time.Time // when done must be written
	for {
		ev, err := w.next(ctx, due)
		switch {
		case err == nil:
			w.apply(ev)
		case ctx.Err() != nil, errors.Is(err, stream.ErrClosed):
			return w.flush(context.WithoutCancel(ctx))
		case !errors.Is(err, context.DeadlineExceeded):
			return err
		}
		now := time.Now()
		switch {
		case len(w.done) == 0 && w.moved < moveEvery:
			due = time.Time{}
		case due.IsZero():
			due = now.Add(linger)
		case !now.Before(due):
			due = time.Time{}
			if w.flush(ctx) != nil {
				due = now.Add(retry)
			}
		}
	}
}

// next waits for an event, at most until due.
func (w *writer) next(ctx context.Context, due time.Time) (cti.Event, error) {
	if ev, ok, err := w.r.Ready(); ok || err != nil {
		return ev, err
	}
	if !due.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, due)
		defer cancel()
	}
	return w.r.Next(ctx)
}

// catchUp folds up to the last event that is durable now.
func (w *writer) catchUp(ctx context.Context, l *stream.Log) error {
	for end := l.Last().Seq; w.r.Position().Seq < end; {
		ev, err := w.r.Next(ctx)
		if err != nil {
			return err
		}
		w.apply(ev)
		if len(w.done) >= exportChunk {
			if err := w.flush(ctx); err != nil {
				return err
			}
		}
	}
	return w.flush(ctx)
}

// CloseOpen catches p up with the journal and closes the calls that a crash
// left open, by committing their CallCleared with CauseRestart. Call it once at
// start, before the node publishes anything, accepts calls and calls Run.
// Instant of these events is when the node was last known to live; the records
// end there. It returns how many calls it closed.
func CloseOpen(ctx context.Context, l *stream.Log, p cti.Projection) (int, error) {
	w, err := newWriter(l, p)
	if err != nil {
		return 0, err
	}
	if err := w.catchUp(ctx, l); err != nil || len(w.open.Open) == 0 {
		return 0, err
	}
	alive, err := lastAlive(ctx, l)
	if err != nil {
		return 0, err
	}
	var evs []cti.Event
	for _, b := range w.begun {
		if r := w.open.Open[b.call]; r != nil {
			evs = append(evs, cti.Event{Type: cti.EvCallCleared, Call: r.Call, Ticket: r.Ticket, Queue: r.Queue,
				Service: r.Service, Cause: cti.CauseRestart, Instant: alive})
		}
	}
	if err := l.Commit(ctx, evs...); err != nil {
		return 0, err
	}
	return len(evs), w.catchUp(ctx, l)
}

// lastAlive is when the last event was written.
func lastAlive(ctx context.Context, l *stream.Log) (time.Time, error) {
	last := l.Last()
	last.Seq--
	r, err := l.Subscribe(last)
	if err != nil {
		return time.Time{}, err
	}
	ev, err := r.Next(ctx)
	return ev.At, err
}

// exportChunk is how many records Export reads at once, so that a slow writer
// does not hold a transaction.
const exportChunk = 500

// Export writes the records cleared after the event number after as JSON
// lines, oldest first, and returns the number to continue from, also on error.
func Export(p cti.Projection, after uint64, w io.Writer) (last uint64, err error) {
	for {
		var buf bytes.Buffer
		n, next := 0, after
		err := p.View(func(tx cti.Tx) error {
			for k, v := range tx.ScanAfter([]byte("c/"), doneKey(after)) {
				if n == exportChunk {
					return nil
				}
				n++
				next = binary.BigEndian.Uint64(k[2:])
				buf.Write(v)
				buf.WriteByte('\n')
			}
			return nil
		})
		if err != nil || n == 0 {
			return after, err
		}
		if _, err := w.Write(buf.Bytes()); err != nil {
			return after, fmt.Errorf("cdr: export: %w", err)
		}
		after = next
	}
}

// A Tracker keeps the records of open calls in memory, for folds that need
// what is open now: metrics, status. Not for concurrent use.
type Tracker struct {
	Open map[cti.CallID]*Record
}

// Apply folds one event. It returns the record of its call (nil when there is
// none) and the segments that ended; a cleared call is no longer in Open.
func (t *Tracker) Apply(ev cti.Event) (r *Record, ended []Segment) {
	if ev.Call == "" || !concerns(ev.Type) {
		return nil, nil
	}
	if ev.Type == cti.EvPassed {
		return passedRecord(ev)
	}
	if t.Open == nil {
		t.Open = map[cti.CallID]*Record{}
	}
	r = t.Open[ev.Call]
	switch {
	case ev.Type == cti.EvOffered && r == nil:
		r = newRecord(ev)
		t.Open[ev.Call] = r
		return r, nil
	case r == nil:
		return nil, nil
	}
	ended = r.Apply(ev)
	if ev.Type == cti.EvCallCleared {
		delete(t.Open, ev.Call)
	}
	return r, ended
}
