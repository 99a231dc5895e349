package digest

import (
	"sync"
	"time"
)

// replayWindow says how far nonce counts may arrive out of order.
const replayWindow = 64

// replay remembers which counts of which nonces were used, in a table of fixed
// size. When a nonce is thrown out, floor rises to its time: nonces that old and
// not in the table are stale, since we no longer know what they were used for.
type replay struct {
	max int

	mu    sync.Mutex // guards what follows
	seen  map[nonceID]int32
	table []used // linked by use; no pointers, so that the collector does not look at it
	ends  ends
	floor time.Time
}

// ends of the list of used: the numbers of the latest and the oldest, -1 when it is empty.
type ends struct{ newest, oldest int32 }

// A used is one nonce.
type used struct {
	id    nonceID
	bits  uint64 // bit i: count top-i was used
	print uint64 // of the request that used the count last; 0: none
	top   uint32 // highest count accepted
	last  uint32 // the count accepted last
	newer int32
	older int32
}

// A verdict is what becomes of a nonce count.
type verdict uint8

const (
	stale verdict = iota // was used, or nobody can tell any more
	fresh
	again // was used by the very same request
)

func newReplay(size int, start time.Time) *replay {
	return &replay{max: size, seen: map[nonceID]int32{}, ends: ends{-1, -1}, floor: start}
}

// accept records that nonce id was used with count nc by the request called print.
func (r *replay) accept(id nonceID, nc uint32, print uint64) verdict {
	r.mu.Lock()
	defer r.mu.Unlock()
	if i, ok := r.seen[id]; ok {
		r.unlink(i)
		r.link(i)
		return r.table[i].accept(nc, print)
	}
	if !id.time().After(r.floor) {
		return stale
	}
	i := r.room()
	r.table[i] = used{id: id, top: nc, bits: 1, last: nc, print: print}
	r.seen[id] = i
	r.link(i)
	return fresh
}

// room returns the number of a free entry: a new one, or that of the least recently used nonce.
// r.mu must be held.
func (r *replay) room() int32 {
	if len(r.table) < r.max {
		r.table = append(r.table, used{})
		return int32(len(r.table) - 1)
	}
	i := r.ends.oldest
	r.unlink(i)
	delete(r.seen, r.table[i].id)
	if t := r.table[i].id.time(); t.After(r.floor) {
		r.floor = t
	}
	return i
}

// unlink takes entry i out of the order of use. r.mu must be held.
func (r *replay) unlink(i int32) {
	u := &r.table[i]
	if u.newer >= 0 {
		r.table[u.newer].older = u.older
	} else {
		r.ends.newest = u.older
	}
	if u.older >= 0 {
		r.table[u.older].newer = u.newer
	} else {
		r.ends.oldest = u.newer
	}
}

// link makes entry i the one used last. r.mu must be held.
func (r *replay) link(i int32) {
	r.table[i].newer, r.table[i].older = -1, r.ends.newest
	if r.ends.newest >= 0 {
		r.table[r.ends.newest].newer = i
	} else {
		r.ends.oldest = i
	}
	r.ends.newest = i
}

func (u *used) accept(nc uint32, print uint64) verdict {
	if nc > u.top {
		u.bits = u.bits<<min(nc-u.top, replayWindow) | 1
		u.top, u.last, u.print = nc, nc, print
		return fresh
	}
	back := u.top - nc
	switch {
	case nc == u.last && print != 0 && print == u.print:
		return again
	case back >= replayWindow || u.bits&(1<<back) != 0:
		return stale
	}
	u.bits |= 1 << back
	u.last, u.print = nc, print
	return fresh
}
