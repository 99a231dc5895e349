package b2bua

import (
	"context"
	"errors"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/media/sdp"
	"github.com/lineaamica/la2/sip/dialog"
)

// Answer sends 200 with anchored media and returns when it was acknowledged; it
// does nothing when that was so already. The 200 leaves after Answered is durable.
func (c *Call) Answer(ctx context.Context) error {
	reply := make(chan error, 1)
	err, gone := ask(ctx, c, &cmdAnswer{reply: reply}, reply)
	if gone != nil {
		return gone
	}
	return err
}

func (c *Call) onAnswer(cmd *cmdAnswer) {
	if c.cause != "" {
		cmd.reply <- c.goneErr()
		return
	}
	if c.caller.state == legIncoming {
		if err := c.answer(); err != nil {
			cmd.reply <- err
			return
		}
	}
	if c.caller.state == legConfirmed {
		cmd.reply <- nil
		return
	}
	c.answering = append(c.answering, cmd)
}

// begin reads the INVITE of the caller. False: it was refused and there is
// nothing to serve.
func (c *Call) begin() bool {
	if status, headers := c.readInvite(c.caller); status != 0 {
		return c.refuse(status, headers...)
	}
	c.line(c.caller, LineTrying)
	return true
}

// readInvite makes the dialog of an INVITE that came and reads its offer. A status
// other than 0 refuses it.
func (c *Call) readInvite(l *leg) (status int, headers []sip.Header) {
	req := l.tx.Request()
	d, err := dialog.NewUAS(req, l.key.tag, c.sw.contact(l.flow), l.flow)
	if err != nil {
		return sip.StatusBadRequest, nil
	}
	l.dlg = d
	if tooBrief(req, c.sw.cfg.MinSE) {
		return statusIntervalTooSmall, []sip.Header{sip.NewHeader("Min-SE", seconds(c.sw.cfg.MinSE))}
	}
	if refusesSDP(req) {
		return sip.StatusNotAcceptable, nil
	}
	body, err := description(req)
	if err != nil {
		return statusOf(err), offered(err)
	}
	if body != nil {
		l.offer, err = l.read(body)
		if err != nil {
			return statusOf(err), nil
		}
		if !l.offer.Audio.Addr.IsValid() || len(l.offer.Audio.Formats) == 0 {
			return sip.StatusNotAcceptableHere, nil
		}
		l.turn(theyOffer)
	}
	if c.sw.cfg.reliably(req) {
		l.rel = &reliability{}
	}
	return 0, nil
}

func (c *Call) refuse(status int, headers ...sip.Header) bool {
	c.caller.tx.Respond(status, "", headers...)
	c.caller.state = legCleared
	c.cause = CauseOf(status)
	c.cleared(c.caller, c.cause)
	return false
}

// offerIn reads the description in m.
func (l *leg) offerIn(m sip.Message) (*sdp.Session, error) {
	body, err := description(m)
	if err != nil {
		return nil, err
	}
	return l.read(body)
}

// statusOf is the answer to a request whose description is at fault.
func statusOf(err error) int {
	switch {
	case errors.Is(err, sdp.ErrIncompatible):
		return sip.StatusNotAcceptableHere
	case errors.Is(err, errContentType), errors.Is(err, errContentEncoding):
		return sip.StatusUnsupportedMediaType
	}
	return sip.StatusBadRequest
}

// answer answers the caller.
func (c *Call) answer() error {
	l := c.caller
	if err := c.take200(l); err != nil {
		return err
	}
	l.ringAt = time.Time{}
	return nil
}

// take200 makes the 200 of a server leg; it leaves at once, or after the PRACK of a
// reliable 1xx with SDP (RFC 3262 3). It describes our side unless reliable
// responses have settled that.
func (c *Call) take200(l *leg) error {
	settled := l.said != nil && l.oa != theirs
	if err := c.describe(l); err != nil {
		return err
	}
	if err := c.commit(cti.Event{Type: cti.EvAnswered, Leg: l.id, Ticket: c.ticket}); err != nil {
		return err
	}
	req := l.tx.Request()
	res := l.tx.NewResponse(sip.StatusOK, "OK")
	res.AppendHeader(l.dlg.Contact())
	c.sw.abilities(res, "Server")
	l.session.accept(req, res, &c.sw.cfg)
	tell(res, c.reply)
	switch {
	case settled:
	case l.oa == theirs:
		setSDP(res, l.said)
		l.turn(weAnswer)
	default:
		setSDP(res, l.said)
		l.turn(offerIn2xx)
		l.offeredIn = req.CSeq().SeqNo
	}
	if l.rel != nil {
		if _, act := l.rel.state.next(relAccept); act == relDefer {
			l.rel.final = res
			l.state, _ = l.state.next(legPledge)
			return nil
		}
	}
	c.accept(l, res)
	return nil
}

