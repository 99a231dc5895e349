package siptest

import (
	"net"
	"net/netip"
	"os"
	"sync"
	"time"
)

// Datagrams that wait for a reader; more are lost, as in a kernel. Four seconds of RTP from
// twenty senders.
const socketQueue = 4096

// A Socket is a datagram socket of a Network; it is a flow.PacketConn.
type Socket struct {
	net    *Network
	addr   netip.AddrPort
	inbox  chan Packet
	closed chan struct{}
	once   sync.Once
	mu     sync.Mutex // guards until
	until  time.Time
}

func newSocket(n *Network, ap netip.AddrPort) *Socket {
	return &Socket{net: n, addr: ap, inbox: make(chan Packet, socketQueue), closed: make(chan struct{})}
}

// ReadFromUDPAddrPort waits for a datagram; what does not fit into b is cut off. It returns
// net.ErrClosed after Close and os.ErrDeadlineExceeded at the deadline.
func (s *Socket) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	select {
	case <-s.closed:
		return 0, netip.AddrPort{}, net.ErrClosed
	default:
	}
	select { // what is there comes before a deadline that has passed
	case p := <-s.inbox:
		return copy(b, p.Bytes), p.From, nil
	default:
	}
	s.mu.Lock()
	until := s.until
	s.mu.Unlock()
	var timeout <-chan time.Time
	if !until.IsZero() {
		t := time.NewTimer(time.Until(until))
		defer t.Stop()
		timeout = t.C
	}
	select {
	case p := <-s.inbox:
		return copy(b, p.Bytes), p.From, nil
	case <-s.closed:
		return 0, netip.AddrPort{}, net.ErrClosed
	case <-timeout:
		return 0, netip.AddrPort{}, os.ErrDeadlineExceeded
	}
}

// WriteToUDPAddrPort sends a datagram. It never waits, and tells nothing of its fate.
func (s *Socket) WriteToUDPAddrPort(b []byte, addr netip.AddrPort) (int, error) {
	select {
	case <-s.closed:
		return 0, net.ErrClosed
	default:
	}
	s.net.send(s.addr, netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port()), b)
	return len(b), nil
}

// SetReadDeadline bounds reads that begin after it; the zero time means no bound.
func (s *Socket) SetReadDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.until = t
	return nil
}

// LocalAddr returns the address, a *net.UDPAddr.
func (s *Socket) LocalAddr() net.Addr { return net.UDPAddrFromAddrPort(s.addr) }

// AddrPort returns the address.
func (s *Socket) AddrPort() netip.AddrPort { return s.addr }

// Close frees the address and ends a waiting read. It can be repeated.
func (s *Socket) Close() error {
	s.once.Do(func() {
		s.net.remove(s)
		close(s.closed)
	})
	return nil
}
