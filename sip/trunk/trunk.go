// Package trunk is about peers: the other offices of the network and carriers.
// It tells which peer a request comes from by its address, rewrites numbers and
// caller identities at the border, and asks every peer by OPTIONS whether it lives
// (RFC 3261 11).
//
// What it needs of SIP is one function that sends a probe. Omitted: digest and
// TLS peers, DNS (RFC 3263), several addresses per peer. A Table owns no
// goroutine but those of Run.
package trunk

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"

	"github.com/lineaamica/la2/sip/flow"
)

// A Peer is one trunk, as configured.
type Peer struct {
	// Name is unique and not empty.
	Name string
	// Site is the codice IPA of the office at the other end; "" is a carrier.
	Site string
	// Address is where we send, over Transport (default UDP).
	Transport flow.Transport
	Address   netip.AddrPort
	// Sources are the networks and Endpoints the exact addresses its requests may
	// come from. When both are empty it is Address: over UDP with the port, over
	// TCP with any.
	Sources   []netip.Prefix
	Endpoints []netip.AddrPort
	// Numbers are dialled there: "+390810002222" is that number alone,
	// "+39081*" all that begin so.
	Numbers []string
	// In rewrites what the peer dials to our form of numbers, Out ours to its.
	In, Out []Rule
	// CLI stands in for callers whose own number must not be shown there: a
	// geographic number, +390… . Default: withheld.
	CLI string
	// MaxCalls is how many calls may use the trunk at once; 0: no limit. Whoever
	// makes the calls keeps to it.
	MaxCalls int
}

// A Rule rewrites the numbers that begin with Match: the first Strip characters
// go, Add comes in their place. Of several rules the longest Match wins.
type Rule struct {
	Match string
	Strip int
	Add   string
}

// A Table holds the peers. Safe for concurrent use.
type Table struct {
	cfg       HealthConfig
	peers     []*Peer // as configured, never changed
	byName    map[string]*Peer
	endpoints map[netip.AddrPort]*Peer
	exact     map[string][]*Peer // dialled number
	prefixes  map[string][]*Peer

	mu    sync.Mutex // guards what follows
	state map[string]*state
}

// state is what changes about a peer.
type state struct {
	health health
}

// New makes a Table. Its error joins every fault of the peers.
func New(peers []Peer, cfg HealthConfig) (*Table, error) {
	cfg.setDefaults()
	t := &Table{cfg: cfg, byName: map[string]*Peer{}, endpoints: map[netip.AddrPort]*Peer{},
		exact: map[string][]*Peer{}, prefixes: map[string][]*Peer{}, state: map[string]*state{}}
	var errs []error
	for i := range peers {
		p := peers[i]
		if p.Transport == 0 {
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
	case !p.Address.IsValid() || p.Address.Port() == 0:
		return fmt.Errorf("address %v: want IP:PORT", p.Address)
	case p.MaxCalls < 0:
		return fmt.Errorf("max calls %d: want 0 or more", p.MaxCalls)
	case p.CLI != "" && !strings.HasPrefix(p.CLI, "+390"):
		return fmt.Errorf("cli %s: want a geographic number, +390…: others may not be presented", p.CLI)
	}
	if len(p.Sources) == 0 && len(p.Endpoints) == 0 {
		if p.Transport == flow.UDP {
			p.Endpoints = []netip.AddrPort{p.Address}
		} else {
			a := p.Address.Addr().Unmap()
			p.Sources = []netip.Prefix{netip.PrefixFrom(a, a.BitLen())}
		}
	}
	for _, e := range p.Endpoints {
		e = netip.AddrPortFrom(e.Addr().Unmap(), e.Port())
		if other := t.endpoints[e]; other != nil {
			return fmt.Errorf("source %v: is also that of %s", e, other.Name)
		}
		t.endpoints[e] = p
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
	for _, n := range p.Numbers {
		if prefix, isPrefix := strings.CutSuffix(n, "*"); isPrefix {
			t.prefixes[prefix] = append(t.prefixes[prefix], p)
		} else {
			t.exact[n] = append(t.exact[n], p)
		}
	}
	t.peers = append(t.peers, p)
	t.byName[p.Name] = p
	t.state[p.Name] = &state{}
	return nil
}

// Peers are all peers in the order of the configuration. Read only.
func (t *Table) Peers() []*Peer { return t.peers }

// Peer finds a peer by name.
func (t *Table) Peer(name string) (*Peer, bool) {
	p, ok := t.byName[name]
	return p, ok
}

// ToSite finds the peer whose other end is that office.
func (t *Table) ToSite(site string) (*Peer, bool) {
	for _, p := range t.peers {
		if p.Site == site && site != "" {
			return p, true
		}
	}
	return nil, false
}

// Admit finds the peer that sends from src: an exact address before a network, a
// narrow network before a wide one. False: src is no peer.
func (t *Table) Admit(src netip.AddrPort) (*Peer, bool) {
	addr := src.Addr().Unmap()
	if p := t.endpoints[netip.AddrPortFrom(addr, src.Port())]; p != nil {
		return p, true
	}
	var found *Peer
	bits := -1
	for _, p := range t.peers {
		for _, s := range p.Sources {
			if s.Bits() > bits && s.Contains(addr) {
				found, bits = p, s.Bits()
			}
		}
	}
	return found, found != nil
}

// Route lists the peers where a number may be dialled, those that are up first:
// the full number before a prefix, a long prefix before a short one.
func (t *Table) Route(number string) []*Peer {
	if ps := t.exact[number]; ps != nil {
		return t.livingFirst(ps)
	}
	for n := len(number); n >= 0; n-- {
		if ps := t.prefixes[number[:n]]; ps != nil {
			return t.livingFirst(ps)
		}
	}
	return nil
}

func (t *Table) livingFirst(ps []*Peer) []*Peer {
	t.mu.Lock()
	defer t.mu.Unlock()
	var up, down []*Peer
	for _, p := range ps {
		if t.state[p.Name].health.state == Down {
			down = append(down, p)
			continue
		}
		up = append(up, p)
	}
	return append(up, down...)
}
