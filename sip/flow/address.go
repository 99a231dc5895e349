package flow

import (
	"net"
	"net/netip"

	"github.com/lineaamica/la2/sip/wire"
)

// ResponseAddr returns where the response to a request goes that came over f with via on top
// (RFC 3261 18.2.2, RFC 3581 4). The address is always the source of the request, whatever the
// header says (maddr and received are ignored); the port is that of the source when rport asks
// so and over TCP, else that of sent-by, 5060 by default. Zero when there is nowhere to send to.
func ResponseAddr(via wire.Via, f Flow) netip.AddrPort {
	port := f.Remote.Port()
	if f.Transport == UDP && !via.RPort {
		if port = via.Port; port == 0 {
			port = 5060
		}
	}
	to := netip.AddrPortFrom(f.Remote.Addr().Unmap(), port)
	if !sendable(to) {
		return netip.AddrPort{}
	}
	return to
}

// ResponseFlow is f with Remote set to ResponseAddr.
func ResponseFlow(via wire.Via, f Flow) Flow {
	f.Remote = ResponseAddr(via, f)
	return f
}

// sendable refuses what no single peer can have. Broadcast addresses of a subnet are refused by
// the kernel, see tuneUDP.
func sendable(a netip.AddrPort) bool {
	ip := a.Addr()
	return ip.IsValid() && a.Port() != 0 && !ip.IsUnspecified() && !ip.IsMulticast() &&
		ip != netip.AddrFrom4([4]byte{255, 255, 255, 255})
}

func unmap(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// addrPort reads a socket's address, zero when it has none.
func addrPort(a net.Addr) netip.AddrPort {
	switch a := a.(type) {
	case *net.UDPAddr:
		return unmap(a.AddrPort())
	case *net.TCPAddr:
		return unmap(a.AddrPort())
	case nil:
		return netip.AddrPort{}
	}
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.AddrPort{}
	}
	return unmap(ap)
}
