package flow

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"testing"
)

// mapped reads the address in an answer, as a client does.
func mapped(t testing.TB, b, request []byte) netip.AddrPort {
	t.Helper()
	if len(b) < 28 || !bytes.Equal(b[:2], []byte{1, 1}) || !bytes.Equal(b[4:20], request[4:20]) || int(binary.BigEndian.Uint16(b[2:])) != len(b)-20 {
		t.Fatalf("no answer to the request: % x", b)
	}
	attr := b[20:]
	if !bytes.Equal(attr[:2], []byte{0, 0x20}) || int(binary.BigEndian.Uint16(attr[2:])) != len(attr)-4 {
		t.Fatalf("no XOR-MAPPED-ADDRESS: % x", attr)
	}
	ip := bytes.Clone(attr[8:])
	for i := range ip {
		ip[i] ^= request[4+i]
	}
	a, ok := netip.AddrFromSlice(ip)
	if !ok || attr[5] != map[bool]byte{true: 1, false: 2}[a.Is4()] {
		t.Fatalf("bad address: % x", attr)
	}
	return netip.AddrPortFrom(a, binary.BigEndian.Uint16(attr[6:])^0x2112)
}

// The vectors of RFC 5769 2.2 and 2.3: the same transaction, 192.0.2.1 and 2001:db8:….
func TestStun_RFC5769(t *testing.T) {
	request := append([]byte{0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42}, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae)
	if !isStun(request) {
		t.Fatal("a request without attributes is none")
	}
	for _, tt := range []struct {
		addr string
		want []byte
	}{
		{"192.0.2.1:32853", []byte{0, 0x20, 0, 8, 0, 1, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43}},
		{"[2001:db8:1234:5678:11:2233:4455:6677]:32853", []byte{0, 0x20, 0, 0x14, 0, 2, 0xa1, 0x47,
			0x01, 0x13, 0xa9, 0xfa, 0xa5, 0xd3, 0xf1, 0x79, 0xbc, 0x25, 0xf4, 0xb5, 0xbe, 0xd2, 0xb9, 0xd9}},
	} {
		addr := netip.MustParseAddrPort(tt.addr)
		got := appendStun(nil, request, addr)
		if !bytes.Equal(got[20:], tt.want) {
			t.Errorf("%s: got % x, want % x", tt.addr, got[20:], tt.want)
		}
		if m := mapped(t, got, request); m != addr {
			t.Errorf("%s comes back as %v", tt.addr, m)
		}
	}
}

func TestIsStun(t *testing.T) {
	request := []byte("\x00\x01\x00\x00\x21\x12\xa4\x42abcdefghijkl")
	with := func(attr string) []byte {
		b := append(bytes.Clone(request), attr...)
		binary.BigEndian.PutUint16(b[2:], uint16(len(attr)))
		return b
	}
	for _, tt := range []struct {
		about string
		b     []byte
		want  bool
	}{
		{"bare", request, true},
		{"SOFTWARE", with("\x80\x22\x00\x05phone\x00\x00\x00"), true},
		{"FINGERPRINT", with("\x80\x28\x00\x04abcd"), true},
		{"USERNAME", with("\x00\x06\x00\x04abcd"), false},
		{"attribute longer than the message", with("\x80\x22\x00\x09abcd"), false},
		{"half an attribute", append(bytes.Clone(request), 0x80, 0x22), false},
		{"length of another message", append(bytes.Clone(request), "\x80\x28\x00\x04abcd"...), false},
		{"no cookie (RFC 3489)", []byte("\x00\x01\x00\x00abcdabcdefghijkl"), false},
		{"response", []byte("\x01\x01\x00\x00\x21\x12\xa4\x42abcdefghijkl"), false},
		{"short", request[:16], false},
	} {
		if got := isStun(tt.b); got != tt.want {
			t.Errorf("%s: %v", tt.about, got)
		}
	}
}

// Whatever comes, the answer names the source and is at most 24 octets longer than the request.
func FuzzStun(f *testing.F) {
	f.Add([]byte("\x00\x01\x00\x00\x21\x12\xa4\x42abcdefghijkl"), []byte{192, 0, 2, 1}, uint16(5060))
	f.Add([]byte("\x00\x01\x00\x08\x21\x12\xa4\x42abcdefghijkl\x80\x28\x00\x04abcd"), make([]byte, 16), uint16(1))
	f.Fuzz(func(t *testing.T, b, ip []byte, port uint16) {
		a, ok := netip.AddrFromSlice(ip)
		if !ok || !isStun(b) {
			return
		}
		src := netip.AddrPortFrom(a.Unmap(), port)
		out := appendStun(nil, b, src)
		if got := mapped(t, out, b); got != src {
			t.Errorf("%v comes back as %v", src, got)
		}
		if len(out) > len(b)+24 {
			t.Errorf("%d octets for %d", len(out), len(b))
		}
	})
}
