package engine

import (
	"time"

	"github.com/lineaamica/la2/cti"
)

// An Engine holds queues, callers, agents and offers. Owned by one goroutine.
type Engine struct {
	cfg Config
}

// New makes an Engine as it is at now: static agents Ready, the others logged
// out. Fences start at now in milliseconds, above those of an earlier life.
func New(cfg Config, now time.Time) (*Engine, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return &Engine{cfg: cfg.withDefaults()}, nil
}

// Apply tells the engine that in happened at now, which must not be before the
// now of an earlier Apply, and returns what follows. The slice is valid until
// the next Apply.
func (e *Engine) Apply(now time.Time, in Input) []Decision { return nil }

// NextDeadline is when the engine wants a Tick; zero: never.
func (e *Engine) NextDeadline() time.Time { return time.Time{} }

// Position is the place of call in its queue, 1 for the next to be served;
// 0 when it does not wait.
func (e *Engine) Position(call cti.CallID) int { return 0 }
