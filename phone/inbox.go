package phone

import "sync"

// An inbox hands functions to the owner; put never blocks.
type inbox struct {
	wake chan struct{} // one slot: "not empty"
	mu   *sync.Mutex   // guards list
	list *[]func()
}

func newInbox() inbox {
	return inbox{wake: make(chan struct{}, 1), mu: &sync.Mutex{}, list: new([]func())}
}

func (b inbox) put(fn func()) {
	b.mu.Lock()
	*b.list = append(*b.list, fn)
	b.mu.Unlock()
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

func (b inbox) take() []func() {
	b.mu.Lock()
	defer b.mu.Unlock()
	got := *b.list
	*b.list = nil
	return got
}
