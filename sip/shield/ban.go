package shield

import (
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lineaamica/la2/sip/flow"
)

// An Offence is what an unknown source did.
type Offence uint8

const (
	Junk       Offence = iota // a datagram that is no SIP
	Malformed                 // a message that the parser refused
	Unasked                   // a response to nothing
	Challenged                // a request without credentials where they are needed: every telephone's first one
	Password                  // wrong credentials
	Flood                     // a message above the rate
	Scanner                   // the signature of a scanner: a ban at once
)

// points of an offence, in hundredths.
func (o Offence) points() float64 {
	return [...]float64{Junk: 50, Malformed: 100, Unasked: 50, Challenged: 25, Password: 100, Flood: 2, Scanner: 1e9}[o]
}

// String is what `la2 status` shows.
func (o Offence) String() string {
	return [...]string{Junk: "junk", Malformed: "malformed", Unasked: "unasked responses", Challenged: "no credentials",
		Password: "wrong passwords", Flood: "flood", Scanner: "scanner"}[o]
}

// Report notes an offence on f. The known and the exempt have none.
func (s *Shield) Report(f flow.Flow, o Offence) {
	a := f.Remote.Addr().Unmap().WithZone("")
	now := s.cfg.Now()
	if !a.IsValid() || s.exempt(a) || s.known.has(a, now) || s.cfg.Peer(f) {
		return
	}
	most := 100 * float64(s.cfg.Points)
	key := hostKey(s.seed, a)
	if _, ok := s.scores.pour(key, now, o.points(), most/60, most); ok {
		return
	}
	s.scores.forget(key)
	if b, fresh := s.bans.add(sourceOf(a), o, f.Transport.Reliable(), now, &s.cfg); fresh {
		s.cfg.Logger.Warn("source banned", "source", b.Source, "reason", b.Reason, "for", b.Until.Sub(b.Since), "times", b.Times)
	}
}

// A Ban is one source that is not listened to.
type Ban struct {
	Source  netip.Prefix // an IPv4 address or an IPv6 /64
	Reason  string
	Since   time.Time
	Until   time.Time
	Times   int    // bans of this source that are remembered, this one included
	Dropped uint64 // messages since Since
	// Proved: it spoke over a connection. The source of a datagram can be forged, so a ban that
	// rests on datagrams lets one REGISTER a second through: a telephone that somebody else got
	// banned comes back by its password.
	Proved bool
}

type ban struct {
	Ban     // Dropped is in dropped
	dropped atomic.Uint64
	probe   atomic.Int64 // ns: when the next REGISTER is let through
}

// bans are the running and the remembered bans.
type bans struct {
	mu   sync.RWMutex // guards list
	list map[netip.Prefix]*ban
}

// hold tells whether b, from a, is stopped by a ban.
func (l *bans) hold(a netip.Addr, b []byte, now time.Time) bool {
	l.mu.RLock()
	e := l.list[sourceOf(a)]
	l.mu.RUnlock()
	if e == nil || !now.Before(e.Until) {
		return false
	}
	if !e.Proved && len(b) > 9 && string(b[:9]) == "REGISTER " {
		at := e.probe.Load()
		if now.UnixNano() >= at && e.probe.CompareAndSwap(at, now.Add(time.Second).UnixNano()) {
			return false
		}
	}
	e.dropped.Add(1)
	return true
}

// add begins a ban; fresh is false when one runs already.
func (l *bans) add(source netip.Prefix, o Offence, proved bool, now time.Time, cfg *Config) (b Ban, fresh bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	old := l.list[source]
	e := &ban{Ban: Ban{Source: source, Reason: o.String(), Since: now, Times: 1, Proved: proved}}
	if old != nil {
		if now.Before(old.Until) && (old.Proved || !proved) {
			return old.Ban, false
		}
		e.Times = old.Times + 1
	} else if len(l.list) >= cfg.Size {
		l.shrink(now)
	}
	d := cfg.Ban
	for range min(e.Times-1, 12) {
		d = min(4*d, cfg.MaxBan)
	}
	e.Until = now.Add(min(d, cfg.MaxBan))
	l.list[source] = e
	return e.Ban, true
}

// shrink forgets the ban that ended first or ends first, of some. l.mu must be held.
func (l *bans) shrink(now time.Time) {
	var first *ban
	seen := 0
	for _, e := range l.list { // in no order
		if first == nil || e.Until.Before(first.Until) {
			first = e
		}
		if seen++; seen >= 32 || !now.Before(first.Until) {
			break
		}
	}
	if first != nil {
		delete(l.list, first.Source)
	}
}

// lift ends a ban that rests on datagrams.
func (l *bans) lift(source netip.Prefix, now time.Time) {
	l.mu.RLock()
	e := l.list[source]
	l.mu.RUnlock()
	if e == nil || e.Proved || !now.Before(e.Until) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.list, source)
}

func (l *bans) running(now time.Time) (n int) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for _, e := range l.list {
		if now.Before(e.Until) {
			n++
		}
	}
	return n
}

// Bans lists the running bans, the latest first, at most limit of them.
func (s *Shield) Bans(limit int) []Ban {
	now := s.cfg.Now()
	var out []Ban
	s.bans.mu.RLock()
	for _, e := range s.bans.list {
		if now.Before(e.Until) {
			b := e.Ban
			b.Dropped = e.dropped.Load()
			out = append(out, b)
		}
	}
	s.bans.mu.RUnlock()
	slices.SortFunc(out, func(a, b Ban) int {
		if c := b.Since.Compare(a.Since); c != 0 {
			return c
		}
		return a.Source.Addr().Compare(b.Source.Addr())
	})
	return out[:min(len(out), limit)]
}

// Unban ends the ban of a and forgets those before; false when there is none.
func (s *Shield) Unban(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	source := sourceOf(a)
	s.scores.forget(hostKey(s.seed, a))
	s.bans.mu.Lock()
	defer s.bans.mu.Unlock()
	_, ok := s.bans.list[source]
	delete(s.bans.list, source)
	return ok
}
