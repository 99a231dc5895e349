package b2bua

import (
	"cmp"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/media/sdp"
	"github.com/lineaamica/la2/sip/dialog"
	"github.com/lineaamica/la2/sip/transaction"
)

// A branch is one INVITE of a leg: a leg has one for each target of its
// destination, with one Call-ID and tag, so that answers tell forks apart by the
// To-tag alone, whether we or a proxy forked (RFC 3261 13.2.2.4, 16.7).
type branch struct {
	leg      *leg
	target   Target
	invite   *sip.Request
	tx       *transaction.Client
	done     bool       // a final failure came
	answered bool       // anything came
	tags     []string   // To-tags of 2xx that were dealt with
	proof    sip.Header // credentials in invite, nil when it was not challenged
}

// callOut makes a leg and sends INVITE to all targets of the first rank.
func (c *Call) callOut(d cti.Destination, targets []Target) (*leg, error) {
	l := c.newLeg()
	if err := c.ringOut(l, d, targets); err != nil {
		c.unlist(l)
		return nil, err
	}
	return l, nil
}

// ringOut sends INVITE for a new leg to all targets.
func (c *Call) ringOut(l *leg, d cti.Destination, targets []Target) error {
	if err := l.openPort(); err != nil {
		return err
	}
	l.device, l.owner, l.trunk, l.number, l.ringing = d.Device, d.Device, cmp.Or(targets[0].Trunk, d.Trunk), d.Number, d.Ringing
	l.mayBeHeard, l.follows = d.Early, d.Follow
	l.key = dialogKey{callID: rand.Text(), tag: rand.Text()[:13]}
	l.protect()
	l.said = sdp.Offer(l.local)
	l.flow = targets[0].Flow
	l.turn(offerRequest)
	c.note(d.Capsule)
	c.sw.enter(l)
	l.hunt = &hunt{dest: d, waiting: targets}
	if !c.ringNext(l) {
		l.state = legCleared
		c.cleared(l, cti.CauseOverload)
		return cti.Fail(cti.CauseOverload, "all lines are busy")
	}
	ring := d.Ring
	if ring == 0 {
		ring = c.sw.cfg.MaxRing
	}
	l.ringAt = time.Now().Add(ring)
	c.line(l, LineTrying)
	return nil
}

// note keeps what a later transfer passes on.
func (c *Call) note(p cti.Capsule) {
	if p.Ticket != "" {
		c.ticket = p.Ticket
		c.capsule.Ticket = p.Ticket
	}
	if !p.Instant.IsZero() {
		c.capsule.Instant = p.Instant
	}
}

// invite builds one INVITE. Max-Forwards goes down from the caller's, so that a
// ring of back-to-back user agents ends (RFC 7332).
func (c *Call) invite(l *leg, t Target, d cti.Destination) *sip.Request {
	if t.Identity != nil {
		d.Caller = t.Identity(d.Caller)
	}
	at := c.sw.cfg.Contact(t.Flow)
	host := at.Addr().Unmap().String()
	req := sip.NewRequest(sip.INVITE, t.URI)
	for _, r := range t.Route {
		req.AppendHeader(&sip.RouteHeader{Address: r})
	}
	hops := sip.MaxForwardsHeader(70)
	if c.hops > 0 && c.hops <= 70 {
		hops = c.hops - 1
	}
	callID := sip.CallIDHeader(l.key.callID)
	to := sip.Uri{Scheme: "sip", User: t.URI.User, Host: t.URI.Host, Port: t.URI.Port}
	req.AppendHeader(&hops)
	req.AppendHeader(from(d.Caller, host, int(at.Port()), l.key.tag))
	req.AppendHeader(&sip.ToHeader{Address: to})
	req.AppendHeader(&callID)
	req.AppendHeader(&sip.CSeqHeader{SeqNo: 1, MethodName: sip.INVITE})
	req.AppendHeader(&sip.ContactHeader{Address: c.sw.contact(t.Flow)})
	c.sw.abilities(req, "User-Agent")
	req.AppendHeader(sip.NewHeader("Supported", "199"))
	if t.Reliable {
		req.AppendHeader(sip.NewHeader("Supported", "100rel"))
	}
	c.sw.cfg.ask(req, 0)
	assert(req, d.Caller, t, host)
	if t.Trusted {
		c.passOn(req)
		if v := FormatCapsule(d.Capsule); v != "" {
			req.AppendHeader(sip.NewHeader("User-to-User", v))
		}
	}
	for _, h := range t.Headers {
		req.AppendHeader(sip.HeaderClone(h))
	}
	if t.Diverted != nil && c.in.Device == "" && d.Number != c.in.Dialled {
		for _, h := range t.Diverted(c.in.Dialled, d.Capsule.Class) {
			req.AppendHeader(h)
		}
	}
	for _, h := range l.extra {
		if t.Trunk != "" && !t.Trusted && h.Name() == "Referred-By" {
			continue // names of stations stay in the network
		}
		req.AppendHeader(h)
	}
	tell(req, c.uui)
	setSDP(req, l.said)
	return req
}

