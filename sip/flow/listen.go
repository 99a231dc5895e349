package flow

import (
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"slices"
)

// A listener takes connections of one transport.
type listener struct {
	net.Listener
	at  Endpoint
	tls *tls.Config // nil for TCP
}

// ServeTCP accepts connections until ln or the layer is closed, and returns nil then. Accept
// errors (no file descriptors left) are waited out, 5 ms to 1 s. The layer closes ln.
func (l *Layer) ServeTCP(ln net.Listener) error { return l.OpenTCP(ln)() }

// OpenTCP makes ln one of the listeners that Address tells of from now on, and returns the function
// that accepts; see ServeTCP. The layer closes ln also when nobody accepts.
func (l *Layer) OpenTCP(ln net.Listener) (accept func() error) {
	return l.open(&listener{Listener: ln, at: Endpoint{TCP, addrPort(ln.Addr())}})
}

// OpenTLS is OpenTCP for TLS 1.2 and above on ln (RFC 3261 26.3.1). cfg needs a certificate; its
// ClientAuth says whether clients need one, and Peer tells whom it names. Handshakes run on the
// connections' own goroutines, within HandshakeTimeout.
func (l *Layer) OpenTLS(ln net.Listener, cfg *tls.Config) (accept func() error) {
	cfg = cfg.Clone()
	cfg.MinVersion = max(cfg.MinVersion, tls.VersionTLS12)
	return l.open(&listener{Listener: ln, at: Endpoint{TLS, addrPort(ln.Addr())}, tls: cfg})
}

func (l *Layer) open(ln *listener) (accept func() error) {
	if !l.addListener(ln) {
		return ln.Close
	}
	return func() error { return l.accept(ln) }
}

func (l *Layer) accept(ln *listener) error {
	if !l.enter() {
		l.removeListener(ln)
		return nil
	}
	defer l.wg.Done()
	defer l.removeListener(ln)
	var wait backoff
	for {
		nc, err := l.next(ln, &wait)
		if err != nil {
			return nil
		}
		l.admit(ln, nc)
	}
}

// next waits for a connection that the filter lets pass. Its only error is that ln or the layer
// was closed.
func (l *Layer) next(ln *listener, wait *backoff) (net.Conn, error) {
	for {
		nc, err := ln.Accept()
		switch {
		case err == nil && l.cfg.Filter(Flow{Transport: ln.at.Transport, Local: addrPort(nc.LocalAddr()), Remote: addrPort(nc.RemoteAddr())}, nil) == Drop:
			l.count.filtered.Add(1)
			_ = nc.Close() // refused; nothing was sent
		case err == nil:
			wait.reset()
			return nc, nil
		case errors.Is(err, net.ErrClosed) || !wait.pause(l.life):
			return nil, net.ErrClosed
		default:
			l.cfg.Logger.Warn("connection not accepted", "local", ln.at.Addr.String(), "error", err)
		}
	}
}

func (l *Layer) addListener(ln *listener) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	all := append(slices.Clone(*l.listeners.Load()), ln)
	l.listeners.Store(&all)
	return true
}

func (l *Layer) removeListener(ln *listener) {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := slices.DeleteFunc(slices.Clone(*l.listeners.Load()), func(o *listener) bool { return o == ln })
	l.listeners.Store(&all)
	_ = ln.Close() // it is closed, or nobody accepts any more
}

// admit takes a connection that was accepted, if the limits allow it.
func (l *Layer) admit(ln *listener, nc net.Conn) {
	c := newConn(l, ln.at.Transport, nc)
	c.link, c.incoming = newStream(nc, ln.tls), true
	if ln.tls == nil { // who dials this very address and port means this connection
		c.key = target{transport: TCP, remote: c.flow.Remote}
	}
	if l.adopt(c) == nil {
		l.count.accepted.Add(1)
		go c.run() // ends when the connection closes or its peer breaks a limit
	}
}

func newConn(l *Layer, t Transport, nc net.Conn) *conn {
	if g, ok := nc.(*gated); ok {
		nc = g.Conn
	}
	if tcp, ok := nc.(*net.TCPConn); ok {
		if err := tuneTCP(tcp); err != nil {
			l.cfg.Logger.Warn("connection options not set", "remote", nc.RemoteAddr().String(), "error", err)
		}
	}
	return &conn{l: l, flow: Flow{Transport: t, Local: addrPort(nc.LocalAddr()), Remote: addrPort(nc.RemoteAddr())}}
}

