package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"

	bolt "go.etcd.io/bbolt"

	"github.com/lineaamica/la2/cti"
)

// A Projection is a named bucket with a cursor; it implements cti.Projection.
type Projection struct {
	s    *Store
	name string
}

var _ cti.Projection = (*Projection)(nil)

// Projection is the projection of that name, made on its first write. Calls
// with one name share the records.
func (s *Store) Projection(name string) *Projection { return &Projection{s: s, name: name} }

// Name is the projection's name.
func (p *Projection) Name() string { return p.name }

// Cursor is the position of the last event folded.
func (p *Projection) Cursor() cti.Position {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	return p.s.cursors[p.name]
}

// View runs fn on a consistent state.
func (p *Projection) View(fn func(cti.Tx) error) error {
	err := p.s.view(func(tx *bolt.Tx) error {
		return fn(keyed{b: tx.Bucket(bucketProjections).Bucket([]byte(p.name))})
	})
	return explain(err)
}

// Update runs fn and returns when its writes are durable; the cursor stays.
func (p *Projection) Update(ctx context.Context, fn func(cti.Tx) error) error {
	return p.s.update(ctx, p.name, func(tx *bolt.Tx) error { return p.run(tx, fn) }, nil)
}

// Advance runs fn and sets the cursor to to, in one transaction.
func (p *Projection) Advance(ctx context.Context, to cti.Position, fn func(cti.Tx) error) error {
	return p.s.update(ctx, p.name, func(tx *bolt.Tx) error {
		if err := p.run(tx, fn); err != nil {
			return err
		}
		return tx.Bucket(bucketCursors).Put([]byte(p.name), []byte(to.String()))
	}, func() { p.s.cursors[p.name] = to })
}

// Reset empties the projection and puts its cursor before the first event, so
// that it is folded anew.
func (p *Projection) Reset(ctx context.Context) error {
	return p.s.update(ctx, p.name, func(tx *bolt.Tx) error {
		if err := tx.Bucket(bucketCursors).Delete([]byte(p.name)); err != nil {
			return err
		}
		parent := tx.Bucket(bucketProjections)
		if parent.Bucket([]byte(p.name)) == nil {
			return nil
		}
		return parent.DeleteBucket([]byte(p.name))
	}, func() { delete(p.s.cursors, p.name) })
}

// run calls fn on the projection's bucket; a panic in fn is fn's error, so that
// it does not end the writers that share the batch.
func (p *Projection) run(tx *bolt.Tx, fn func(cti.Tx) error) (err error) {
	b, err := tx.Bucket(bucketProjections).CreateBucketIfNotExists([]byte(p.name))
	if err != nil {
		return err
	}
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	return fn(keyed{b: b})
}

var errReadOnly = errors.New("write in a view")

// keyed is one bucket as cti.Tx; b is nil while the projection is empty.
type keyed struct{ b *bolt.Bucket }

func (k keyed) Get(key []byte) []byte {
	if k.b == nil {
		return nil
	}
	return k.b.Get(key)
}

func (k keyed) Put(key, value []byte) error {
	if k.b == nil {
		return errReadOnly
	}
	return k.b.Put(key, value)
}

func (k keyed) Delete(key []byte) error {
	if k.b == nil {
		return errReadOnly
	}
	return k.b.Delete(key)
}

func (k keyed) Scan(prefix []byte) iter.Seq2[[]byte, []byte] { return k.ScanAfter(prefix, nil) }

func (k keyed) ScanAfter(prefix, after []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(k, v []byte) bool) {
		if k.b == nil {
			return
		}
		from := prefix
		if bytes.Compare(after, prefix) > 0 {
			from = append(bytes.Clone(after), 0)
		}
		c := k.b.Cursor()
		for key, v := c.Seek(from); key != nil && bytes.HasPrefix(key, prefix); key, v = c.Next() {
			if !yield(key, v) {
				return
			}
		}
	}
}
