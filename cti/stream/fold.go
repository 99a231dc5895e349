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

// A Step folds one event into a projection. It must depend on nothing but its
// arguments, for it may run more than once for one event before the
// transaction succeeds; its effect in the projection is once.
type Step func(tx cti.Tx, ev cti.Event) error

// Fold reads l from p's cursor and applies step to each event, with the cursor
// in the same transaction, until ctx ends (then it returns nil), l is closed
// (nil, everything folded), or step or p fail. Events that wait are folded
// together. A full or failing disk is retried; the stream waits for nobody.
func Fold(ctx context.Context, l *Log, p cti.Projection, step Step) error {
	r, err := l.Subscribe(p.Cursor())
	if err != nil {
		return err
	}
	for {
		ev, err := r.Next(ctx)
		if ctx.Err() != nil || errors.Is(err, ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := advance(ctx, l, r, p, step, ev); err != nil {
			if ctx.Err() != nil {
				return nil
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
	for r.Position().Seq < end {
		ev, err := r.Next(ctx)
		if err != nil {
			return err
		}
		if err := advance(ctx, l, r, p, step, ev); err != nil {
			return err
		}
	}
	return nil
}

// advance folds ev and what is ready behind it in one transaction.
func advance(ctx context.Context, l *Log, r *Reader, p cti.Projection, step Step, ev cti.Event) error {
	batch := []cti.Event{ev}
	for len(batch) < foldBatch {
		ev, ok, err := r.Ready()
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		batch = append(batch, ev)
	}
	for {
		var broken error // step's own error: repeating does not help
		err := p.Advance(ctx, r.Position(), func(tx cti.Tx) error {
			broken = nil
			for _, ev := range batch {
				if err := step(tx, ev); err != nil {
					broken = fmt.Errorf("stream: fold event %d %s: %w", ev.Seq, ev.Type, err)
					return broken
				}
			}
			return nil
		})
		if err == nil {
			return nil
		}
		if broken != nil {
			return broken
		}
		l.cfg.Logger.Error("fold does not write", "err", err)
		select {
		case <-time.After(l.cfg.Retry):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
