package flow

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/netip"
)

// A target is what a connection was made for, so that others may use it, too. name is whom the
// certificate must name; "" without TLS.
type target struct {
	transport Transport
	remote    netip.AddrPort
	name      string
}

// An attempt is a connection being made. flow and err are set before done is closed.
type attempt struct {
	done chan struct{}
	flow Flow
	err  error
}

// Dial returns a flow to remote: for UDP from the first socket that can reach it, for TCP and TLS
// the connection that is there, or a new one. Callers with the same wish share one attempt. Over
// TLS the certificate of the server must name the address; see DialName.
func (l *Layer) Dial(ctx context.Context, t Transport, remote netip.AddrPort) (Flow, error) {
	return l.DialName(ctx, t, remote, "")
}

// DialName is Dial to the server called name, a domain or a literal address: over TLS its
// certificate must name it (RFC 5922 7.3). "" is the address of remote.
func (l *Layer) DialName(ctx context.Context, t Transport, remote netip.AddrPort, name string) (Flow, error) {
	remote = unmap(remote)
	if !sendable(remote) {
		return Flow{}, ErrAddress
	}
	switch t {
	case UDP:
		return l.dialUDP(remote)
	case TCP:
		return l.connection(ctx, target{transport: TCP, remote: remote})
	case TLS:
		if name == "" {
			name = remote.Addr().String()
		}
		return l.connection(ctx, target{TLS, remote, canonicalName(name)})
	}
	return Flow{}, ErrNoRoute
}

// connection returns the one that is there, or waits for a new one.
func (l *Layer) connection(ctx context.Context, to target) (Flow, error) {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return Flow{}, ErrClosed
	}
	if c := l.byRemote[to]; c != nil {
		l.mu.Unlock()
		return c.flow, nil
	}
	a := l.dials[to]
	if a == nil {
		a = &attempt{done: make(chan struct{})}
		l.dials[to] = a
		l.wg.Add(1)
		go l.connect(a, to) // ends with the attempt, DialTimeout and HandshakeTimeout at most, or Close
	}
	l.mu.Unlock()
	select {
	case <-a.done:
		return a.flow, a.err
	case <-ctx.Done():
		return Flow{}, fmt.Errorf("flow: dial %v: %w", to.remote, ctx.Err())
	}
}

// connect runs on its own goroutine so that no caller's context ends it for the others.
func (l *Layer) connect(a *attempt, to target) {
	defer l.wg.Done()
	c, err := l.reach(to)
	if err == nil {
		err = l.adopt(c)
	}
	if err == nil {
		l.count.dialled.Add(1)
		a.flow = c.flow
		go c.run() // ends when the connection closes or its peer breaks a limit
	} else {
		a.err = fmt.Errorf("flow: dial %v: %w", to.remote, err)
	}
	l.mu.Lock()
	delete(l.dials, to)
	l.mu.Unlock()
	close(a.done)
}

// reach opens a connection, and over TLS proves who is there.
func (l *Layer) reach(to target) (*conn, error) {
	ctx, cancel := context.WithTimeout(l.life, l.cfg.DialTimeout)
	defer cancel()
	nc, err := l.cfg.Dial(ctx, "tcp", to.remote.String())
	if err != nil {
		return nil, err
	}
	c := newConn(l, to.transport, nc)
	c.key = to
	s := newStream(nc, nil)
	c.link = s
	if to.transport != TLS {
		return c, nil
	}
	s.secure = tls.Client(nc, clientTLS(l.cfg.TLS, to.name))
	s.nc = s.secure
	p, err := s.handshake(l.life, l)
	if err != nil {
		s.cut() // nothing of SIP was sent
		return nil, err
	}
	// crypto/tls did not verify the chain, clientTLS did.
	cs := s.secure.ConnectionState()
	p.Certificate = cs.PeerCertificates[0]
	p.Names = identities(p.Certificate)
	c.peer = p
	return c, nil
}
