package floor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/lineaamica/la2/acd/engine"
	"github.com/lineaamica/la2/cti"
)

var (
	// ErrStopped means that Run has ended.
	ErrStopped = errors.New("floor: stopped")
	// ErrFenced means that the offer lost the race: the caller left, another
	// office answered or the agent went away.
	ErrFenced = errors.New("floor: offer is not live")
	// ErrUnknown means an agent or queue that is not configured.
	ErrUnknown = errors.New("floor: unknown agent or queue")
	// ErrState means a command that the agent's state does not allow.
	ErrState = errors.New("floor: not possible in this state")
	// ErrTaken means a device where somebody else works.
	ErrTaken = fmt.Errorf("%w: somebody works at that device", ErrState)
	// ErrFull means a queue at its limit.
	ErrFull = errors.New("floor: queue is full")
)

// refusal maps what the engine refuses to what the API returns.
func refusal(reason string) error {
	switch reason {
	case engine.RefusedUnknown:
		return ErrUnknown
	case engine.RefusedTaken:
		return ErrTaken
	case engine.RefusedFull:
		return ErrFull
	}
	return ErrState
}

// A Journal is the event stream. Publish is ordered and asynchronous; Commit
// appends behind everything published before and returns when all is durable.
type Journal interface {
	Publish(ev cti.Event) cti.Position
	Commit(ctx context.Context, evs ...cti.Event) error
}

// Config is what a Floor needs besides the journal.
type Config struct {
	Engine engine.Config
	// Seats are the agents who sat at a device when the node went down, made by
	// folding the journal. They come back NotReady("restart"). May be nil.
	Seats Seats
	// CommitTimeout is how long an offer waits for its journal record before it
	// is given up and the agent passed over for a moment. Default 5 s.
	CommitTimeout time.Duration
	// Logger; nil: slog.Default.
	Logger *slog.Logger
}

// Validate reports every fault of c.
func (c Config) Validate() error {
	err := c.Engine.Validate()
	if c.CommitTimeout < 0 {
		err = errors.Join(err, errors.New("floor: commit time-out: want 0 or more"))
	}
	return err
}

// A Floor is all queues and agents of this node. Its methods are safe for
// concurrent use; they wait for Run to start, and fail with ErrStopped when it
// has ended.
type Floor struct {
	cfg     Config
	log     Journal
	asks    chan ask      // unbuffered: Run never waits for anybody
	stopped chan struct{} // closed when Run takes no more asks
	news    *mailbox      // from Run to the herald

	// Owned by Run.
	engine *engine.Engine
}

// An ask is one thing for Run: an input, or a look at the engine.
type ask struct {
	in    engine.Input
	place *Place     // of OpEnter
	leg   cti.LegID  // of OpAccept
	reply chan error // has room for one; nil: nobody waits
	// done is told the position of the last event; has room for one.
	done chan cti.Position
	// look, if set, is all there is: it runs between inputs and must not block.
	look func(e *engine.Engine)
}

// New makes a Floor; nothing happens before Run.
func New(cfg Config, log Journal) (*Floor, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.CommitTimeout == 0 {
		cfg.CommitTimeout = 5 * time.Second
	}
	return &Floor{
		cfg: cfg, log: log,
		asks: make(chan ask), stopped: make(chan struct{}), news: newMailbox(),
	}, nil
}

// Run owns the engine until ctx ends; call it once. What was decided before is
// published before it returns.
func (f *Floor) Run(ctx context.Context) error {
	e, err := engine.New(f.cfg.Engine, time.Now())
	if err != nil {
		close(f.stopped)
		return err
	}
	f.engine = e
	h := newHerald(f)
	ended := make(chan struct{})
	go func() { // ends when news is closed and empty
		defer close(ended)
		h.run()
	}()
	f.begin()
	f.serve(ctx)
	close(f.stopped)
	f.news.close()
	<-ended
	return nil
}

// begin journals what the engine starts from and seats who was there.
func (f *Floor) begin() {
	f.news.put(batch{start: f.engine.Save(), first: f.engine.Snapshot().Agents})
	for _, a := range f.engine.Snapshot().Agents {
		if device, sat := f.cfg.Seats[a.ID]; sat && !a.Static {
			f.apply(ask{in: engine.Input{Op: engine.OpLogIn, Agent: a.ID, Device: device, Reason: engine.ReasonRestart}})
		}
	}
}

func (f *Floor) serve(ctx context.Context) {
	deadline := time.NewTimer(0)
	defer deadline.Stop()
	var armed time.Time
	for {
		if next := f.engine.NextDeadline(); !next.Equal(armed) {
			armed = next
			deadline.Stop()
			if !next.IsZero() {
				deadline.Reset(time.Until(next))
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-deadline.C:
			armed = time.Time{}
			f.apply(ask{in: engine.Input{Op: engine.OpTick}})
		case a := <-f.asks:
			if a.look != nil {
				a.look(f.engine)
				continue
			}
			f.apply(a)
		}
	}
}

// apply gives one input to the engine and the outcome to the herald.
func (f *Floor) apply(a ask) {
	now := time.Now()
	decisions := f.engine.Apply(now, a.in)
	if a.reply != nil {
		a.reply <- verdict(a.in.Op, decisions)
	}
	if a.in.Op == engine.OpTick && len(decisions) == 0 {
		return // a deadline that had been moved
	}
	f.news.put(batch{
		now: now, in: a.in, out: append([]engine.Decision(nil), decisions...),
		place: a.place, leg: a.leg, done: a.done,
	})
}

// verdict is what whoever gave the input is told.
func verdict(op engine.Op, out []engine.Decision) error {
	for _, d := range out {
		switch {
		case d.Kind == engine.Refused:
			return refusal(d.Reason)
		case d.Kind == engine.Stale && d.Reason == string(op):
			return ErrFenced
		}
	}
	return nil
}

// post gives a to Run and does not wait for what comes of it.
func (f *Floor) post(a ask) error {
	select {
	case f.asks <- a:
		return nil
	case <-f.stopped:
		return ErrStopped
	}
}

// ask gives a to Run and waits for the verdict.
func (f *Floor) ask(ctx context.Context, a ask) error {
	a.reply = make(chan error, 1)
	select {
	case f.asks <- a:
		return <-a.reply // Run answers at once what it took
	case <-f.stopped:
		return ErrStopped
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// look runs fn between two inputs.
func (f *Floor) look(ctx context.Context, fn func(e *engine.Engine)) error {
	seen := make(chan struct{})
	a := ask{look: func(e *engine.Engine) { fn(e); close(seen) }}
	select {
	case f.asks <- a:
		<-seen
		return nil
	case <-f.stopped:
		return ErrStopped
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Snapshot is a consistent view of agents and queues.
func (f *Floor) Snapshot(ctx context.Context) (engine.Snapshot, error) {
	var s engine.Snapshot
	err := f.look(ctx, func(e *engine.Engine) { s = e.Snapshot() })
	return s, err
}
