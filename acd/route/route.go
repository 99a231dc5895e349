// Package route finds what a dialled number reaches.
//
// Numbers are compared in a canonical form: E.164 with a plus for geographic and
// mobile numbers, bare digits for numbers that exist only inside Italy (8xx,
// 1xx, 039039039) and for stations. It is pure, and starts no goroutine.
package route

import (
	"github.com/lineaamica/la2/cti"
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
type Table struct{}

// New makes a Table. It fails on a number that has no canonical form, on two
// rules for one number and on a rule without or with several targets.
func New(rules []Rule) (*Table, error) { return &Table{}, nil }

// Lookup finds the target of a number in any form; a full match wins over every
// prefix, a longer prefix over a shorter one.
func (t *Table) Lookup(dialled string) (Target, bool) { return Target{}, false }

// Canonical brings a dialled number, tel: or sip: URI into the form in which
// numbers are compared; "" when it holds none.
func Canonical(dialled string) string { return dialled }
