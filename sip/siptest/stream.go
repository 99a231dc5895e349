package siptest

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"
)

// A Listener takes byte streams in a Network; it is a net.Listener.
type Listener struct {
	net    *Network
	addr   netip.AddrPort
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

// ListenTCP opens a listener at addr; port 0 takes a free one.
func (n *Network) ListenTCP(addr string) (*Listener, error) {
	ap, err := netip.ParseAddrPort(addr)
	if err != nil {
		return nil, fmt.Errorf("siptest: listen %q: %w", addr, err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if ap.Port() == 0 {
		ap = n.freePort(ap.Addr())
	}
	if n.listeners[ap] != nil {
		return nil, fmt.Errorf("siptest: listen %v: %w", ap, syscall.EADDRINUSE)
	}
	l := &Listener{net: n, addr: ap, conns: make(chan net.Conn), closed: make(chan struct{})}
	n.listeners[ap] = l
	return l, nil
}

// Accept waits for a connection; net.ErrClosed after Close.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Addr returns the address, a *net.TCPAddr.
func (l *Listener) Addr() net.Addr { return net.TCPAddrFromAddrPort(l.addr) }

// Close frees the address; connections stay open.
func (l *Listener) Close() error {
	l.once.Do(func() {
		l.net.mu.Lock()
		delete(l.net.listeners, l.addr)
		l.net.mu.Unlock()
		close(l.closed)
	})
	return nil
}

// Dialer returns a dial function for connections from the address of a host: what a
// flow.Config takes. A missing listener refuses at once.
func (n *Network) Dialer(from netip.Addr) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, _, address string) (net.Conn, error) {
		to, err := netip.ParseAddrPort(address)
		if err != nil {
			return nil, fmt.Errorf("siptest: dial %q: %w", address, err)
		}
		n.mu.Lock()
		l, local := n.listeners[to], n.freePort(from)
		n.mu.Unlock()
		if l == nil {
			return nil, fmt.Errorf("siptest: dial %v: %w", to, syscall.ECONNREFUSED)
		}
		a, b := net.Pipe()
		near, far := &stream{Conn: a, local: local, remote: to}, &stream{Conn: b, local: to, remote: local}
		select {
		case l.conns <- far:
			return near, nil
		case <-l.closed:
			return nil, fmt.Errorf("siptest: dial %v: %w", to, syscall.ECONNREFUSED)
		case <-ctx.Done():
			return nil, fmt.Errorf("siptest: dial %v: %w", to, ctx.Err())
		}
	}
}

// A stream is one end of a connection: a net.Pipe with addresses. A write waits until it is read.
type stream struct {
	net.Conn
	local, remote netip.AddrPort
}

func (s *stream) LocalAddr() net.Addr  { return net.TCPAddrFromAddrPort(s.local) }
func (s *stream) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(s.remote) }
