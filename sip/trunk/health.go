package trunk

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// State is what we believe of a peer.
//
//	            pass                    refuse, or Fails × fail
//	Unknown ───────────► Up ─────────────────────────────────► Down
//	   │                  ▲                                     ▲ │
//	   │                  └──────────── Passes × pass ──────────┼─┘
//	   └──────────────── refuse, or Fails × fail ───────────────┘
//
// Passes and fails count in a row.
type State uint8

// The states. Unknown, before the first answer, is good enough to try a call.
const (
	Unknown State = iota
	Up
	Down
)

// String is the state in lower case.
func (s State) String() string { return [...]string{"unknown", "up", "down"}[s] }

// Evidence is one thing seen of a peer.
type Evidence uint8

const (
	// Pass: it answered, with whatever status but 503.
	Pass Evidence = iota
	// Fail: no answer in time, or no way to send.
	Fail
	// Refuse: it answered 503: it drains or is overloaded, and says so.
	Refuse
)

// Judge turns the end of a transaction into evidence. status is 0 when err is set.
func Judge(status int, err error) Evidence {
	switch {
	case err != nil:
		return Fail
	case status == 503:
		return Refuse
	}
	return Pass
}

// HealthConfig says how peers are probed. The zero value works.
type HealthConfig struct {
	// Interval between probes of a peer that is up. Default 10s.
	Interval time.Duration
	// Retry between probes while in doubt: unknown, down, or after a fail.
	// Default 2s.
	Retry time.Duration
	// Timeout of one probe. Default 4s.
	Timeout time.Duration
	// Fails in a row until down, Passes until up again. Default 3 and 2.
	Fails, Passes int
}

func (c *HealthConfig) setDefaults() {
	for _, d := range []struct {
		p *time.Duration
		v time.Duration
	}{{&c.Interval, 10 * time.Second}, {&c.Retry, 2 * time.Second}, {&c.Timeout, 4 * time.Second}} {
		if *d.p <= 0 {
			*d.p = d.v
		}
	}
	if c.Fails <= 0 {
		c.Fails = 3
	}
	if c.Passes <= 0 {
		c.Passes = 2
	}
}

// health is the state with the length of the run of evidence against it.
type health struct {
	state State
	run   int
}

// step is the state machine.
func (c HealthConfig) step(h health, e Evidence) health {
	need := c.Fails
	if h.state == Down {
		need = c.Passes
	}
	against := e == Fail
	if h.state == Down {
		against = e == Pass
	}
	switch {
	case e == Refuse:
		return health{state: Down}
	case h.state == Unknown && e == Pass:
		return health{state: Up}
	case !against:
		return health{state: h.state}
	case h.run+1 < need:
		return health{state: h.state, run: h.run + 1}
	case h.state == Down:
		return health{state: Up}
	}
	return health{state: Down}
}

// Up tells whether the peer answers. False for an unknown name, and before the
// first answer.
func (t *Table) Up(name string) bool { return t.State(name) == Up }

// Usable tells whether a call is worth trying: the peer, or one of the group of that
// name, is not known to be down.
func (t *Table) Usable(name string) bool {
	for _, p := range t.Members(name) {
		if t.State(p.Name) != Down {
			return true
		}
	}
	return false
}

// State is what we believe of the peer.
func (t *Table) State(name string) State {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s := t.state[name]; s != nil {
		return s.health.state
	}
	return Unknown
}

// Observe counts evidence, from a probe or from a call, and tells whether the
// state changed by it.
func (t *Table) Observe(name string, e Evidence) (now State, changed bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.state[name]
	if s == nil {
		return Unknown, false
	}
	before := s.health.state
	s.health = t.cfg.step(s.health, e)
	if s.health.state != before {
		s.since = time.Now()
	}
	return s.health.state, s.health.state != before
}

// doubtful tells whether the peer is to be probed at the short interval.
func (t *Table) doubtful(name string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	h := t.state[name].health
	return h.state != Up || h.run > 0
}

// A Probe sends OPTIONS to p and returns the final status. ctx has the time-out.
type Probe func(ctx context.Context, p *Peer) (status int, err error)

// Run probes every peer, the first time at once, until ctx ends; it returns when
// no probe runs any more. changed, which may be nil, hears of every change
// between up and down, one call at a time per peer; it must not block for long.
func (t *Table) Run(ctx context.Context, probe Probe, changed func(name string, up bool)) {
	var wg sync.WaitGroup
	for _, p := range t.peers {
		wg.Go(func() { t.watch(ctx, p, probe, changed) }) // ends when ctx does
	}
	wg.Wait()
}

func (t *Table) watch(ctx context.Context, p *Peer, probe Probe, changed func(string, bool)) {
	for {
		once, cancel := context.WithTimeout(ctx, t.cfg.Timeout)
		status, err := probe(once, p)
		cancel()
		if ctx.Err() != nil {
			return
		}
		switch e := Judge(status, err); e {
		case Fail:
			t.fail(p.Name, "no answer to OPTIONS", time.Now())
		case Refuse:
			t.fail(p.Name, "503 to OPTIONS", time.Now())
		case Pass:
		}
		if now, c := t.Observe(p.Name, Judge(status, err)); c && changed != nil {
			changed(p.Name, now == Up)
		}
		pause := t.cfg.Interval
		if t.doubtful(p.Name) {
			pause = t.cfg.Retry
		}
		pause += time.Duration(rand.Int64N(int64(pause)/10 + 1)) // so that probes of many nodes do not march in step
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}