// on runs on the shard of the transaction. When the call has ended a late 2xx is
// acknowledged and hung up here.
func (b *branch) on(ev transaction.ClientEvent) {
	if b.leg.call.box.put(evInvited{branch: b, ev: ev}) {
		return
	}
	if ev.Response != nil && ev.Response.IsSuccess() {
		b.spare(ev.Response)
	}
}

func (c *Call) onInvited(b *branch, ev transaction.ClientEvent) {
	b.heard(ev.Response)
	if ev.Err == nil {
		b.leg.silentAt = time.Time{}
	}
	switch res := ev.Response; {
	case c.challenged(b, ev):
	case ev.Err != nil:
		status := sip.StatusServiceUnavailable
		if errors.Is(ev.Err, transaction.ErrTimeout) {
			status = sip.StatusRequestTimeout
		}
		c.branchFailed(b, status, CauseOf(status))
	case res.StatusCode <= 100:
	case res.StatusCode < 200:
		c.provisional(b, res)
	case res.StatusCode < 300:
		c.accepted(b, res)
	case res.StatusCode == statusIntervalTooSmall && b.again(res):
	case res.StatusCode < 400 && c.redirected(b, res):
	default:
		cause := CauseOf(res.StatusCode)
		if said, ok := causeSaid(res); ok && (b.target.Trusted || b.leg.trunk != "") {
			cause = said
		}
		c.branchFailed(b, res.StatusCode, cause)
	}
}

// rings notes that l is on its way; the first time it is Delivered.
func (c *Call) rings(l *leg, status int) {
	first, alerted := l.state == legCalling, l.alerting
	l.state, _ = l.state.next(legRang)
	l.alerting = alerted || status == sip.StatusRinging
	if l.dial != nil {
		c.relayProgress(l, status)
		c.arrange()
		if l.alerting && !alerted {
			c.sounds()
		}
	}
	if !first {
		return
	}
	c.line(l, LineRings)
	if t := c.transfer; t != nil && t.to == l && t.refer != nil {
		c.progress(t.from, "SIP/2.0 180 Ringing")
	}
	if l.ringing != nil {
		l.ringing()
		l.ringing = nil
		return
	}
	c.publish(cti.Event{Type: cti.EvDelivered, Leg: l.id, Device: l.device, Trunk: l.trunk, Ticket: c.ticket})
}

// accepted takes a 2xx of any fork: the first one makes the leg, every other gets
// ACK and BYE (RFC 3261 13.2.2.4).
func (c *Call) accepted(b *branch, res *sip.Response) {
	l := b.leg
	if b.done || (l.state != legCalling && l.state != legRinging) {
		b.spare(res)
		return
	}
	d, f, err := b.confirm(res)
	if err != nil {
		c.fail(l, cti.CauseFailed, sip.StatusBadGateway)
		return
	}
	l.state, _ = l.state.next(legAccept)
	l.dlg, l.flow, l.nat, l.trusted = d, b.target.Flow, b.target.NAT, b.target.Trusted
	l.credentials, l.proof = b.credentials(), b.proof
	b.ack(d)
	b.tags = append(b.tags, d.ID().RemoteTag)
	for _, other := range l.branches {
		if other != b && !other.done {
			other.cancel(cti.CauseAnsweredElsewhere)
		}
	}
	err = b.agree(f, res)
	l.established()
	if err != nil {
		l.worst = sip.StatusNotAcceptableHere
		c.hangUp(l, cti.CauseIncompatible)
		return
	}
	l.turn(answerCame)
	l.able = lists(header(res, "Supported"), "replaces")
	c.reply = opaqueOf(res)
	l.session.granted(res, c.sw.cfg.MinSE)
	l.far()
	c.line(l, LineTalks)
	c.controllable(l, controlOf(res))
	c.picked(l)
}

