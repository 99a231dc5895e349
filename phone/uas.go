package phone

import (
	"strings"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/media/sdp"
	"github.com/lineaamica/la2/sip/dialog"
	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/transaction"
)

// The five methods of transaction.TU run on the shard and only post.

// Request takes a new request.
func (p *Phone) Request(tx *transaction.Server) { p.inbox.put(func() { p.request(tx) }) }

// Cancel takes the CANCEL of an INVITE that rings.
func (p *Phone) Cancel(tx *transaction.Server) {
	p.inbox.put(func() {
		for _, c := range p.calls {
			if c.server == tx && !c.up {
				tx.Respond(487, "Request Terminated")
				c.finish(Event{Event: "ended", Text: "cancelled"})
				return
			}
		}
	})
}

// Ack is of no interest.
func (p *Phone) Ack(flow.Flow, *sip.Request) {}

// Unacked hangs up a call whose answer was never acknowledged.
func (p *Phone) Unacked(tx *transaction.Server) {
	p.inbox.put(func() {
		for _, c := range p.calls {
			if c.server == tx {
				c.hangup()
			}
		}
	})
}

// Stray acknowledges a 2xx that was sent again.
func (p *Phone) Stray(_ flow.Flow, res *sip.Response) {
	p.inbox.put(func() {
		if c := p.calls[callID(res.CallID())]; c != nil && c.dlg != nil && res.StatusCode/100 == 2 && res.CSeq().MethodName == sip.INVITE {
			_ = p.tx.SendAck(p.flow, c.dlg.Ack(res.CSeq().SeqNo))
		}
	})
}

func callID(h *sip.CallIDHeader) string {
	if h == nil {
		return ""
	}
	return string(*h)
}

func (p *Phone) request(tx *transaction.Server) {
	req := tx.Request()
	c := p.calls[callID(req.CallID())]
	switch {
	case req.Method == sip.OPTIONS:
		tx.Respond(200, "OK", sip.NewHeader("Allow", "INVITE, ACK, CANCEL, BYE, OPTIONS, NOTIFY"))
	case !dialog.InDialog(req) && req.Method == sip.INVITE:
		p.invited(tx)
	case c == nil || c.dlg == nil:
		tx.Respond(481, "Call/Transaction Does Not Exist")
	case c.dlg.Receive(req) != nil:
		tx.Respond(500, "Server Internal Error")
	default:
		c.inDialog(tx)
	}
}

func (p *Phone) invited(tx *transaction.Server) {
	req := tx.Request()
	if p.cfg.Incoming == nil {
		tx.Respond(486, "Busy Here")
		return
	}
	c := &Call{p: p, Peer: peerOf(req), server: tx, invite: req, id: callID(req.CallID()),
		ended: make(chan struct{}), answered: make(chan struct{})}
	if h := req.GetHeader("User-to-User"); h != nil {
		c.UUI = h.Value()
	}
	d, err := dialog.NewUAS(req, tx.Tag(), p.contact(), tx.Flow())
	if err != nil {
		tx.Respond(400, "Bad Request")
		return
	}
	if err := c.startAudio(); err != nil {
		tx.Respond(500, "Server Internal Error")
		return
	}
	c.dlg = d
	p.calls[c.id] = c
	tx.Respond(180, "Ringing", d.Contact())
	p.tell(Event{Event: "incoming", Peer: c.Peer, UUI: c.UUI})
	p.cfg.Incoming(c)
}

func peerOf(req *sip.Request) string {
	if f := req.From(); f != nil {
		return f.Address.User
	}
	return ""
}

// Answer accepts a call that rings us.
func (c *Call) Answer() { c.p.inbox.put(c.answer) }

// Reject refuses it with a status of 400 to 699.
func (c *Call) Reject(status int, reason string) {
	c.p.inbox.put(func() {
		if c.server == nil || c.up || c.over {
			return
		}
		c.server.Respond(status, reason)
		c.finish(Event{Event: "ended", Code: status, Text: reason})
	})
}

func (c *Call) answer() {
	if c.server == nil || c.up || c.over {
		return
	}
	body, n, err := c.answerTo(c.invite.Body())
	if err != nil {
		c.server.Respond(488, "Not Acceptable Here")
		c.finish(Event{Event: "failed", Text: "no audio in common"})
		return
	}
	res := c.server.NewResponse(200, "OK")
	res.AppendHeader(c.dlg.Contact())
	res.AppendHeader(sip.NewHeader("Content-Type", "application/sdp"))
	res.SetBody(body)
	c.server.Reply(res)
	c.dlg.Confirm()
	c.established(n)
}

func (c *Call) answerTo(offer []byte) ([]byte, sdp.Negotiated, error) {
	if len(offer) == 0 { // late offer: ours goes in the 2xx, the answer is not awaited
		return sdp.Offer(c.local), sdp.Negotiated{}, nil
	}
	s, err := sdp.Parse(offer)
	if err != nil {
		return nil, sdp.Negotiated{}, err
	}
	return sdp.Answer(s, c.local)
}

func (c *Call) inDialog(tx *transaction.Server) {
	req := tx.Request()
	switch req.Method {
	case sip.BYE:
		tx.Respond(200, "OK")
		text := "the other end hung up"
		if h := req.GetHeader("Reason"); h != nil {
			text += ": " + h.Value()
		}
		c.finish(Event{Event: "ended", Text: text})
	case sip.INVITE:
		c.local.Version++
		body, n, err := c.answerTo(req.Body())
		if err != nil {
			tx.Respond(488, "Not Acceptable Here")
			return
		}
		c.audio.remote(n)
		res := tx.NewResponse(200, "OK")
		res.AppendHeader(c.dlg.Contact())
		res.AppendHeader(sip.NewHeader("Content-Type", "application/sdp"))
		res.SetBody(body)
		tx.Reply(res)
	case sip.NOTIFY:
		tx.Respond(200, "OK")
		line, _, _ := strings.Cut(string(req.Body()), "\r\n")
		c.p.tell(Event{Event: "notify", Peer: c.Peer, Text: line})
	case sip.UPDATE, sip.INFO:
		tx.Respond(200, "OK")
	default:
		tx.Respond(405, "Method Not Allowed", sip.NewHeader("Allow", "INVITE, ACK, CANCEL, BYE, OPTIONS, NOTIFY"))
	}
}
