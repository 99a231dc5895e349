package transaction

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestTimers: whatever is armed, moved and stopped, timers come out in order, and exactly those
// that are armed.
func TestTimers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := make([]timer, 20)
		armed := map[*timer]time.Duration{}
		var h timers
		for range rapid.IntRange(0, 200).Draw(t, "steps") {
			tm := &all[rapid.IntRange(0, len(all)-1).Draw(t, "timer")]
			if rapid.Bool().Draw(t, "stop") {
				h.stop(tm)
				delete(armed, tm)
				continue
			}
			at := time.Duration(rapid.IntRange(1, 50).Draw(t, "at"))
			h.arm(tm, at)
			armed[tm] = at
		}
		if len(h) != len(armed) {
			t.Fatalf("%d timers in the heap, want %d", len(h), len(armed))
		}
		if tm := h.due(0); tm != nil {
			t.Fatalf("timer of %v is due at 0", tm.at)
		}
		var last time.Duration
		for len(h) > 0 {
			tm := h.due(50)
			if tm == nil || tm.at < last || tm.at != armed[tm] || tm.place != 0 {
				t.Fatalf("timer %+v after %v, want it at %v", tm, last, armed[tm])
			}
			last = tm.at
			delete(armed, tm)
		}
	})
}
