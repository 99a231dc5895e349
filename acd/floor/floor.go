package floor

import (
	"context"
	"errors"
	"log/slog"

	"github.com/lineaamica/la2/acd/engine"
	"github.com/lineaamica/la2/cti"
)

var (
	// ErrStopped means that Run has ended.
	ErrStopped = errors.New("floor: stopped")
	// ErrFenced means that the offer lost the race: the caller left, another
	// office answered or the agent went away. The leg must be hung up.
	ErrFenced = errors.New("floor: offer is not live")
	// ErrUnknown means an agent or queue that is not configured.
	ErrUnknown = errors.New("floor: unknown")
	// ErrState means a command that the agent's state does not allow.
	ErrState = errors.New("floor: not possible in this state")
	// ErrFull means a queue at its limit.
	ErrFull = errors.New("floor: queue is full")
)

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
	// Logger; nil: slog.Default.
	Logger *slog.Logger
}

// Validate reports every fault of c.
func (c Config) Validate() error { return c.Engine.Validate() }

// Seats is who sits where. Fold it over a journal with Apply.
type Seats map[cti.AgentID]cti.DeviceID

// Apply folds one event.
func (s Seats) Apply(ev cti.Event) {}

// A Floor is all queues and agents of this node. Its methods are safe for
// concurrent use while Run runs, and fail with ErrStopped afterwards.
type Floor struct{}

// New makes a Floor; nothing happens before Run.
func New(cfg Config, log Journal) (*Floor, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return &Floor{}, nil
}

// Run owns the engine until ctx ends.
func (f *Floor) Run(ctx context.Context) error { return nil }

// Snapshot is a consistent view of agents and queues.
func (f *Floor) Snapshot(ctx context.Context) (engine.Snapshot, error) {
	return engine.Snapshot{}, ErrStopped
}
