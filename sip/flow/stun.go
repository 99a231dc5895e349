package flow

import (
	"encoding/binary"
	"net/netip"
)

// The part of STUN that keeps the mapping of a NAT alive and shows it (RFC 5626 8, RFC 8489 5, 14.2).
const (
	stunHeader  = 20
	stunCookie  = 0x2112a442
	stunRequest = 0x0001 // Binding request
	stunSuccess = 0x0101 // Binding success response
	xorMapped   = 0x0020 // XOR-MAPPED-ADDRESS
	optional    = 0x8000 // attributes from here on may be ignored (RFC 8489 14)
)

// isStun tells a Binding request from all else that begins with an octet below 4. One with an
// attribute that it wants us to know is none of ours: keep-alives have none (RFC 5626 4.4.2).
func isStun(b []byte) bool {
	if len(b) < stunHeader || len(b)%4 != 0 || binary.BigEndian.Uint16(b) != stunRequest ||
		int(binary.BigEndian.Uint16(b[2:])) != len(b)-stunHeader || binary.BigEndian.Uint32(b[4:]) != stunCookie {
		return false
	}
	for rest := b[stunHeader:]; len(rest) > 0; {
		if len(rest) < 4 || binary.BigEndian.Uint16(rest) < optional {
			return false
		}
		size := 4 + (int(binary.BigEndian.Uint16(rest[2:]))+3)&^3
		if size > len(rest) {
			return false
		}
		rest = rest[size:]
	}
	return true
}

// appendStun adds the answer to a Binding request of src: 32 octets, over IPv6 44.
func appendStun(dst, request []byte, src netip.AddrPort) []byte {
	ip := src.Addr().Unmap().AsSlice()
	family := byte(1)
	if len(ip) == 16 {
		family = 2
	}
	dst = binary.BigEndian.AppendUint16(dst, stunSuccess)
	dst = binary.BigEndian.AppendUint16(dst, uint16(8+len(ip)))
	key := request[4:stunHeader] // cookie and transaction
	dst = append(dst, key...)
	dst = binary.BigEndian.AppendUint16(dst, xorMapped)
	dst = binary.BigEndian.AppendUint16(dst, uint16(4+len(ip)))
	dst = append(dst, 0, family)
	dst = binary.BigEndian.AppendUint16(dst, src.Port()^stunCookie>>16)
	for i, c := range ip {
		dst = append(dst, c^key[i])
	}
	return dst
}
