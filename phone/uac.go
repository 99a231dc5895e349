package phone

import (
	"context"
	"fmt"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/media/sdp"
	"github.com/lineaamica/la2/sip/dialog"
	"github.com/lineaamica/la2/sip/transaction"
)

// Call rings number and returns at once; events tell the rest.
func (p *Phone) Call(ctx context.Context, number string) (*Call, error) {
	c := &Call{p: p, Peer: number, Outgoing: true, ended: make(chan struct{}), answered: make(chan struct{}), id: newCallID()}
	var err error
	if e := p.do(ctx, func() { err = c.ring(number) }); e != nil {
		return nil, e
	}
	return c, err
}

func (c *Call) ring(number string) error {
	if err := c.startAudio(); err != nil {
		return fmt.Errorf("phone: audio: %w", err)
	}
	c.p.calls[c.id] = c
	req := c.p.newRequest(sip.INVITE, c.p.aor(number), c.id, 1)
	req.AppendHeader(sip.NewHeader("Allow", "INVITE, ACK, CANCEL, BYE, OPTIONS, NOTIFY"))
	req.AppendHeader(sip.NewHeader("Content-Type", "application/sdp"))
	req.SetBody(sdp.Offer(c.local))
	c.p.tell(Event{Event: "calling", Peer: number})
	c.sendInvite(req)
	return nil
}

func (c *Call) sendInvite(req *sip.Request) {
	c.invite = req
	c.client = c.p.send(req, func(e transaction.ClientEvent) { c.response(req, e) })
}

func (c *Call) response(req *sip.Request, e transaction.ClientEvent) {
	if e.Err != nil {
		if !c.up {
			c.finish(Event{Event: "failed", Text: "no answer from the server"})
		}
		return
	}
	res := e.Response
	code := res.StatusCode
	switch {
	case code == 100:
	case code < 200:
		c.p.tell(Event{Event: "progress", Peer: c.Peer, Code: code, Text: res.Reason})
	case code < 300:
		c.accepted(req, res)
	case (code == 401 || code == 407) && !c.leaving:
		next, ok := c.p.authorize(req, res)
		if !ok {
			c.finish(Event{Event: "failed", Code: code, Text: res.Reason})
			return
		}
		c.sendInvite(next)
	default:
		if req == c.invite {
			c.finish(Event{Event: "failed", Code: code, Text: res.Reason})
		}
	}
}

func (c *Call) accepted(req *sip.Request, res *sip.Response) {
	if c.up || c.over { // a retransmission, or a fork that lost
		c.acceptedAgain(req, res)
		return
	}
	d, err := dialog.NewUAC(req, res, c.p.flow)
	if err != nil {
		c.finish(Event{Event: "failed", Text: "bad 200"})
		return
	}
	c.dlg = d
	_ = c.p.tx.SendAck(c.p.flow, d.Ack(req.CSeq().SeqNo))
	answer, err := sdp.Parse(res.Body())
	var n sdp.Negotiated
	if err == nil {
		n, err = sdp.Accept(answer, c.local)
	}
	if err != nil {
		c.up = true
		close(c.answered)
		c.p.tell(Event{Event: "failed", Text: "no audio in common"})
		c.bye()
		return
	}
	c.established(n)
	if c.leaving {
		c.bye()
	}
}

func (c *Call) acceptedAgain(req *sip.Request, res *sip.Response) {
	d, err := dialog.NewUAC(req, res, c.p.flow)
	if err != nil {
		return
	}
	_ = c.p.tx.SendAck(c.p.flow, d.Ack(req.CSeq().SeqNo))
	if c.dlg != nil && d.ID() == c.dlg.ID() && !c.over {
		return
	}
	c.p.try(d.Request(sip.BYE), func(transaction.ClientEvent) {})
}
