package relay

import (
	"net/netip"
	"sync"
	"time"
)

// memory is the shell on a Network: the same core, with channels in place of
// epoll, so that a fake clock sees every goroutine blocked when nothing happens.
// It allocates per packet.
type memory struct {
	net     Network
	in      chan datagram
	wakeup  chan struct{} // one slot: a wake-up is pending or not
	ended   chan struct{}
	readers sync.WaitGroup
}

type datagram struct {
	leg  *leg
	rtcp bool
	src  netip.AddrPort
	b    []byte
}

func newMemory(n Network) *memory {
	return &memory{net: n, in: make(chan datagram), wakeup: make(chan struct{}, 1), ended: make(chan struct{})}
}

// memorySocket is the pair of sockets of one leg.
type memorySocket struct {
	rtp, rtcp PacketConn
	to        netip.AddrPort
}

func (m *memory) listen(ip netip.Addr, port uint16) (socket, error) {
	rtp, err := m.net.Listen(netip.AddrPortFrom(ip, port).String())
	if err != nil {
		return nil, err
	}
	rtcp, err := m.net.Listen(netip.AddrPortFrom(ip, port+1).String())
	if err != nil {
		rtp.Close()
		return nil, err
	}
	return &memorySocket{rtp: rtp, rtcp: rtcp}, nil
}

func (k *memorySocket) aim(to netip.AddrPort) { k.to = to }

func (k *memorySocket) send(b []byte) bool {
	_, err := k.rtp.WriteToUDPAddrPort(b, k.to)
	return err == nil
}

func (k *memorySocket) report(b []byte, to netip.AddrPort, multiplexed bool) bool {
	conn := k.rtcp
	if multiplexed {
		conn = k.rtp
	}
	_, err := conn.WriteToUDPAddrPort(b, to)
	return err == nil
}

func (k *memorySocket) close() {
	k.rtp.Close()
	k.rtcp.Close()
}

func (m *memory) watch(l *leg) error {
	k, ok := l.sock.(*memorySocket)
	if !ok {
		return nil
	}
	m.readers.Go(func() { m.read(l, k.rtp, false) }) // ends when the leg's socket closes
	m.readers.Go(func() { m.read(l, k.rtcp, true) }) // likewise
	return nil
}

func (m *memory) read(l *leg, conn PacketConn, rtcp bool) {
	for {
		b := make([]byte, maxPacket)
		n, src, err := conn.ReadFromUDPAddrPort(b)
		if err != nil {
			return
		}
		select {
		case m.in <- datagram{leg: l, rtcp: rtcp, src: unmapped(src), b: b[:n]}:
		case <-m.ended:
			return
		}
	}
}

func (m *memory) wake(bool) {
	select {
	case m.wakeup <- struct{}{}:
	default:
	}
}

func (m *memory) run(s *shard) {
	defer close(s.done)
	for !m.serve(s) { // again after a recovered panic
	}
	s.close()
	close(m.ended)
	m.readers.Wait()
}

// serve reports true when the shard is to end.
func (m *memory) serve(s *shard) bool {
	defer s.recovered()
	pacer := time.NewTicker(tick)
	defer pacer.Stop()
	for {
		s.current = nil
		select {
		case <-m.wakeup:
			if s.commands(s.now()) {
				return true
			}
		case <-pacer.C:
			s.core.pace(s.now())
		case d := <-m.in:
			s.current = d.leg
			s.packet(d)
		}
	}
}

func (s *shard) packet(d datagram) {
	if s.core.legs[d.leg.id] != d.leg {
		return
	}
	if d.rtcp {
		s.core.receiveRTCP(d.leg, d.src, d.b, false, s.now())
		return
	}
	s.core.arrive(d.leg, d.src, d.b, s.now())
}
