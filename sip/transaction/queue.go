package transaction

import (
	"sync"

	"github.com/lineaamica/la2/sip/flow"
)

// An item is one thing that a shard does next.
type item struct {
	kind   itemKind
	shed   bool // the queue was full when this new request came
	flow   flow.Flow
	raw    []byte // a message, or a response of the user in bytes
	status int    // of raw, when it is a response of the user
	once   bool   // raw is sent once and server forgotten
	server *serverTx
	client *clientTx
	reason string
	done   chan struct{}
}

type itemKind uint8

const (
	itemMessage itemKind = iota // raw came on flow
	itemReply                   // the user answers server with raw
	itemRequest                 // the user sends client
	itemCancel                  // the user cancels client
	itemClosed                  // flow ended
	itemFlush                   // the user waits for what it posted before
)

// admission is what a full queue does to a message.
type admission uint8

const (
	always    admission = iota // belongs to what is under way
	sheddable                  // begins something new
)

// A queue carries items into a shard, in order. Messages are bounded; what the user posts is
// not, because a user that waits for its own shard would never wake.
type queue struct {
	wake chan struct{} // one slot: there is something, or the queue closed

	mu      sync.Mutex // guards the rest
	items   []item
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

// push copies a message into the queue. It returns false when the message was dropped.
func (q *queue) push(f flow.Flow, raw []byte, a admission, limit int) bool {
	most := allFactor * limit
	if a == sheddable {
		most = newFactor * limit
	}
	q.mu.Lock()
	if q.closing || q.waits >= most {
		q.mu.Unlock()
		return false
	}
	var b []byte
	if n := len(q.free); n > 0 {
		b, q.free = q.free[n-1], q.free[:n-1]
	}
	it := item{kind: itemMessage, flow: f, raw: append(b[:0], raw...), shed: a == sheddable && q.waits >= limit}
	q.waits++
	q.items = append(q.items, it)
	q.mu.Unlock()
	q.signal()
	return true
}

// post puts an item of the user into the queue. It returns false when the queue is closed.
func (q *queue) post(it item) bool {
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return false
	}
	q.items = append(q.items, it)
	q.mu.Unlock()
	q.signal()
	return true
}

// take returns all items, and whether the queue is closed: it was told to close and is empty, so
// answers to what came before are still taken. done is the batch taken before: its buffers serve
// again.
func (q *queue) take(done []item) (batch []item, closed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i := range done {
		if it := &done[i]; it.kind == itemMessage && len(q.free) < maxFree && cap(it.raw) <= maxKept {
			q.free = append(q.free, it.raw)
		}
		done[i] = item{}
	}
	batch, q.items, q.waits = q.items, done[:0], 0
	q.closed = q.closing && len(batch) == 0
	return batch, q.closed
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
