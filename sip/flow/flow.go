package flow

import (
	"net"
	"net/netip"
)

// A Transport is how messages travel.
type Transport uint8

// The transports; only UDP and TCP are served so far.
const (
	UDP Transport = iota + 1
	TCP
	TLS
	WS
	WSS
)

// String returns the name as Via writes it.
func (t Transport) String() string {
	switch t {
	case UDP:
		return "UDP"
	case TCP:
		return "TCP"
	case TLS:
		return "TLS"
	case WS:
		return "WS"
	case WSS:
		return "WSS"
	}
	return ""
}

// Reliable reports whether the transport delivers in order or not at all: no retransmissions.
func (t Transport) Reliable() bool { return t > UDP }

// A Flow names one path between us and a peer (RFC 5626 2). It is comparable and stays a valid
// name after the path has gone. Addresses are never IPv4-mapped.
type Flow struct {
	Transport Transport
	Local     netip.AddrPort // our socket, or our end of the connection
	Remote    netip.AddrPort
	ID        uint64 // number of the connection since start, from 1; 0 for UDP
}

// PacketConn is a datagram socket: *net.UDPConn or one of an in-memory network.
type PacketConn interface {
	ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error)
	WriteToUDPAddrPort(b []byte, addr netip.AddrPort) (int, error)
	LocalAddr() net.Addr
	Close() error
}
