package transaction

import (
	"fmt"
	"runtime/debug"
)

// The calls to the transaction user. A panic in one ends there: the transaction is answered 500
// if it can be, and the shard goes on with the others.

func (sh *shard) tellRequest(t *serverTx) {
	if t.handle == nil {
		return // CANCEL is answered by the layer
	}
	if t.relayed {
		sh.tellRelay(t)
		return
	}
	defer func(s *Server) {
		if r := recover(); r != nil {
			sh.panicked("Request", r)
			s.Respond(500, "")
		}
	}(t.handle)
	sh.l.tu.Request(t.handle)
}

func (sh *shard) tellCancel(t *serverTx) {
	t.cancelled = true
	if t.relayed || t.down != nil {
		t.cancelBelow()
		return
	}
	defer func(s *Server) {
		if r := recover(); r != nil {
			sh.panicked("Cancel", r)
			s.Respond(500, "")
		}
	}(t.handle)
	t.handle.reason = string(sh.msg.Header("Reason"))
	sh.l.tu.Cancel(t.handle)
}

// tellAck gives the ACK in hand to the user.
func (sh *shard) tellAck() {
	defer sh.recovered("Ack")
	if sh.l.relay != nil && sh.l.relay.RelayAck(sh.flow, sh.msg) {
		return
	}
	if sh.inHand != nil {
		sh.l.tu.Ack(sh.flow, sh.inHand)
		return
	}
	ack, err := parseRequest(sh.l.parser, sh.canonical(), sh.flow)
	if err != nil {
		sh.n.malformed.Add(1)
		return
	}
	sh.l.tu.Ack(sh.flow, ack)
}

func (sh *shard) tellUnacked(t *serverTx) {
	defer sh.recovered("Unacked")
	sh.l.tu.Unacked(t.handle)
}

// tellStray gives the 2xx in hand to the user.
func (sh *shard) tellStray() {
	defer sh.recovered("Stray")
	res, err := parseResponse(sh.l.parser, sh.canonical())
	if err != nil {
		sh.n.malformed.Add(1)
		return
	}
	sh.l.tu.Stray(sh.flow, res)
}

func (sh *shard) tellClient(c *clientTx, ev ClientEvent) {
	if c.on == nil {
		return
	}
	if sh.guest {
		c.event = ev
		sh.q.leave(item{kind: itemTell, client: c})
		return
	}
	defer sh.recovered("client event")
	c.on(ev)
}

// recovered is to be deferred: it contains a panic and counts it.
func (sh *shard) recovered(where string) {
	if r := recover(); r != nil {
		sh.panicked(where, r)
	}
}

func (sh *shard) panicked(where string, r any) {
	sh.n.panics.Add(1)
	sh.l.cfg.Logger.Error("transaction panicked", "in", where, "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
}
