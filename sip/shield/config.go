package shield

import (
	"log/slog"
	"net/netip"
	"time"

	"github.com/lineaamica/la2/sip/flow"
)

// Config sets a Shield. The zero value of each field works.
type Config struct {
	// Rules are the access lists. A message must pass all that are of its listener.
	Rules []Rule
	// Exempt sources are neither counted nor banned: monitoring, load balancers. Default none.
	Exempt []netip.Prefix
	// Peer reports other exempt sources, those of trunks, by address or certificate; it is asked
	// last. Default: there are none.
	Peer func(flow.Flow) bool
	// Rate is how many messages a second an unknown source may send; a source is one IPv4
	// address or one IPv6 /64. Default 200: an office behind one address that comes back after a
	// power cut.
	Rate int
	// Burst is how many may come at once. Default ten times Rate.
	Burst int
	// KnownRate is Rate for who is known. Default 10,000: a guard against floods, not a policy.
	KnownRate int
	// Network is how many times Rate and Burst all unknown sources of one network, IPv4 /24 or
	// IPv6 /56, have together. Default 8.
	Network int
	// Signatures are parts of User-Agent, From, To, Call-ID or Subject that only scanners send,
	// without regard to case. Default: DefaultSignatures; empty and not nil: none.
	Signatures []string
	// Points of offences within a minute are a ban. Default 20; see Offence.
	Points int
	// Ban is how long the first ban lasts; each further one four times as long. Default 1 min.
	Ban time.Duration
	// MaxBan is the longest. Default 24 h. A ban is remembered for so long after its end.
	MaxBan time.Duration
	// Size is how many bans, running and remembered, are kept. Default 4096.
	Size int
	// Loopback treats loopback sources like others. Default: they are exempt.
	Loopback bool
	// Logger gets one line a ban. Default: discard.
	Logger *slog.Logger
	// Now is the clock. Default time.Now.
	Now func() time.Time
}

// A Rule is an access list.
type Rule struct {
	// Listener is the socket that it guards; zero: all. An unspecified address means each
	// address of that port.
	Listener netip.AddrPort
	// Deny goes before Allow. An empty Allow allows all.
	Allow, Deny []netip.Prefix
}

func (c Config) withDefaults() Config {
	def(&c.Rate, 200)
	def(&c.Burst, 10*c.Rate)
	def(&c.KnownRate, 10_000)
	def(&c.Network, 8)
	if c.Signatures == nil {
		c.Signatures = DefaultSignatures()
	}
	def(&c.Points, 20)
	def(&c.Ban, time.Minute)
	def(&c.MaxBan, 24*time.Hour)
	def(&c.Size, 4096)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Peer == nil {
		c.Peer = func(flow.Flow) bool { return false }
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// def sets what was left out.
func def[T int | time.Duration](v *T, d T) {
	if *v <= 0 {
		*v = d
	}
}

// guards tells whether r is about what came to local.
func (r *Rule) guards(local netip.AddrPort) bool {
	if !r.Listener.IsValid() || r.Listener == local {
		return true
	}
	return r.Listener.Addr().IsUnspecified() && r.Listener.Port() == local.Port()
}

// admits tells whether the list lets a in.
func (r *Rule) admits(a netip.Addr) bool {
	return !within(r.Deny, a) && (len(r.Allow) == 0 || within(r.Allow, a))
}

func within(list []netip.Prefix, a netip.Addr) bool {
	for _, p := range list {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
