package transaction

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestTimers: whatever is armed, moved and stopped while time passes, timers come out in order, and
// exactly those that are armed. There are more lengths than lanes.
func TestTimers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := make([]timer, 50)
		armed := map[*timer]time.Duration{}
		var h timers
		var now time.Duration
		for range rapid.IntRange(0, 300).Draw(t, "steps") {
			tm := &all[rapid.IntRange(0, len(all)-1).Draw(t, "timer")]
			now += time.Duration(rapid.IntRange(0, 2).Draw(t, "passes"))
			if rapid.Bool().Draw(t, "stop") {
				h.stop(tm)
				delete(armed, tm)
				continue
			}
			d := time.Duration(rapid.IntRange(0, 2*mostLanes).Draw(t, "length"))
			h.arm(tm, now, d)
			armed[tm] = now + d
		}
		if h.armed != len(armed) || len(h.lanes) > mostLanes {
			t.Fatalf("%d timers are armed in %d lanes, want %d in %d", h.armed, len(h.lanes), len(armed), mostLanes)
		}
		if at, ok := h.first(); ok != (len(armed) > 0) || ok && h.due(at-1) != nil {
			t.Fatalf("the first is due at %v, %v", at, ok)
		}
		var last time.Duration
		for len(armed) > 0 {
			at, ok := h.first()
			tm := h.due(at)
			if !ok || tm == nil || tm.at != at || at < last || at != armed[tm] || tm.lane != nil {
				t.Fatalf("timer %+v after %v, want it at %v", tm, last, armed[tm])
			}
			last = at
			delete(armed, tm)
		}
		if tm := h.due(now + 1000); tm != nil || h.armed != 0 {
			t.Fatalf("%+v is left, %d armed", tm, h.armed)
		}
	})
}

// A transaction arms and stops its timers at the same cost among many as among few: each length has
// a lane, and no look at a lane passes more than its two ends.
func TestTimers_OneStep(t *testing.T) {
	t.Parallel()
	var h timers
	all := make([]timer, 30_000)
	lengths := []time.Duration{500, 1000, 2000, 4000, 5000, 32_000, 185_000}
	for i := range all {
		h.arm(&all[i], time.Duration(i), lengths[i%len(lengths)])
	}
	if len(h.lanes) != len(lengths) {
		t.Errorf("%d lanes for %d lengths", len(h.lanes), len(lengths))
	}
	for _, l := range h.lanes {
		for tm := l.first; tm.next != nil; tm = tm.next {
			if tm.at > tm.next.at || tm.next.prev != tm {
				t.Fatalf("lane %v is out of order", l.length)
			}
		}
		if at := time.Duration(len(all)-len(lengths)) + l.length; l.last.at < at {
			t.Errorf("lane %v ends at %v, want %v or later: the last armed", l.length, l.last.at, at)
		}
	}
}
