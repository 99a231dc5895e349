package relay

import (
	"errors"
	"net/netip"
	"sync"
)

// fakeNet is a Network of channels: what is written to an address arrives at its
// socket at once, or is lost when nobody listens.
type fakeNet struct {
	mu    sync.Mutex
	socks map[netip.AddrPort]*fakeSock
}

type fakeSock struct {
	net    *fakeNet
	addr   netip.AddrPort
	in     chan fakePacket
	closed chan struct{}
	once   sync.Once
}

type fakePacket struct {
	from netip.AddrPort
	b    []byte
}

var errFake = errors.New("closed")

func newFakeNet() *fakeNet { return &fakeNet{socks: map[netip.AddrPort]*fakeSock{}} }

func (n *fakeNet) Listen(addr string) (PacketConn, error) { return n.listen(addr) }

func (n *fakeNet) listen(addr string) (*fakeSock, error) {
	ap, err := netip.ParseAddrPort(addr)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.socks[ap] != nil {
		return nil, errors.New("address in use")
	}
	s := &fakeSock{net: n, addr: ap, in: make(chan fakePacket, 4096), closed: make(chan struct{})}
	n.socks[ap] = s
	return s, nil
}

func (n *fakeNet) count() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.socks)
}

func (s *fakeSock) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	select {
	case p := <-s.in:
		return copy(b, p.b), p.from, nil
	case <-s.closed:
		return 0, netip.AddrPort{}, errFake
	}
}

func (s *fakeSock) WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error) {
	s.net.mu.Lock()
	d := s.net.socks[to]
	s.net.mu.Unlock()
	if d == nil {
		return len(b), nil
	}
	select {
	case d.in <- fakePacket{from: s.addr, b: append([]byte(nil), b...)}:
	default:
	}
	return len(b), nil
}

func (s *fakeSock) Close() error {
	s.once.Do(func() {
		s.net.mu.Lock()
		delete(s.net.socks, s.addr)
		s.net.mu.Unlock()
		close(s.closed)
	})
	return nil
}
