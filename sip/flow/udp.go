package flow

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/lineaamica/la2/sip/wire"
)

// A socket is one of our datagram sockets.
type socket struct {
	pc    PacketConn
	local netip.AddrPort
}

// ServeUDP reads pc until pc or the layer is closed, and returns nil then. pc should be bound to
// one address, which is what peers see; on a kernel socket sending to broadcast addresses is
// switched off. Read errors are waited out, 5 ms to 1 s. The layer closes pc.
func (l *Layer) ServeUDP(pc PacketConn) error {
	read, err := l.OpenUDP(pc)
	if err != nil {
		return err
	}
	return read()
}

// OpenUDP makes pc a socket of the layer, so that Send, Dial and Local use it from now on, and
// returns the function that reads it; see ServeUDP. The layer closes pc also when nobody reads.
func (l *Layer) OpenUDP(pc PacketConn) (read func() error, err error) {
	s := &socket{pc: pc, local: addrPort(pc.LocalAddr())}
	if !s.local.IsValid() {
		return nil, fmt.Errorf("flow: serve %v: not an address", pc.LocalAddr())
	}
	if u, ok := pc.(*net.UDPConn); ok {
		if err := tuneUDP(u); err != nil {
			l.cfg.Logger.Warn("socket options not set", "local", s.local.String(), "error", err)
		}
		s.pc = ofKernel(u)
	}
	if !l.addSocket(s) {
		return pc.Close, nil
	}
	return func() error { return l.read(s) }, nil
}

func (l *Layer) read(s *socket) error {
	if !l.enter() {
		l.removeSocket(s)
		return nil
	}
	defer l.wg.Done()
	defer l.removeSocket(s)
	buf := make([]byte, 1<<16)
	var m wire.Message
	var wait backoff
	for {
		n, src, err := s.pc.ReadFromUDPAddrPort(buf)
		switch {
		case err == nil:
			wait.reset()
			l.datagram(s, unmap(src), buf[:n], &m)
		case errors.Is(err, net.ErrClosed) || !wait.pause(l.life):
			return nil
		default:
			l.cfg.Logger.Warn("datagram not read", "local", s.local.String(), "error", err)
		}
	}
}

func (l *Layer) addSocket(s *socket) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	all := append(slices.Clone(*l.udp.Load()), s)
	l.udp.Store(&all)
	return true
}

func (l *Layer) removeSocket(s *socket) {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := slices.DeleteFunc(slices.Clone(*l.udp.Load()), func(o *socket) bool { return o == s })
	l.udp.Store(&all)
	_ = s.pc.Close() // it is closed, or nobody reads it any more
}

// datagram takes one datagram from a reader.
func (l *Layer) datagram(s *socket, src netip.AddrPort, b []byte, m *wire.Message) {
	f := Flow{Transport: UDP, Local: s.local, Remote: src}
	switch {
	case string(b) == "\r\n\r\n":
		if l.cfg.Filter(f, b) == Pass && sendable(src) {
			l.write(s, []byte("\r\n"), src)
			l.count.keepAlive.Add(1)
		}
	case isStun(b):
		l.bound(f, b)
	case junk(b):
		l.count.junk.Add(1)
		l.cfg.OnFault(f, Junk)
	default:
		l.message(f, b, m)
	}
}

// bound answers a keep-alive by STUN (RFC 5626 4.4.2). Whether its source may have an answer that
// is longer than the question is up to Config.Outgoing.
func (l *Layer) bound(f Flow, b []byte) {
	defer l.recovered(f)
	if l.cfg.Filter(f, b) == Drop || !sendable(f.Remote) {
		l.count.filtered.Add(1)
		return
	}
	var buf [44]byte
	if out := l.cfg.Outgoing(f, appendStun(buf[:0], b, f.Remote)); out == nil {
		l.count.withheld.Add(1)
	} else if s := l.socket(f.Local); s != nil && l.write(s, out, f.Remote) == nil {
		l.count.keepAlive.Add(1)
	}
}

// junk tells what cannot be a message: short probes, STUN that we do not answer (first octet 0 to
// 3), RTP and DTLS.
func junk(b []byte) bool {
	if len(b) <= 4 {
		return true
	}
	c := b[0]
	return c != '\r' && (c <= ' ' || c >= 0x7f)
}

func (l *Layer) sendUDP(f Flow, b []byte) error {
	if !sendable(f.Remote) {
		return ErrAddress
	}
	if len(b) > maxDatagram {
		return ErrSize
	}
	s := l.socket(f.Local)
	if s == nil {
		return ErrGone
	}
	if err := l.write(s, b, f.Remote); err != nil {
		return fmt.Errorf("flow: send to %v: %w", f.Remote, err)
	}
	l.count.sent.Add(1)
	return nil
}

func (l *Layer) write(s *socket, b []byte, to netip.AddrPort) error {
	_, err := s.pc.WriteToUDPAddrPort(b, to)
	if err != nil {
		l.count.sendFail.Add(1)
	}
	return err
}

func (l *Layer) socket(local netip.AddrPort) *socket {
	for _, s := range *l.udp.Load() {
		if s.local == local {
			return s
		}
	}
	return nil
}

// dialUDP takes the first socket of the same family and, for loopback, of the same side of the
// machine; a socket bound to no address reaches all.
func (l *Layer) dialUDP(remote netip.AddrPort) (Flow, error) {
	a := remote.Addr()
	for _, s := range *l.udp.Load() {
		own := s.local.Addr()
		dual := own.Is6() && own.IsUnspecified() // a socket of [::] takes both
		if own.Is4() != a.Is4() && !dual {
			continue
		}
		if own.IsUnspecified() || own.IsLoopback() == a.IsLoopback() {
			return Flow{Transport: UDP, Local: s.local, Remote: remote}, nil
		}
	}
	return Flow{}, ErrNoRoute
}

// A backoff waits longer each time: 5 ms, doubled up to 1 s.
type backoff struct{ d time.Duration }

func (w *backoff) reset() { w.d = 0 }

// pause waits and reports false when done ended meanwhile.
func (w *backoff) pause(done interface{ Done() <-chan struct{} }) bool {
	w.d = min(max(2*w.d, 5*time.Millisecond), time.Second)
	t := time.NewTimer(w.d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-done.Done():
		return false
	}
}
