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
	const target = 100 * time.Millisecond
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
			c.Step(w)
		}
		if got := c.Share(); math.Abs(got-tt.want) > 1e-6 {
			t.Errorf("%s: share %v, want %v", tt.name, got, tt.want)
		}
	}
}

// Refusals are spread evenly, and counted.
func TestAdmit(t *testing.T) {
	changes := 0
	c := overload.New(overload.Config{OnChange: func(bool) { changes++ }})
	for range 1000 {
		if !c.Admit() {
			t.Fatal("refused without need")
		}
	}
	for range 3 {
		c.Step(400 * time.Millisecond) // one half
	}
	run := 0
	for range 1000 {
		if c.Admit() {
			run = 0
		} else if run++; run > 1 {
			t.Fatal("two refusals in a row at a share of one half")
		}
	}
	if c.Refused() != 500 || changes != 1 {
		t.Errorf("%d refused, %d changes", c.Refused(), changes)
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
				if !c.Admit() {
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
			c.Step(wait)
		}
		best := min(offered, (capacity-refusal*offered)/(1-refusal))
		if offered < capacity {
			best = offered
		}
		slices.Sort(waits)
		p99 := waits[len(waits)*99/100]
		t.Logf("%.1f times capacity: %.0f calls a second, %.0f at best, p99 wait %v, share %.2f", times, done/at, best, p99, c.Share())
		if done/at < 0.9*best {
			t.Errorf("%.1f times capacity: %.0f calls a second, want 90 %% of %.0f", times, done/at, best)
		}
		if p99 > 500*time.Millisecond {
			t.Errorf("%.1f times capacity: p99 wait %v", times, p99)
		}
		for range 400 { // 20 s of silence
			c.Step(0)
		}
		if c.Share() != 1 {
			t.Errorf("%.1f times capacity: share %v afterwards", times, c.Share())
		}
	}
}

// What a Watch makes of a backlog.
func TestWatch(t *testing.T) {
	for _, tt := range []struct {
		name     string
		waiting  int
		full     float64
		speed    uint64 // messages a second
		refusing bool
	}{
		{"idle", 0, 0, 0, false},
		{"busy and nothing waits", 0, 0, 20000, false},
		{"a tenth of a second waits", 1900, 0, 20000, false},
		{"a fifth of a second waits", 4000, 0, 20000, true},
		{"the same for a slow machine", 400, 0, 2000, true},
		{"nothing is read any more", 10, 0, 0, true},
		{"the room is nearly full", 10, 0.6, 20000, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			var read atomic.Uint64
			c := overload.New(overload.Config{})
			w := overload.Watch{Controller: c, Received: read.Load, Backlog: func() (int, float64) { return tt.waiting, tt.full }}
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan struct{})
			go func() { // ends with ctx
				w.Run(ctx)
				close(done)
			}()
			for range 3000 {
				read.Add(tt.speed / 1000)
				time.Sleep(time.Millisecond)
			}
			if got := c.Share() < 1; got != tt.refusing {
				t.Errorf("%s: share %v", tt.name, c.Share())
			}
			cancel()
			<-done
		})
	}
}
