package server

import (
	"sync"
	"time"
)

// A throttle bounds failed log-ins: 5 for one user from one source and 20 from
// one source in 15 minutes. An attempt counts from its beginning, so that many
// at once do not slip through, and is taken back when it succeeds.
type throttle struct {
	now func() time.Time

	mu    sync.Mutex
	tries map[string][]time.Time
}

const (
	throttleWindow  = 15 * time.Minute
	throttlePerUser = 5
	throttlePerSrc  = 20
	// throttleKeys bounds the table: 10,000 sources and users.
	throttleKeys = 20_000
)

func newThrottle(now func() time.Time) *throttle {
	return &throttle{now: now, tries: map[string][]time.Time{}}
}

// try counts an attempt; when there were too many it returns how long to wait.
func (t *throttle) try(src, user string) (wait time.Duration, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	limits := map[string]int{"s " + src: throttlePerSrc, "u " + src + " " + user: throttlePerUser}
	for key, limit := range limits {
		list := t.recent(key, now)
		if len(list) >= limit {
			wait = max(wait, list[len(list)-limit].Add(throttleWindow).Sub(now))
		}
	}
	if wait > 0 {
		return wait, false
	}
	if len(t.tries) > throttleKeys {
		t.sweep(now)
	}
	for key := range limits {
		t.tries[key] = append(t.tries[key], now)
	}
	return 0, true
}

// succeeded takes the attempt back and forgets the user's failures from there.
func (t *throttle) succeeded(src, user string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.tries, "u "+src+" "+user)
	key := "s " + src
	if list := t.tries[key]; len(list) > 1 {
		t.tries[key] = list[:len(list)-1]
		return
	}
	delete(t.tries, key)
}

func (t *throttle) recent(key string, now time.Time) []time.Time {
	list := t.tries[key]
	for len(list) > 0 && now.Sub(list[0]) >= throttleWindow {
		list = list[1:]
	}
	if len(list) == 0 {
		delete(t.tries, key)
		return nil
	}
	t.tries[key] = list
	return list
}

// sweep drops what is over; if the table is still full, everything: a flood of
// sources must not cost memory.
func (t *throttle) sweep(now time.Time) {
	for key := range t.tries {
		t.recent(key, now)
	}
	if len(t.tries) > throttleKeys {
		clear(t.tries)
	}
}
