// Package toll bounds what a payer of calls, a station or a trunk, may spend: calls
// at a time, calls and minutes a day. A stolen password then costs what the limits
// allow and no more.
//
// A Ledger counts in memory; a restart begins the day anew. It starts no goroutine
// and knows no clock: time is the caller's.
package toll

import (
	"sync"
	"time"
)

// Limits of one payer; 0 is no limit.
type Limits struct {
	Calls      int // at a time, ringing included
	DayCalls   int // that begin on one day
	DayMinutes int // of talk on one day, those of running calls included
}

// A Reason says which limit stands against a call.
type Reason uint8

// The reasons. Now passes by itself, the others with the day.
const (
	OK Reason = iota
	Now
	DayCalls
	DayMinutes
)

// String names the limit as the configuration does.
func (r Reason) String() string {
	return [...]string{"", "calls", "day_calls", "day_minutes"}[r]
}

// A Payer is who has to pay, with its limits.
type Payer struct {
	Name string
	Limits
}

// A Ledger holds the accounts of all payers. The zero value works; safe for
// concurrent use.
type Ledger struct {
	mu   sync.Mutex // guards all below
	book map[string]*account
}

// account is what a payer has used.
type account struct {
	day     string // in the time zone of the caller's clock
	begun   int
	talk    time.Duration // of calls that ended
	running map[*Call]struct{}
}

// A Call is one call on the books, until End.
type Call struct {
	l        *Ledger
	payers   []Payer
	answered time.Time
}

// Begin books a call at now for all its payers, or for none: then it says which
// limit of whom stands against it.
func (l *Ledger) Begin(now time.Time, payers ...Payer) (c *Call, why Reason, who string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range payers {
		if why = l.account(p.Name, now).check(p.Limits, now); why != OK {
			return nil, why, p.Name
		}
	}
	c = &Call{l: l, payers: payers}
	for _, p := range payers {
		a := l.account(p.Name, now)
		a.begun++
		a.running[c] = struct{}{}
	}
	return c, OK, ""
}

// account is that of a name, on a new day an empty one but for the calls that run.
func (l *Ledger) account(name string, now time.Time) *account {
	if l.book == nil {
		l.book = map[string]*account{}
	}
	a := l.book[name]
	if a == nil {
		a = &account{running: map[*Call]struct{}{}}
		l.book[name] = a
	}
	if day := now.Format(time.DateOnly); a.day != day {
		a.day, a.begun, a.talk = day, 0, 0
	}
	return a
}

func (a *account) check(lim Limits, now time.Time) Reason {
	talk := a.talk
	for c := range a.running {
		talk += c.talked(now)
	}
	switch {
	case lim.DayCalls > 0 && a.begun >= lim.DayCalls:
		return DayCalls
	case lim.DayMinutes > 0 && talk >= time.Duration(lim.DayMinutes)*time.Minute:
		return DayMinutes
	case lim.Calls > 0 && len(a.running) >= lim.Calls:
		return Now
	}
	return OK
}

// talked is how long the call has been answered today.
func (c *Call) talked(now time.Time) time.Duration {
	if c.answered.IsZero() {
		return 0
	}
	from := c.answered
	if midnight := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, now.Location()); from.Before(midnight) {
		from = midnight
	}
	return max(now.Sub(from), 0)
}

// Answered starts the meter. Only the first call counts.
func (c *Call) Answered(now time.Time) {
	c.l.mu.Lock()
	defer c.l.mu.Unlock()
	if c.answered.IsZero() {
		c.answered = now
	}
}

// End takes the call off the running ones and adds its minutes. It may be repeated.
func (c *Call) End(now time.Time) {
	c.l.mu.Lock()
	defer c.l.mu.Unlock()
	for _, p := range c.payers {
		a := c.l.account(p.Name, now)
		if _, runs := a.running[c]; runs {
			delete(a.running, c)
			a.talk += c.talked(now)
		}
	}
}
