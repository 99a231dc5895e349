// Package location is the location service of RFC 3261 10: a table from
// address-of-record to the bindings where it can be reached.
//
// A Table is memory behind a mutex, with a heap of expiry times. What changes is
// told to Config.OnChange, in order and outside the lock, so that somebody can
// make it durable; Load puts it back. Package registrar speaks SIP on top of it.
// Omitted: GRUU (RFC 5627). The only goroutine is the one that its owner gives to
// Run.
package location

import (
	"errors"
	"time"

	"github.com/lineaamica/la2/sip/flow"
)

// An AOR is an address-of-record of this node: the user part alone, in the case
// in which the account is written. All domains of a node name the same accounts.
type AOR string

// A Binding ties an AOR to one contact (RFC 3261 10).
type Binding struct {
	// Contact is the URI as the phone gave it, without brackets; it becomes the
	// Request-URI of requests to the phone.
	Contact string `json:"contact"`
	// Expires is absolute, UTC.
	Expires time.Time `json:"expires"`
	// Q is the preference, 0 to 1000 for q=0 to q=1 (20.10). 1000 when absent.
	Q int `json:"q"`
	// CallID and CSeq of the REGISTER that made it (10.3 step 7).
	CallID string `json:"call_id"`
	CSeq   uint32 `json:"cseq"`
	// Flow is the path on which the REGISTER came. Requests to the phone go
	// back over it, never to the address in Contact, which may lie behind a NAT
	// or be made up. Over a connection, ID 0 means one that is gone: see DropFlow.
	Flow flow.Flow `json:"flow"`
	// NAT says that Contact does not name the source of the REGISTER.
	NAT bool `json:"nat,omitempty"`
	// Instance and RegID are +sip.instance and reg-id (RFC 5626 4.1), empty and
	// 0 when absent.
	Instance string `json:"instance,omitempty"`
	RegID    int    `json:"reg_id,omitempty"`
	// Path is the route to Contact as the proxies between us wrote it: values of Path,
	// with commas, in order (RFC 3327 5.3). Empty: none.
	Path string `json:"path,omitempty"`
	// Lost says that the connection of Flow has closed and that there is no other way;
	// what is not registered anew ends with the grace.
	Lost bool `json:"lost,omitempty"`
	// UserAgent is what the phone says it is, for people; 128 bytes at most.
	UserAgent string `json:"user_agent,omitempty"`
}

// Errors of Bind and Update.
var (
	// ErrStale: a binding of the same Call-ID exists with the same or a higher
	// CSeq (10.3 step 7).
	ErrStale = errors.New("location: CSeq does not increase")
	// ErrTooMany: the AOR would have more than its limit.
	ErrTooMany = errors.New("location: too many bindings")
	// ErrContact: a contact is no URI.
	ErrContact = errors.New("location: contact is not a SIP URI")
)

// A Change says that an AOR had Before bindings and has After.
type Change struct {
	AOR           AOR
	Before, After int
	// Refresh says that only lifetimes changed: everybody is where they were.
	Refresh bool
}

// Up tells whether the AOR became reachable.
func (c Change) Up() bool { return c.Before == 0 && c.After > 0 }

// Down tells whether the AOR has become unreachable.
func (c Change) Down() bool { return c.Before > 0 && c.After == 0 }

// Config of a Table. The zero value works.
type Config struct {
	// MaxBindings of one AOR. Default 10.
	MaxBindings int
	// Limit is the MaxBindings of an AOR that has its own, 0 for others. Default: nobody has.
	Limit func(AOR) int
	// Grace is how long a binding stays after its only connection closed, for a phone that
	// connects again. It is dropped at once when the AOR has another. Default 10s.
	Grace time.Duration
	// OnChange is called after each change, one call at a time, in the order of
	// the changes, without any lock held. It must not block for long: whoever
	// changes the table waits for it.
	OnChange func(Change)
	// Now is the clock. Default time.Now.
	Now func() time.Time
}

// An Edit is one step of an Update.
type Edit struct {
	Binding Binding
	// Remove takes the binding with this contact away instead of storing it.
	Remove bool
}
