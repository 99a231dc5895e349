package relay

import "net/netip"

// A socket is the RTP port of a leg as the pure core sees it; each shell has one.
type socket interface {
	// aim sets the address that send sends to.
	aim(to netip.AddrPort)
	// send writes one packet, without blocking; false when it was refused.
	send(b []byte) bool
	// close releases the sockets of the leg.
	close()
}
