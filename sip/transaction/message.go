package transaction

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/wire"
)

// waited takes a message that had to wait.
func (sh *shard) waited(it *item) {
	sh.flow = it.flow
	if err := sh.kept.Parse(it.raw); err != nil {
		sh.n.malformed.Add(1)
		return
	}
	sh.message(it.shed)
}

// message takes the message in hand.
func (sh *shard) message(shed bool) {
	if !sh.msg.IsRequest() {
		sh.response()
		return
	}
	switch sh.msg.Method() {
	case wire.Ack:
		sh.ack()
	case wire.Cancel:
		sh.cancel()
	default:
		sh.request(shed)
	}
}

// unreadable is the answer to a request that the typed parser refused: it reads sip, sips and
// tel only, and what stands after another scheme is no fault (RFC 3261 8.2.2.1).
func unreadable(m *wire.Message) int {
	scheme, _, _ := bytes.Cut(m.RequestURI(), []byte(":"))
	for _, known := range [...]string{"sip", "sips", "tel"} {
		if strings.EqualFold(string(scheme), known) {
			return 400
		}
	}
	return 416
}

// request takes any request but ACK and CANCEL.
func (sh *shard) request(shed bool) {
	m := sh.msg
	sh.key = appendServerKey(sh.key[:0], m, m.MethodBytes())
	if t := sh.servers[string(sh.key)]; t != nil {
		t.again()
		return
	}
	if shed {
		sh.n.shed.Add(1)
		sh.refuse(503, wire.Field{Name: "Retry-After", Value: strconv.Itoa(int(sh.l.cfg.RetryAfter / time.Second))})
		return
	}
	key, mergedKey := string(sh.key), ""
	if sh.l.relay != nil && sh.l.relay.Relays(sh.flow, m) {
		sh.relay(key)
		return
	}
	if len(m.ToTag()) == 0 {
		sh.key = appendMergedKey(sh.key[:0], m)
		if sh.merged[string(sh.key)] != nil {
			sh.n.merged.Add(1)
			sh.refuse(482)
			return
		}
		mergedKey = string(sh.key)
	}
	req, err := parseRequest(sh.l.parser, sh.canonical(), sh.flow)
	if err != nil {
		sh.n.malformed.Add(1)
		sh.refuse(unreadable(m))
		return
	}
	t := sh.begun(&serverTx{}, key, m.Method() == wire.Invite)
	t.mergedKey = mergedKey
	if mergedKey != "" {
		sh.merged[mergedKey] = t
	}
	tag := string(m.ToTag())
	if tag == "" {
		tag = sh.l.cfg.Tag()
	}
	t.tag = tag
	t.handle = &Server{tx: t, req: req, f: sh.flow, tag: tag}
	sh.n.requests.Add(1)
	if t.invite {
		sh.key = appendAckKey(sh.key[:0], m, []byte(tag))
		t.ackKey = string(sh.key)
	}
	sh.serve(t)
}

// begun makes t the server transaction of the message in hand.
func (sh *shard) begun(t *serverTx, key string, invite bool) *serverTx {
	*t = serverTx{sh: sh, key: key, invite: invite, reply: flow.ResponseFlow(sh.msg.TopVia(), sh.flow)}
	t.retry = timer{owner: t, slot: retrySlot}
	t.life = timer{owner: t, slot: lifeSlot}
	sh.servers[key] = t
	sh.n.servers.Add(1)
	return t
}

// ack takes an ACK: for a failure it has the branch of the INVITE (RFC 3261 17.1.1.3), for a 2xx
// a branch of its own, and the dialog tells what it acknowledges. Some clients use the INVITE's
// branch for both.
func (sh *shard) ack() {
	m := sh.msg
	sh.key = appendServerKey(sh.key[:0], m, []byte("INVITE"))
	if t := sh.servers[string(sh.key)]; t != nil && t.invite && sh.owed[t.ackKey] != t {
		t.stepInvite(istAck) // of a failure; that of a 2xx needs the right tags, too
		return
	}
	sh.key = appendAckKey(sh.key[:0], m, m.ToTag())
	t := sh.owed[string(sh.key)]
	if t == nil {
		sh.tellAck()
		return
	}
	ack, err := parseRequest(sh.l.parser, sh.canonical(), sh.flow)
	if err != nil { // as good as lost: the 2xx goes on
		sh.n.malformed.Add(1)
		return
	}
	sh.inHand = ack
	t.stepInvite(istAck)
	sh.inHand = nil
}

// cancel takes a CANCEL (RFC 3261 9.2): it is answered here, 200 if the INVITE is known, else
// 481. Its response has the To tag of the INVITE's.
func (sh *shard) cancel() {
	m := sh.msg
	sh.key = appendServerKey(sh.key[:0], m, []byte("CANCEL"))
	if t := sh.servers[string(sh.key)]; t != nil {
		t.again()
		return
	}
	key := string(sh.key)
	sh.key = appendServerKey(sh.key[:0], m, []byte("INVITE"))
	invite := sh.servers[string(sh.key)]
	if invite == nil {
		sh.n.unmatched.Add(1)
		sh.refuse(481)
		return
	}
	t := sh.begun(&serverTx{}, key, false)
	t.stepOther(nistRequest)
	t.answer(200, sh.stateless(200, invite.toTag()))
	invite.stepInvite(istCancel)
}

// response takes a response.
func (sh *shard) response() {
	m := sh.msg
	status := m.Status()
	sh.key = appendClientKey(sh.key[:0], m)
	c := sh.clients[string(sh.key)]
	if c == nil {
		sh.n.strays.Add(1)
		sh.l.cfg.OnStray(sh.flow)
		if status/100 == 2 && m.CSeqMethod() == wire.Invite {
			sh.tellStray()
		}
		return
	}
	if c.up == nil && c.answering(status) {
		res, err := parseResponse(sh.l.parser, sh.canonical())
		if err != nil {
			sh.n.malformed.Add(1)
			return
		}
		c.event = ClientEvent{Response: res, Flow: sh.flow}
	}
	c.response(status)
}

// refuse answers the request in hand without a transaction.
func (sh *shard) refuse(status int, extra ...wire.Field) {
	if sh.msg.Answerable() {
		b := sh.stateless(status, sh.l.cfg.Tag(), extra...)
		sh.emit(flow.ResponseFlow(sh.msg.TopVia(), sh.flow), b)
		sh.release(b)
	}
}

// stateless writes a response to the request in hand from its spans.
func (sh *shard) stateless(status int, tag string, extra ...wire.Field) []byte {
	return wire.AppendReplyTo(sh.buffer(), sh.msg, sh.flow.Remote, status, phrase(status), tag, extra...)
}

// canonical returns the message in hand as the typed parser reads it.
func (sh *shard) canonical() []byte {
	sh.canon = wire.AppendCanonical(sh.canon[:0], sh.msg)
	return sh.canon
}
