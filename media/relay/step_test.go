package relay

import (
	"bytes"
	"net/netip"
	"sync"
	"testing"

	"github.com/lineaamica/la2/media"
	"github.com/lineaamica/la2/media/g711"
)

// deaf is a socket that only counts.
type deaf struct {
	sent    int
	last    []byte
	reports []sentReport
}

func (d *deaf) aim(netip.AddrPort) {}
func (d *deaf) send(b []byte) bool { d.sent, d.last = d.sent+1, b; return true }
func (d *deaf) report(b []byte, to netip.AddrPort, mux bool) bool {
	d.reports = append(d.reports, sentReport{b: bytes.Clone(b), to: to, mux: mux})
	return true
}
func (d *deaf) close() {}

// tables are made once: a fuzz run makes many cores.
var tables = sync.OnceValue(g711.New)

// pair is a core with two bridged legs; a speaks PCMA, b PCMU.
func pair(cfg Config) (c *core, a, b *leg) {
	cfg.IP = netip.MustParseAddr("127.0.0.1")
	if err := cfg.validate(); err != nil {
		panic(err)
	}
	c = newCore(cfg, tables())
	legs := [2]*leg{}
	for i, codec := range []media.Codec{media.PCMA, media.PCMU} {
		l := &leg{id: LegID(i + 1), sock: &deaf{}}
		l.line.start(uint32(100+i), 10, 1000)
		c.apply(command{op: opOpen, leg: l}, 0)
		c.apply(command{op: opRemote, id: l.id, far: Remote{Addr: farOf(i), Codec: codec, PT: codec.PT(), SendPT: codec.PT(), DTMFPT: 101, Send: true, Recv: true}}, 0)
		legs[i] = l
	}
	c.apply(command{op: opBridge, id: 1, other: 2}, 0)
	return c, legs[0], legs[1]
}

func farOf(i int) netip.AddrPort {
	return netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(4000+2*i))
}

func TestReceive_Verdicts(t *testing.T) {
	good := rtp(8, 1, 160, 9, frame(1))
	change := func(f func(b []byte) []byte) []byte { return f(append([]byte(nil), good...)) }
	tests := []struct {
		name string
		in   []byte
		src  netip.AddrPort
		want verdict
	}{
		{"audio", good, farOf(0), forwarded},
		{"the other law on its static type", rtp(0, 1, 160, 9, frame(1)), farOf(0), forwarded},
		{"telephone-event", rtp(101, 1, 160, 9, []byte{1, 0, 0, 160}), farOf(0), forwarded},
		{"from the peer's far end", good, farOf(1), foreign},
		{"comfort noise, not negotiated", rtp(13, 1, 160, 9, []byte{1}), farOf(0), consumed},
		{"RTCP on the RTP port of who is not known yet", change(func(b []byte) []byte { b[1] = 200; return b }), farOf(0), foreign},
		{"version 1", change(func(b []byte) []byte { b[0] = 1 << 6; return b }), farOf(0), malformed},
		{"short", good[:11], farOf(0), malformed},
		{"empty", nil, farOf(0), malformed},
		{"cut at the buffer", make([]byte, maxPacket), farOf(0), malformed},
		{"header only", good[:12], farOf(0), forwarded},
		{"contributing sources beyond the end", change(func(b []byte) []byte { b[0] |= 15; return b[:14] }), farOf(0), forwarded},
		{"padding longer than the packet", change(func(b []byte) []byte { b[0] |= 0x20; b[len(b)-1] = 255; return b }), farOf(0), forwarded},
		{"extension longer than the packet", change(func(b []byte) []byte { b[0] |= 0x10; b[14], b[15] = 255, 255; return b }), farOf(0), forwarded},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, a, b := pair(Config{})
			to, v := c.receive(a, tt.src, append([]byte(nil), tt.in...), tick)
			if v != tt.want || (to == b) != (v == forwarded) {
				t.Errorf("got %d to %v, want %d", v, to != nil, tt.want)
			}
		})
	}
}

