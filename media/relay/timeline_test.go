package relay

import (
	"testing"

	"pgregory.net/rapid"
)

func TestTimeline(t *testing.T) {
	const a, b = LegID(64), LegID(128)
	in := func(seq uint16, ts uint32) header { return header{seq: seq, ts: ts, ssrc: 9} }
	type step struct {
		ms     int64
		from   LegID // 0: ours
		in     header
		ok     bool
		mark   bool
		dseq   int16 // against the highest sent before
		dts    int32
		stream uint32
	}
	tests := []struct {
		name  string
		steps []step
	}{
		{"music, then the peer 7 ms after a frame: one step on", []step{
			{ms: 0, ok: true, mark: true, dseq: 1, dts: 0, stream: streamMusic},
			{ms: 20, ok: true, dseq: 1, dts: 160, stream: streamMusic},
			{ms: 27, from: a, in: in(500, 90000), ok: true, mark: true, dseq: 1, dts: 160},
			{ms: 47, from: a, in: in(501, 90160), ok: true, dseq: 1, dts: 160},
		}},
		{"a pause between sources shows in the timestamp only", []step{
			{ms: 0, ok: true, mark: true, dseq: 1, stream: streamMusic},
			{ms: 1000, from: a, in: in(1, 5), ok: true, mark: true, dseq: 1, dts: 8000},
		}},
		{"loss inside a source stays", []step{
			{ms: 0, from: a, in: in(65535, 0), ok: true, mark: true, dseq: 1},
			{ms: 60, from: a, in: in(2, 480), ok: true, dseq: 3, dts: 480},
		}},
		{"reordering passes, a duplicate does not", []step{
			{ms: 0, from: a, in: in(10, 0), ok: true, mark: true, dseq: 1},
			{ms: 40, from: a, in: in(12, 320), ok: true, dseq: 2, dts: 320},
			{ms: 41, from: a, in: in(11, 160), ok: true, dseq: -1, dts: -160},
			{ms: 42, from: a, in: in(11, 160)},
			{ms: 43, from: a, in: in(12, 320)},
		}},
		{"packets from before the switch are too late", []step{
			{ms: 0, ok: true, mark: true, dseq: 1, stream: streamMusic},
			{ms: 20, from: a, in: in(10, 1600), ok: true, mark: true, dseq: 1, dts: 160},
			{ms: 21, from: a, in: in(9, 1440)},
		}},
		{"the peer restarts its stream with the same SSRC", []step{
			{ms: 0, from: a, in: in(10, 1600), ok: true, mark: true, dseq: 1},
			{ms: 20, from: a, in: in(30000, 1<<30), ok: true, mark: true, dseq: 1, dts: 160},
			{ms: 40, from: a, in: in(30001, 1<<30+160), ok: true, dseq: 1, dts: 160},
		}},
		{"the timestamp jumps although the sequence goes on", []step{
			{ms: 0, from: a, in: in(10, 1600), ok: true, mark: true, dseq: 1},
			{ms: 20, from: a, in: in(11, 900000), ok: true, mark: true, dseq: 1, dts: 160},
			{ms: 40, from: a, in: in(12, 800000), ok: true, mark: true, dseq: 1, dts: 160},
		}},
		{"talkspurts: a pause of 5 s in the peer is its own", []step{
			{ms: 0, from: a, in: in(10, 1600), ok: true, mark: true, dseq: 1},
			{ms: 5000, from: a, in: in(11, 41600), ok: true, dseq: 1, dts: 40000},
		}},
		{"another leg is another source though the SSRC is the same", []step{
			{ms: 0, from: a, in: in(10, 1600), ok: true, mark: true, dseq: 1},
			{ms: 20, from: b, in: in(11, 1760), ok: true, mark: true, dseq: 1, dts: 160},
		}},
		{"our own late frames show the time that passed", []step{
			{ms: 0, ok: true, mark: true, dseq: 1, stream: streamMusic},
			{ms: 500, ok: true, mark: true, dseq: 1, dts: 4000, stream: streamMusic},
			{ms: 545, ok: true, dseq: 1, dts: 160, stream: streamMusic},
		}},
		{"changes faster than time are dropped", []step{
			{ms: 0, ok: true, mark: true, dseq: 1, stream: streamMusic},
			{ms: 1, from: a, in: in(1, 1), ok: true, mark: true, dseq: 1, dts: 160},
			{ms: 2, ok: true, mark: true, dseq: 1, dts: 160, stream: streamMusic},
			{ms: 3, from: a, in: in(2, 161)},
			{ms: 30, from: a, in: in(3, 321), ok: true, mark: true, dseq: 1, dts: 160},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var l timeline
			l.start(77, 65534, 0xffffff00)
			seq, ts := l.seq, l.ts
			for i, s := range tt.steps {
				var h header
				var mark, ok bool
				if s.from == 0 {
					h, mark, ok = l.own(s.stream, true, s.ms*1e6)
				} else {
					h, mark, ok = l.relay(s.from, s.in, false, s.ms*1e6)
				}
				if ok != s.ok || mark != s.mark || ok && (h.ssrc != 77 || int16(h.seq-seq) != s.dseq || int32(h.ts-ts) != s.dts) {
					t.Fatalf("step %d: got ok=%v mark=%v dseq=%d dts=%d, want %+v", i, ok, mark, int16(h.seq-seq), int32(h.ts-ts), s)
				}
				if ok && s.dseq > 0 {
					seq, ts = h.seq, h.ts
				}
			}
		})
	}
}

