package b2bua

import (
	"github.com/emiago/sipgo/sip"
)

// again sends the INVITE of b once more with the interval that a 422 wants (RFC
// 4028 7.3): the same Call-ID, tag and To, one CSeq higher. False, and the branch
// has failed, when the leg is over or the far end asked for no more than it had.
func (b *branch) again(res *sip.Response) bool {
	l := b.leg
	want := minimumIn(res)
	had, _, _ := expiresIn(b.invite)
	if l.state != legCalling && l.state != legRinging || want <= had || l.call.sw.cfg.SessionExpires < 0 {
		return false
	}
	b.resend(func(req *sip.Request) {
		req.RemoveHeader("Session-Expires")
		req.RemoveHeader("Min-SE")
		l.call.sw.cfg.ask(req, want)
	})
	return true
}

// resend begins a new transaction of b with its INVITE changed by edit.
func (b *branch) resend(edit func(*sip.Request)) {
	req := b.invite.Clone()
	seq := b.invite.CSeq().SeqNo + 1
	req.RemoveHeader("Via")
	req.ReplaceHeader(&sip.CSeqHeader{SeqNo: seq, MethodName: sip.INVITE})
	if b.proof != nil { // it was for the request before
		req.RemoveHeader(b.proof.Name())
		b.proof = nil
	}
	edit(req)
	b.invite = req
	b.tx = b.leg.call.sw.deps.Transactions.Request(req, b.target.Flow, b.on)
}
