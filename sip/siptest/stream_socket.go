package siptest

import (
	"bytes"
	"context"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A StreamSocket gives byte streams the shape of a flow.PacketConn, one SIP message a packet, so
// that a UA can speak TCP. It accepts at its address and dials where nothing is open yet.
type StreamSocket struct {
	net  *Network
	ln   *Listener
	dial func(ctx context.Context, network, address string) (net.Conn, error)
	in   chan Packet
	done chan struct{}
	wg   sync.WaitGroup // readers, writers and the acceptor

	mu     sync.Mutex // guards all below
	closed bool
	conns  map[netip.AddrPort]*streamConn
}

type streamConn struct {
	net.Conn
	out chan []byte // nil when the reader ended; guarded by StreamSocket.mu
}

// ListenStream opens a StreamSocket at addr.
func (n *Network) ListenStream(addr string) (*StreamSocket, error) {
	ln, err := n.ListenTCP(addr)
	if err != nil {
		return nil, err
	}
	s := &StreamSocket{
		net: n, ln: ln, dial: n.Dialer(ln.addr.Addr()),
		in: make(chan Packet, queueSize), done: make(chan struct{}),
		conns: map[netip.AddrPort]*streamConn{},
	}
	s.wg.Add(1)
	go s.accept() // ends when Close closes the listener
	return s, nil
}

// NewTCPUA starts a user agent that speaks TCP.
func NewTCPUA(tb TB, nw *Network, addr string, opts ...Option) *UA {
	tb.Helper()
	s, err := nw.ListenStream(addr)
	if err != nil {
		tb.Fatalf("%v", err)
		return nil
	}
	return NewUAOn(tb, s, nw.rtpListener(s.ln.addr.Addr()), opts...)
}

// Transport tells a UA what its Via and Contact say; over TCP nothing is retransmitted.
func (s *StreamSocket) Transport() (name, host string) { return "TCP", s.ln.addr.String() }

// LocalAddr returns the address of the listener.
func (s *StreamSocket) LocalAddr() net.Addr { return s.ln.Addr() }

// Breaks closes all connections without a word, as a rebooted NAT does; the socket stays.
func (s *StreamSocket) Breaks() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		_ = c.Close() // whoever waits on it sees it
	}
}

// Connections returns how many are open.
func (s *StreamSocket) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

func (s *StreamSocket) accept() {
	defer s.wg.Done()
	for {
		nc, err := s.ln.Accept()
		if err != nil {
			return
		}
		s.add(nc)
	}
}

// add starts reader and writer of a connection; nil when the socket is closed.
func (s *StreamSocket) add(nc net.Conn) *streamConn {
	c := &streamConn{Conn: nc, out: make(chan []byte, queueSize)}
	remote := netip.MustParseAddrPort(nc.RemoteAddr().String())
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		_ = nc.Close() // too late
		return nil
	}
	s.conns[remote] = c
	s.wg.Add(2)
	go s.read(c, remote) // ends when the connection closes
	go s.write(c)        // ends when the reader ended
	return c
}

func (s *StreamSocket) read(c *streamConn, remote netip.AddrPort) {
	defer s.wg.Done()
	defer func() {
		s.mu.Lock()
		if s.conns[remote] == c {
			delete(s.conns, remote)
		}
		close(c.out)
		c.out = nil
		s.mu.Unlock()
		_ = c.Close() // it is, or nobody reads it any more
	}()
	var have []byte
	b := make([]byte, 65536)
	for {
		n, err := c.Read(b)
		if err != nil {
			return
		}
		have = append(have, b[:n]...)
		for {
			one, rest, ok := cutMessage(have)
			if !ok {
				break
			}
			have = rest
			select {
			case s.in <- Packet{From: remote, Bytes: one}:
			case <-s.done:
				return
			}
		}
	}
}

// cutMessage takes the first whole message of a stream.
func cutMessage(b []byte) (one, rest []byte, ok bool) {
	for bytes.HasPrefix(b, []byte("\r\n")) {
		b = b[2:]
	}
	head, _, ok := bytes.Cut(b, []byte("\r\n\r\n"))
	if !ok {
		return nil, b, false
	}
	n := 0
	for _, line := range strings.Split(string(head), "\r\n") {
		name, value, _ := strings.Cut(line, ":")
		if fold(strings.TrimSpace(name)) == "content-length" {
			n, _ = strconv.Atoi(strings.TrimSpace(value)) // 0 is as good as an error in a test
		}
	}
	end := len(head) + 4 + max(0, n)
	if len(b) < end {
		return nil, b, false
	}
	return bytes.Clone(b[:end]), b[end:], true
}

func (s *StreamSocket) write(c *streamConn) {
	defer s.wg.Done()
	s.mu.Lock()
	out := c.out
	s.mu.Unlock()
	if out == nil {
		return
	}
	for b := range out {
		if _, err := c.Write(b); err != nil {
			_ = c.Close() // the reader sees it
		}
	}
}

// ReadFromUDPAddrPort waits for a message of any connection.
func (s *StreamSocket) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	select {
	case p := <-s.in:
		return copy(b, p.Bytes), p.From, nil
	case <-s.done:
		return 0, netip.AddrPort{}, net.ErrClosed
	}
}

// WriteToUDPAddrPort sends a message on the connection to addr, which it makes when there is none.
func (s *StreamSocket) WriteToUDPAddrPort(b []byte, addr netip.AddrPort) (int, error) {
	s.mu.Lock()
	c := s.conns[addr]
	s.mu.Unlock()
	if c == nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		nc, err := s.dial(ctx, "tcp", addr.String())
		if err != nil {
			return 0, err
		}
		if c = s.add(nc); c == nil {
			return 0, net.ErrClosed
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.out == nil {
		return 0, net.ErrClosed
	}
	select {
	case c.out <- bytes.Clone(b):
		return len(b), nil
	default:
		return 0, net.ErrClosed
	}
}

// Close closes the listener and all connections and waits for its goroutines.
func (s *StreamSocket) Close() error {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.done)
		for _, c := range s.conns {
			_ = c.Close() // whoever waits on it sees it
		}
	}
	s.mu.Unlock()
	err := s.ln.Close()
	s.wg.Wait()
	return err
}
