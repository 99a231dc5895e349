package b2bua

import (
	"strings"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/sip/transaction"
)

// onInfo takes DTMF in INFO (application/dtmf-relay, application/dtmf): a key of
// the caller while it is served, and otherwise one for the other end, by RFC 4733.
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
		tx.Respond(sip.StatusUnsupportedMediaType, "", sip.NewHeader("Accept", "application/dtmf-relay, application/dtmf"))
		return
	}
	tx.Respond(sip.StatusOK, "OK")
	k, ok := keyIn(string(req.Body()))
	switch {
	case !ok:
	case l == c.caller && c.peer == nil:
		c.key(k)
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
