package transaction

import "time"

// A timer is one slot of a transaction, in the heap of its shard while armed. It is part of the
// transaction, so arming allocates nothing, and stopping takes it out of the heap: a timer that
// was stopped does not fire.
type timer struct {
	at    time.Duration // since the start of the shard
	place int           // index in the heap plus one; 0 when not armed
	owner expirer
	slot  slot
}

// slot says which of the two timers of a transaction it is.
type slot uint8

const (
	retrySlot slot = iota // A, E, G, R
	lifeSlot              // the others
)

// An expirer is a transaction whose timer fires.
type expirer interface {
	expired(slot)
}

// timers is a binary heap, the earliest first. It belongs to its shard.
type timers []*timer

// arm sets t to fire at the given time, whether it is armed or not.
func (h *timers) arm(t *timer, at time.Duration) {
	t.at = at
	if t.place == 0 {
		*h = append(*h, t)
		t.place = len(*h)
	}
	i := t.place - 1
	if !h.down(i) {
		h.up(i)
	}
}

// stop disarms t; it may be disarmed already.
func (h *timers) stop(t *timer) {
	if t.place == 0 {
		return
	}
	i, last := t.place-1, len(*h)-1
	if i != last {
		h.swap(i, last)
	}
	(*h)[last] = nil
	*h = (*h)[:last]
	t.place = 0
	if i != last && !h.down(i) {
		h.up(i)
	}
}

// due takes out and returns the earliest timer if its time has come, else nil.
func (h *timers) due(now time.Duration) *timer {
	if len(*h) == 0 || (*h)[0].at > now {
		return nil
	}
	t := (*h)[0]
	h.stop(t)
	return t
}

// first returns when the earliest timer is due, false when none is armed.
func (h timers) first() (time.Duration, bool) {
	if len(h) == 0 {
		return 0, false
	}
	return h[0].at, true
}

func (h *timers) swap(i, j int) {
	s := *h
	s[i], s[j] = s[j], s[i]
	s[i].place, s[j].place = i+1, j+1
}

func (h *timers) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if (*h)[parent].at <= (*h)[i].at {
			return
		}
		h.swap(i, parent)
		i = parent
	}
}

// down reports whether the timer at i moved.
func (h *timers) down(i int) bool {
	start := i
	for {
		least := 2*i + 1
		if least >= len(*h) {
			break
		}
		if right := least + 1; right < len(*h) && (*h)[right].at < (*h)[least].at {
			least = right
		}
		if (*h)[i].at <= (*h)[least].at {
			break
		}
		h.swap(i, least)
		i = least
	}
	return i != start
}
