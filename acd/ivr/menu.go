// Package ivr holds the pure part of menus: what a key means, what a typed
// tracking code is, which clips say a position. It plays nothing and starts no
// goroutine.
package ivr

import (
	"errors"
	"fmt"
	"strings"

	"github.com/lineaamica/la2/cti"
)

// Operator is the key that reaches an agent at any time.
const Operator = '0'

// A Menu is one level of choices by key. '0' always reaches an agent, and so
// does pressing nothing.
type Menu struct {
	Options []Option
}

// An Option is what one key does.
type Option struct {
	Key      byte // '0' to '9', '*', '#'
	Topic    string
	Skills   []string
	Queue    cti.QueueID // "": the queue of the service
	Tracking bool        // asks for a tracking code
	Operator bool        // no topic
}

// Validate reports every fault of m.
func (m Menu) Validate() error {
	var errs []error
	seen := map[byte]bool{}
	for _, o := range m.Options {
		if !strings.ContainsRune("0123456789*#", rune(o.Key)) || o.Key == 0 {
			errs = append(errs, fmt.Errorf("ivr: key %q: want 0 to 9, * or #", o.Key))
		}
		if seen[o.Key] {
			errs = append(errs, fmt.Errorf("ivr: key %q: two options", o.Key))
		}
		seen[o.Key] = true
		if o.Key == Operator && (o.Topic != "" || o.Tracking) {
			errs = append(errs, errors.New("ivr: key '0': reaches an agent, nothing else"))
		}
	}
	return errors.Join(errs...)
}

// Choose is what digits, the keys of one prompt, mean: the Option, or false for
// a key without meaning. Nothing pressed is the operator.
func (m Menu) Choose(digits string) (Option, bool) {
	if digits == "" {
		return Option{Operator: true}, true
	}
	if digits[0] == Operator {
		return Option{Key: Operator, Operator: true}, true
	}
	for _, o := range m.Options {
		if o.Key == digits[0] {
			return o, true
		}
	}
	return Option{}, false
}
