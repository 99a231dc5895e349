package transaction

import (
	"time"

	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/wire"
)

// mostInTurn is how many items that stayed behind a reader handles before it leaves the rest to the
// goroutine of the shard and reads on.
const mostInTurn = 64

// A shard that had mostly messages since its clock fired last looks at its timers with each of
// them, so the clock may fire up to slack late: it is there for the silence that follows.
const (
	busyFrom = 16
	slack    = 20 * time.Millisecond
)

// receive handles a message in the turn that its reader got, and then what came meanwhile.
func (sh *shard) receive(f flow.Flow, m *wire.Message, shed bool) {
	sh.direct(f, m, shed)
	for left := mostInTurn; left > 0; {
		n := sh.batchOf()
		if n == 0 {
			break
		}
		left -= n
	}
	sh.fire()
	sh.wind()
	sh.q.end()
}

// direct handles the message of a reader. A panic costs that message only.
func (sh *shard) direct(f flow.Flow, m *wire.Message, shed bool) {
	defer sh.recovered("item")
	sh.now = time.Since(sh.started)
	sh.busy++
	sh.flow, sh.msg = f, m
	sh.message(shed)
	sh.msg = &sh.kept
}

// batchOf handles what waits and returns how much it was.
func (sh *shard) batchOf() int {
	sh.batch = sh.q.take(sh.batch)
	for i := range sh.batch {
		sh.handle(&sh.batch[i])
	}
	return len(sh.batch)
}

// post gives it to the shard and reports false when the layer is closed. When the turn is free the
// caller does it at once. It never calls the user back on this goroutine: the caller may hold what
// a callback wants.
func (sh *shard) post(it item) bool {
	switch sh.q.post(&it) {
	case refused:
		return false
	case inTurn:
		sh.guest = true
		sh.handle(&it)
		sh.guest = false
		sh.wind()
		sh.q.end()
	}
	return true
}

// wind sets the clock when it would fire too late. Firing early is harmless and cheaper than a
// setting for every transaction.
func (sh *shard) wind() {
	at, ok := sh.timers.first()
	if !ok {
		return
	}
	if sh.busy >= busyFrom {
		at = max(at, sh.now+slack)
	}
	if sh.wakes == 0 || at < sh.wakes {
		sh.clock.Reset(at - time.Since(sh.started))
		sh.wakes = at
	}
}

// run takes the turn for what stayed behind and for timers when no message comes. It ends when the
// queue is closed.
func (sh *shard) run() {
	defer close(sh.done)
	defer sh.clock.Stop()
	rang := false
	for {
		select {
		case <-sh.q.wake:
		case <-sh.clock.C:
			rang = true
		}
		if !sh.q.enter() {
			continue
		}
		for sh.batchOf() > 0 {
		}
		sh.fire()
		if sh.q.shut() {
			sh.abandon()
			return
		}
		if rang {
			sh.wakes = 0
		}
		sh.wind()
		if rang {
			sh.busy, rang = 0, false
		}
		sh.q.end()
	}
}
