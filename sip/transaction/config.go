package transaction

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"runtime"
	"time"

	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/wire"
)

// Config sets the layer. The zero value of each field works.
type Config struct {
	// Shards is how many messages may be handled at the same time. Default GOMAXPROCS; 1 to 256.
	Shards int
	// T1 is the round-trip estimate (RFC 3261 17.1.1.1). Default 500 ms.
	T1 time.Duration
	// T2 is the longest interval between retransmissions (17.1.2.2). Default 4 s.
	T2 time.Duration
	// T4 is how long a message stays in the network (17.1.2.2). Default 5 s.
	T4 time.Duration
	// TimerC bounds how long a forwarded INVITE rings after its last 1xx (RFC 3261 16.6 step 11):
	// above 3 min. Default 185 s.
	TimerC time.Duration
	// Inbox is how many messages may wait in a shard before new INVITE, REGISTER, OPTIONS,
	// SUBSCRIBE and MESSAGE outside a dialog are refused with 503. At four times
	// Inbox they are dropped in silence, at sixteen times everything is. Default 1024.
	Inbox int
	// RetryAfter is what the 503 asks for, in whole seconds. Default 5 s.
	RetryAfter time.Duration
	// Address gives the address for Via when it differs from the local end of the flow, as it
	// does on a connection that we opened. Default: the local end of the flow.
	Address func(flow.Flow) netip.AddrPort
	// Stream finds a connection to the peer of a UDP flow for a request that is too long for a
	// datagram (RFC 3261 18.1.1). It may wait, until ctx ends. Default: there is none.
	Stream func(ctx context.Context, f flow.Flow) (flow.Flow, error)
	// Branch makes the unique part of a Via branch, without the z9hG4bK cookie
	// (RFC 3261 8.1.1.7). Default: 96 bits from crypto/rand.
	Branch func() string
	// Tag makes a To tag (RFC 3261 19.3). Default: 96 bits from crypto/rand.
	Tag func() string
	// Admit decides about a new INVITE, REGISTER, OPTIONS, SUBSCRIBE or MESSAGE outside a dialog
	// that is not Urgent: false refuses it with 503, unless it is a repeated one. It runs on
	// readers, concurrently, and must not block. Default: all are admitted.
	Admit func(flow.Flow) bool
	// Urgent reports a request that is never refused for want of time: a call to an emergency
	// number. It runs on readers, concurrently, and must not block or keep m. Default: none is.
	Urgent func(m *wire.Message) bool
	// OnStray is told of each response that belongs to no transaction. It runs on the shard and
	// must not block. Default: nobody.
	OnStray func(flow.Flow)
	// Logger gets one line per fault that ends a transaction. Default: discard.
	Logger *slog.Logger
}

// Validate reports every value out of range; zero values are in range.
func (c Config) Validate() error {
	var errs []error
	if c.Shards < 0 || c.Shards > 256 {
		errs = append(errs, fmt.Errorf("transaction: shards %d: want 1 to 256", c.Shards))
	}
	if c.T1 < 0 || c.T2 < 0 || c.T4 < 0 {
		errs = append(errs, fmt.Errorf("transaction: negative timer: t1 %v, t2 %v, t4 %v", c.T1, c.T2, c.T4))
	}
	if c.TimerC != 0 && c.TimerC <= 3*time.Minute {
		errs = append(errs, fmt.Errorf("transaction: timer C %v: want above 3 min", c.TimerC))
	}
	if d := c.withDefaults(); d.T2 < d.T1 {
		errs = append(errs, fmt.Errorf("transaction: t2 %v is below t1 %v", d.T2, d.T1))
	}
	if c.Inbox < 0 {
		errs = append(errs, fmt.Errorf("transaction: inbox %d: want 1 or more", c.Inbox))
	}
	return errors.Join(errs...)
}

func (c Config) withDefaults() Config {
	if c.Shards <= 0 {
		c.Shards = min(runtime.GOMAXPROCS(0), 256)
	}
	if c.T1 <= 0 {
		c.T1 = 500 * time.Millisecond
	}
	if c.T2 <= 0 {
		c.T2 = 4 * time.Second
	}
	if c.T4 <= 0 {
		c.T4 = 5 * time.Second
	}
	if c.TimerC <= 0 {
		c.TimerC = 185 * time.Second
	}
	if c.Inbox <= 0 {
		c.Inbox = 1024
	}
	if c.RetryAfter <= 0 {
		c.RetryAfter = 5 * time.Second
	}
	if c.Branch == nil {
		c.Branch = randomToken
	}
	if c.Tag == nil {
		c.Tag = randomToken
	}
	if c.Admit == nil {
		c.Admit = func(flow.Flow) bool { return true }
	}
	if c.Urgent == nil {
		c.Urgent = func(*wire.Message) bool { return false }
	}
	if c.OnStray == nil {
		c.OnStray = func(flow.Flow) {}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}
