package acd

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"slices"
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
	// Plain answers and goes straight to the queue with its music: no greeting,
	// menu or announcements.
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
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf("acd: "+format, args...)) }
	seen := map[cti.ServiceID]bool{}
	for _, l := range c.Lines {
		if l.ID == "" || l.Queue == "" {
			fault("service %q, queue %q: both are required", l.ID, l.Queue)
		}
		if seen[l.ID] {
			fault("service %q: defined twice", l.ID)
		}
		seen[l.ID] = true
		if l.Ring < 0 || l.MenuTimeout < 0 {
			fault("service %q: ring %v, menu time-out %v: want 0 or more", l.ID, l.Ring, l.MenuTimeout)
		}
		if l.Menu == nil {
			continue
		}
		if l.MenuPrompt == "" {
			fault("service %q: menu without a prompt", l.ID)
		}
		if err := l.Menu.Validate(); err != nil {
			fault("service %q: %w", l.ID, err)
		}
	}
	for name, t := range c.Overflow {
		if t.Trunk == "" || t.Number == "" {
			fault("overflow %q: trunk %q, number %q: both are required", name, t.Trunk, t.Number)
		}
	}
	if c.Routes == nil {
		fault("routes are required")
	}
	if c.Skew < 0 || c.Stale < 0 {
		fault("skew %v, stale %v: want 0 or more", c.Skew, c.Stale)
	}
	return errors.Join(errs...)
}

// A Service serves the calls of all lines of this office. Safe for concurrent use.
type Service struct {
	cfg     Config
	lines   map[cti.ServiceID]*Line
	floor   Floor
	tickets Tickets
	log     Journal
}

// New makes a Service.
func New(cfg Config, floor Floor, tickets Tickets, log Journal) (*Service, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg.Skew = cmp.Or(cfg.Skew, 2*time.Second)
	cfg.Stale = cmp.Or(cfg.Stale, 2*time.Hour)
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	s := &Service{cfg: cfg, lines: map[cti.ServiceID]*Line{}, floor: floor, tickets: tickets, log: log}
	for _, l := range cfg.Lines {
		l.MenuTimeout = cmp.Or(l.MenuTimeout, 4*time.Second)
		l.Ring = cmp.Or(l.Ring, 20*time.Second)
		l.Announce = cmp.Or(l.Announce, 30*time.Second)
		l.Music = cmp.Or(l.Music, "music")
		s.lines[l.ID] = &l
	}
	return s, nil
}

// Names of the prompts that every line uses.
const (
	promptClosed         = "closed"
	promptHoliday        = "closed_holiday"
	promptMenuWrong      = "menu_wrong"
	promptEnterCode      = "enter_code"
	promptCodeOK         = "code_ok"
	promptCodeWrong      = "code_wrong"
	promptWait           = "wait"
	promptStillWait      = "still_wait"
	promptOverflow       = "overflow"
	promptTransferFailed = "transfer_failed"
	promptNoAgents       = "no_agents"
	promptError          = "error"
)

// Prompts names every prompt and music that the script may ask for, sorted.
func (s *Service) Prompts() []string {
	names := []string{
		promptClosed, promptHoliday, promptMenuWrong, promptEnterCode, promptCodeOK, promptCodeWrong, promptWait,
		promptStillWait, promptOverflow, promptTransferFailed, promptNoAgents, promptError,
	}
	names = append(names, ivr.PositionClips()...)
	for _, l := range s.lines {
		names = append(names, l.Music)
		names = append(names, l.Greeting...)
		if l.Menu != nil {
			names = append(names, l.MenuPrompt)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
