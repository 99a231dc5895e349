package overload_test

import (
	"context"
	"math"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaamica/la2/sip/overload"
)

func TestStep(t *testing.T) {
	const target = 200 * time.Millisecond
	long := slices.Repeat([]time.Duration{4 * target}, 3)
	for _, tt := range []struct {
		name  string
		waits []time.Duration
		want  float64
	}{
		{"nothing waits", []time.Duration{0, 0, 0}, 1},
		{"just in time", []time.Duration{target, target, target}, 1},
		{"the machine stood still", []time.Duration{0, time.Minute, time.Minute, 0, time.Minute}, 1},
		{"four times too long", long, 0.5},
		{"a bit too long", []time.Duration{time.Hour, time.Hour, time.Duration(1.21 * float64(target))}, 1 / 1.1},
		{"no further than half at once", slices.Repeat([]time.Duration{time.Hour}, 3), 0.5},
		{"never nothing", slices.Repeat([]time.Duration{time.Hour}, 100), 0.02},
		{"it holds while it is busy", slices.Concat(long, slices.Repeat([]time.Duration{target * 3 / 4}, 100)), 0.5},
		{"four calm steps change nothing", slices.Concat(long, make([]time.Duration, 4)), 0.5},
		{"the fifth does", slices.Concat(long, make([]time.Duration, 5)), 0.5*1.02 + 0.002},
		{"all is admitted again", slices.Concat(long, make([]time.Duration, 40)), 1},
	} {
		c := overload.New(overload.Config{})
		for _, w := range tt.waits {
			c.Step(w, false)
		}
		if got := c.Level(); math.Abs(got-tt.want) > 1e-6 {
			t.Errorf("%s: share %v, want %v", tt.name, got, tt.want)
		}
	}
}

// Refusals are spread evenly, strangers bear them first, and they are counted.
func TestAdmit(t *testing.T) {
	for _, tt := range []struct {
		wait             time.Duration // 200 ms · (1/level)²
		favoured, others int           // of 1000
	}{
		{0, 1000, 1000},
		{246 * time.Millisecond, 1000, 803},
		{354 * time.Millisecond, 1000, 503},
		{800 * time.Millisecond, 1000, 49},
	} {
		changes := 0
		c := overload.New(overload.Config{OnChange: func(bool) { changes++ }})
		for range 3 {
			c.Step(tt.wait, false)
		}
		var got [2]int
		for i, favoured := range []bool{true, false} {
			for range 1000 {
				if c.Admit(favoured) {
					got[i]++
				}
			}
		}
		if got != [2]int{tt.favoured, tt.others} || c.Refused() != uint64(2000-got[0]-got[1]) || (changes == 1) != (tt.wait > 0) {
			t.Errorf("wait %v: %v admitted, %d refused, %d changes", tt.wait, got, c.Refused(), changes)
		}
	}
	flooded := overload.New(overload.Config{})
	for range 100 {
		flooded.Step(time.Hour, true)
	}
	if flooded.Level() != 0.5 || !flooded.Admit(true) {
		t.Errorf("level %v under a flood of strangers: telephones are refused for it", flooded.Level())
	}
	c := overload.New(overload.Config{})
	for range 7 { // three times one half
		c.Step(time.Hour, false)
	}
	run, admitted := 0, 0
	for range 1000 {
		if c.Admit(true) {
			run = 0
			admitted++
		} else if run++; run > 3 {
			t.Fatal("four refusals in a row at a share of one quarter")
		}
	}
	if admitted != 250 {
		t.Errorf("%d admitted at a level of one eighth, want a quarter", admitted)
	}
}

// A model of a node: one processor, a queue, calls that cost more than their refusals. Whatever is
// offered above capacity, what is done stays near what could be done at best, what was admitted is
// done in time, and afterwards all are admitted again.
func TestGoodputStaysFlat_RFC6357(t *testing.T) {
	const (
		capacity = 1000.0 // calls a second
		refusal  = 0.05   // of the cost of a call
		step     = 50 * time.Millisecond
	)
	for _, times := range []float64{0.5, 0.9, 1, 1.2, 1.5, 2, 3, 5} {
		c := overload.New(overload.Config{})
		var queue, done, at, rest float64 // work waiting and done, in calls; time in s
		var waits []time.Duration
		offered := capacity * times
		for i := range 60 * 20 { // a minute
			rest += offered * step.Seconds()
			for ; rest >= 1; rest-- {
				if !c.Admit(true) {
					queue += refusal
					done -= refusal // work, but no call
					continue
				}
				queue++
			}
			work := min(queue, capacity*step.Seconds())
			queue -= work
			done += work
			at += step.Seconds()
			wait := time.Duration(queue / capacity * float64(time.Second))
			if i > 100 { // after the first 5 s
				waits = append(waits, wait)
			}
			c.Step(wait, false)
		}
		best := min(offered, (capacity-refusal*offered)/(1-refusal))
		if offered < capacity {
			best = offered
		}
		slices.Sort(waits)
		p99 := waits[len(waits)*99/100]
		t.Logf("%.1f times capacity: %.0f calls a second, %.0f at best, p99 wait %v, share %.2f", times, done/at, best, p99, c.Level())
		if done/at < 0.9*best {
			t.Errorf("%.1f times capacity: %.0f calls a second, want 90 %% of %.0f", times, done/at, best)
		}
		if p99 > 500*time.Millisecond {
			t.Errorf("%.1f times capacity: p99 wait %v", times, p99)
		}
		for range 400 { // 20 s of silence
			c.Step(0, false)
		}
		if c.Level() != 1 {
			t.Errorf("%.1f times capacity: share %v afterwards", times, c.Level())
		}
	}
}

// What a Watch makes of a backlog.
func TestWatch(t *testing.T) {
	for _, tt := range []struct {
		name    string
		waiting int
		full    float64
		speed   uint64 // messages a second
		level   float64
	}{
		{"idle", 0, 0, 0, 1},
		{"busy and nothing waits", 0, 0, 20000, 1},
		{"a tenth of a second waits", 2000, 0, 20000, 1},
		{"four tenths of a second wait", 8000, 0, 20000, 0.02},
		{"the same for a slow machine", 800, 0, 2000, 0.02},
		{"nothing is read any more", 10, 0, 0, 0.02},
		{"the room is nearly full", 10, 0.6, 20000, 0.02},
		{"it waits for a moment only", -8000, 0.6, 20000, 1},
		{"strangers fill it", 8000, 0.6, 20001, 0.5},
	} {
		synctest.Test(t, func(t *testing.T) {
			var read atomic.Uint64
			c := overload.New(overload.Config{})
			polls := 0
			w := overload.Watch{Controller: c, Received: read.Load, Backlog: func() (int, float64) {
				if polls++; tt.waiting < 0 && polls%3 == 0 { // the reader has caught up
					return 0, 0
				}
				return max(tt.waiting, -tt.waiting), tt.full
			}, Known: func() uint64 {
				if tt.speed%2 == 1 {
					return read.Load() / 3
				}
				return read.Load()
			}}
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan struct{})
			go func() { // ends with ctx
				w.Run(ctx)
				close(done)
			}()
			for range 12_000 {
				read.Add(tt.speed / 1000)
				time.Sleep(time.Millisecond)
			}
			if got := c.Level(); math.Abs(got-tt.level) > 1e-6 {
				t.Errorf("%s: level %v, want %v", tt.name, got, tt.level)
			}
			cancel()
			<-done
		})
	}
}
