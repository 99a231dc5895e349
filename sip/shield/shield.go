package shield

import (
	"hash/maphash"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/lineaamica/la2/sip/flow"
)

// Sizes of the tables, as powers of two of sets of eight sources: together about 2 MiB.
const (
	hostBits  = 12
	netBits   = 9
	scoreBits = 11
	paidBits  = 12
)

// maxPaid is the most that a source can have paid in advance, in octets.
const maxPaid = 64 << 10

// A Shield is the guard in front of the SIP sockets. Its methods are safe for concurrent use and
// never block on anything but a short lock.
type Shield struct {
	cfg    Config
	seed   maphash.Seed
	words  *signatures
	hosts  *table // messages of a source
	nets   *table // messages of the unknown of a network
	scores *table // offences
	paid   *table // octets that came and were not answered yet
	known  known
	bans   bans

	friends, denied, limited, banned, scanners, withheld atomic.Uint64
}

// New returns a shield without history.
func New(cfg Config) *Shield {
	s := &Shield{cfg: cfg.withDefaults(), seed: maphash.MakeSeed(),
		hosts: newTable(hostBits), nets: newTable(netBits), scores: newTable(scoreBits), paid: newTable(paidBits)}
	s.words = newSignatures(s.cfg.Signatures)
	s.known.init()
	s.bans.list = map[netip.Prefix]*ban{}
	return s
}

// Verdict is a flow.Config.Filter.
func (s *Shield) Verdict(f flow.Flow, b []byte) flow.Verdict {
	a := f.Remote.Addr().Unmap().WithZone("")
	for i := range s.cfg.Rules {
		if r := &s.cfg.Rules[i]; r.guards(f.Local) && !r.admits(a) {
			s.denied.Add(1)
			return flow.Drop
		}
	}
	if s.exempt(a) {
		s.friends.Add(1)
		return flow.Pass
	}
	now := s.cfg.Now()
	key := hostKey(s.seed, a)
	if s.known.has(a, now) {
		if _, ok := s.hosts.pour(key, now, 1, float64(s.cfg.KnownRate), 2*float64(s.cfg.KnownRate)); !ok {
			s.limited.Add(1)
			return flow.Drop
		}
		s.friends.Add(1)
		return flow.Pass
	}
	if s.cfg.Peer(f) {
		s.friends.Add(1)
		return flow.Pass
	}
	if s.bans.hold(a, b, now) {
		s.banned.Add(1)
		return flow.Drop
	}
	if !s.within(a, key, now) {
		s.limited.Add(1)
		s.Report(f, Flood)
		return flow.Drop
	}
	if b == nil {
		return flow.Pass
	}
	if s.words.match(b) != "" {
		s.scanners.Add(1)
		s.Report(f, Scanner)
		return flow.Drop
	}
	if f.Transport == flow.UDP {
		s.paid.earn(key, now, float64(len(b)), maxPaid)
	}
	return flow.Pass
}

// within counts a message of the unknown a, for itself and for its network.
func (s *Shield) within(a netip.Addr, key uint64, now time.Time) bool {
	rate, burst, n := float64(s.cfg.Rate), float64(s.cfg.Burst), float64(s.cfg.Network)
	if _, ok := s.hosts.pour(key, now, 1, rate, burst); !ok {
		return false
	}
	_, ok := s.nets.pour(netKey(s.seed, a), now, 1, n*rate, n*burst)
	return ok
}

// exempt tells who is neither counted nor banned.
func (s *Shield) exempt(a netip.Addr) bool {
	return a.IsLoopback() && !s.cfg.Loopback || within(s.cfg.Exempt, a)
}

// stun is the first octet of an answer by STUN (RFC 8489 5).
const stun = 1

// talked is how long somebody is known whom we called: it is our own configuration, or a call that
// is under way, that sent us there.
const talked = 2 * time.Minute

// Outgoing is a flow.Config.Outgoing: a response over UDP that its receiver has not paid for is
// shortened, or withheld. A request sent again pays again, so that a short one is answered at the
// second time. 100 leaves only when three of its size are left: it would stop the client from
// sending again what pays for the answer.
func (s *Shield) Outgoing(f flow.Flow, b []byte) []byte {
	called := len(b) > 7 && string(b[:7]) == "INVITE "
	if !called && (len(b) < 12 || string(b[:4]) != "SIP/" && b[0] != stun) {
		return b
	}
	a := f.Remote.Addr().Unmap().WithZone("")
	now := s.cfg.Now()
	if called {
		if !s.exempt(a) {
			s.Trust(a, now.Add(talked))
		}
		return b
	}
	if s.exempt(a) || s.known.has(a, now) || s.cfg.Peer(f) {
		return b
	}
	spare := 0
	switch string(b[8:11]) {
	case "401", "407":
		s.Report(f, Challenged)
	case "100":
		spare = 3
	}
	if f.Transport != flow.UDP {
		return b
	}
	key := hostKey(s.seed, a)
	pays := func(b []byte) bool { return s.paid.spend(key, now, float64(len(b)), float64((1+spare)*len(b))) }
	if pays(b) {
		return b
	}
	for _, how := range [...]brevity{bare, compact, terse} {
		if short := shorten(b, how); short != nil && pays(short) {
			return short
		}
	}
	s.withheld.Add(1)
	return nil
}

// Lend lets a receive octets more than came from it: the answers of a call that was admitted
// without proof, at a service that is open to all.
func (s *Shield) Lend(a netip.Addr, octets int) {
	a = a.Unmap().WithZone("")
	s.paid.earn(hostKey(s.seed, a), s.cfg.Now(), float64(octets), maxPaid)
}

// Stats counts since New, except the gauges.
type Stats struct {
	Bans  int // running now
	Known int // sources known now, at most

	Friends  uint64 // passed, from the known, the exempt and peers
	Denied   uint64 // messages and connections refused by an access list
	Limited  uint64 // dropped because their source sends too many
	Banned   uint64 // dropped because their source is banned
	Scanners uint64 // messages with the signature of a scanner
	Withheld uint64 // responses over UDP not sent, because they were longer than what came
}

// Stats returns the counts.
func (s *Shield) Stats() Stats {
	return Stats{
		Bans: s.bans.running(s.cfg.Now()), Known: s.known.len(),
		Friends: s.friends.Load(), Denied: s.denied.Load(), Limited: s.limited.Load(), Banned: s.banned.Load(),
		Scanners: s.scanners.Load(), Withheld: s.withheld.Load(),
	}
}
