package trunk

import (
	"cmp"
	"fmt"
	"net/netip"
	"time"
)

// A Fault is the last thing that went wrong with a peer.
type Fault struct {
	At   time.Time
	What string // such as "no answer to OPTIONS", "503 to INVITE", "REGISTER refused with 403"
}

// Status is what a person wants to know of a peer.
type Status struct {
	Name         string
	State        State
	Since        time.Time // of State; zero before the first answer
	Registration RegState
	Fault        Fault // zero: none since the start
}

// Status is how a peer does; false for an unknown name.
func (t *Table) Status(name string) (Status, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.state[name]
	if s == nil {
		return Status{}, false
	}
	return Status{Name: name, State: s.health.state, Since: s.since, Registration: s.reg, Fault: s.fault}, true
}

// Heard counts what a call found: nothing in time (status 0) is evidence against
// the peer as a silent probe is, any answer one for it. A 503 with Retry-After puts
// the peer behind the others of its group for that long, at most a minute; one
// without is that call's alone. It tells whether the state changed.
func (t *Table) Heard(name string, status int, retry time.Duration, now time.Time) (state State, changed bool) {
	if status == 0 {
		t.fail(name, "no answer to INVITE", now)
		return t.Observe(name, Fail)
	}
	if status >= 500 || status == 401 || status == 403 || status == 407 {
		t.fail(name, fmt.Sprint(status, " to INVITE"), now)
	}
	if status == 503 && retry > 0 {
		t.mu.Lock()
		if s := t.state[name]; s != nil {
			s.pause = now.Add(min(retry, time.Minute))
		}
		t.mu.Unlock()
	}
	return t.Observe(name, Pass)
}

func (t *Table) fail(name, what string, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s := t.state[name]; s != nil {
		s.fault = Fault{At: now, What: what}
	}
}

// registered notes where the registration of a peer stands.
func (t *Table) registered(name string, s RegState, status int) {
	if s == Unregistered || status == 0 || status >= 300 {
		what := fmt.Sprint("REGISTER refused with ", status)
		if status == 0 {
			what = "no answer to REGISTER"
		}
		t.fail(name, what, time.Now())
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.state[name].reg = s
}

// home is the host part of our account's URIs: the peer's Domain, else its name, else
// the address of to.
func (p *Peer) home(to netip.AddrPort) string {
	if host := cmp.Or(p.Domain, p.HostName); host != "" {
		return host
	}
	if a := to.Addr().Unmap(); a.Is6() {
		return "[" + a.String() + "]"
	}
	return to.Addr().Unmap().String()
}
