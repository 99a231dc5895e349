package overload

import (
	"context"
	"time"
)

// interval is the time between two steps.
const interval = 50 * time.Millisecond

// A Watch measures how long messages wait, and steps a controller.
type Watch struct {
	Controller *Controller
	// Backlog says how many messages wait to be read, about, and which part of the room for them
	// is taken, 0 to 1.
	Backlog func() (messages int, full float64)
	// Received counts messages read since the start.
	Received func() uint64
}

// Run measures until ctx ends. Each step counts the longer of two waits: that of the last message
// in the backlog, at the speed at which messages are read, and that of this goroutine for a
// processor, for which the goroutines of calls wait like it. A backlog that takes half of its room
// is too much, however fast: what does not fit is lost.
func (w *Watch) Run(ctx context.Context) {
	t := time.NewTimer(interval)
	defer t.Stop()
	last, read := time.Now(), w.Received()
	var speed meter
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		now, count := time.Now(), w.Received()
		took := now.Sub(last)
		speed.add(float64(count-read) / took.Seconds())
		waiting, full := w.Backlog()
		w.Controller.Step(max(took-interval, speed.wait(waiting), time.Duration(2*full*float64(w.Controller.cfg.Target))))
		last, read = now, count
		t.Reset(interval)
	}
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
