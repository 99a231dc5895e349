package flow

import (
	"net"
	"net/netip"
	"strings"
)

// A Transport is how messages travel.
type Transport uint8

// The transports. WS and WSS are accepted, never dialled (RFC 7118 5.1).
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

// Param returns the transport parameter of a sip URI that leads here (RFC 3261 19.1.1): "" for
// UDP, which is what a URI without one means, and "ws" for both kinds of WebSocket (RFC 7118 5.2).
func (t Transport) Param() string {
	switch t {
	case TCP:
		return "tcp"
	case TLS:
		return "tls"
	case WS, WSS:
		return "ws"
	}
	return ""
}

// ParseTransport reads a transport parameter or a name of Via, in any case; "" is UDP. It is
// false for a transport that we do not have.
func ParseTransport(s string) (Transport, bool) {
	for t := UDP; t <= WSS; t++ {
		if strings.EqualFold(s, t.String()) {
			return t, true
		}
	}
	return UDP, s == ""
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

// An Endpoint is where we listen.
type Endpoint struct {
	Transport Transport
	Addr      netip.AddrPort
}

// PacketConn is a datagram socket: *net.UDPConn or one of an in-memory network.
type PacketConn interface {
	ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error)
	WriteToUDPAddrPort(b []byte, addr netip.AddrPort) (int, error)
	LocalAddr() net.Addr
	Close() error
}