// confirm finds the early dialog that res confirms, or makes the dialog of a tag
// that did not ring: border elements change tags (RFC 3261 13.2.2.4).
func (b *branch) confirm(res *sip.Response) (*dialog.Dialog, *fork, error) {
	tag := dialog.ToTag(res.To())
	for _, f := range b.leg.forks {
		if f.branch == b && f.dlg.ID().RemoteTag == tag {
			return f.dlg, f, f.dlg.Update(res)
		}
	}
	d, err := dialog.NewUAC(b.invite, res, b.target.Flow)
	return d, nil, err
}

// agree takes the answer to our offer: the one that came reliably before the 2xx,
// or that of the 2xx. A 2xx without any repeats that of the 1xx (gateways say it in
// 183 alone, which RFC 3261 13.2.1 does not foresee).
func (b *branch) agree(f *fork, res *sip.Response) error {
	l := b.leg
	if f == nil || !f.answered {
		for _, other := range l.forks {
			if other.branch == b && other.answered {
				f = other
			}
		}
	}
	if f != nil && f.answered && (f.settled && f.dlg.ID().RemoteTag == dialog.ToTag(res.To()) || len(res.Body()) == 0) {
		l.agreed, l.local.Lines = f.agreed, f.lines
		return nil
	}
	s, err := l.offerIn(res)
	if err != nil {
		return err
	}
	if l.agreed, err = sdp.Accept(s, l.local); err == nil {
		l.local.Lines = s.Lines
	}
	return err
}

func (b *branch) ack(d *dialog.Dialog) {
	b.leg.call.sw.ack(d, b.invite.CSeq().SeqNo, b.proof)
}

// spare deals with a 2xx that nobody wants: ACK, and BYE when it is the first with
// its tag. It runs on the owner, or on the shard after the owner has gone.
func (b *branch) spare(res *sip.Response) {
	d, err := dialog.NewUAC(b.invite, res, b.target.Flow)
	if err != nil {
		return
	}
	b.ack(d)
	tag := d.ID().RemoteTag
	if slices.Contains(b.tags, tag) {
		return
	}
	b.tags = append(b.tags, tag)
	b.leg.call.sw.byeSpare(d, b.credentials())
}

func (b *branch) cancel(cause cti.Cause) {
	if b.done {
		return
	}
	reason := ""
	switch cause {
	case cti.CauseNormal:
	case cti.CauseAbandoned:
		reason = b.leg.call.gaveUp
	default:
		reason = reasonValue(cause)
	}
	b.tx.Cancel(reason)
}

// branchFailed fails the leg when no branch is left, or at once on a 6xx (RFC 3261
// 16.7, step 5).
func (c *Call) branchFailed(b *branch, status int, cause cti.Cause) {
	l := b.leg
	if b.done {
		return
	}
	b.done = true
	if l.state != legCalling && l.state != legRinging {
		return
	}
	if l.worst == 0 || worse(status, l.worst) {
		l.worst, l.why = status, cause
	}
	for _, other := range l.branches {
		if !other.done && status < 600 {
			return
		}
	}
	if c.hunts(l) {
		return
	}
	c.fail(l, l.why, l.worst)
}

// fail ends a leg that nobody answered.
func (c *Call) fail(l *leg, cause cti.Cause, status int) {
	l.worst = status
	c.hangUp(l, cause)
}

// onStray repeats the ACK of a 2xx that came after its transaction.
func (c *Call) onStray(l *leg, res *sip.Response) {
	id := dialog.IDOfResponse(res)
	if l.dlg == nil || l.dlg.ID() != id || res.CSeq() == nil || strings.ToUpper(string(res.CSeq().MethodName)) != "INVITE" {
		return
	}
	c.sw.ack(l.dlg, res.CSeq().SeqNo, l.proof)
}
