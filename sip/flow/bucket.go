package flow

import (
	"sync"
	"time"
)

// A level is how full one bucket is.
type level struct {
	left float64
	at   time.Time
}

func (v *level) take(now time.Time, n, rate, burst float64) bool {
	if d := now.Sub(v.at); d > 0 {
		v.left = min(burst, v.left+d.Seconds()*rate)
		v.at = now
	}
	if v.left < n {
		return false
	}
	v.left -= n
	return true
}

// A bucket is a level of its own, for all sources together.
type bucket struct {
	rate  float64    // a second, and the burst
	mu    sync.Mutex // guards level
	level level
}

func (b *bucket) take(now time.Time, n float64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.level.at.IsZero() {
		b.level = level{left: b.rate, at: now}
	}
	return b.level.take(now, n, b.rate, b.rate)
}
