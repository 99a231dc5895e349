package relay

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestReception(t *testing.T) {
	type want struct {
		expected, lost, reordered, duplicates uint64
	}
	run := func(from, to int) (out []int) {
		for i := from; i <= to; i++ {
			out = append(out, i)
		}
		return out
	}
	tests := []struct {
		name string
		seqs []int
		want want
	}{
		{"nothing", nil, want{}},
		{"one", run(7, 7), want{1, 0, 0, 0}},
		{"in order over the end of the numbers", run(65000, 66000), want{1001, 0, 0, 0}},
		{"one is lost", append(run(1, 4), run(6, 10)...), want{10, 1, 0, 0}},
		{"two change places", []int{1, 2, 4, 3, 5}, want{5, 0, 1, 0}},
		{"they change places at the end of the numbers", []int{65534, 65536, 65535, 65537}, want{4, 0, 1, 0}},
		{"one comes twice", []int{1, 2, 2, 3, 1}, want{3, 0, 0, 2}},
		{"a gap of more than the window, filled too late", append(append(run(1, 5), 105), 6), want{105, 99, 0, 0}},
		{"one packet from nowhere is not believed", append(append(run(1, 5), 30000), run(6, 9)...), want{9, 0, 0, 0}},
		{"two in a row are a new stream", append(run(1, 5), 30000, 30001, 30002), want{7, 0, 0, 0}},
		{"what the old stream lost stays", append([]int{1, 5}, 30000, 30001, 30003), want{8, 4, 0, 0}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var r reception
			for i, s := range tt.seqs {
				r.arrive(header{seq: uint16(s), ssrc: 1}, true, int64(i)*tick)
			}
			var s LegStats
			r.fill(&s)
			if got := (want{s.Expected, s.Lost, s.Reordered, s.Duplicates}); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestReception_AnotherSSRCIsAnotherStream(t *testing.T) {
	var r reception
	for i, h := range []header{{seq: 1, ssrc: 1}, {seq: 3, ssrc: 1}, {seq: 3, ssrc: 2}, {seq: 4, ssrc: 2}} {
		r.arrive(h, true, int64(i)*tick)
	}
	var s LegStats
	r.fill(&s)
	if s.Expected != 5 || s.Lost != 1 || r.block().ssrc != 2 || r.block().lost != 0 {
		t.Errorf("got %+v, report %+v", s, r.block())
	}
}

// The example of RFC 3550 A.8 in steady state: arrivals that are late and early by 10 ms in turn
// differ by 20 ms each time, which is what the jitter converges to.
func TestReception_Jitter(t *testing.T) {
	tests := []struct {
		name     string
		swing    time.Duration
		min, max time.Duration
	}{
		{"regular", 0, 0, 0},
		{"20 ms from packet to packet", 20 * time.Millisecond, 19 * time.Millisecond, 20 * time.Millisecond},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var r reception
			for i := range 500 {
				at := int64(i) * tick
				if i%2 == 1 {
					at += int64(tt.swing)
				}
				r.arrive(header{seq: uint16(i), ts: uint32(i) * tickTS, ssrc: 1}, true, at)
			}
			var s LegStats
			if r.fill(&s); s.Jitter < tt.min || s.Jitter > tt.max {
				t.Errorf("got %v, want %v to %v", s.Jitter, tt.min, tt.max)
			}
		})
	}
}

// Neither the repeated timestamps of keys nor a clock that begins anew are jitter.
func TestReception_JitterOfAudioOnly(t *testing.T) {
	var r reception
	seq, now := uint16(0), int64(0)
	arrive := func(ts uint32, audio bool) {
		r.arrive(header{seq: seq, ts: ts, ssrc: 1}, audio, now)
		seq, now = seq+1, now+tick
	}
	for i := range uint32(10) {
		arrive(i*tickTS, true)
	}
	for range 20 {
		arrive(10*tickTS, false)
	}
	for i := range uint32(10) {
		arrive((30+i)*tickTS, true)
	}
	for i := range uint32(10) {
		arrive(1<<30+i*tickTS, true)
	}
	var s LegStats
	if r.fill(&s); s.Jitter != 0 {
		t.Errorf("got %v", s.Jitter)
	}
}

func TestReception_FractionIsOfTheTimeSinceTheLastReport(t *testing.T) {
	var r reception
	for seq := range uint16(200) {
		if seq%4 != 3 || seq >= 100 {
			r.arrive(header{seq: seq, ssrc: 1}, true, int64(seq)*tick)
		}
		if seq == 99 {
			if b := r.block(); b.fraction < 60 || b.fraction > 64 || b.lost != 24 { // the last one is not missed yet
				t.Errorf("first half: %+v", b)
			}
		}
	}
	if b := r.block(); b.fraction > 3 || b.lost != 25 || b.high != 199 {
		t.Errorf("second half: %+v", b)
	}
}

// Whatever comes: what is lost was expected, and nothing is counted twice.
func TestReception_Random(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var r reception
		n := uint64(0)
		for _, p := range rapid.SliceOf(rapid.Uint32()).Draw(t, "packets") {
			r.arrive(header{seq: uint16(p >> 4 & 0x3ff * (p & 1 * 63)), ssrc: p & 2, ts: p}, p&8 != 0, int64(n)*tick)
			n++
			var s LegStats
			if r.fill(&s); s.Lost > s.Expected || s.Expected-s.Lost+s.Duplicates > n {
				t.Fatalf("after %d packets: %+v", n, s)
			}
			if b := r.block(); b.lost < 0 {
				t.Fatalf("reports %+v", b)
			}
		}
	})
}
