package relay

import "net/netip"

// A PacketConn is a datagram socket of a Network. ReadFromUDPAddrPort returns an
// error once Close was called.
type PacketConn interface {
	ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error)
	WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error)
	Close() error
}

// A Network makes sockets. An in-memory one lets the relay run under
// testing/synctest; a thread in epoll_wait would stall its clock.
type Network interface {
	// Listen opens a socket on addr, "IP:PORT".
	Listen(addr string) (PacketConn, error)
}

// NetworkFunc makes a function a Network.
type NetworkFunc func(addr string) (PacketConn, error)

// Listen calls f.
func (f NetworkFunc) Listen(addr string) (PacketConn, error) { return f(addr) }
