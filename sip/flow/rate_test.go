package flow_test

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaamica/la2/sip/flow"
)

func TestRateFilter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := flow.NewRateFilter(flow.RateConfig{
			Rate: 100, Burst: 50, Exempt: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")},
		})
		passed := func(src string, n int) int {
			pass := 0
			for range n {
				if r.Verdict(flow.UDP, netip.MustParseAddrPort(src), nil) == flow.Pass {
					pass++
				}
			}
			return pass
		}
		for _, tt := range []struct {
			name, src string
			want      int
		}{
			{"burst", "192.0.2.1:5060", 50},
			{"another port is the same source", "192.0.2.1:5061", 0},
			{"mapped is the same source", "[::ffff:192.0.2.1]:5061", 0},
			{"another source", "192.0.2.2:5060", 50},
			{"IPv6", "[2001:db8::1]:5060", 50},
			{"same /64", "[2001:db8::2]:5060", 0},
			{"other /64", "[2001:db8:0:1::2]:5060", 50},
			{"exempt", "10.1.2.3:5060", 1000},
			{"loopback", "127.0.0.1:5060", 1000},
		} {
			if got := passed(tt.src, 1000); got != tt.want {
				t.Errorf("%s: %d passed, want %d", tt.name, got, tt.want)
			}
		}
		time.Sleep(100 * time.Millisecond)
		if got := passed("192.0.2.1:5060", 100); got != 10 {
			t.Errorf("after 100 ms %d passed, want 10", got)
		}
		time.Sleep(time.Hour)
		if got := passed("192.0.2.1:5060", 100); got != 50 {
			t.Errorf("after an hour %d passed, want the burst of 50", got)
		}
	})
}

// A flood from forged sources must not grow without bound.
func TestRateFilterIsBounded(t *testing.T) {
	r := flow.NewRateFilter(flow.RateConfig{})
	for i := range 100_000 {
		a := netip.AddrFrom4([4]byte{192, byte(i >> 16), byte(i >> 8), byte(i)})
		r.Verdict(flow.UDP, netip.AddrPortFrom(a, 5060), nil)
	}
	if got := r.Len(); got > 16*1024 {
		t.Errorf("%d sources are remembered", got)
	}
}
