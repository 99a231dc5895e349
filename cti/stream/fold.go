package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/lineaamica/la2/cti"
)

// foldBatch is how many events one transaction of a fold takes at most.
const foldBatch = 256

// idleEvery is after how many events without a change the cursor moves all the
// same, so that a restart has little to look through.
const idleEvery = 4096

// A Step folds one event into a projection. It must depend on nothing but its
// arguments, for it may run more than once for one event before the
// transaction succeeds; its effect in the projection is once.
type Step func(tx cti.Tx, ev cti.Event) error

// Fold reads l from p's cursor and applies step to each event, with the cursor
// in the same transaction, until ctx ends (then it returns nil), l is closed
// (nil, everything folded), or step or p fail. Events that wait are folded
// together, see Config.Linger. A full or failing disk is retried; the stream
// waits for nobody.
func Fold(ctx context.Context, l *Log, p cti.Projection, step Step) error {
	r, err := l.Subscribe(p.Cursor())
	if err != nil {
		return err
	}
	f := fold{l: l, r: r, p: p, step: step, lazy: l.cfg.Linger > 0}
	for {
		ev, err := r.Next(ctx)
		if ctx.Err() != nil || errors.Is(err, ErrClosed) {
			return nil //nolint:nilerr // the ordinary end
		}
		if err != nil {
			return err
		}
		if f.lazy {
			pause(ctx, l.cfg.Linger)
		}
		if err := f.advance(ctx, ev); err != nil {
			if ctx.Err() != nil {
				return nil //nolint:nilerr // the ordinary end
			}
			return err
		}
	}
}

// CatchUp folds up to the last event that is durable now and returns.
func CatchUp(ctx context.Context, l *Log, p cti.Projection, step Step) error {
	end := l.Last().Seq
	r, err := l.Subscribe(p.Cursor())
	if err != nil {
		return err
	}
	f := fold{l: l, r: r, p: p, step: step}
	for r.Position().Seq < end {
		ev, err := r.Next(ctx)
		if err != nil {
			return err
		}
		if err := f.advance(ctx, ev); err != nil {
			return err
		}
	}
	return nil
}

// A fold is one reader on its way into one projection.
type fold struct {
	l    *Log
	r    *Reader
	p    cti.Projection
	step Step
	lazy bool // the cursor may stay behind events that change nothing
	idle int  // events since the cursor moved
}

// advance folds ev and what is ready behind it in one transaction, or none when
// they change nothing.
func (f *fold) advance(ctx context.Context, ev cti.Event) error {
	batch := []cti.Event{ev}
	for len(batch) < foldBatch {
		ev, ok, err := f.r.Ready()
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		batch = append(batch, ev)
	}
	if f.idle += len(batch); f.lazy && f.idle < idleEvery && f.changesNothing(batch) {
		return nil
	}
	for {
		var broken error // step's own error: repeating does not help
		err := f.p.Advance(ctx, f.r.Position(), func(tx cti.Tx) error {
			broken = f.apply(tx, batch)
			return broken
		})
		if err == nil {
			f.idle = 0
			return nil
		}
		if broken != nil {
			return broken
		}
		f.l.cfg.Logger.Error("fold does not write", "err", err)
		select {
		case <-time.After(f.l.cfg.Retry):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (f *fold) apply(tx cti.Tx, batch []cti.Event) error {
	for _, ev := range batch {
		if err := f.step(tx, ev); err != nil {
			return fmt.Errorf("stream: fold event %d %s: %w", ev.Seq, ev.Type, err)
		}
	}
	return nil
}

// changesNothing tries batch on p as it is: up to its first write a step sees in
// a View what it would see in a transaction.
func (f *fold) changesNothing(batch []cti.Event) bool {
	wrote := false
	err := f.p.View(func(tx cti.Tx) error { return f.apply(looking{tx, &wrote}, batch) })
	return err == nil && !wrote
}

// looking is a Tx that refuses to write and remembers that it had to.
type looking struct {
	cti.Tx
	wrote *bool
}

var errWould = errors.New("would write")

func (t looking) Put(_, _ []byte) error { return t.refuse() }
func (t looking) Delete([]byte) error   { return t.refuse() }

func (t looking) refuse() error {
	*t.wrote = true
	return errWould
}
