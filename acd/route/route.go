// Package route finds what a dialled number reaches.
//
// Numbers are compared in the canonical form of package numbering. It is pure, and
// starts no goroutine.
package route

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/numbering"
)

// A Rule ties a number to exactly one of Service, Device, Trunk and Contact.
type Rule struct {
	// Number as people write it: "803.001", "+39 0831 000111", "1001". With
	// Prefix it is the beginning of the dialled number.
	Number string
	Prefix bool

	Service cti.ServiceID
	Device  cti.DeviceID
	Trunk   string
	Contact string // a fixed SIP URI
}

// A Target is what was found. Number is the canonical form of what was dialled.
type Target struct {
	Number  string
	Service cti.ServiceID
	Device  cti.DeviceID
	Trunk   string
	Contact string
}

// A Table is an immutable set of rules; safe for concurrent use.
type Table struct {
	full    map[string]Rule
	prefix  map[string]Rule
	longest int // length of the longest prefix
}

// New makes a Table. It fails, naming every fault, on a number that has no
// canonical form, on two rules for one number and on a rule without or with
// several targets.
func New(rules []Rule) (*Table, error) {
	t := &Table{full: map[string]Rule{}, prefix: map[string]Rule{}}
	var errs []error
	for _, r := range rules {
		if err := t.add(r); err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return t, nil
}

func (t *Table) add(r Rule) error {
	targets := 0
	for _, s := range []string{string(r.Service), string(r.Device), r.Trunk, r.Contact} {
		if s != "" {
			targets++
		}
	}
	if targets != 1 {
		return fmt.Errorf("route: number %q: %d targets, want 1", r.Number, targets)
	}
	key, set := numbering.Canonical(r.Number), t.full
	if r.Prefix {
		key, set = numbering.CanonicalPrefix(r.Number), t.prefix
		t.longest = max(t.longest, len(key))
	}
	if key == "" {
		return fmt.Errorf("route: number %q: no digits", r.Number)
	}
	if old, twice := set[key]; twice {
		return fmt.Errorf("route: number %q: leads to %s and to %s", r.Number, old.target(), r.target())
	}
	set[key] = r
	return nil
}

func (r Rule) target() string {
	return cmp.Or(string(r.Service), string(r.Device), r.Trunk, r.Contact)
}

// Lookup finds the target of a number in any form; a full match wins over every
// prefix, a longer prefix over a shorter one.
func (t *Table) Lookup(dialled string) (Target, bool) {
	number := numbering.Canonical(dialled)
	if number == "" {
		return Target{}, false
	}
	r, ok := t.full[number]
	for n := min(t.longest, len(number)); !ok && n > 0; n-- {
		r, ok = t.prefix[number[:n]]
	}
	if !ok {
		return Target{Number: number}, false
	}
	return Target{Number: number, Service: r.Service, Device: r.Device, Trunk: r.Trunk, Contact: r.Contact}, true
}
