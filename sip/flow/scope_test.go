package flow_test

import (
	"net/netip"
	"testing"

	"github.com/lineaamica/la2/sip/flow"
)

// Where a header may lead a node that listens in the open, on loopback, on a link, or on both.
func TestScope(t *testing.T) {
	scopes := [4]flow.Scope{
		{},
		flow.ScopeOf(netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("::1")),
		flow.ScopeOf(netip.MustParseAddr("fe80::1%eth0")),
		flow.ScopeOf(netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("192.0.2.1")),
	}
	all, none := [4]bool{true, true, true, true}, [4]bool{}
	for addr, want := range map[string][4]bool{
		"192.0.2.9": all, "10.1.2.3": all, "192.168.1.1": all, "100.64.0.1": all, "2001:db8::1": all, "fd12::1": all,
		"::ffff:192.0.2.9": all, "64:ff9b::192.0.2.9": all, "2002:c000:209::1": all, "239.255.255.255": none,
		"127.0.0.1": {1: true}, "127.9.9.9": {1: true}, "::1": {1: true}, "::ffff:127.0.0.1": {1: true},
		"::127.0.0.1": none, "64:ff9b::127.0.0.1": none, "2002:7f00:1::": none, "64:ff9b::a9fe:a9fe": none,
		"169.254.1.1": {2: true}, "fe80::1": {2: true}, "fe80::1%eth0": {2: true},
		"169.254.169.254": none, "::ffff:169.254.169.254": none, "fd00:ec2::254": none, "fd00:ec2::23": none,
		"168.63.129.16": none, "100.100.100.200": none, "fd20:ce::254": none,
		"0.0.0.0": none, "::": none, "::ffff:0.0.0.0": none, "0.1.2.3": none, "255.255.255.255": none, "240.0.0.1": none,
		"224.0.1.75": none, "ff02::1": none, "ff0e::1": none,
	} {
		for i, s := range scopes {
			if got := s.Allows(netip.MustParseAddr(addr)); got != want[i] {
				t.Errorf("%s in scope %d: %v, want %v", addr, i, got, want[i])
			}
		}
	}
	if scopes[1].Allows(netip.Addr{}) || flow.ScopeOf().Allows(netip.MustParseAddr("::1")) {
		t.Error("no address, or nowhere to listen, reaches something")
	}
}

// What carries a forbidden IPv4 address inside is forbidden, too, in every spelling.
func FuzzScope(f *testing.F) {
	f.Add([]byte{127, 0, 0, 1})
	f.Add([]byte{169, 254, 169, 254})
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) != 4 {
			return
		}
		a := netip.AddrFrom4([4]byte(b))
		plain := flow.Scope{}.Allows(a)
		for _, in := range [][16]byte{
			{10: 0xff, 11: 0xff, 12: b[0], 13: b[1], 14: b[2], 15: b[3]},
			{1: 0x64, 2: 0xff, 3: 0x9b, 12: b[0], 13: b[1], 14: b[2], 15: b[3]},
			{0x20, 0x02, b[0], b[1], b[2], b[3]},
		} {
			if six := netip.AddrFrom16(in); (flow.Scope{}).Allows(six) != plain {
				t.Errorf("%v: %v, but %v: %v", a, plain, six, !plain)
			}
		}
	})
}
