package digest

import (
	"cmp"
	"container/list"
	"errors"
	"hash/maphash"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// GuardConfig sets a Guard. The zero value works.
type GuardConfig struct {
	// Failures is how many wrong credentials a source may send within Window, and
	// as many one account and source. Default 10.
	Failures int
	// Window is the time in which they count. Default 1m.
	Window time.Duration
	// Pause is how long credentials are then refused unread. Default 1m.
	Pause time.Duration
	// Trust is how long an account that proved its password stays free of the
	// pause of its source, so that one telephone with an old password does not
	// silence the office around it. Default 2h.
	Trust time.Duration
	// Size is how many sources and accounts are remembered; the least recently
	// used goes first. Default 16384 (about 6 MB when full).
	Size int
	// Spared reports sources whose network is not paused as a whole, only one account
	// at a time. Default: none.
	Spared func(src netip.Addr) bool
	// OnDenied is told where each refused credentials came from. Default: nobody.
	OnDenied func(src netip.Addr)
	// Logger gets one line when a source begins its pause, without account and
	// host. Default: discard.
	Logger *slog.Logger
	// Now is the clock. Default time.Now.
	Now func() time.Time
}

func (c *GuardConfig) setDefaults() {
	if c.Failures <= 0 {
		c.Failures = 10
	}
	if c.Window <= 0 {
		c.Window = time.Minute
	}
	if c.Pause <= 0 {
		c.Pause = time.Minute
	}
	if c.Trust <= 0 {
		c.Trust = 2 * time.Hour
	}
	if c.Size <= 0 {
		c.Size = 16384
	}
	if c.Spared == nil {
		c.Spared = func(netip.Addr) bool { return false }
	}
	if c.OnDenied == nil {
		c.OnDenied = func(netip.Addr) {}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
}

// A Guard is a Verifier for the network: it stops those who guess passwords. A
// source is a /24 of IPv4 or a /56 of IPv6. After too many failures everything
// from it, the right password too, is ErrDenied for the pause, and nothing is
// computed; accounts that proved their password there within Trust go on, until
// their own failures are too many. Unknown accounts count like others, so that
// the pause tells nothing about passwords. Requests without credentials, right
// ones and stale ones do not count; successes forgive nothing, because an account
// of his own would buy a guesser more guesses. A pause is not prolonged by what
// comes meanwhile.
//
// The source of a datagram can be forged, but who forges it has no nonce that was
// given there: what he sends is stale, and pauses nobody. Safe for concurrent use.
type Guard struct {
	*Verifier
	cfg  GuardConfig
	seed maphash.Seed

	failures, throttled atomic.Uint64

	mu    sync.Mutex // guards what follows
	table map[suspectKey]*list.Element
	order *list.List // of *suspect, the least recently used last
}

// suspectKey is a source, or an account there; account is 0 or a hash of its name.
type suspectKey struct {
	source  netip.Prefix
	account uint64
}

type suspect struct {
	key    suspectKey
	failed []time.Time // within the window, oldest first; at most Failures
	since  time.Time   // beginning of the pause
	until  time.Time   // end of the pause
	unread uint64      // credentials refused in the pause
	proved time.Time   // of an account: the last right password
}

// NewGuard puts a guard before v.
func NewGuard(cfg GuardConfig, v *Verifier) *Guard {
	cfg.setDefaults()
	return &Guard{Verifier: v, cfg: cfg, seed: maphash.MakeSeed(), table: map[suspectKey]*list.Element{}, order: list.New()}
}

// GuardStats counts since NewGuard.
type GuardStats struct {
	Failures  uint64 // wrong credentials
	Throttled uint64 // credentials refused unread
}

// Stats returns the counts.
func (g *Guard) Stats() GuardStats { return GuardStats{g.failures.Load(), g.throttled.Load()} }

// Verify is Verifier.Verify behind the guard.
func (g *Guard) Verify(r Request, authorization string) (Proof, error) {
	return g.VerifyAny(r, []string{authorization})
}

// VerifyAny is Verifier.VerifyAny behind the guard.
func (g *Guard) VerifyAny(r Request, authorizations []string) (Proof, error) {
	p, err := g.verifyAny(&r, authorizations)
	if errors.Is(err, ErrDenied) {
		g.cfg.OnDenied(r.Source)
	}
	return p, err
}

func (g *Guard) verifyAny(r *Request, authorizations []string) (Proof, error) {
	if len(authorizations) == 0 {
		return Proof{}, ErrMissing
	}
	key, spared := suspectKey{source: sourceOf(r.Source)}, g.cfg.Spared(r.Source)
	sourcePaused := !spared && g.paused(key)
	for _, a := range authorizations {
		if a == "" {
			continue
		}
		c, err := ParseCredentials(a)
		switch {
		case err == nil && c.Realm != g.Realm():
			continue
		case err != nil:
			return Proof{}, ErrDenied
		}
		account := suspectKey{key.source, maphash.String(g.seed, c.Username) | 1}
		if g.paused(account) {
			return Proof{}, g.refuse(account)
		}
		if sourcePaused && !g.trusted(account) {
			return Proof{}, g.refuse(key)
		}
		p, err := g.check(r, &c)
		switch {
		case err == nil:
			g.trust(account)
		case errors.Is(err, ErrDenied) && spared:
			g.failed(account)
		case errors.Is(err, ErrDenied):
			g.failed(key, account)
		}
		return p, err
	}
	return Proof{}, ErrMissing
}

// refuse counts credentials that are not read because of the pause of k.
func (g *Guard) refuse(k suspectKey) error {
	g.throttled.Add(1)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.suspect(k).unread++
	return ErrDenied
}

// A Pause is a source, or one account there, whose credentials are refused unread.
type Pause struct {
	Source  netip.Prefix
	Account bool // of one account, whichever it is
	Since   time.Time
	Until   time.Time
	Unread  uint64 // credentials refused since then
}

// Pauses lists what is paused now, the longest first. It looks at all that is remembered.
func (g *Guard) Pauses() []Pause {
	now := g.cfg.Now()
	var out []Pause
	g.mu.Lock()
	for k, e := range g.table {
		if s := e.Value.(*suspect); now.Before(s.until) {
			out = append(out, Pause{Source: k.source, Account: k.account != 0, Since: s.since, Until: s.until, Unread: s.unread})
		}
	}
	g.mu.Unlock()
	slices.SortFunc(out, func(a, b Pause) int {
		return cmp.Or(b.Until.Compare(a.Until), a.Source.Addr().Compare(b.Source.Addr()), cmp.Compare(a.Unread, b.Unread))
	})
	return out
}

// Forgive ends the pauses of the source to which a belongs, and of its accounts; false when
// there is none.
func (g *Guard) Forgive(a netip.Addr) bool {
	source, now, found := sourceOf(a), g.cfg.Now(), false
	g.mu.Lock()
	defer g.mu.Unlock()
	for k, e := range g.table {
		if s := e.Value.(*suspect); k.source == source && now.Before(s.until) {
			s.until, found = now, true
		}
	}
	return found
}

// paused tells whether k is in its pause.
func (g *Guard) paused(k suspectKey) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	e, ok := g.table[k]
	if !ok {
		return false
	}
	g.order.MoveToFront(e)
	return g.cfg.Now().Before(e.Value.(*suspect).until)
}

// trusted tells whether the account k proved its password lately.
func (g *Guard) trusted(k suspectKey) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	e, ok := g.table[k]
	return ok && g.cfg.Now().Sub(e.Value.(*suspect).proved) < g.cfg.Trust
}