// accept sends the 200 of a server leg.
func (c *Call) accept(l *leg, res *sip.Response) {
	if l.rel != nil {
		l.rel.state, _ = l.rel.state.next(relAccept)
		l.rel.settled()
	}
	l.tx.Reply(res)
	l.dlg.Confirm()
	c.line(l, LineTalks)
	l.state, _ = l.state.next(legAccept)
	if l.oa == stable {
		l.far()
	}
	if l != c.caller {
		return
	}
	if c.music != nil {
		c.sounds()
	}
	if c.sw.cfg.MaxDuration > 0 && !c.in.Emergency {
		c.maxAt = time.Now().Add(c.sw.cfg.MaxDuration)
	}
}

// describe decides what our 183 and 200 say: the answer to the caller's offer or,
// when the INVITE had none, an offer (RFC 3261 13.2.1). It is said once.
func (c *Call) describe(l *leg) error {
	if l.said != nil {
		return nil
	}
	if err := l.openPort(); err != nil {
		return err
	}
	if l.offer == nil {
		l.said = sdp.Offer(l.local)
		return nil
	}
	l.local.Codecs = prefer(l.local.Codecs, c.others(l))
	body, agreed, err := sdp.Answer(l.offer, l.local)
	if err != nil {
		return cti.Fail(cti.CauseIncompatible, err.Error())
	}
	l.said, l.agreed = body, agreed
	l.local.Lines = l.offer.Lines
	l.offer = nil
	return nil
}

// commit makes ev durable (write-ahead). A journal that does not write is no fault
// of the call: the caller is told to try again.
func (c *Call) commit(ev cti.Event) error {
	if c.in.Emergency { // help does not wait for a disk
		c.publish(ev)
		return nil
	}
	c.stamp(&ev)
	ctx, cancel := context.WithTimeout(context.Background(), c.sw.cfg.CommitTimeout)
	defer cancel()
	if err := c.sw.deps.Events.Commit(ctx, ev); err != nil {
		return cti.Fail(cti.CauseOverload, err.Error())
	}
	return nil
}

// onAck takes the ACK of a 2xx of ours, to INVITE or re-INVITE.
func (c *Call) onAck(l *leg, ack *sip.Request) {
	if l.dlg == nil || l.state == legCleared || dialog.FromTag(ack.From()) != l.dlg.ID().RemoteTag {
		return
	}
	if ack.CSeq() != nil && ack.CSeq().SeqNo == l.offeredIn && l.turn(ackCame) {
		c.answerInAck(l, ack)
	}
	c.acked(l, legAcked)
}

// answerInAck reads the answer to an offer that our 2xx made.
func (c *Call) answerInAck(l *leg, ack *sip.Request) {
	s, err := l.offerIn(ack)
	if err == nil {
		l.agreed, err = sdp.Accept(s, l.local)
	}
	if err != nil {
		if l.state == legAccepted {
			c.acked(l, legAcked)
		}
		c.hangUp(l, cti.CauseIncompatible)
		return
	}
	l.local.Lines = s.Lines
	l.far()
	c.arrange()
}

func (c *Call) onNoAck(l *leg) {
	if l.state == legCleared {
		return
	}
	if l.state == legConfirmed { // a re-INVITE
		c.hangUp(l, cti.CauseNoAck)
		return
	}
	c.acked(l, legNoAck)
}

// acked moves l by legAcked or legNoAck.
func (c *Call) acked(l *leg, e legEvent) {
	next, act := l.state.next(e)
	if next == l.state {
		return
	}
	l.state = next
	if act == actBye {
		cause := l.leaving
		if e == legNoAck {
			cause = cti.CauseNoAck
		}
		c.bye(l, cause)
		c.cleared(l, cause)
		c.lost(l, cause)
		return
	}
	if l.oa == stable {
		l.far() // from now on it is sent audio
	}
	if next == legConfirmed {
		l.established()
	}
	for _, cmd := range c.answering {
		cmd.reply <- nil
	}
	c.answering = nil
}
