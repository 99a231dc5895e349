package overload

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// Config sets a Controller. The zero value of each field works.
type Config struct {
	// Target is how long a message may wait. Default 200 ms: well under the time after which a
	// client sends it again.
	Target time.Duration
	// Least is the level in the worst case. Default 0.02, so that the end of an overload is
	// noticed.
	Least float64
	// OnChange is told when refusing begins (true) and when it is over. Default: nobody.
	OnChange func(refusing bool)
}

// A Controller holds the level, 0 to 1, which says how much new work is admitted. Its methods are safe for concurrent
// use.
type Controller struct {
	cfg     Config
	level   atomic.Uint64    // share, in fixed point
	turns   [2]atomic.Uint64 // count decisions: the favoured, the others
	refused atomic.Uint64

	mu    sync.Mutex // guards what follows
	share float64    // 1: everything
	calm  int        // steps since the last wait above Target
	rest  int        // steps before it may fall again
	past  [2]time.Duration
}

// How the share moves, at each step. It falls with the wait, by half at most, and rises by a
// little of itself: a queue that is not empty keeps the processors busy, so hovering around
// Target costs no goodput.
const (
	steepest = 0.5
	rise     = 1.02
	climb    = 0.002
	patience = 4 // steps of calm before it rises
)

// one is the whole share in fixed point.
const one = 1 << 32

// New returns a controller that admits everything.
func New(cfg Config) *Controller {
	if cfg.Target <= 0 {
		cfg.Target = 200 * time.Millisecond
	}
	if cfg.Least <= 0 {
		cfg.Least = 0.02
	}
	if cfg.OnChange == nil {
		cfg.OnChange = func(bool) {}
	}
	c := &Controller{cfg: cfg, share: 1}
	c.level.Store(one)
	return c
}

// Step takes the wait that was measured since the last step. Steps come at even intervals. The
// shortest of three counts: a machine that stood still for a moment has no overload. strangers says
// that most of what comes is theirs: then the favoured are all admitted, because to refuse them
// would not make the wait shorter.
func (c *Controller) Step(wait time.Duration, strangers bool) {
	if changed, refusing := c.step(wait, strangers); changed {
		c.cfg.OnChange(refusing)
	}
}

func (c *Controller) step(wait time.Duration, strangers bool) (changed, refusing bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	last := c.past
	c.past = [2]time.Duration{wait, last[0]}
	wait = min(wait, last[0], last[1])
	before := c.share
	c.rest--
	over := float64(wait) / float64(c.cfg.Target)
	switch {
	case over > 1 && c.rest > 0: // what was done last time does not show yet
		c.calm = 0
	case over > 1:
		c.calm, c.rest = 0, len(c.past)
		c.share = max(c.cfg.Least, c.share*max(steepest, 1/math.Sqrt(over)))
	case over > 0.5: // as it should be
		c.calm++
	default:
		if c.calm++; c.calm > patience {
			c.share = min(1, c.share*rise+climb)
		}
	}
	if strangers {
		c.share = max(c.share, 0.5)
	}
	c.level.Store(uint64(c.share * one))
	return (before < 1) != (c.share < 1), c.share < 1
}

// Admit decides about one new request. Above a level of one half all of the favoured are admitted,
// who are known, and less and less of the others; below it less and less of the favoured, and of
// the others hardly any: strangers cannot crowd them out.
func (c *Controller) Admit(favoured bool) bool {
	level := c.level.Load()
	if level >= one {
		return true
	}
	share, turn := min(one, 2*level), &c.turns[0]
	if !favoured {
		share, turn = max(one/20, 2*max(level, one/2)-one), &c.turns[1]
	}
	n := turn.Add(1) // every third at a share of 1/3
	if n*share/one > (n-1)*share/one {
		return true
	}
	c.refused.Add(1)
	return false
}

// Level says how much is admitted, 1 for everything; see Admit.
func (c *Controller) Level() float64 { return float64(c.level.Load()) / one }

// Refused counts what Admit refused.
func (c *Controller) Refused() uint64 { return c.refused.Load() }