// adopt makes c one of our connections and counts its reader, or cuts it when there are too many.
func (l *Layer) adopt(c *conn) error {
	trusted := !c.incoming || l.cfg.Trusted(c.flow.Remote.Addr())
	l.mu.Lock()
	err := l.room(c, trusted)
	if err == nil {
		l.enlist(c)
	}
	l.mu.Unlock()
	if err != nil {
		c.link.cut() // nothing was sent
	}
	return err
}

// room says whether the limits allow c. l.mu must be held.
func (l *Layer) room(c *conn, trusted bool) error {
	switch {
	case l.closed:
		return ErrClosed
	case l.crowded(c.flow.Remote.Addr(), trusted, c.flow.Transport == TLS):
		l.count.capped.Add(1)
		return ErrLimit
	}
	return nil
}

// crowded tells whether there are too many connections for one more, which may begin with a
// handshake. l.mu must be held.
func (l *Layer) crowded(ip netip.Addr, trusted, handshake bool) bool {
	all, most, from := len(l.conns)+l.waiting, l.cfg.MaxConns, sourceOf(ip)
	if trusted {
		return all >= most
	}
	return all >= most-most/8 || l.perIP[from] >= l.cfg.MaxConnsPerIP || handshake && l.greeting[from] >= l.cfg.MaxHandshakesPerIP
}

// sourceOf is what counts as one address: all of a subscriber's network with IPv6.
func sourceOf(ip netip.Addr) netip.Addr {
	if ip = ip.Unmap(); ip.Is4() {
		return ip
	}
	p, err := ip.Prefix(64)
	if err != nil {
		return ip
	}
	return p.Addr()
}

// enlist puts c into the tables. l.mu must be held.
func (l *Layer) enlist(c *conn) {
	l.lastID++
	c.flow.ID = l.lastID
	l.conns[c.flow.ID] = c
	if c.key != (target{}) {
		l.byRemote[c.key] = c
	}
	if from := sourceOf(c.flow.Remote.Addr()); c.incoming {
		l.perIP[from]++
		if c.flow.Transport == TLS {
			l.greeting[from]++
		}
	}
	l.wg.Add(1)
}

// settled says that the handshake of an accepted connection is over.
func (l *Layer) settled(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	lower(l.greeting, sourceOf(c.flow.Remote.Addr()))
}

// forget takes a connection out of the tables.
func (l *Layer) forget(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, c.flow.ID)
	if l.byRemote[c.key] == c {
		delete(l.byRemote, c.key)
	}
	if c.incoming {
		lower(l.perIP, sourceOf(c.flow.Remote.Addr()))
	}
}

// lower counts one down and keeps no zeros.
func lower(counts map[netip.Addr]int, a netip.Addr) {
	if counts[a]--; counts[a] <= 0 {
		delete(counts, a)
	}
}

// Local returns the address of our first socket of t. Zero when there is none.
func (l *Layer) Local(t Transport) netip.AddrPort {
	if t == UDP {
		if s := *l.udp.Load(); len(s) > 0 {
			return s[0].local
		}
		return netip.AddrPort{}
	}
	for _, ln := range *l.listeners.Load() {
		if ln.at.Transport == t {
			return ln.at.Addr
		}
	}
	return netip.AddrPort{}
}

// Address returns the address of ours that the far end of f uses to reach us: what Via, Contact and
// Record-Route say to it. It is the socket of a datagram; for a connection the listener that
// accepted it or, when we dialled, the one of the same transport that is nearest; the end of the
// connection when there is none. An address in Config.Advertise takes its place.
func (l *Layer) Address(f Flow) netip.AddrPort {
	at := Endpoint{f.Transport, f.Local}
	if f.Transport != UDP {
		at.Addr = nearest(*l.listeners.Load(), f)
	}
	if out, ok := l.cfg.Advertise[at]; ok {
		return out
	}
	if at.Addr.Addr().IsUnspecified() && !f.Local.Addr().IsUnspecified() {
		return netip.AddrPortFrom(f.Local.Addr(), at.Addr.Port())
	}
	return at.Addr
}

// nearest finds where f was accepted or, for a connection that we dialled, the listener on the
// same address, of the same family, or any.
func nearest(all []*listener, f Flow) netip.AddrPort {
	best, rank := f.Local, 0
	for _, ln := range all {
		a, local, r := ln.at.Addr.Addr(), f.Local.Addr(), 1
		switch {
		case ln.at.Transport != f.Transport:
			continue
		case a == local:
			r = 4
		case a.IsUnspecified() && (a.Is4() == local.Is4() || a.Is6()):
			r = 3
		case a.Is4() == local.Is4():
			r = 2
		}
		if ln.at.Addr.Port() == f.Local.Port() {
			r += 4 // accepted, not dialled
		}
		if r > rank {
			best, rank = ln.at.Addr, r
		}
	}
	return best
}
