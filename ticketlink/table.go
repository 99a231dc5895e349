package ticketlink

import (
	"context"
	"sync"

	"github.com/lineaamica/la2/cti"
)

// A table is a projection that tells when it has moved on.
type table struct {
	cti.Projection

	mu   sync.Mutex // guards next
	next chan struct{}
}

func newTable(p cti.Projection) *table { return &table{Projection: p, next: make(chan struct{})} }

// Advance is that of the projection.
func (t *table) Advance(ctx context.Context, to cti.Position, fn func(cti.Tx) error) error {
	err := t.Projection.Advance(ctx, to, fn)
	t.tell()
	return err
}

// Update is that of the projection.
func (t *table) Update(ctx context.Context, fn func(cti.Tx) error) error {
	err := t.Projection.Update(ctx, fn)
	t.tell()
	return err
}

func (t *table) tell() {
	t.mu.Lock()
	defer t.mu.Unlock()
	close(t.next)
	t.next = make(chan struct{})
}

// moved is closed when the rows change next. Take it before looking at the rows.
func (t *table) moved() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.next
}

// turns let one writer at a time work on a ticket. The zero value is ready. A
// turn lasts across a Commit, which a mutex must not.
type turns struct {
	mu   sync.Mutex // guards busy
	busy map[cti.TicketID]chan struct{}
}

// take waits until nobody else has the turn of a ticket.
func (t *turns) take(ctx context.Context, id cti.TicketID) (release func(), err error) {
	for {
		t.mu.Lock()
		if t.busy == nil {
			t.busy = map[cti.TicketID]chan struct{}{}
		}
		other := t.busy[id]
		if other == nil {
			mine := make(chan struct{})
			t.busy[id] = mine
			t.mu.Unlock()
			return func() {
				t.mu.Lock()
				defer t.mu.Unlock()
				delete(t.busy, id)
				close(mine)
			}, nil
		}
		t.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// rest waits until nobody has the turn of a ticket, or ctx ends. A change is told
// and folded inside one turn, so who has heard of it reads it after that.
func (t *turns) rest(ctx context.Context, id cti.TicketID) {
	for {
		t.mu.Lock()
		other := t.busy[id]
		t.mu.Unlock()
		if other == nil {
			return
		}
		select {
		case <-other:
		case <-ctx.Done():
			return
		}
	}
}
