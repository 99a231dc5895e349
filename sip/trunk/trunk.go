// Package trunk is about peers: the other offices of the network and carriers.
// It tells which peer a request comes from by its address or certificate, orders
// the peers of a group, keeps each below its rate, rewrites numbers and caller
// identities at the border, answers a carrier's challenges, registers with it (RFC
// 3261 10.2) and asks every peer by OPTIONS whether it lives (RFC 3261 11).
//
// What it needs of SIP is one function that sends a request. A Table owns no
// goroutine but those of Run.
package trunk

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lineaamica/la2/numbering"
	"github.com/lineaamica/la2/sip/flow"
)

// A Peer is one trunk, as configured.
type Peer struct {
	// Name is unique and not empty.
	Name string
	// Site is the codice IPA of the office at the other end; "" is a carrier.
	Site string
	// GroupName is the group that the peer belongs to, "" for one of its own. The
	// numbers of a member are those of the group; Members says in which order.
	GroupName string
	Priority  int
	Weight    int
	// HostName and Port stand for Address when the peer is a name: whoever sends finds
	// the addresses (RFC 3263), over Transport or, when it is 0, what the name has. Such
	// a peer needs Sources or a Certificate to be known by.
	HostName string
	Port     int
	// Address is where we send, over Transport (default UDP).
	Transport flow.Transport
	Address   netip.AddrPort
	// Sources are the networks and Endpoints the exact addresses its requests may
	// come from. When both are empty and there is no Certificate it is Address: over
	// UDP with the port, over TCP with any.
	Sources   []netip.Prefix
	Endpoints []netip.AddrPort
	// Domain is the host part of our address-of-record there. Default: the address.
	Domain string
	// Certificate is the name in the TLS certificate of the peer. It admits it from any
	// address, or from Sources and Endpoints when there are some; no address admits it
	// without. "" for none.
	Certificate string
	// In rewrites what the peer sends to our form of numbers. Format, then Out write
	// ours as it wants them. Format defaults to numbering.Global.
	In, Out []Rule
	Format  numbering.Format
	// Trusted puts a carrier into our trust domain for identities (RFC 3325 2.4): its
	// P-Asserted-Identity is believed, and it gets ours. Offices are always in it.
	Trusted bool
	// Abroad says that the peer brings calls from other countries: an Italian caller's
	// number is not verified then, whoever asserts it.
	Abroad bool
	// Account is who we are there, nil when it asks for no credentials.
	Account *Account
	// Register keeps a registration of Account there.
	Register *Registration
	// CLI stands in for callers whose own number must not be shown there: a
	// geographic number, +390… . Default: withheld.
	CLI string
	// Reliable asks the peer for reliable provisional responses (RFC 3262).
	Reliable bool
	// MaxCalls is how many calls may use the trunk at once; 0: no limit. Whoever
	// makes the calls keeps to it. MaxRate is how many may begin in a second, see
	// Take; 0: no limit.
	MaxCalls int
	MaxRate  int
}

// A Table holds the peers. Safe for concurrent use.
type Table struct {
	cfg       HealthConfig
	peers     []*Peer // as configured, never changed
	byName    map[string]*Peer
	groups    map[string][]*Peer
	random    func(n int) int
	endpoints map[netip.AddrPort]*Peer

	mu    sync.Mutex // guards what follows
	state map[string]*state
}

// state is what changes about a peer.
type state struct {
	health health
	since  time.Time // of health.state
	pause  time.Time // it asked not to be called before
	fault  Fault
	rate   bucket
	reg    RegState
}

// New makes a Table. Its error joins every fault of the peers.
func New(peers []Peer, cfg HealthConfig) (*Table, error) {
	cfg.setDefaults()
	t := &Table{cfg: cfg, byName: map[string]*Peer{}, groups: map[string][]*Peer{}, random: rand.IntN, endpoints: map[netip.AddrPort]*Peer{}, state: map[string]*state{}}
	var errs []error
	for i := range peers {
		p := peers[i]
		if p.Transport == 0 && p.HostName == "" {
			p.Transport = flow.UDP
		}
		if err := t.add(&p); err != nil {
			errs = append(errs, fmt.Errorf("trunk: %s: %w", p.Name, err))
		}
	}
	return t, errors.Join(errs...)
}

