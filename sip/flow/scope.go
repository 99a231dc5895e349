package flow

import "net/netip"

// A Scope is the part of the network that a node may be led to. Via, Contact, Route, Refer-To,
// SDP and what DNS says of the names in them are written by strangers: an address of theirs is
// used only where Allows says so. What the configuration names needs no scope. The zero value is
// the scope of a node in the open: no address of the machine itself or of its link.
type Scope struct {
	loopback  bool
	linkLocal bool
}

// ScopeOf is the scope of a node, or of one flow, that listens at local: loopback addresses are in
// it when all of local are loopback ones (a demo on one machine), those of the link when all are.
func ScopeOf(local ...netip.Addr) Scope {
	s := Scope{loopback: len(local) > 0, linkLocal: len(local) > 0}
	for _, a := range local {
		a = a.Unmap()
		s.loopback = s.loopback && a.IsLoopback()
		s.linkLocal = s.linkLocal && a.IsLinkLocalUnicast()
	}
	return s
}

// Allows reports whether a is one peer's address that may be sent to. Never are: unspecified,
// multicast, broadcast and reserved addresses, those at which clouds tell a machine its secrets,
// and IPv6 addresses that carry an IPv4 one of these in them (RFC 6052, RFC 3056, RFC 4291 2.5.5).
func (s Scope) Allows(a netip.Addr) bool {
	a = a.Unmap()
	switch {
	case !a.IsValid() || a.IsUnspecified() || a.IsMulticast() || metadata(a):
		return false
	case a.IsLoopback():
		return s.loopback
	case a.IsLinkLocalUnicast():
		return s.linkLocal
	}
	if a.Is4() {
		first := a.As4()[0]
		return first != 0 && first < 240 // this network (RFC 1122 3.2.1.3); class E and broadcast
	}
	inner, ok := embedded(a)
	return !ok || Scope{}.Allows(inner)
}

// metadata tells the addresses of cloud services that hand credentials to who asks from inside.
func metadata(a netip.Addr) bool {
	switch a.WithZone("") {
	case netip.AddrFrom4([4]byte{169, 254, 169, 254}), // nearly all
		netip.AddrFrom4([4]byte{168, 63, 129, 16}),                                // Azure
		netip.AddrFrom4([4]byte{100, 100, 100, 200}),                              // Alibaba
		netip.AddrFrom16([16]byte{0: 0xfd, 1: 0x20, 3: 0xce, 14: 0x02, 15: 0x54}): // Google
		return true
	}
	if a.Is4() {
		return false
	}
	b := a.As16()
	return b[0] == 0xfd && b[1] == 0 && b[2] == 0x0e && b[3] == 0xc2 // fd00:ec2::/32, Amazon
}

// embedded finds the IPv4 address in an IPv6 one that a translator or tunnel would use.
func embedded(a netip.Addr) (netip.Addr, bool) {
	b := a.As16()
	switch {
	case [12]byte(b[:12]) == [12]byte{}, // compatible, deprecated
		[12]byte(b[:12]) == [12]byte{0, 0x64, 0xff, 0x9b}: // 64:ff9b::/96
		return netip.AddrFrom4([4]byte(b[12:])), true
	case b[0] == 0x20 && b[1] == 0x02: // 6to4
		return netip.AddrFrom4([4]byte(b[2:6])), true
	}
	return netip.Addr{}, false
}
