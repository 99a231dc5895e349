//go:build !race

package relay

import (
	"testing"

	"github.com/lineaamica/la2/media"
)

// Both directions under a key, beside keys and the pacer. (The race detector makes
// the pool of the cipher forget.)
func TestArrive_SRTPNoAllocation(t *testing.T) {
	for _, suite := range media.Suites() {
		c, a, b := pair(Config{OnEvent: func(Event) {}})
		seal, _ := crypt(c, a, suite)
		crypt(c, b, suite)
		c.apply(command{op: opKeys, id: 1, digits: "1234567890"}, 0)
		p, h := rtp(8, 0, 0, 9, frame(1)), header{pt: 8, ssrc: 9}
		now := int64(0)
		sent := func() { // by the far end; what it costs there is no matter
			h.seq++
			h.ts += tickTS
			now += tick
			h.put(p)
		}
		sent()
		first, _ := seal.seal(p)
		c.arrive(a, farOf(0), first, now)
		idle := testing.AllocsPerRun(500, func() { sent(); seal.seal(p) })
		if n := testing.AllocsPerRun(500, func() {
			sent()
			in, _ := seal.seal(p)
			if v := c.arrive(a, farOf(0), in, now); v != forwarded {
				t.Fatalf("got %d", v)
			}
			c.pace(now)
		}); n != idle || n != 0 {
			t.Errorf("%v: got %v allocations a packet, want 0", suite, n)
		}
	}
}