func (t *Table) add(p *Peer) error {
	switch {
	case p.Name == "":
		return errors.New("a name is required")
	case t.byName[p.Name] != nil:
		return errors.New("two peers have this name")
	case p.HostName == "" && (!p.Address.IsValid() || p.Address.Port() == 0):
		return fmt.Errorf("address %v: want IP:PORT", p.Address)
	case p.GroupName != "" && t.byName[p.GroupName] != nil, t.groups[p.Name] != nil:
		return errors.New("a peer and a group have this name")
	case p.Register != nil && p.Account == nil:
		return errors.New("registers without an account")
	case p.Account != nil && (p.Account.User == "" || p.Account.Realm == ""):
		return errors.New("account: a user and a realm are required")
	case p.MaxRate < 0:
		return fmt.Errorf("max rate %d: want 0 or more", p.MaxRate)
	case p.MaxCalls < 0:
		return fmt.Errorf("max calls %d: want 0 or more", p.MaxCalls)
	case p.CLI != "" && !strings.HasPrefix(p.CLI, "+390"):
		return fmt.Errorf("cli %s: want a geographic number, +390…: others may not be presented", p.CLI)
	}
	if len(p.Sources) == 0 && len(p.Endpoints) == 0 && p.Certificate == "" && p.HostName == "" {
		if p.Transport == flow.UDP {
			p.Endpoints = []netip.AddrPort{p.Address}
		} else {
			a := p.Address.Addr().Unmap()
			p.Sources = []netip.Prefix{netip.PrefixFrom(a, a.BitLen())}
		}
	}
	if err := t.claim(p); err != nil {
		return err
	}
	t.peers = append(t.peers, p)
	t.byName[p.Name] = p
	if p.GroupName != "" {
		t.groups[p.GroupName] = append(t.groups[p.GroupName], p)
	}
	t.state[p.Name] = &state{}
	if p.Register != nil {
		t.state[p.Name].reg = Registering
	}
	return nil
}

// claim makes the sources of p its own.
func (t *Table) claim(p *Peer) error {
	for _, e := range p.Endpoints {
		e = netip.AddrPortFrom(e.Addr().Unmap(), e.Port())
		if other := t.endpoints[e]; other != nil {
			return fmt.Errorf("source %v: is also that of %s", e, other.Name)
		}
		if p.Certificate == "" {
			t.endpoints[e] = p
		}
	}
	for _, s := range p.Sources {
		if !s.IsValid() {
			return errors.New("source: invalid prefix")
		}
		for _, o := range t.peers {
			for _, os := range o.Sources {
				if os.Masked() == s.Masked() {
					return fmt.Errorf("source %v: is also that of %s", s, o.Name)
				}
			}
		}
	}
	return nil
}

// Peers are all peers in the order of the configuration. Read only.
func (t *Table) Peers() []*Peer { return t.peers }

// Peer finds a peer by name.
func (t *Table) Peer(name string) (*Peer, bool) {
	p, ok := t.byName[name]
	return p, ok
}

// Admit finds the peer that sends from src: an exact address before a network, a
// narrow network before a wide one. False: src is no peer, or one that has to show its
// Certificate.
func (t *Table) Admit(src netip.AddrPort) (*Peer, bool) {
	addr := src.Addr().Unmap()
	if p := t.endpoints[netip.AddrPortFrom(addr, src.Port())]; p != nil {
		return p, true
	}
	var found *Peer
	bits := -1
	for _, p := range t.peers {
		if p.Certificate != "" {
			continue
		}
		for _, s := range p.Sources {
			if s.Bits() > bits && s.Contains(addr) {
				found, bits = p, s.Bits()
			}
		}
	}
	return found, found != nil
}

// AdmitName finds the peer whose Certificate is a name that the far end, at src, proved; is tells
// whether it did.
func (t *Table) AdmitName(src netip.AddrPort, is func(name string) bool) (*Peer, bool) {
	for _, p := range t.peers {
		if p.Certificate != "" && p.callsFrom(src) && is(p.Certificate) {
			return p, true
		}
	}
	return nil, false
}

// callsFrom tells whether src is among Sources and Endpoints, or there are none.
func (p *Peer) callsFrom(src netip.AddrPort) bool {
	addr := src.Addr().Unmap()
	return len(p.Sources)+len(p.Endpoints) == 0 ||
		slices.ContainsFunc(p.Sources, func(s netip.Prefix) bool { return s.Contains(addr) }) ||
		slices.Contains(p.Endpoints, netip.AddrPortFrom(addr, src.Port()))
}

// livingFirst keeps the order, but peers that asked for a pause come after the
// others, and those that are down last.
func (t *Table) livingFirst(ps []*Peer) []*Peer {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	var up, paused, down []*Peer
	for _, p := range ps {
		switch s := t.state[p.Name]; {
		case s.health.state == Down:
			down = append(down, p)
		case now.Before(s.pause):
			paused = append(paused, p)
		default:
			up = append(up, p)
		}
	}
	return slices.Concat(up, paused, down)
}
