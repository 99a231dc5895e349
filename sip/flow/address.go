package flow

import (
	"net/netip"

	"github.com/lineaamica/la2/sip/wire"
)

// ResponseAddr returns where the response to a request goes that came over f with via on top
// (RFC 3261 18.2.2, RFC 3581 4). The address is always the source of the request, whatever the
// header says; the port is that of the source when rport asks so and over TCP, else that of
// sent-by, 5060 by default. Zero when there is nowhere to send to.
func ResponseAddr(via wire.Via, f Flow) netip.AddrPort { return netip.AddrPort{} }

// ResponseFlow is f with Remote set to ResponseAddr.
func ResponseFlow(via wire.Via, f Flow) Flow { return f }
