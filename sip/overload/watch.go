package overload

import (
	"context"
	"time"
)

// interval is the time between two steps; while something waits it is looked at every glance.
const (
	interval = 50 * time.Millisecond
	glance   = 5 * time.Millisecond
)

// A Watch measures how long messages wait, and steps a controller.
type Watch struct {
	Controller *Controller
	// Backlog says how many messages wait to be read, about, and which part of the room for them
	// is taken, 0 to 1.
	Backlog func() (messages int, full float64)
	// Received counts all that was read since the start, Known what of it came from the favoured.
	Received, Known func() uint64
}

// Run measures until ctx ends. Each step counts the longer of two waits: that of the last message
// in the backlog, at the speed at which messages are read, and half of that of this goroutine for a
// processor, for which the goroutines of calls wait like it: half, because a machine that others
// use, too, makes everybody wait and still gets the calls done. A backlog that takes half of its
// room is too much, however fast: what does not fit is lost. Of a backlog that comes and goes the
// smallest counts: what the reader keeps up with is no overload.
func (w *Watch) Run(ctx context.Context) {
	t := time.NewTimer(interval)
	defer t.Stop()
	pause := func(d time.Duration) bool {
		t.Reset(d)
		select {
		case <-ctx.Done():
			return false
		case <-t.C:
			return true
		}
	}
	last, read, known := time.Now(), w.Received(), w.Known()
	var speed, favoured meter
	for {
		asleep := time.Now()
		if !pause(interval) {
			return
		}
		now, count, friends := time.Now(), w.Received(), w.Known()
		speed.add(float64(count-read) / now.Sub(last).Seconds())
		favoured.add(float64(friends-known) / now.Sub(last).Seconds())
		last, read, known = now, count, friends
		wait := w.backlog(speed)
		for range interval/glance - 1 {
			if wait == 0 || !pause(glance) {
				break
			}
			wait = min(wait, w.backlog(speed))
		}
		w.Controller.Step(max((now.Sub(asleep)-interval)/2, wait), favoured.rate < speed.rate/2)
	}
}

// backlog is the wait of the last message there.
func (w *Watch) backlog(speed meter) time.Duration {
	waiting, full := w.Backlog()
	return max(speed.wait(waiting), time.Duration(2*full*float64(w.Controller.cfg.Target)))
}

// A meter is the number of messages a second, smoothed over half a second.
type meter struct{ rate float64 }

func (m *meter) add(rate float64) {
	if m.rate == 0 {
		m.rate = rate
	}
	m.rate += (rate - m.rate) / 10
}

// wait is how long the last of n waiting messages has to wait, 10 s at most.
func (m *meter) wait(n int) time.Duration {
	if n == 0 {
		return 0
	}
	return min(10*time.Second, time.Duration(float64(n)/max(m.rate, 1)*float64(time.Second)))
}
