package b2bua

import (
	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/sip/dialog"
	"github.com/lineaamica/la2/sip/transaction"
)

// Credentials answers a challenge of a target (RFC 3261 22.2, 22.3): refused is the
// request that it refused, res its 401 or 407. The header goes into the same
// request, sent again. False: there is nothing to answer with, and the refusal
// stands. It is called on shards and owners of calls, and must not block.
type Credentials func(refused *sip.Request, res *sip.Response) (sip.Header, bool)

// answer is the header that req is sent again with after ev.
func (a Credentials) answer(req *sip.Request, ev transaction.ClientEvent) (sip.Header, bool) {
	if a == nil || ev.Response == nil {
		return nil, false
	}
	switch ev.Response.StatusCode {
	case sip.StatusUnauthorized, sip.StatusProxyAuthRequired:
		return a(req, ev.Response)
	}
	return nil, false
}

// again is req with a CSeq of seq and the answer to its challenge.
func again(req *sip.Request, seq uint32, answer sip.Header) *sip.Request {
	out := sip.NewRequest(req.Method, *req.Recipient.Clone())
	for _, h := range req.CloneHeaders() {
		switch h.Name() {
		case "CSeq":
			out.AppendHeader(&sip.CSeqHeader{SeqNo: seq, MethodName: req.Method})
		case answer.Name():
		default:
			out.AppendHeader(h)
		}
	}
	out.AppendHeader(answer)
	out.SetBody(req.Body())
	return out
}

// evChallenged: the far end of leg wants credentials for a request inside the
// dialog.
type evChallenged struct {
	leg    *leg
	req    *sip.Request
	answer sip.Header
	on     func(transaction.ClientEvent)
}

func (evChallenged) name() string { return "challenged" }

// request sends req, which l.dlg made, and answers a challenge to it; on, which may
// be nil, hears of what comes after that.
func (c *Call) request(l *leg, req *sip.Request, on func(transaction.ClientEvent)) {
	layer := c.sw.deps.Transactions
	if l.credentials == nil {
		layer.Request(req, l.dlg.Flow(), on)
		return
	}
	layer.Request(req, l.dlg.Flow(), func(ev transaction.ClientEvent) {
		if h, ok := l.credentials.answer(req, ev); ok {
			if e := (evChallenged{l, req, h, on}); !c.box.put(e) {
				c.onChallenged(e) // the owner has gone, and with it everybody else who uses the dialog
			}
			return
		}
		if on != nil {
			on(ev)
		}
	})
}

func (c *Call) onChallenged(e evChallenged) {
	if e.req.Method == sip.INVITE {
		e.leg.proof = e.answer
	}
	again := again(e.req, e.leg.dlg.NextSeq(), e.answer)
	c.sw.deps.Transactions.Request(again, e.leg.dlg.Flow(), e.on)
}

// ack acknowledges a 2xx with the credentials of its INVITE (RFC 3261 13.2.2.4). A lost
// one is asked for by the next 2xx.
func (s *Switch) ack(d *dialog.Dialog, seq uint32, proof sip.Header) {
	ack := d.Ack(seq)
	if proof != nil {
		ack.AppendHeader(proof)
	}
	_ = s.deps.Transactions.SendAck(d.Flow(), ack)
}

// byeSpare ends a dialog that no leg has, with the credentials of its target.
func (s *Switch) byeSpare(d *dialog.Dialog, a Credentials) {
	bye := d.Request(sip.BYE)
	s.deps.Transactions.Request(bye, d.Flow(), func(ev transaction.ClientEvent) {
		if h, ok := a.answer(bye, ev); ok {
			s.deps.Transactions.Request(again(bye, d.NextSeq(), h), d.Flow(), nil)
		}
	})
}

// credentials are those for the target of b: of its trunk, none for a station.
func (b *branch) credentials() Credentials {
	name := b.target.Trunk
	if name == "" {
		return nil
	}
	return b.leg.call.sw.cfg.Credentials(name)
}

// challenged sends the INVITE of b again when its target wants credentials and we
// have some; the new one is the INVITE of the dialog.
func (c *Call) challenged(b *branch, ev transaction.ClientEvent) bool {
	if b.done || (b.leg.state != legCalling && b.leg.state != legRinging) {
		return false
	}
	h, ok := b.credentials().answer(b.invite, ev)
	if !ok {
		return false
	}
	b.resend(func(req *sip.Request) { req.AppendHeader(h) })
	b.proof = h
	return true
}
