package transaction

import (
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/wire"
)

// A shard owns the transactions of a part of all Call-IDs. Who has its turn works on it: the reader
// that brings a message, the user that posts something, or run, for what stayed behind and for the
// timers (see queue).
type shard struct {
	l       *Layer
	q       queue
	n       counters
	done    chan struct{} // closed when run ended
	started time.Time
	clock   *time.Timer // wakes run for the earliest timer

	// Owned by the turn.
	now     time.Duration // since started, at the item in hand
	timers  timers
	wakes   time.Duration // when clock fires; 0 if it does not
	busy    int           // messages since clock fired last
	guest   bool          // the turn is that of a user, on whose goroutine nobody is called back
	batch   []item        // in hand
	servers map[string]*serverTx
	clients map[string]*clientTx
	merged  map[string]*serverTx // initial requests by appendMergedKey
	owed    map[string]*serverTx // 2xx by appendAckKey
	msg     *wire.Message        // the message in hand: the reader's, or kept
	kept    wire.Message         // one that had to wait
	flow    flow.Flow            // its flow
	inHand  *sip.Request         // the ACK in hand, if it is read already
	serving *serverTx            // whose request it is, while the user looks at it
	key     []byte               // scratch
	canon   []byte               // scratch
	spare   [][]byte             // buffers of messages that are sent no more
}

func newShard(l *Layer) *shard {
	sh := &shard{
		l:       l,
		q:       queue{wake: make(chan struct{}, 1)},
		done:    make(chan struct{}),
		started: time.Now(),
		clock:   time.NewTimer(time.Hour),
		wakes:   time.Hour,
		servers: make(map[string]*serverTx),
		clients: make(map[string]*clientTx),
		merged:  make(map[string]*serverTx),
		owed:    make(map[string]*serverTx),
	}
	sh.msg = &sh.kept
	return sh
}

// fire runs the timers whose time has come.
func (sh *shard) fire() {
	sh.now = time.Since(sh.started)
	for {
		t := sh.timers.due(sh.now)
		if t == nil {
			return
		}
		sh.expire(t)
	}
}

func (sh *shard) expire(t *timer) {
	defer sh.recovered("timer")
	t.owner.expired(t.slot)
}

// handle does one item. A panic in the layer's own code costs that item only.
func (sh *shard) handle(it *item) {
	defer sh.recovered("item")
	sh.now = time.Since(sh.started)
	switch it.kind {
	case itemMessage:
		sh.busy++
		sh.waited(it)
	case itemReply:
		if it.once {
			it.server.dismiss(it.raw)
			return
		}
		it.server.answer(it.status, it.raw)
	case itemRequest:
		sh.begin(it.client)
	case itemCancel:
		it.client.reason = it.reason
		if it.client.ict == ictInit { // it waits for its connection
			it.client.early = true
			break
		}
		it.client.stepInvite(ictCancel)
	case itemClosed:
		for _, c := range sh.clients {
			if c.flow == it.flow {
				c.broken()
			}
		}
	case itemFlush:
		close(it.done)
	case itemTell:
		sh.tellClient(it.client, it.client.event)
	case itemCall:
		it.call()
	}
}

// begin starts a client transaction.
func (sh *shard) begin(c *clientTx) {
	if c.last == nil {
		sh.tellClient(c, ClientEvent{Err: ErrRequest})
		return
	}
	if !c.invite {
		c.req = nil
	}
	sh.clients[c.key] = c
	sh.n.clients.Add(1)
	c.start()
	if c.early {
		c.stepInvite(ictCancel)
	}
}

// sendCancel sends the CANCEL of an INVITE in a transaction of its own (RFC 3261 9.1). What
// becomes of it is of no interest: the INVITE gets its final response or timer X.
func (sh *shard) sendCancel(invite *clientTx) {
	c := &clientTx{
		sh: sh, flow: invite.flow, sentBy: invite.sentBy, branch: invite.branch,
		key: invite.branch + "|CANCEL", req: invite.req,
	}
	if invite.up != nil {
		c.last = invite.sibling("CANCEL", nil)
	} else {
		c.last = encodeSibling(sip.CANCEL, invite, invite.req.To(), invite.reason)
	}
	c.retry = timer{owner: c, slot: retrySlot}
	c.life = timer{owner: c, slot: lifeSlot}
	sh.begin(c)
}

// owe notes that t sent a 2xx, so that its ACK is found.
func (sh *shard) owe(t *serverTx) {
	if t.ackKey != "" {
		sh.owed[t.ackKey] = t
	}
}

// endServer forgets t.
func (sh *shard) endServer(t *serverTx) {
	sh.timers.stop(&t.retry)
	sh.timers.stop(&t.life)
	if t.alarm != nil {
		sh.timers.stop(&t.alarm.timer)
	}
	sh.release(t.last)
	t.handle, t.last, t.down, t.alarm = nil, nil, nil, nil
	if sh.servers[t.key] != t {
		return
	}
	delete(sh.servers, t.key)
	sh.n.servers.Add(-1)
	if sh.merged[t.mergedKey] == t {
		delete(sh.merged, t.mergedKey)
	}
	if sh.owed[t.ackKey] == t {
		delete(sh.owed, t.ackKey)
	}
}

// endClient forgets c.
func (sh *shard) endClient(c *clientTx) {
	sh.timers.stop(&c.retry)
	sh.timers.stop(&c.life)
	sh.release(c.last)
	sh.release(c.ack)
	c.req, c.last, c.ack = nil, nil, nil
	if sh.clients[c.key] != c {
		return
	}
	delete(sh.clients, c.key)
	sh.n.clients.Add(-1)
}

// abandon ends all transactions when the layer closes.
func (sh *shard) abandon() {
	for _, c := range sh.clients {
		if !c.final() {
			sh.tellClient(c, ClientEvent{Err: ErrClosed})
		}
		sh.endClient(c)
	}
	for _, t := range sh.servers {
		sh.endServer(t)
	}
}

// Most spare buffers of a shard, and the largest: 1 MiB.
const (
	maxSpare  = 512
	spareSize = 2048
)

// buffer returns an empty buffer for a message.
func (sh *shard) buffer() []byte {
	n := len(sh.spare)
	if n == 0 {
		return make([]byte, 0, sizeHint)
	}
	b := sh.spare[n-1]
	sh.spare = sh.spare[:n-1]
	return b
}

// keep copies a message.
func (sh *shard) keep(b []byte) []byte { return append(sh.buffer(), b...) }

// release takes back the buffer of a message that is sent no more: nobody else may have it.
func (sh *shard) release(b []byte) {
	if c := cap(b); len(sh.spare) < maxSpare && c >= sizeHint/2 && c <= spareSize {
		sh.spare = append(sh.spare, b[:0])
	}
}

// emit sends b and reports whether the flow took it.
func (sh *shard) emit(f flow.Flow, b []byte) bool {
	if err := sh.l.send.Send(f, b); err != nil {
		sh.n.sendErrors.Add(1)
		return false
	}
	return true
}
