package trunk

import (
	"net/netip"
	"time"
)

// A Registration says that we register with a peer, as carriers want it that find
// us by it (RFC 3261 10.2). The zero value works.
type Registration struct {
	// Expires is how long we ask for. Default 1h.
	Expires time.Duration
	// Registrars are tried in order. Default: the peer's address.
	Registrars []netip.AddrPort
}

// RegState is where a registration stands.
//
//	             2xx                     refusal, silence of all registrars
//	Registering ──────► Registered ◄───────────────────────────► Unregistered
//	                        │  └─ refresh: 2xx
//	                        └────── refresh: 423 (asks again at once)
type RegState uint8

// The states. Without a registration it is NotRegistering.
const (
	NotRegistering RegState = iota
	Registering
	Registered
	Unregistered
)

// String is the state in lower case, "" for NotRegistering.
func (s RegState) String() string {
	return [...]string{"", "registering", "registered", "unregistered"}[s]
}

// A RegAnswer is the end of one REGISTER.
type RegAnswer struct {
	Status  int           // 0: silence, or no way to send
	Granted time.Duration // by a 2xx
	Minimum time.Duration // Min-Expires of a 423
	Retry   time.Duration // Retry-After, 0 when there was none
}

// enrol is the state of one registration.
type enrol struct {
	state RegState
	asked time.Duration // next Expires
	at    int           // registrar that is next
	fails int           // rounds through all registrars in a row
}

// Bounds of waiting.
const (
	minRefresh = 5 * time.Second
	maxExpires = 24 * time.Hour
	backOff    = 30 * time.Second // RFC 5626 4.5
	maxBackOff = 30 * time.Minute
	// denied is the pause after refused credentials: more tries would only lock the
	// account (RFC 3261 22.2).
	denied = 10 * time.Minute
)

// next is the step after the answer of registrar e.at of n; wait is the time until
// the next REGISTER. random, 0 to 1, spreads clients that lost one registrar.
func (e enrol) next(a RegAnswer, n int, random float64) (to enrol, wait time.Duration) {
	switch {
	case a.Status >= 200 && a.Status < 300:
		granted := a.Granted
		if granted <= 0 {
			granted = e.asked
		}
		return enrol{state: Registered, asked: e.asked, at: e.at}, max(granted*4/5, min(minRefresh, granted/2))
	case a.Status == 423 && a.Minimum > e.asked && a.Minimum <= maxExpires:
		e.asked = a.Minimum
		return e, 0
	case a.Status == 401, a.Status == 403, a.Status == 407:
		e.state = Unregistered
		return e, spread(denied, random)
	case (a.Status == 0 || a.Status >= 500 && a.Status < 600) && e.at+1 < n:
		e.at++
		return e, 0
	}
	e.state, e.at = Unregistered, 0
	wait = maxBackOff
	if e.fails < 6 {
		wait = min(backOff<<e.fails, maxBackOff)
	}
	e.fails++
	return e, max(spread(wait, random), min(a.Retry, maxBackOff))
}

// spread is half to all of d.
func spread(d time.Duration, random float64) time.Duration {
	return d/2 + time.Duration(float64(d/2)*random)
}
