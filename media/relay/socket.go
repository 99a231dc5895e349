package relay

import "net/netip"

// A socket is the RTP port of a leg as the pure core sees it; each shell has one.
type socket interface {
	// aim sets the address that send sends to.
	aim(to netip.AddrPort)
	// send writes one packet, without blocking; false when it was refused.
	send(b []byte) bool
	// report writes one RTCP packet to to, without blocking: from the RTP port when
	// multiplexed, else from the one above. False when it was refused.
	report(b []byte, to netip.AddrPort, multiplexed bool) bool
	// close releases the sockets of the leg.
	close()
}
