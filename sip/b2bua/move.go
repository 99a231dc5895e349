package b2bua

import (
	"slices"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/sip/transaction"
)

// A leg moves from one call to another with its dialog and its RTP port. The old
// owner takes it apart and hands a copy over by mailbox; from then on it touches
// nothing of it, and what still reaches it for the leg it passes on, in order.

// yieldTo gives far to the call that asks, in the event that say makes, and ends
// this one: the transferor's leg stays until it is released. False: the other call
// has ended, and nothing was changed.
func (c *Call) yieldTo(e cmdYield, far *leg, say func(moved *leg) event) bool {
	m := c.sw.deps.Media
	m.Unbridge(far.port)
	moved := far.handOver(e.by)
	moved.strange = m.Adopt(far.port, e.by.id) != nil
	if !e.by.box.put(say(moved)) {
		_ = m.Adopt(far.port, c.id) // it came from there
		c.joined = joint{}
		c.arrange()
		return false
	}
	c.sw.inherit(far.key, far, moved)
	far.heir = moved
	far.state, far.open, far.port, far.branches = legCleared, false, 0, nil
	far.ringAt, far.session = time.Time{}, sessionTimer{}
	c.unlist(far)
	c.gone = far // told at the end: until then its station must not seem free
	e.leg.kept = true
	c.clear(cti.CauseTransferred)
	return true
}

// handOver is a copy of l for call to; what belongs to the life in this call is left out.
func (l *leg) handOver(to *Call) *leg {
	return &leg{
		call: to, key: l.key, state: legConfirmed,
		device: l.owner, owner: l.owner, party: l.party, trunk: l.trunk, number: l.number, trusted: l.trusted, able: l.able,
		dlg: l.dlg, flow: l.flow, port: l.port, open: l.open,
		local: l.local, said: l.said, agreed: l.agreed, nat: l.nat, session: l.session,
		uas: l.uas, credentials: l.credentials, proof: l.proof,
	}
}

// adopt takes a moved leg into the place of one that waited for it. A waiting leg
// that was given up meanwhile gets none: the moved one has a number of its own then.
func (c *Call) adopt(place, moved *leg) {
	moved.id = place.id
	if i := slices.Index(c.legs, place); i >= 0 {
		c.legs[i] = moved
	} else {
		fresh := c.newLeg()
		moved.id = fresh.id
		c.legs[len(c.legs)-1] = moved
	}
	if moved.strange && c.cause == "" {
		c.reanchor(moved)
	}
}

// unlist takes l out of the list of legs.
func (c *Call) unlist(l *leg) {
	c.legs = slices.DeleteFunc(c.legs, func(x *leg) bool { return x == l })
}

// forward passes on what came for a leg that has moved; false when e is not such.
func (c *Call) forward(e event) bool {
	var heir *leg
	switch x := e.(type) {
	case evRequest:
		if heir = x.leg.heir; heir != nil && !heir.call.box.put(evRequest{heir, x.tx}) {
			x.tx.Respond(sip.StatusCallTransactionDoesNotExists, "")
		}
	case evAck:
		if heir = x.leg.heir; heir != nil {
			heir.call.box.put(evAck{heir, x.ack})
		}
	case evNoAck:
		if heir = x.leg.heir; heir != nil {
			heir.call.box.put(evNoAck{heir})
		}
	case evStray:
		if heir = x.leg.heir; heir != nil {
			heir.call.box.put(evStray{heir, x.res})
		}
	case evAnswered:
		if heir = x.leg.heir; heir != nil {
			heir.call.box.put(evAnswered{heir, x.what, x.ev})
		}
	case evChallenged:
		if heir = x.leg.heir; heir != nil {
			heir.call.box.put(evChallenged{heir, x.req, x.answer, x.on})
		}
	}
	return heir != nil
}

// reanchor gives l, whose port cannot be bridged here, one that can, and tells its
// far end by re-INVITE (RFC 3264 8.3.1).
func (c *Call) reanchor(l *leg) {
	old := l.port
	port, addr, err := c.sw.deps.Media.Open(c.id)
	if err != nil {
		c.log().Error("moved leg has no port", "error", err)
		return
	}
	c.sw.deps.Media.Close(old)
	l.port, l.local.Addr = port, addr
	l.far()
	c.reoffer(l)
}

// reoffer sends our description by re-INVITE, as it is now.
func (c *Call) reoffer(l *leg) {
	if l.state != legConfirmed || l.oa != stable {
		return
	}
	req := l.dlg.Request(sip.INVITE)
	c.sw.abilities(req, "User-Agent")
	c.repeat(l)
	setSDP(req, l.said)
	l.turn(offerRequest)
	c.request(l, req, func(ev transaction.ClientEvent) {
		if ev.Err == nil && ev.Response.StatusCode < 200 {
			return
		}
		if e := (evAnswered{leg: l, what: reoffered, ev: ev}); !c.box.put(e) {
			c.ackLate(e)
		}
	})
}

// onReoffered takes the answer to reoffer.
func (c *Call) onReoffered(l *leg, ev transaction.ClientEvent) {
	if ev.Response != nil && ev.Response.IsSuccess() {
		c.ackReinvite(l, ev.Response)
		if l.turn(answerCame) {
			if s, err := l.offerIn(ev.Response); err == nil {
				c.take(l, s)
			}
		}
		return
	}
	if l.oa == inResponse {
		l.turn(failed)
	}
	switch {
	case timedOut(ev):
		c.hangUp(l, cti.CauseUnreachable)
	case ev.Response != nil && ev.Response.StatusCode == sip.StatusRequestPending:
		time.AfterFunc(afterGlare(!l.uas), func() { c.box.put(cmdReoffer{l}) }) // ends by itself
	}
}

// cmdReoffer tells that the pause after a 491 is over.
type cmdReoffer struct{ leg *leg }

func (cmdReoffer) name() string { return "reoffer" }

// swap exchanges the seats of caller and peer, so that a station that called may
// hand over whom it called, by the same steps as one that was called.
func (c *Call) swap() {
	was := c.peer
	c.caller, c.peer = c.peer, c.caller
	c.joined = joint{}
	for _, t := range c.talks {
		if t.leg == was.id {
			t.leg = c.peer.id
		}
	}
}

// inherit puts heir into the place of a leg that moves. The trunk's count of lines
// stays as it is: a line is still used.
func (s *Switch) inherit(k dialogKey, old, heir *leg) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.dialogs[k] != old:
	case heir.out: // its new owner was faster
		delete(s.dialogs, k)
		s.drop(heir.trunk)
	default:
		s.dialogs[k] = heir
	}
}
