package flow

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"time"
)

// RateConfig sets a RateFilter. The zero value of each field works.
type RateConfig struct {
	// Rate is how many messages a second one source may send: one IPv4 address or one IPv6
	// /64. Default 10,000, several hundred calls a second: a guard against floods, not a policy.
	Rate int
	// Burst is how many may come at once. Default twice Rate.
	Burst int
	// Exempt sources are not counted: own trunks, test machines. Default none.
	Exempt []netip.Prefix
	// Loopback counts loopback sources, too.
	Loopback bool
}

// Sources that are remembered: stripes times this. A new one takes the place of any other.
const (
	stripes   = 16
	perStripe = 1024
)

// A RateFilter is a token bucket for each source. Its memory is bounded. Safe for concurrent use.
type RateFilter struct {
	cfg    RateConfig
	seed   maphash.Seed
	stripe [stripes]struct {
		mu      sync.Mutex // guards sources
		sources map[netip.Addr]*level
	}
}

// NewRateFilter returns a filter without history.
func NewRateFilter(cfg RateConfig) *RateFilter {
	if cfg.Rate <= 0 {
		cfg.Rate = 10_000
	}
	if cfg.Burst <= 0 {
		cfg.Burst = 2 * cfg.Rate
	}
	r := &RateFilter{cfg: cfg, seed: maphash.MakeSeed()}
	for i := range r.stripe {
		r.stripe[i].sources = map[netip.Addr]*level{}
	}
	return r
}

// Verdict is a Config.Filter.
func (r *RateFilter) Verdict(_ Transport, src netip.AddrPort, _ []byte) Verdict {
	a := src.Addr().Unmap().WithZone("")
	if a.IsLoopback() && !r.cfg.Loopback {
		return Pass
	}
	for _, p := range r.cfg.Exempt {
		if p.Contains(a) {
			return Pass
		}
	}
	if a.Is6() {
		p, err := a.Prefix(64)
		if err != nil {
			return Drop
		}
		a = p.Addr()
	}
	s := &r.stripe[maphash.Comparable(r.seed, a)%stripes]
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.sources[a]
	if v == nil {
		if len(s.sources) >= perStripe {
			for old := range s.sources { // any one
				delete(s.sources, old)
				break
			}
		}
		v = &level{left: float64(r.cfg.Burst), at: now}
		s.sources[a] = v
	}
	if v.take(now, 1, float64(r.cfg.Rate), float64(r.cfg.Burst)) {
		return Pass
	}
	return Drop
}

// A level is how full one bucket is.
type level struct {
	left float64
	at   time.Time
}

func (v *level) take(now time.Time, n, rate, burst float64) bool {
	if d := now.Sub(v.at); d > 0 {
		v.left = min(burst, v.left+d.Seconds()*rate)
		v.at = now
	}
	if v.left < n {
		return false
	}
	v.left -= n
	return true
}

// A bucket is a level of its own, for all sources together.
type bucket struct {
	rate  float64    // a second, and the burst
	mu    sync.Mutex // guards level
	level level
}

func (b *bucket) take(now time.Time, n float64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.level.at.IsZero() {
		b.level = level{left: b.rate, at: now}
	}
	return b.level.take(now, n, b.rate, b.rate)
}
