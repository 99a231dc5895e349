package events

import (
	"strings"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/sip/transaction"
)

// Subscribe takes a SUBSCRIBE outside of a dialog that watcher sent for resource. It
// is refused with 489 when we have no such package, 406 when the watcher cannot read
// it, or by Package.Allowed.
func (n *Notifier) Subscribe(tx *transaction.Server, watcher, resource string) {
	req := tx.Request()
	event, _ := eventOf(req)
	pkg, known := n.cfg.Packages[event]
	switch {
	case !known:
		n.BadEvent(tx)
		return
	case !accepts(req, pkg.Accept):
		tx.RespondOnce(sip.StatusNotAcceptable, "")
		return
	}
	status := sip.StatusForbidden
	if pkg.Allowed != nil {
		status = pkg.Allowed(watcher, resource)
	}
	if status != 0 {
		tx.RespondOnce(status, "")
		return
	}
	if !n.put(subscribed{tx, watcher, resource}) {
		tx.RespondOnce(sip.StatusServiceUnavailable, "", sip.NewHeader("Retry-After", "30"))
	}
}

// Resubscribe takes a SUBSCRIBE inside a dialog; an unknown one gets 481.
func (n *Notifier) Resubscribe(tx *transaction.Server) {
	if !n.put(resubscribed{tx}) {
		tx.RespondOnce(sip.StatusCallTransactionDoesNotExists, "")
	}
}

// BadEvent refuses an event package that we do not have (RFC 6665 8.3.2).
func (n *Notifier) BadEvent(tx *transaction.Server) {
	tx.RespondOnce(statusBadEvent, "Bad Event", sip.NewHeader("Allow-Events", n.allow))
}

// eventOf reads the Event header: the package in lower case, and its id.
func eventOf(req *sip.Request) (event, id string) {
	h := req.GetHeader("Event")
	if h == nil {
		return "", ""
	}
	event, params, _ := strings.Cut(h.Value(), ";")
	for p := range strings.SplitSeq(params, ";") {
		if k, v, _ := strings.Cut(strings.TrimSpace(p), "="); strings.EqualFold(k, "id") && isToken(v) {
			id = v
		}
	}
	return strings.ToLower(strings.TrimSpace(event)), id
}

// isToken is token of RFC 3261 25.1, 64 characters at most: it goes into our headers.
func isToken(s string) bool {
	for _, c := range []byte(s) {
		switch {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
		case strings.IndexByte("-.!%*_+`'~", c) >= 0:
		default:
			return false
		}
	}
	return s != "" && len(s) <= 64
}

// accepts tells whether the watcher reads kind; no Accept stands for the default of
// the package (RFC 6665 5.4.5).
func accepts(req *sip.Request, kind string) bool {
	hs := req.GetHeaders("Accept")
	for _, h := range hs {
		for one := range strings.SplitSeq(h.Value(), ",") {
			name, _, _ := strings.Cut(one, ";")
			switch name = strings.ToLower(strings.TrimSpace(name)); name {
			case kind, "*/*":
				return true
			}
			if major, wild := strings.CutSuffix(name, "/*"); wild && strings.HasPrefix(kind, major+"/") {
				return true
			}
		}
	}
	return len(hs) == 0
}