func (g *Guard) trust(k suspectKey) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.suspect(k).proved = g.cfg.Now()
}

// failed counts one failure for all keys.
func (g *Guard) failed(keys ...suspectKey) {
	g.failures.Add(1)
	now, begins := g.cfg.Now(), false
	g.mu.Lock()
	for _, k := range keys {
		if s := g.suspect(k); s.fail(now, &g.cfg) {
			begins = true
		}
	}
	g.mu.Unlock()
	if begins {
		g.cfg.Logger.Warn("too many wrong passwords: credentials are refused unread", "source", keys[0].source, "for", g.cfg.Pause)
	}
}

// suspect finds or makes the entry of k. g.mu must be held.
func (g *Guard) suspect(k suspectKey) *suspect {
	if e, ok := g.table[k]; ok {
		g.order.MoveToFront(e)
		return e.Value.(*suspect)
	}
	s := &suspect{key: k}
	g.table[k] = g.order.PushFront(s)
	for g.order.Len() > g.cfg.Size {
		delete(g.table, g.order.Remove(g.order.Back()).(*suspect).key)
	}
	return s
}

// fail notes a failure; true when it begins a pause.
func (s *suspect) fail(now time.Time, cfg *GuardConfig) bool {
	if now.Before(s.until) { // was being checked when the pause began
		return false
	}
	old := 0
	for old < len(s.failed) && now.Sub(s.failed[old]) >= cfg.Window {
		old++
	}
	s.failed = append(s.failed[:0], s.failed[old:]...)
	s.failed = append(s.failed, now)
	if len(s.failed) < cfg.Failures {
		return false
	}
	s.failed, s.since, s.until, s.unread = nil, now, now.Add(cfg.Pause), 0
	return true
}

// sourceOf is the network that counts as one source: what one subscriber gets.
func sourceOf(a netip.Addr) netip.Prefix {
	a = a.Unmap()
	bits := 24
	if a.Is6() {
		bits = 56
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}
