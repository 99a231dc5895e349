package b2bua

import (
	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/media/sdp"
	"github.com/lineaamica/la2/sip/transaction"
)

// onReinvite answers an offer inside the dialog here, on anchored media: the
// other leg sees nothing of it (RFC 3261 14.2). 491 only when an offer of ours
// waits for its answer; 500 while the INVITE before it is not finished.
func (c *Call) onReinvite(l *leg, tx *transaction.Server) {
	switch {
	case l.talking() && l.oa.ours():
		tx.Respond(sip.StatusRequestPending, "")
	case l.state != legConfirmed:
		later(tx)
	default:
		c.renegotiate(l, tx)
	}
}

// onUpdate answers UPDATE (RFC 3311): without a body it only refreshes the session
// and the target. An offer before the answer to the INVITE is taken once the first
// exchange is complete, by reliable responses (5.1).
func (c *Call) onUpdate(l *leg, tx *transaction.Server) {
	if len(tx.Request().Body()) == 0 {
		if tooBrief(tx.Request(), c.sw.cfg.MinSE) {
			tx.Respond(statusIntervalTooSmall, "", sip.NewHeader("Min-SE", seconds(c.sw.cfg.MinSE)))
			return
		}
		l.dlg.Refresh(tx.Request().Contact())
		res := tx.NewResponse(sip.StatusOK, "OK")
		res.AppendHeader(l.dlg.Contact())
		c.sw.abilities(res, "Server")
		if l.talking() {
			l.session.accept(tx.Request(), res, &c.sw.cfg)
		}
		tx.Reply(res)
		return
	}
	switch {
	case l.oa.ours():
		tx.Respond(sip.StatusRequestPending, "")
	case l.oa != stable, l.said == nil, l.state == legClosing:
		later(tx)
	default:
		c.renegotiate(l, tx)
	}
}

// renegotiate answers a re-INVITE, or an UPDATE or PRACK with a body.
func (c *Call) renegotiate(l *leg, tx *transaction.Server) {
	req := tx.Request()
	if tooBrief(req, c.sw.cfg.MinSE) {
		tx.Respond(statusIntervalTooSmall, "", sip.NewHeader("Min-SE", seconds(c.sw.cfg.MinSE)))
		return
	}
	before := l.onHold()
	body, err := description(req)
	if err == nil && body != nil {
		err = c.reanswer(l, body)
	}
	if err != nil {
		tx.Respond(statusOf(err), "", offered(err)...)
		return
	}
	if body == nil && req.Method == sip.INVITE {
		c.repeat(l)
		l.turn(offerIn2xx)
		l.offeredIn = req.CSeq().SeqNo
	}
	l.dlg.Refresh(req.Contact())
	res := tx.NewResponse(sip.StatusOK, "OK")
	res.AppendHeader(l.dlg.Contact())
	c.sw.abilities(res, "Server")
	if req.Method != sip.PRACK {
		l.session.accept(req, res, &c.sw.cfg)
	}
	if body != nil || req.Method == sip.INVITE {
		setSDP(res, l.said)
	}
	tx.Reply(res)
	c.arrange()
	c.heldChanged(l, before)
}

// repeat offers what holds now: our description unchanged, so that a refresh
// changes nothing and a held leg stays held.
func (c *Call) repeat(l *leg) {
	local := l.local
	local.Direction = l.agreed.Direction
	l.describeAs(local, sdp.Offer)
}

// reanswer answers an offer and applies it.
func (c *Call) reanswer(l *leg, offer []byte) error {
	s, err := l.read(offer)
	if err != nil {
		return err
	}
	agreed, err := l.answerTo(s)
	if err != nil {
		return err
	}
	l.agreed = agreed
	l.far()
	return nil
}

// answerTo makes our description the answer to s, with the codec that is spoken
// already if s has it.
func (l *leg) answerTo(s *sdp.Session) (agreed sdp.Negotiated, err error) {
	local := l.local
	local.Codecs = prefer(local.Codecs, l.speaks)
	_, n, err := sdp.Answer(s, local)
	if err != nil {
		return agreed, err
	}
	l.rekeyed(n)
	local.Secrets = l.local.Secrets
	l.describeAs(local, func(local sdp.Local) []byte {
		body, n, err := sdp.Answer(s, local)
		if err == nil {
			agreed = n
		}
		return body
	})
	l.local.Lines = s.Lines
	return agreed, nil
}

// describeAs builds our next description; the version grows only when something
// else changed (RFC 3264 8).
func (l *leg) describeAs(local sdp.Local, build func(sdp.Local) []byte) {
	body := build(local)
	if sdp.Same(body, l.said) {
		return
	}
	l.local.Version++
	local.Version = l.local.Version
	l.said = build(local)
}
