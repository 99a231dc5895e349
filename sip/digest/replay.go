package digest

import (
	"container/list"
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
	seen  map[nonceID]*list.Element
	order *list.List // of *used, the least recently used last
	floor time.Time
}

type used struct {
	id   nonceID
	top  uint32 // highest count accepted
	bits uint64 // bit i: count top-i was used
}

func newReplay(size int, start time.Time) *replay {
	return &replay{max: size, seen: map[nonceID]*list.Element{}, order: list.New(), floor: start}
}

// accept records that nonce id was used with count nc; false when it was
// before, or when nobody can tell any more.
func (r *replay) accept(id nonceID, nc uint32) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e, ok := r.seen[id]; ok {
		r.order.MoveToFront(e)
		return e.Value.(*used).accept(nc)
	}
	if !id.time().After(r.floor) {
		return false
	}
	r.seen[id] = r.order.PushFront(&used{id: id, top: nc, bits: 1})
	for r.order.Len() > r.max {
		last := r.order.Remove(r.order.Back()).(*used)
		delete(r.seen, last.id)
		if t := last.id.time(); t.After(r.floor) {
			r.floor = t
		}
	}
	return true
}

func (u *used) accept(nc uint32) bool {
	if nc > u.top {
		u.bits = u.bits<<min(nc-u.top, replayWindow) | 1
		u.top = nc
		return true
	}
	back := u.top - nc
	if back >= replayWindow || u.bits&(1<<back) != 0 {
		return false
	}
	u.bits |= 1 << back
	return true
}
