package node

import (
	"context"
	"errors"
	"fmt"

	"github.com/lineaamica/la2/acd"
	"github.com/lineaamica/la2/acd/floor"
	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/cti/stream"
)

// openFloor folds who sat where from the journal, closes the calls that a crash
// left open, and builds queues and script.
func (n *Node) openFloor(ctx context.Context) (err error) {
	seats, err := n.seats(ctx)
	if err != nil {
		return err
	}
	if n.floor, err = floor.New(floor.Config{Engine: n.plan.engine, Seats: seats, Logger: n.log}, n.stream); err != nil {
		return err
	}
	if err = n.openTickets(ctx); err != nil {
		return err
	}
	if n.acd, err = acd.New(n.plan.service, n.floor, n.tickets, n.stream); err != nil {
		return err
	}
	if err = n.prompts.Need(n.acd.Prompts()); err != nil {
		return fmt.Errorf("prompts: %w", err)
	}
	return nil
}

// seats reads the journal from the beginning.
func (n *Node) seats(ctx context.Context) (floor.Seats, error) {
	seats := floor.Seats{}
	r, err := n.stream.Subscribe(cti.Position{})
	if err != nil {
		return nil, err
	}
	for {
		ev, ok, err := r.Ready()
		if err != nil || !ok {
			return seats, err
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		seats.Apply(ev)
	}
}

func causeOf(err error) cti.Cause {
	if f, ok := errors.AsType[*cti.Failure](err); ok {
		return f.Cause
	}
	return cti.CauseFailed
}

var _ acd.Journal = (*stream.Log)(nil)
