package flow

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
)

// ServeTCP accepts connections until ln or the layer is closed, and returns nil then. Accept
// errors (no file descriptors left) are waited out, 5 ms to 1 s. The layer closes ln.
func (l *Layer) ServeTCP(ln net.Listener) error { return l.OpenTCP(ln)() }

// OpenTCP makes ln the listener that Local tells of from now on, and returns the function that
// accepts; see ServeTCP. The layer closes ln also when nobody accepts.
func (l *Layer) OpenTCP(ln net.Listener) (accept func() error) {
	if !l.addListener(ln) {
		return ln.Close
	}
	return func() error { return l.accept(ln) }
}

func (l *Layer) accept(ln net.Listener) error {
	if !l.enter() {
		l.removeListener(ln)
		return nil
	}
	defer l.wg.Done()
	defer l.removeListener(ln)
	var wait backoff
	for {
		nc, err := ln.Accept()
		switch {
		case err == nil:
			wait.reset()
			l.admit(nc)
		case errors.Is(err, net.ErrClosed) || !wait.pause(l.life):
			return nil
		default:
			l.cfg.Logger.Warn("connection not accepted", "local", ln.Addr().String(), "error", err)
		}
	}
}

func (l *Layer) addListener(ln net.Listener) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.listeners = append(l.listeners, ln)
	return true
}

func (l *Layer) removeListener(ln net.Listener) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.listeners = slices.DeleteFunc(l.listeners, func(o net.Listener) bool { return o == ln })
	_ = ln.Close() // it is closed, or nobody accepts any more
}

// admit takes or refuses a connection that was accepted.
func (l *Layer) admit(nc net.Conn) {
	if l.cfg.Filter(TCP, addrPort(nc.RemoteAddr()), nil) == Drop {
		l.count.filtered.Add(1)
		_ = nc.Close() // refused; nothing was sent
		return
	}
	if _, err := l.adopt(nc, true); err != nil {
		return
	}
	l.count.accepted.Add(1)
}

// adopt starts the reader and writer of a connection, or closes it when there are too many.
func (l *Layer) adopt(nc net.Conn, accepted bool) (*conn, error) {
	c := &conn{
		l: l, nc: nc, incoming: accepted,
		flow: Flow{Transport: TCP, Local: addrPort(nc.LocalAddr()), Remote: addrPort(nc.RemoteAddr())},
		out:  make(chan []byte, l.cfg.SendQueue),
		quit: make(chan struct{}),
	}
	ip := c.flow.Remote.Addr()
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		_ = nc.Close() // nothing was sent
		return nil, ErrClosed
	case len(l.conns) >= l.cfg.MaxConns, accepted && l.perIP[ip] >= l.cfg.MaxConnsPerIP:
		l.count.capped.Add(1)
		_ = nc.Close() // nothing was sent
		return nil, ErrLimit
	}
	if t, ok := nc.(*net.TCPConn); ok {
		if err := tuneTCP(t); err != nil {
			l.cfg.Logger.Warn("connection options not set", "remote", c.flow.Remote.String(), "error", err)
		}
	}
	l.lastID++
	c.flow.ID = l.lastID
	l.conns[c.flow.ID] = c
	l.byRemote[c.flow.Remote] = c
	if accepted {
		l.perIP[ip]++
	}
	l.wg.Add(2)
	go c.read()  // ends when the connection closes or its peer breaks a limit
	go c.write() // ends when the reader ended or a write failed
	return c, nil
}

// forget takes a connection out of the tables.
func (l *Layer) forget(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, c.flow.ID)
	if l.byRemote[c.flow.Remote] == c {
		delete(l.byRemote, c.flow.Remote)
	}
	if ip := c.flow.Remote.Addr(); c.incoming {
		if l.perIP[ip]--; l.perIP[ip] <= 0 {
			delete(l.perIP, ip)
		}
	}
}

// An attempt is a connection being made. flow and err are set before done is closed.
type attempt struct {
	done chan struct{}
	flow Flow
	err  error
}

func (l *Layer) dialTCP(ctx context.Context, remote netip.AddrPort) (Flow, error) {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return Flow{}, ErrClosed
	}
	if c := l.byRemote[remote]; c != nil {
		l.mu.Unlock()
		return c.flow, nil
	}
	a := l.dials[remote]
	if a == nil {
		a = &attempt{done: make(chan struct{})}
		l.dials[remote] = a
		l.wg.Add(1)
		go l.connect(a, remote) // ends with the attempt, DialTimeout at most, or Close
	}
	l.mu.Unlock()
	select {
	case <-a.done:
		return a.flow, a.err
	case <-ctx.Done():
		return Flow{}, fmt.Errorf("flow: dial %v: %w", remote, ctx.Err())
	}
}

// connect runs on its own goroutine so that no caller's context ends it for the others.
func (l *Layer) connect(a *attempt, remote netip.AddrPort) {
	defer l.wg.Done()
	ctx, cancel := context.WithTimeout(l.life, l.cfg.DialTimeout)
	defer cancel()
	nc, err := l.cfg.Dial(ctx, "tcp", remote.String())
	if err == nil {
		var c *conn
		if c, err = l.adopt(nc, false); err == nil {
			l.count.dialled.Add(1)
			a.flow = c.flow
		}
	}
	if err != nil {
		a.err = fmt.Errorf("flow: dial %v: %w", remote, err)
	}
	l.mu.Lock()
	delete(l.dials, remote)
	l.mu.Unlock()
	close(a.done)
}
