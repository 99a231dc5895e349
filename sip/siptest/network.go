package siptest

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"time"
)

// Delay of a link that nobody changed. It keeps cause and effect apart on the clock.
const defaultDelay = time.Millisecond

// A Link says what happens to datagrams on one way between two addresses. Probabilities are
// 0 to 1 and independent of each other.
type Link struct {
	Delay     time.Duration // of each datagram; 0 delivers within the send call
	Jitter    time.Duration // up to so much more, drawn evenly; order within a path is kept
	Loss      float64       // lost
	Duplicate float64       // delivered twice, the second one Delay later
	Reorder   float64       // held back by twice the delay, so that later ones overtake it
}

// A Packet is a datagram on its way.
type Packet struct {
	From, To netip.AddrPort
	Bytes    []byte // not to be changed or kept by taps and filters
}

// A Network is a set of sockets that reach each other. Its methods are safe for concurrent use;
// taps and filters run on the sender and must not call the network.
type Network struct {
	seed uint64

	mu        sync.Mutex // guards all below; never held while anything waits
	socks     map[netip.AddrPort]*Socket
	listeners map[netip.AddrPort]*Listener
	links     map[[2]netip.Addr]Link
	paths     map[[2]netip.AddrPort]*path
	queue     packetHeap
	seq       uint64
	taps      []func(from, to netip.AddrPort, b []byte)
	filters   []*filter
	ports     map[netip.Addr]uint16
	stats     NetworkStats
}

// A filter drops what matches, left times; for ever when left is below 0.
type filter struct {
	match func(Packet) bool
	left  int
}

// A path has its own dice, so that what happens on it does not depend on other traffic.
type path struct {
	rng  *rand.Rand
	last time.Time // due time of the latest datagram in order
}

// NetworkStats counts datagrams.
type NetworkStats struct {
	Sent, Delivered  uint64
	Lost             uint64 // by Link.Loss
	Filtered         uint64 // by Drop
	Unreachable      uint64 // no socket at the destination
	Overflow         uint64 // the reader did not keep up: 4096 waiting
	Duplicated, Late uint64
}

// NewNetwork returns a network without sockets in which each datagram takes 1 ms. The same seed
// gives each path the same fate for its n-th datagram.
func NewNetwork(seed uint64) *Network {
	return &Network{
		seed:      seed,
		socks:     map[netip.AddrPort]*Socket{},
		listeners: map[netip.AddrPort]*Listener{},
		links:     map[[2]netip.Addr]Link{},
		paths:     map[[2]netip.AddrPort]*path{},
		ports:     map[netip.Addr]uint16{},
	}
}

// Listen opens a datagram socket at addr, "10.0.0.1:5060"; port 0 takes a free one. A taken
// address gives an error that wraps syscall.EADDRINUSE.
func (n *Network) Listen(addr string) (*Socket, error) {
	ap, err := netip.ParseAddrPort(addr)
	if err != nil {
		return nil, fmt.Errorf("siptest: listen %q: %w", addr, err)
	}
	return n.ListenAddrPort(ap)
}

// ListenAddrPort is Listen for a parsed address.
func (n *Network) ListenAddrPort(ap netip.AddrPort) (*Socket, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	ap = netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
	if ap.Port() == 0 {
		ap = n.freePort(ap.Addr())
	}
	if n.socks[ap] != nil {
		return nil, fmt.Errorf("siptest: listen %v: %w", ap, syscall.EADDRINUSE)
	}
	s := newSocket(n, ap)
	n.socks[ap] = s
	return s, nil
}

// freePort finds an even port from 49152 on (RFC 6335 6); the odd one above is left to the RTCP of
// a socket for RTP (RFC 3550 11). n.mu must be held.
func (n *Network) freePort(a netip.Addr) netip.AddrPort {
	for {
		n.ports[a] += 2
		ap := netip.AddrPortFrom(a, 49152+n.ports[a]%16384)
		if n.socks[ap] == nil && n.listeners[ap] == nil {
			return ap
		}
	}
}

// SetLink sets the way from one address to another. The zero Addr stands for any; the most
// exact setting counts, that for the sender before that for the receiver.
func (n *Network) SetLink(from, to netip.Addr, l Link) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.links[[2]netip.Addr{from, to}] = l
}

// SetDefault sets all ways that SetLink did not name.
func (n *Network) SetDefault(l Link) { n.SetLink(netip.Addr{}, netip.Addr{}, l) }

// Cut loses everything between a and b, both ways, until Heal. Streams are not touched.
func (n *Network) Cut(a, b netip.Addr) {
	n.SetLink(a, b, Link{Loss: 1})
	n.SetLink(b, a, Link{Loss: 1})
}

// Heal takes back Cut and SetLink for both ways between a and b.
func (n *Network) Heal(a, b netip.Addr) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.links, [2]netip.Addr{a, b})
	delete(n.links, [2]netip.Addr{b, a})
}

