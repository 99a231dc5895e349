package relay

import (
	"net/netip"
	"testing"
)

func TestLatch(t *testing.T) {
	sdp, other, third := netip.MustParseAddrPort("10.0.0.9:4000"), netip.MustParseAddrPort("203.0.113.5:7000"), netip.MustParseAddrPort("203.0.113.6:7000")
	const ms = int64(1e6)
	type packet struct {
		src    netip.AddrPort
		seq    uint16
		ssrc   uint32
		wanted bool
		at     int64 // ms
	}
	run := func(src netip.AddrPort, ssrc uint32, n int, from, step int64) (out []packet) {
		for i := range n {
			out = append(out, packet{src, uint16(i + 1), ssrc, true, from + int64(i)*step})
		}
		return out
	}
	tests := []struct {
		name   string
		learn  bool
		signal netip.Addr
		in     []packet
		want   netip.AddrPort
	}{
		{"the SDP address locks at once", false, netip.Addr{}, run(sdp, 1, 1, 0, 20), sdp},
		{"also when others may be learnt", true, netip.Addr{}, append(run(other, 1, 4, 0, 20), packet{sdp, 1, 2, false, 90}), sdp},
		{"nobody else without NAT", false, netip.Addr{}, run(other, 1, 50, 0, 20), netip.AddrPort{}},
		{"five in a row are learnt", true, netip.Addr{}, run(other, 1, 5, 0, 20), other},
		{"four are not", true, netip.Addr{}, run(other, 1, 4, 0, 20), netip.AddrPort{}},
		{"too slow for the window", true, netip.Addr{}, run(other, 1, 5, 0, 1000), netip.AddrPort{}},
		{"wrong payload type", true, netip.Addr{}, []packet{{other, 1, 1, false, 0}, {other, 2, 1, false, 1}, {other, 3, 1, false, 2}, {other, 4, 1, false, 3}, {other, 5, 1, false, 4}}, netip.AddrPort{}},
		{"changing SSRC", true, netip.Addr{}, append(run(other, 1, 4, 0, 1), run(other, 2, 4, 10, 1)...), netip.AddrPort{}},
		{"the same packet again and again", true, netip.Addr{}, []packet{{other, 1, 1, true, 0}, {other, 1, 1, true, 1}, {other, 1, 1, true, 2}, {other, 1, 1, true, 3}, {other, 1, 1, true, 4}, {other, 1, 1, true, 5}}, netip.AddrPort{}},
		{"not from elsewhere than the signalling", true, third.Addr(), run(other, 1, 50, 0, 20), netip.AddrPort{}},
		{"from where the signalling came", true, third.Addr(), append(run(other, 1, 50, 0, 1), run(third, 2, 5, 100, 20)...), third},
		{"a second source beside does not restart the count", true, netip.Addr{}, interleave(run(other, 1, 5, 0, 20), run(third, 2, 5, 1, 20)), other},
		{"the lock stays", true, netip.Addr{}, append(run(other, 1, 5, 0, 20), append(run(third, 2, 50, 200, 20), run(sdp, 3, 5, 2000, 20)...)...), other},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var l latch
			l.reset(sdp, tt.learn, tt.signal)
			for _, p := range tt.in {
				got := l.admit(p.src, header{seq: p.seq, ssrc: p.ssrc}, p.wanted, p.at*ms, 3000*ms)
				if got != (l.locked && l.addr == p.src) {
					t.Fatalf("%v was admitted: %v, locked on %v", p.src, got, l.addr)
				}
			}
			if l.addr != tt.want || l.locked != tt.want.IsValid() {
				t.Errorf("locked on %v, want %v", l.addr, tt.want)
			}
		})
	}
}

func interleave[T any](a, b []T) (out []T) {
	for i := range a {
		out = append(out, a[i], b[i])
	}
	return out
}

func TestRoutable(t *testing.T) {
	nets := []netip.Prefix{netip.MustParsePrefix("10.77.0.0/24")}
	tests := []struct {
		addr, listen string
		want         bool
	}{
		{"203.0.113.9", "198.51.100.1", true},
		{"2001:db8::1", "2001:db8::2", true},
		{"127.0.0.1", "127.0.0.1", true},
		{"127.0.0.1", "198.51.100.1", false},
		{"192.168.1.1", "198.51.100.1", false},
		{"192.168.1.1", "192.168.1.2", false},
		{"10.77.0.5", "10.77.0.1", true},
		{"10.78.0.5", "10.77.0.1", false},
		{"172.16.3.4", "127.0.0.1", false},
		{"100.64.3.4", "198.51.100.1", false},
		{"100.128.3.4", "198.51.100.1", true},
		{"169.254.3.4", "198.51.100.1", false},
		{"fd00::1", "2001:db8::2", false},
		{"fe80::1", "2001:db8::2", false},
		{"0.0.0.0", "127.0.0.1", false},
		{"224.0.0.1", "198.51.100.1", false},
	}
	for _, tt := range tests {
		c := Config{IP: netip.MustParseAddr(tt.listen), Routable: nets}
		if got := c.routable(netip.MustParseAddr(tt.addr)); got != tt.want {
			t.Errorf("%s on %s: got %v", tt.addr, tt.listen, got)
		}
	}
	open := Config{IP: netip.MustParseAddr("198.51.100.1")}
	for addr, want := range map[string]bool{"192.168.1.1": true, "203.0.113.9": true, "fd00::1": true, "127.0.0.1": false, "::1": false, "0.0.0.0": false, "224.0.0.1": false} {
		if got := open.allowed(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s may be sent silence: %v", addr, got)
		}
	}
	c := Config{IP: netip.MustParseAddr("127.0.0.1"), Allow: func(a netip.Addr) bool { return a != netip.MustParseAddr("203.0.113.9") }}
	if c.routable(netip.Addr{}) {
		t.Error("no address is not routable")
	}
	if c.routable(netip.MustParseAddr("203.0.113.9")) || !c.routable(netip.MustParseAddr("203.0.113.8")) {
		t.Error("Allow is not asked")
	}
}
