package shield

import (
	"net/netip"
	"sync"
	"time"

	"github.com/lineaamica/la2/sip/flow"
)

// Who is known, at most: stripes times this.
const (
	stripes   = 16
	perStripe = 8192
)

// known are the addresses that showed who they are, each until an instant. Its memory is bounded:
// a full stripe takes nobody new before somebody's time has passed.
type known struct {
	stripe [stripes]struct {
		mu    sync.RWMutex // guards until
		until map[netip.Addr]time.Time
	}
}

func (k *known) init() {
	for i := range k.stripe {
		k.stripe[i].until = map[netip.Addr]time.Time{}
	}
}

// of is the stripe of a. Addresses are counted up by nobody but ourselves: no hash is needed.
func (k *known) of(a netip.Addr) int {
	b := a.As16()
	return int(b[15]^b[14]^b[7]^b[6]) % stripes
}

func (k *known) has(a netip.Addr, now time.Time) bool {
	s := &k.stripe[k.of(a)]
	s.mu.RLock()
	defer s.mu.RUnlock()
	until, ok := s.until[a]
	return ok && now.Before(until)
}

func (k *known) add(a netip.Addr, now, until time.Time) {
	s := &k.stripe[k.of(a)]
	s.mu.Lock()
	defer s.mu.Unlock()
	if old, ok := s.until[a]; ok && !old.Before(until) {
		return
	}
	if len(s.until) >= perStripe {
		seen := 0
		for old, t := range s.until { // in no order
			if !now.Before(t) {
				delete(s.until, old)
			}
			if seen++; seen == 64 {
				break
			}
		}
	}
	if _, ok := s.until[a]; ok || len(s.until) < perStripe {
		s.until[a] = until
	}
}

func (k *known) len() (n int) {
	for i := range k.stripe {
		s := &k.stripe[i]
		s.mu.RLock()
		n += len(s.until)
		s.mu.RUnlock()
	}
	return n
}

// Trust says that a proved who it is, by a registration or a password: until then it is known, and
// a ban of it that rests on datagrams ends.
func (s *Shield) Trust(a netip.Addr, until time.Time) {
	a = a.Unmap().WithZone("")
	now := s.cfg.Now()
	if !a.IsValid() || !now.Before(until) {
		return
	}
	s.known.add(a, now, until)
	s.scores.forget(hostKey(s.seed, a))
	s.bans.lift(sourceOf(a), now)
}

// Known reports whether the far end of f is known now, exempt, or a peer.
func (s *Shield) Known(f flow.Flow) bool {
	a := f.Remote.Addr().Unmap().WithZone("")
	return s.exempt(a) || s.known.has(a, s.cfg.Now()) || s.cfg.Peer(f)
}
