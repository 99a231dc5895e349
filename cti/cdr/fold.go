package cdr

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/cti/stream"
)

// Records are JSON: open ones under "o/CALL", finished ones under "c/" and the
// number of their CallCleared as 8 bytes, so that an export continues where it
// ended.

func openKey(c cti.CallID) []byte { return []byte("o/" + string(c)) }

func doneKey(seq uint64) []byte { return binary.BigEndian.AppendUint64([]byte("c/"), seq) }

// Run folds l into p until ctx ends or l closes.
func Run(ctx context.Context, l *stream.Log, p cti.Projection) error {
	return stream.Fold(ctx, l, p, Step)
}

// Step folds one event; for stream.Fold. Events of a call without Offered, and
// those after its CallCleared, change nothing.
func Step(tx cti.Tx, ev cti.Event) error {
	if ev.Call == "" || !concerns(ev.Type) {
		return nil
	}
	key := openKey(ev.Call)
	stored := tx.Get(key)
	if ev.Type == cti.EvOffered {
		if stored != nil {
			return nil
		}
		return put(tx, key, newRecord(ev))
	}
	if stored == nil {
		return nil
	}
	var r Record
	if err := json.Unmarshal(stored, &r); err != nil {
		return fmt.Errorf("cdr: record %s: %w", ev.Call, err)
	}
	r.Apply(ev)
	if ev.Type != cti.EvCallCleared {
		return put(tx, key, &r)
	}
	if err := tx.Delete(key); err != nil {
		return err
	}
	return put(tx, doneKey(ev.Seq), &r)
}

func put(tx cti.Tx, key []byte, r *Record) error {
	v, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("cdr: record %s: %w", r.Call, err)
	}
	return tx.Put(key, v)
}

// OpenCalls are the events that close the calls open in p: CallCleared with
// CauseRestart. At start, before any new call: see CloseOpen.
func OpenCalls(p cti.Projection) ([]cti.Event, error) {
	var evs []cti.Event
	err := p.View(func(tx cti.Tx) error {
		for _, v := range tx.Scan([]byte("o/")) {
			var r Record
			if err := json.Unmarshal(v, &r); err != nil {
				return fmt.Errorf("cdr: open record: %w", err)
			}
			evs = append(evs, cti.Event{Type: cti.EvCallCleared, Call: r.Call, Ticket: r.Ticket, Queue: r.Queue,
				Service: r.Service, Cause: cti.CauseRestart})
		}
		return nil
	})
	return evs, err
}

// CloseOpen catches p up with the journal and commits the events of OpenCalls.
// Call it once at start, before the node publishes anything, accepts calls and
// calls Run. Instant of these events is when the node was last known to live;
// the records end there. It returns how many calls it closed.
func CloseOpen(ctx context.Context, l *stream.Log, p cti.Projection) (int, error) {
	if err := stream.CatchUp(ctx, l, p, Step); err != nil {
		return 0, err
	}
	evs, err := OpenCalls(p)
	if err != nil || len(evs) == 0 {
		return 0, err
	}
	alive, err := lastAlive(ctx, l)
	if err != nil {
		return 0, err
	}
	for i := range evs {
		evs[i].Instant = alive
	}
	if err := l.Commit(ctx, evs...); err != nil {
		return 0, err
	}
	return len(evs), stream.CatchUp(ctx, l, p, Step)
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
