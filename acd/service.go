package acd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/lineaamica/la2/acd/hours"
	"github.com/lineaamica/la2/acd/ivr"
	"github.com/lineaamica/la2/acd/route"
	"github.com/lineaamica/la2/cti"
)

// Line is one service: what a dialled number reaches.
type Line struct {
	ID    cti.ServiceID
	Queue cti.QueueID
	// Calendar; nil: always open.
	Calendar *hours.Calendar
	// Greeting prompts, the privacy notice among them; none: straight on.
	Greeting []string
	// Menu after the greeting; nil: none. MenuPrompt reads the choices.
	Menu       *ivr.Menu
	MenuPrompt string
	// MenuTimeout is the wait for a key after the prompt. Default 4 s.
	MenuTimeout time.Duration
	// Priority in the queue: higher is served first.
	Priority int
	// Plain goes straight to the queue and answers only with the music: no
	// greeting, menu or announcements.
	Plain bool
	// Ring is how long an agent's device rings before RONA. Default 20 s.
	Ring time.Duration
	// Announce is the time between announcements in the queue. Default 30 s;
	// negative: none.
	Announce time.Duration
	// Music in the queue. Default "music".
	Music string
}

// A Target is where an overflow goes.
type Target struct {
	Trunk  string
	Number string
}

// Config is what a Service needs besides its partners.
type Config struct {
	Site  cti.SiteID
	Lines []Line
	// Routes finds the service of a dialled number.
	Routes *route.Table
	// Overflow targets by the name used in engine.Overflow.Targets.
	Overflow map[string]Target
	// Skew bounds how far a network instant may lie in the future. Default 2 s.
	Skew time.Duration
	// Stale bounds how far it may lie in the past. Default 2 h.
	Stale time.Duration
	// Logger; nil: slog.Default.
	Logger *slog.Logger
}

// Validate reports every fault of c.
func (c Config) Validate() error {
	var errs []error
	seen := map[cti.ServiceID]bool{}
	for _, l := range c.Lines {
		if l.ID == "" || l.Queue == "" {
			errs = append(errs, fmt.Errorf("acd: service %q, queue %q: both are required", l.ID, l.Queue))
		}
		if seen[l.ID] {
			errs = append(errs, fmt.Errorf("acd: service %q: defined twice", l.ID))
		}
		seen[l.ID] = true
	}
	return errors.Join(errs...)
}

// A Service serves the calls of all lines of this office. Safe for concurrent use.
type Service struct {
	cfg Config
}

// New makes a Service.
func New(cfg Config, floor Floor, tickets Tickets, log Journal) (*Service, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return &Service{cfg: cfg}, nil
}

// Prompts names every prompt and music that the script may ask for, sorted.
func (s *Service) Prompts() []string { return nil }

// Serve runs the script of one call and returns why it ended. ctx ends, with a
// *cti.Failure as its cause, when the caller leaves.
func (s *Service) Serve(ctx context.Context, in cti.Inbound, c Call) cti.Cause {
	return cti.CauseFailed
}
