package b2bua

import (
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/sip/transaction"
)

// onInfo takes DTMF in INFO (application/dtmf-relay, application/dtmf,
// audio/telephone-event): a key of the caller while it is served, and otherwise one
// for the other end, by RFC 4733.
func (c *Call) onInfo(l *leg, tx *transaction.Server) {
	req := tx.Request()
	kind := strings.ToLower(header(req, "Content-Type"))
	kind, _, _ = strings.Cut(kind, ";")
	switch strings.TrimSpace(kind) {
	case "application/dtmf-relay", "application/dtmf", "audio/telephone-event":
	case "":
		tx.Respond(sip.StatusOK, "OK")
		return
	default:
		tx.Respond(sip.StatusUnsupportedMediaType, "", sip.NewHeader("Accept", "application/dtmf-relay, application/dtmf, audio/telephone-event"))
		return
	}
	tx.Respond(sip.StatusOK, "OK")
	if k, ok := keyIn(string(req.Body())); ok {
		c.infoKey(l, k)
	}
}

// A telephone may send a key twice, as RTP event (RFC 4733) and as INFO. One press
// is one key: INFO of a leg that has shown RTP events is not listened to, and the
// first of one that might is kept for keyPatience, in case the event comes.
const keyPatience = 200 * time.Millisecond

// A keying says how a leg sends keys.
type keying uint8

const (
	keysUnknown keying = iota
	keysByRTP
	keysByInfo
)

// infoKey takes a key that came by INFO.
func (c *Call) infoKey(l *leg, k byte) {
	if l.byInfo.key != 0 {
		c.keyExpired(l)
	}
	switch {
	case l.keys == keysByRTP:
	case l.keys == keysUnknown && l.agreed.DTMFPT != 0:
		l.byInfo = keptKey{key: k, at: time.Now().Add(keyPatience)}
	default:
		c.pressed(l, k)
	}
}

// keyExpired: no RTP event came beside the INFO.
func (c *Call) keyExpired(l *leg) {
	k := l.byInfo.key
	l.byInfo, l.keys = keptKey{}, keysByInfo
	c.pressed(l, k)
}

// rtpKey takes a key that came as RTP event. Between two parties the packet path
// has passed it on already.
func (c *Call) rtpKey(l *leg, k byte) {
	twice := l.byInfo.key
	l.byInfo, l.keys = keptKey{}, keysByRTP
	if twice != 0 && twice != k { // another press, by INFO alone
		c.pressed(l, twice)
	}
	if l == c.caller {
		c.key(k)
	}
}

// A keptKey waits for the RTP event of the same press.
type keptKey struct {
	key byte // 0: none
	at  time.Time
}

// pressed does what a key by INFO asks for.
func (c *Call) pressed(l *leg, k byte) {
	switch {
	case l == c.caller && c.peer == nil:
		c.key(k)
	case l == c.peer && c.transfer != nil && c.transfer.consult == consultTarget:
		c.sw.deps.Media.SendDTMF(c.transfer.to.port, string(k))
	case l == c.caller:
		c.sw.deps.Media.SendDTMF(c.peer.port, string(k))
	case l == c.peer:
		c.sw.deps.Media.SendDTMF(c.caller.port, string(k))
	}
}

// keyIn reads "Signal=5" of dtmf-relay or the bare key of application/dtmf.
func keyIn(body string) (byte, bool) {
	for line := range strings.Lines(body) {
		name, value, found := strings.Cut(strings.TrimSpace(line), "=")
		if !found {
			value = name
		} else if !strings.EqualFold(strings.TrimSpace(name), "Signal") {
			continue
		}
		value = strings.ToUpper(strings.TrimSpace(value))
		switch value {
		case "10":
			return '*', true
		case "11":
			return '#', true
		}
		if len(value) == 1 && strings.Contains("0123456789*#ABCD", value) {
			return value[0], true
		}
		return 0, false
	}
	return 0, false
}
