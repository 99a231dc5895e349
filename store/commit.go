package store

import (
	"context"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// Group commit. A writer queues its function and competes for the turn. Who
// gets it runs everything queued in one transaction with one fsync; the others
// find their work done. Under load batches grow by themselves, at rest a write
// waits for nobody. No goroutine, no delay.

type write struct {
	fn   func(*bolt.Tx) error
	ok   func() // run under s.mu after the commit, before anybody is told
	done chan struct{}
	err  error
}

func (w *write) finish(err error) {
	w.err = err
	close(w.done)
}

// update runs fn in a write transaction shared with other writers and returns
// when it is durable. fn may run more than once: a batch in which one function
// fails is rolled back and repeated without it. When ctx ends while the batch
// is already being written, update waits for the result all the same.
func (s *Store) update(ctx context.Context, what string, fn func(*bolt.Tx) error, ok func()) error {
	w := &write{fn: fn, ok: ok, done: make(chan struct{})}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return fmt.Errorf("store: %s: %w", what, ErrClosed)
	}
	s.pending = append(s.pending, w)
	s.mu.Unlock()
	select {
	case <-w.done:
	case s.turn <- struct{}{}:
		s.writeBatch()
		<-s.turn
		<-w.done
	case <-ctx.Done():
		if s.withdraw(w) {
			return fmt.Errorf("store: %s: %w", what, context.Cause(ctx))
		}
		<-w.done
	}
	if w.err != nil {
		return fmt.Errorf("store: %s: %w", what, explain(w.err))
	}
	return nil
}

// withdraw takes w out of the queue; false when a batch already has it.
func (s *Store) withdraw(w *write) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, p := range s.pending {
		if p == w {
			s.pending = append(s.pending[:i], s.pending[i+1:]...)
			return true
		}
	}
	return false
}

// writeBatch commits what is queued. Its caller holds the turn.
func (s *Store) writeBatch() {
	s.mu.Lock()
	batch := s.pending
	s.pending = nil
	s.mu.Unlock()
	for len(batch) > 0 {
		bad := -1
		err := s.runTx(batch, &bad)
		if bad >= 0 {
			batch[bad].finish(err)
			batch = append(batch[:bad], batch[bad+1:]...)
			continue
		}
		if err == nil {
			s.mu.Lock()
			for _, w := range batch {
				if w.ok != nil {
					w.ok()
				}
			}
			s.mu.Unlock()
		}
		for _, w := range batch {
			w.finish(err)
		}
		return
	}
}

// runTx runs the batch in one transaction; *bad is the index of the function
// that failed, -1 when the transaction itself did.
func (s *Store) runTx(batch []*write, bad *int) error {
	return guarded(func() error {
		return s.db.Update(func(tx *bolt.Tx) error {
			for i, w := range batch {
				if err := w.fn(tx); err != nil {
					*bad = i
					return err
				}
			}
			return nil
		})
	})
}
