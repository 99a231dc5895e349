package acd

import "context"

// A beside is one thing that runs beside the script. nil is nothing.
type beside[T any] struct {
	cancel context.CancelFunc
	done   chan T // one slot: the result
}

// start runs fn on its own goroutine.
func start[T any](ctx context.Context, fn func(context.Context) T) *beside[T] {
	ctx, cancel := context.WithCancel(ctx)
	b := &beside[T]{cancel: cancel, done: make(chan T, 1)}
	go func() { // ends when fn returns, which stop hastens; who started it waits
		defer cancel()
		b.done <- fn(ctx)
	}()
	return b
}

// result is where the outcome arrives; a nil channel when nothing runs.
func (b *beside[T]) result() <-chan T {
	if b == nil {
		return nil
	}
	return b.done
}

// stop ends b and waits for its outcome; false when nothing ran.
func (b *beside[T]) stop() (outcome T, ran bool) {
	if b == nil {
		return outcome, false
	}
	b.cancel()
	return <-b.done, true
}
