package transaction

import (
	"sync"

	"github.com/lineaamica/la2/sip/flow"
)

// An item is one thing that a shard does next.
type item struct {
	kind   itemKind
	shed   bool // a new request that is refused
	flow   flow.Flow
	raw    []byte // a message, or a response of the user in bytes
	status int    // of raw, when it is a response of the user
	once   bool   // raw is sent once and server forgotten
	server *serverTx
	client *clientTx
	reason string
	done   chan struct{}
	call   func()
}

type itemKind uint8

const (
	itemMessage itemKind = iota // raw came on flow
	itemReply                   // the user answers server with raw
	itemRequest                 // the user sends client
	itemCancel                  // the user cancels client
	itemClosed                  // flow ended
	itemFlush                   // the user waits for what it posted before
	itemTell                    // the user of client is owed its event
	itemCall                    // the user goes on, on the shard
)

// admission is what a full queue does to a message.
type admission uint8

const (
	always    admission = iota // belongs to what is under way
	sheddable                  // begins something new
	unwanted                   // the same, and Config.Admit refused it
)

// A queue carries items into a shard, in order, and says whose turn it is to handle them: one
// goroutine at a time has the turn, and what it does in its turn it need not lock. Messages are
// bounded; what the user posts is not, because a user that waits for its own shard would never
// wake.
//
// Who comes when nothing waits and nobody has the turn gets it, and handles what it brought on the
// spot, without a copy and without waking anybody. Who finds the turn taken leaves its item behind.
// When items stay behind as a turn ends, the goroutine of the shard is woken.
type queue struct {
	wake chan struct{} // one slot: the goroutine of the shard shall take the turn

	mu      sync.Mutex // guards the rest
	items   []item
	turn    bool     // somebody has it
	wanted  bool     // by the goroutine of the shard, which found it taken
	waits   int      // messages among items
	free    [][]byte // buffers for messages
	closing bool     // no more messages
	closed  bool     // nothing more
}

// From Config.Inbox to newFactor times as many waiting messages new requests still enter, marked:
// only the shard can tell a new INVITE from a repeated one, whose 503 would end a call that is
// being set up. Beyond, new requests are dropped and the client sends them again; what belongs to
// a call goes on up to allFactor, which only bounds the memory of a shard that is stuck.
const (
	newFactor = 4
	allFactor = 16
)

// maxFree bounds the buffers that a queue keeps, maxKept their size: 64 of 4 KiB hold a burst
// and cost 256 KiB a shard.
const (
	maxFree = 64
	maxKept = 4096
)

// A place is where an item went.
type place uint8

const (
	refused place = iota // nowhere
	queued               // it waits for who has the turn
	inTurn               // it stays with the caller, who has the turn now
)

// push takes a message; when it has to wait it is copied.
func (q *queue) push(f flow.Flow, raw []byte, a admission, limit int) place {
	most := allFactor * limit
	if a != always {
		most = newFactor * limit
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.closing || q.waits >= most:
		return refused
	case q.claim():
		return inTurn
	}
	var b []byte
	if n := len(q.free); n > 0 {
		b, q.free = q.free[n-1], q.free[:n-1]
	}
	it := item{kind: itemMessage, flow: f, raw: append(b[:0], raw...), shed: a == unwanted || a == sheddable && q.waits >= limit}
	q.waits++
	q.items = append(q.items, it)
	return queued
}

// post takes an item of the user.
func (q *queue) post(it *item) place {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.closed:
		return refused
	case q.claim():
		return inTurn
	}
	q.items = append(q.items, *it)
	return queued
}

// leave puts an item into the queue and wakes the goroutine of the shard for it.
func (q *queue) leave(it item) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return
	}
	q.items = append(q.items, it)
	if !q.turn {
		q.signal()
	}
}

// claim gives the turn to the caller when nothing comes before it.
func (q *queue) claim() bool {
	if q.turn || len(q.items) > 0 {
		return false
	}
	q.turn = true
	return true
}

// enter gives the turn to the goroutine of the shard, or sees to it that it is woken again.
func (q *queue) enter() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.turn {
		q.wanted = true
		return false
	}
	q.turn = true
	return true
}

// take returns the items that wait. done is the batch taken before: its buffers serve again. In turn.
func (q *queue) take(done []item) []item {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i := range done {
		if it := &done[i]; it.kind == itemMessage && len(q.free) < maxFree && cap(it.raw) <= maxKept {
			q.free = append(q.free, it.raw)
		}
		done[i] = item{}
	}
	batch := q.items
	q.items, q.waits = done[:0], 0
	return batch
}

// end ends a turn.
func (q *queue) end() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.turn = false
	if len(q.items) > 0 || q.wanted || q.closing {
		q.wanted = false
		q.signal()
	}
}

// shut reports whether the queue is closed, in the turn of the goroutine of the shard: it was told
// to close and is empty, so answers to what came before are still taken.
func (q *queue) shut() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = q.closing && len(q.items) == 0
	return q.closed
}

func (q *queue) close() {
	q.mu.Lock()
	q.closing = true
	q.mu.Unlock()
	q.signal()
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}