// Drop loses the next count datagrams that match, all of them when count is below 0. The
// function returned takes it back.
func (n *Network) Drop(count int, match func(Packet) bool) (stop func()) {
	f := &filter{match: match, left: count}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.filters = append(n.filters, f)
	return func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.filters = slices.DeleteFunc(n.filters, func(g *filter) bool { return g == f })
	}
}

// Tap shows fn every datagram at the moment it is sent, also those that get lost.
func (n *Network) Tap(fn func(from, to netip.AddrPort, b []byte)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.taps = append(n.taps, fn)
}

// Stats returns the counters.
func (n *Network) Stats() NetworkStats {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.stats
}

// Inject sends a datagram from an address that need not have a socket: a spoofed one.
func (n *Network) Inject(from, to netip.AddrPort, b []byte) { n.send(from, to, b) }

func (n *Network) send(from, to netip.AddrPort, b []byte) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.stats.Sent++
	for _, tap := range n.taps {
		tap(from, to, b)
	}
	p := Packet{From: from, To: to, Bytes: slices.Clone(b)}
	if n.filtered(p) {
		n.stats.Filtered++
		return
	}
	l := n.link(from.Addr(), to.Addr())
	way := n.path(from, to)
	// All dice are thrown each time: changing one knob leaves the others' outcomes alone.
	lost, twice, late := way.rng.Float64() < l.Loss, way.rng.Float64() < l.Duplicate, way.rng.Float64() < l.Reorder
	extra := time.Duration(way.rng.Float64() * float64(l.Jitter))
	if lost {
		n.stats.Lost++
		return
	}
	now := time.Now()
	due := now.Add(l.Delay + extra)
	switch {
	case late:
		n.stats.Late++
		due = due.Add(2*l.Delay + l.Jitter)
	case due.Before(way.last):
		due = way.last
	default:
		way.last = due
	}
	n.deliverAt(now, due, p)
	if twice {
		n.stats.Duplicated++
		n.deliverAt(now, due.Add(l.Delay), p)
	}
}

// filtered runs the filters. n.mu must be held.
func (n *Network) filtered(p Packet) bool {
	for _, f := range n.filters {
		if f.left != 0 && f.match(p) {
			f.left--
			return true
		}
	}
	return false
}

// link finds the setting for a way. n.mu must be held.
func (n *Network) link(from, to netip.Addr) Link {
	var anywhere netip.Addr
	for _, k := range [...][2]netip.Addr{{from, to}, {from, anywhere}, {anywhere, to}, {anywhere, anywhere}} {
		if l, ok := n.links[k]; ok {
			return l
		}
	}
	return Link{Delay: defaultDelay}
}

// path finds or makes the state of a way. n.mu must be held.
func (n *Network) path(from, to netip.AddrPort) *path {
	k := [2]netip.AddrPort{from, to}
	p := n.paths[k]
	if p == nil {
		p = &path{rng: rand.New(rand.NewPCG(n.seed, pathSeed(from, to)))}
		n.paths[k] = p
	}
	return p
}

// pathSeed hashes the same way in each process (FNV-1a).
func pathSeed(from, to netip.AddrPort) uint64 {
	h := uint64(14695981039346656037)
	for _, c := range []byte(from.String() + ">" + to.String()) {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return h
}

// deliverAt hands p over now or plans it. n.mu must be held.
func (n *Network) deliverAt(now, due time.Time, p Packet) {
	if !due.After(now) {
		n.deliver(p)
		return
	}
	n.seq++
	heap.Push(&n.queue, planned{due: due, seq: n.seq, p: p})
	time.AfterFunc(due.Sub(now), n.flush) // ends by itself after one run
}

// flush delivers what is due, in order of time and sending.
func (n *Network) flush() {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := time.Now()
	for len(n.queue) > 0 && !n.queue[0].due.After(now) {
		n.deliver(heap.Pop(&n.queue).(planned).p)
	}
}

// deliver puts p into the socket's inbox. n.mu must be held.
func (n *Network) deliver(p Packet) {
	s := n.socks[p.To]
	if s == nil {
		n.stats.Unreachable++
		return
	}
	select {
	case s.inbox <- p:
		n.stats.Delivered++
	default:
		n.stats.Overflow++
	}
}

func (n *Network) remove(s *Socket) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.socks[s.addr] == s {
		delete(n.socks, s.addr)
	}
}

type planned struct {
	due time.Time
	seq uint64
	p   Packet
}

type packetHeap []planned

func (h packetHeap) Len() int { return len(h) }
func (h packetHeap) Less(i, j int) bool {
	if !h[i].due.Equal(h[j].due) {
		return h[i].due.Before(h[j].due)
	}
	return h[i].seq < h[j].seq
}
func (h packetHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *packetHeap) Push(x any)   { *h = append(*h, x.(planned)) }
func (h *packetHeap) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}
