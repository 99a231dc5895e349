package b2bua

import (
	"errors"
	"math/rand/v2"
	"strconv"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/sip/dialog"
	"github.com/lineaamica/la2/sip/transaction"
)

// onRequest takes a request inside a dialog.
func (c *Call) onRequest(l *leg, tx *transaction.Server) {
	req := tx.Request()
	d, early := l.dlg, l.earlyOf(req)
	if early != nil {
		d = early.dlg
	}
	if l.state == legCleared || d == nil {
		tx.Respond(sip.StatusCallTransactionDoesNotExists, "")
		return
	}
	switch err := d.Receive(req); {
	case errors.Is(err, dialog.ErrStale):
		tx.Respond(sip.StatusInternalServerError, "")
		return
	case err != nil:
		tx.Respond(sip.StatusCallTransactionDoesNotExists, "")
		return
	}
	if early != nil {
		c.onEarly(l, early, tx)
		return
	}
	switch req.Method {
	case sip.BYE:
		tx.Respond(sip.StatusOK, "OK")
		if l != c.caller {
			tx.Flush() // an agent that is free gets the next call at once, but not before this
		}
		c.onBye(l, req)
	case sip.INVITE:
		c.onReinvite(l, tx)
	case sip.UPDATE:
		c.onUpdate(l, tx)
	case sip.PRACK:
		c.onPrack(l, tx)
	case sip.INFO:
		c.onInfo(l, tx)
	case sip.REFER:
		c.onRefer(l, tx)
	case sip.OPTIONS:
		c.sw.Options(tx)
	case sip.NOTIFY:
		// We subscribe to nothing; 481 would end more than the subscription (RFC 5057 5.3).
		tx.Respond(statusBadEvent, "Bad Event")
	default:
		tx.Respond(sip.StatusMethodNotAllowed, "", sip.NewHeader("Allow", allowed))
	}
}

// Statuses that sipgo has no name for.
const (
	statusIntervalTooSmall = 422 // RFC 4028 6
	statusBadEvent         = 489 // RFC 6665 8.3.2
)

// Options answers OPTIONS, in or out of a dialog, with what an INVITE would find
// (RFC 3261 11.2). Out of a dialog, where anybody may ask, it leaves no state.
func (s *Switch) Options(tx *transaction.Server) {
	req := tx.Request()
	respond := tx.RespondOnce
	if dialog.InDialog(req) {
		respond = tx.Respond
	}
	if tags := unsupported(req); tags != "" {
		respond(sip.StatusBadExtension, "", sip.NewHeader("Unsupported", tags))
		return
	}
	respond(sip.StatusOK, "OK",
		sip.NewHeader("Allow", allowed),
		sip.NewHeader("Accept", "application/sdp"),
		sip.NewHeader("Supported", supported),
		sip.NewHeader("Server", s.cfg.UserAgent))
}

// later refuses a request that overlaps with another (RFC 3261 14.2): 0 to 10 s.
func later(tx *transaction.Server) {
	tx.Respond(sip.StatusInternalServerError, "", sip.NewHeader("Retry-After", strconv.Itoa(rand.IntN(11))))
}