// Every state of a leg against every kind of packet: no panic, and what is
// forwarded goes to the peer only.
func TestReceive_Exhaustive(t *testing.T) {
	packets := [][]byte{nil, rtp(8, 1, 160, 9, frame(1)), rtp(0, 1, 160, 9, nil), rtp(101, 1, 160, 9, []byte{1, 0, 0, 160}), rtp(101, 1, 160, 9, nil), rtp(13, 1, 1, 1, []byte{1}), rtp(72, 0, 0, 0, nil)}
	states := []func(c *core){
		func(*core) {},
		func(c *core) { c.apply(command{op: opMusic, id: 2, clips: []*media.Clip{clip("m", 1, 2)}}, 0) },
		func(c *core) { c.apply(command{op: opPlay, id: 2, clips: []*media.Clip{clip("m", 1, 2)}}, 0) },
		func(c *core) { c.apply(command{op: opPlay, id: 2}, 0) },
		func(c *core) {
			c.apply(command{op: opMusic, id: 2, clips: []*media.Clip{media.NewClip("none", nil, nil, nil)}}, 0)
		},
		func(c *core) { c.apply(command{op: opSilence, id: 2}, 0) },
		func(c *core) { c.apply(command{op: opUnbridge, id: 2}, 0) },
		func(c *core) { c.apply(command{op: opUnbridge, id: 1}, 0) },
		func(c *core) { c.apply(command{op: opKeys, id: 2, digits: "1"}, 0) },
		func(c *core) { c.apply(command{op: opRemote, id: 2}, 0) },
		func(c *core) { c.apply(command{op: opRemote, id: 1}, 0) },
		func(c *core) { c.apply(command{op: opClose, id: 2}, 0) },
		func(c *core) { c.apply(command{op: opBridge, id: 1, other: 1}, 0) },
		func(c *core) { c.apply(command{op: opBridge, id: 1, other: 99}, 0) },
	}
	for si, state := range states {
		for pi, p := range packets {
			for _, far := range []int{0, 1} {
				c, a, b := pair(Config{})
				state(c)
				for i := range int64(5) {
					if to, v := c.receive(a, farOf(far), append([]byte(nil), p...), i*tick); to != nil && (to != b || v != forwarded || far != 0) {
						t.Errorf("state %d, packet %d: went to %+v as %d", si, pi, to, v)
					}
					c.pace(i * tick)
				}
			}
		}
	}
}

func TestReceive_NoAllocation(t *testing.T) {
	c, a, _ := pair(Config{OnEvent: func(Event) {}})
	p, h := rtp(8, 0, 0, 9, frame(1)), header{pt: 8, ssrc: 9}
	now := int64(0)
	if n := testing.AllocsPerRun(1000, func() {
		h.seq++
		h.ts += tickTS
		now += tick
		h.pt = 8
		h.put(p)
		to, v := c.receive(a, farOf(0), p, now)
		if v != forwarded {
			t.Fatalf("got %d", v)
		}
		to.send(p)
		c.receive(a, farOf(1), p, now)
		c.pace(now)
	}); n != 0 {
		t.Errorf("got %v allocations a packet, want 0", n)
	}
}

func TestPace_NoAllocation(t *testing.T) {
	c, _, _ := pair(Config{})
	c.apply(command{op: opMusic, id: 1, clips: []*media.Clip{clip("m", 1, 7)}}, 0)
	now := int64(0)
	if n := testing.AllocsPerRun(1000, func() { now += tick; c.pace(now) }); n != 0 {
		t.Errorf("got %v allocations a tick, want 0", n)
	}
}

func FuzzReceive(f *testing.F) {
	f.Add(rtp(8, 1, 160, 9, frame(1)), rtp(101, 2, 320, 9, []byte{1, 0x8a, 0, 160}))
	f.Add([]byte{0xbf, 8, 0, 1, 0, 0, 0, 1, 0, 0, 0, 9, 1}, []byte{0x90, 0, 0, 1})
	f.Fuzz(func(t *testing.T, one, two []byte) {
		c, a, b := pair(Config{})
		var last header
		sent := 0
		for i, p := range [][]byte{one, two, one, two} {
			before := len(p)
			q := append([]byte(nil), p...)
			to, v := c.receive(a, farOf(0), q, int64(i)*tick)
			if (to != nil) != (v == forwarded) {
				t.Fatalf("verdict %d with leg %v", v, to != nil)
			}
			if to == nil {
				continue
			}
			h, ok := parse(q)
			if !ok || len(q) != before || to != b || h.ssrc != 100+1 || h.pt != 0 && h.pt != 101 {
				t.Fatalf("forwarded % x as % x", p, q)
			}
			if sent > 0 && h.seq == last.seq {
				t.Fatalf("sequence %d twice", h.seq)
			}
			last = h
			sent++
		}
	})
}

func BenchmarkReceive(b *testing.B) {
	c, a, _ := pair(Config{})
	p, h := rtp(8, 0, 0, 9, frame(1)), header{pt: 8, ssrc: 9}
	now := int64(0)
	b.ReportAllocs()
	for b.Loop() {
		h.seq++
		h.ts += tickTS
		now += tick
		h.pt = 8
		h.put(p)
		c.receive(a, farOf(0), p, now)
	}
}

// sentReport is RTCP that a core sent.
type sentReport struct {
	b   []byte
	to  netip.AddrPort
	mux bool
}
