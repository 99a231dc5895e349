package transaction

import "time"

// A timer is one slot of a transaction, in a lane of its shard while armed. It is part of the
// transaction, so arming allocates nothing, and stopping takes it out: a timer that was stopped
// does not fire.
type timer struct {
	at         time.Duration // since the start of the shard
	lane       *lane         // nil when not armed
	prev, next *timer        // in the lane
	owner      expirer
	slot       slot
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

// A lane holds timers in the order in which they fire.
type lane struct {
	length      time.Duration // of the timers that usually come
	first, last *timer
}

// timers holds the armed timers of a shard. RFC 3261 knows a dozen lengths of a timer, and each has
// its lane: time only goes forward, so a new timer is the last of its lane. Arming and stopping cost
// the same with ten transactions and with a million.
type timers struct {
	lanes []*lane
	armed int
}

// mostLanes is enough for T1 doubled up to 64 times, T2, T4 and timer C, with some to spare. A timer
// of yet another length shares a lane, and is put in its place there.
const mostLanes = 16

// arm sets t to fire when d has passed since now, whether it is armed or not.
func (h *timers) arm(t *timer, now, d time.Duration) {
	h.stop(t)
	l := h.laneFor(d)
	t.at, t.lane = now+d, l
	h.armed++
	before := l.last
	for before != nil && before.at > t.at {
		before = before.prev
	}
	t.prev = before
	if before == nil {
		t.next, l.first = l.first, t
	} else {
		t.next, before.next = before.next, t
	}
	if t.next == nil {
		l.last = t
	} else {
		t.next.prev = t
	}
}

// laneFor finds the lane of a length: its own, an empty one, a new one, or the last.
func (h *timers) laneFor(d time.Duration) *lane {
	var empty *lane
	for _, l := range h.lanes {
		if l.length == d {
			return l
		}
		if l.first == nil {
			empty = l
		}
	}
	switch {
	case empty != nil:
		empty.length = d
		return empty
	case len(h.lanes) < mostLanes:
		h.lanes = append(h.lanes, &lane{length: d})
	}
	return h.lanes[len(h.lanes)-1]
}

// stop disarms t; it may be disarmed already.
func (h *timers) stop(t *timer) {
	l := t.lane
	if l == nil {
		return
	}
	if t.prev == nil {
		l.first = t.next
	} else {
		t.prev.next = t.next
	}
	if t.next == nil {
		l.last = t.prev
	} else {
		t.next.prev = t.prev
	}
	t.lane, t.prev, t.next = nil, nil, nil
	h.armed--
}

// due takes out and returns the earliest timer if its time has come, else nil.
func (h *timers) due(now time.Duration) *timer {
	t := h.earliest()
	if t == nil || t.at > now {
		return nil
	}
	h.stop(t)
	return t
}

// first returns when the earliest timer is due, false when none is armed.
func (h *timers) first() (time.Duration, bool) {
	t := h.earliest()
	if t == nil {
		return 0, false
	}
	return t.at, true
}

func (h *timers) earliest() *timer {
	var t *timer
	for _, l := range h.lanes {
		if l.first != nil && (t == nil || l.first.at < t.at) {
			t = l.first
		}
	}
	return t
}
