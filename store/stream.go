package store

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"github.com/lineaamica/la2/cti"
)

// An event is a record of the stream bucket: its number as 8 bytes, big-endian,
// and its JSON.

// usualLine is what an event takes as JSON, in bytes, more often than not.
const usualLine = 384

func seqKey(seq uint64) []byte { return binary.BigEndian.AppendUint64(nil, seq) }

func seqOf(key []byte) uint64 { return binary.BigEndian.Uint64(key) }

// Append writes evs, in order, and returns when they are durable. Each gets
// the store's epoch and the next number; one that already has a number must
// have that one, else nothing is written and the error is ErrConflict (the
// expected sequence is a fence against a second writer). Concurrent appends
// share one fsync.
func (s *Store) Append(ctx context.Context, evs []cti.Event) error {
	if len(evs) == 0 {
		return nil
	}
	var last uint64
	return s.update(ctx, "append", func(tx *bolt.Tx) error {
		b := tx.Bucket(bucketStream)
		b.FillPercent = 0.95 // keys only grow
		last = b.Sequence()
		lines := make([]byte, 0, usualLine*len(evs))
		for _, ev := range evs {
			last++
			if ev.Seq != 0 && ev.Seq != last {
				return fmt.Errorf("event %d, next is %d: %w", ev.Seq, last, ErrConflict)
			}
			ev.Epoch, ev.Seq = s.epoch, last
			begin, err := len(lines), error(nil)
			if lines, err = ev.AppendJSON(lines); err != nil {
				return err
			}
			// bbolt keeps the slice until the transaction ends
			if err := b.Put(seqKey(last), lines[begin:len(lines):len(lines)]); err != nil {
				return err
			}
		}
		return b.SetSequence(last)
	}, func() { s.last = last })
}

// Read returns up to limit events after the number after. An empty slice means
// that there is none yet. ErrTooOld when the event after+1 was trimmed.
func (s *Store) Read(after uint64, limit int) (evs []cti.Event, err error) {
	err = s.view(func(tx *bolt.Tx) error {
		c := tx.Bucket(bucketStream).Cursor()
		k, v := c.Seek(seqKey(after + 1))
		if k != nil && seqOf(k) != after+1 {
			return ErrTooOld
		}
		for ; k != nil && len(evs) < limit; k, v = c.Next() {
			var ev cti.Event
			if err := json.Unmarshal(v, &ev); err != nil || ev.Seq != seqOf(k) {
				return fmt.Errorf("event %d: %w", seqOf(k), ErrCorrupt)
			}
			evs = append(evs, ev)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("store: read after %d: %w", after, explain(err))
	}
	return evs, nil
}

func (s *Store) view(fn func(*bolt.Tx) error) error {
	return guarded(func() error { return s.db.View(fn) })
}

// Trim removes the events numbered below before, for retention. The last event
// always stays. It works in transactions of 1000 events.
func (s *Store) Trim(ctx context.Context, before uint64) error {
	for {
		first, last := s.Bounds()
		if before > last {
			before = last
		}
		if first >= before {
			return nil
		}
		end := min(first+1000, before)
		err := s.update(ctx, "trim", func(tx *bolt.Tx) error {
			b := tx.Bucket(bucketStream)
			for seq := first; seq < end; seq++ {
				if err := b.Delete(seqKey(seq)); err != nil {
					return err
				}
			}
			return nil
		}, func() { s.first = max(s.first, end) })
		if err != nil {
			return err
		}
	}
}