// Whatever comes, in whatever order, the far end never gets a sequence number
// twice, newer sequence numbers never have older timestamps, and the timeline does
// not run more than maxLead and a source's own jitter ahead of the clock.
func TestTimeline_Random(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var l timeline
		l.start(1, rapid.Uint16().Draw(t, "seq"), rapid.Uint32().Draw(t, "ts"))
		sent := map[uint16]bool{}
		started := false
		var top header
		now, n := int64(0), rapid.IntRange(1, 400).Draw(t, "n")
		peers := [2]header{{seq: 5, ssrc: 1}, {seq: 60000, ts: 1 << 31, ssrc: 2}}
		for range n {
			now += rapid.Int64Range(0, 3*tick).Draw(t, "pause")
			var h header
			var ok bool
			switch src := rapid.IntRange(0, 3).Draw(t, "source"); src {
			case 0, 1:
				p := &peers[src]
				if rapid.IntRange(0, 50).Draw(t, "jump") == 0 {
					p.seq, p.ts = rapid.Uint16().Draw(t, "newseq"), rapid.Uint32().Draw(t, "newts")
				}
				p.seq++
				p.ts += tickTS
				x := *p
				if rapid.IntRange(0, 9).Draw(t, "late") == 0 {
					back := rapid.Uint16Range(1, 5).Draw(t, "back")
					x.seq, x.ts = x.seq-back, x.ts-uint32(back)*tickTS
				}
				h, _, ok = l.relay(LegID(src+1), x, false, now)
			case 2:
				h, _, ok = l.own(streamMusic, true, now)
			case 3:
				l.cut()
			}
			if !ok {
				continue
			}
			if len(sent) < 30000 && sent[h.seq] {
				t.Fatalf("sequence %d was sent twice", h.seq)
			}
			sent[h.seq] = true
			if started && int16(h.seq-top.seq) > 0 && int32(h.ts-top.ts) <= 0 {
				t.Fatalf("timestamp %d after %d", h.ts, top.ts)
			}
			if !started || int16(h.seq-top.seq) > 0 {
				top, started = h, true
			}
		}
	})
}

func BenchmarkTimeline(b *testing.B) {
	var l timeline
	h := header{ssrc: 9}
	now := int64(0)
	for b.Loop() {
		h.seq++
		h.ts += tickTS
		now += tick
		l.relay(64, h, false, now)
	}
}
