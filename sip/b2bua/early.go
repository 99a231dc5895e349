package b2bua

import (
	"slices"
	"strconv"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/media"
	"github.com/lineaamica/la2/media/sdp"
	"github.com/lineaamica/la2/sip/dialog"
	"github.com/lineaamica/la2/sip/transaction"
)

// Early media (RFC 3960, the gateway model): what a callee says before it answers
// is heard by a caller whose destination allows it (cti.Destination.Early). All
// early dialogs of a leg share its port; the packet path takes the audio of one
// address, so that one alone is heard: the latest that described itself, because
// who forks one after the other leaves the earlier ones without a word.

// A fork is one early dialog of a leg, by To tag (RFC 3261 12.1.2, 13.2.2.4).
type fork struct {
	branch   *branch
	dlg      *dialog.Dialog
	rseq     uint32 // of the last reliable 1xx taken; 0: none yet
	agreed   sdp.Negotiated
	lines    []sdp.Line
	answered bool // agreed is set
	settled  bool // by a reliable response: the exchange is complete
	control  control
}

// maxForks bounds the early dialogs of a leg against who makes up tags.
const maxForks = 8

// fork finds or makes the early dialog of res; nil when it makes none.
func (b *branch) fork(res *sip.Response) *fork {
	l, tag := b.leg, dialog.ToTag(res.To())
	for _, f := range l.forks {
		if f.branch == b && f.dlg.ID().RemoteTag == tag {
			_ = f.dlg.Update(res) // cannot fail: the tag is its own
			return f
		}
	}
	if len(l.forks) >= maxForks {
		return nil
	}
	d, err := dialog.NewUAC(b.invite, res, b.target.Flow)
	if err != nil {
		return nil
	}
	f := &fork{branch: b, dlg: d}
	l.forks = append(l.forks, f)
	return f
}

// provisional takes a 101 to 199 for a leg that is not answered.
func (c *Call) provisional(b *branch, res *sip.Response) {
	l := b.leg
	if l.state != legCalling && l.state != legRinging {
		return
	}
	f := b.fork(res)
	reliable := names(res, "Require", "100rel")
	if reliable && (f == nil || !c.prack(f, res)) {
		return
	}
	if res.StatusCode == statusEarlyOver {
		c.forkOver(l, f)
		return
	}
	if f != nil && len(res.Body()) > 0 {
		c.describedEarly(f, res, reliable)
	}
	c.rings(l, res.StatusCode)
	if k := controlOf(res); f != nil && k != 0 {
		f.control |= k
		c.controllable(l, f.control)
	}
}

// statusEarlyOver says that an early dialog has ended while the INVITE goes on: a forking
// proxy beyond the target tells so (RFC 6228 4).
const statusEarlyOver = 199

// forkOver forgets an early dialog. When it was the one that is heard, the latest other
// that described itself is, or ringback again.
func (c *Call) forkOver(l *leg, f *fork) {
	i := slices.Index(l.forks, f)
	if i < 0 {
		return
	}
	l.forks = slices.Delete(l.forks, i, i+1)
	if c.heard != l || l.audible != f {
		return
	}
	for _, other := range slices.Backward(l.forks) {
		if other.answered {
			c.hear(other)
			return
		}
	}
	l.flowing, l.audible = false, nil
	c.unhear(l)
}

// prack acknowledges a reliable 1xx (RFC 3262 4). False: it is a repetition, or
// one before it is missing, and is not to be acted on.
func (c *Call) prack(f *fork, res *sip.Response) bool {
	n, err := strconv.ParseUint(header(res, "RSeq"), 10, 32)
	if err != nil || !inOrder(f.rseq, uint32(n)) {
		return false
	}
	f.rseq = uint32(n)
	req := f.dlg.Request(sip.PRACK)
	seq := f.branch.invite.CSeq().SeqNo
	req.AppendHeader(sip.NewHeader("RAck", strconv.FormatUint(n, 10)+" "+strconv.FormatUint(uint64(seq), 10)+" INVITE"))
	credentials := f.branch.credentials()
	if credentials == nil {
		c.sw.deps.Transactions.Request(req, f.dlg.Flow(), nil)
		return true
	}
	c.sw.deps.Transactions.Request(req, f.dlg.Flow(), func(ev transaction.ClientEvent) {
		if h, ok := credentials.answer(req, ev); ok {
			c.box.put(evPrackChallenged{f, req, h}) // an owner that has gone needs no PRACK
		}
	})
	return true
}

// evPrackChallenged: the callee wants credentials for our PRACK.
type evPrackChallenged struct {
	fork   *fork
	req    *sip.Request
	answer sip.Header
}

func (evPrackChallenged) name() string { return "prack_challenged" }

func (c *Call) onPrackChallenged(e evPrackChallenged) {
	c.sw.deps.Transactions.Request(again(e.req, e.fork.dlg.NextSeq(), e.answer), e.fork.dlg.Flow(), nil)
}

// inOrder tells whether a reliable 1xx with RSeq got is the next after last, 0 for
// none yet (RFC 3262 4).
func inOrder(last, got uint32) bool { return got != 0 && (last == 0 || got == last+1) }

// describedEarly takes the SDP of a 1xx: the answer to our offer. What came
// reliably is not changed by a later response (RFC 3262 5).
func (c *Call) describedEarly(f *fork, res *sip.Response, reliable bool) {
	l := f.branch.leg
	if f.settled {
		return
	}
	s, err := l.offerIn(res)
	if err != nil {
		return
	}
	n, err := sdp.Accept(s, l.local)
	if err != nil {
		return
	}
	f.agreed, f.lines, f.answered, f.settled = n, s.Lines, true, reliable
	c.hear(f)
}

// hear makes f the early dialog that is heard, when its leg may be.
func (c *Call) hear(f *fork) {
	l := f.branch.leg
	if !l.mayBeHeard || c.peer != nil || c.transfer != nil {
		return
	}
	l.nat, l.flow = f.branch.target.NAT, f.branch.target.Flow
	l.agreed, l.audible = f.agreed, f
	c.heard = l
	c.wantsFirst.Store(true) // before the port may take a packet
	l.far()
}

// unhear ends the early media of l.
func (c *Call) unhear(l *leg) {
	if c.heard != l {
		return
	}
	c.heard = nil
	c.arrange()
	c.sounds()
}

// mayHear tells whether the caller is one to whom we send audio before it has
// acknowledged anything: known by its trunk or its password. A stranger could name
// anybody's address.
func (c *Call) mayHear() bool { return c.in.Trunk != "" || c.in.Caller.Verified }

// describable tells whether a 183 to the caller may carry our description: in one
// without offer only when it is reliable (RFC 3261 13.2.1).
func (c *Call) describable() bool {
	return c.mayHear() && (c.caller.rel != nil || c.caller.oa == theirs)
}

// hears tells whether audio reaches the caller now.
func (c *Call) hears() bool {
	return c.caller.talking() || c.caller.early && c.caller.oa != inPrack
}

// flows: the first packet of a leg came. Ringback yields to it.
func (c *Call) flows(l *leg) {
	l.flowing = true
	if l == c.heard {
		c.arrange()
	}
}

// ringback is what a caller hears who waits for a telephone that rings without a
// sound of its own: 425 Hz, 1 s on, 4 s off in Italy. Nil: nobody rings.
func (c *Call) ringback() *media.Clip {
	for _, l := range c.legs {
		if l.dial != nil && l.alerting && !l.flowing {
			return c.sw.clip(c.sw.cfg.Ringback)
		}
	}
	return nil
}

// onEarly takes a request of a callee inside an early dialog: UPDATE (RFC 3311)
// and OPTIONS; the rest has to wait for the answer.
func (c *Call) onEarly(l *leg, f *fork, tx *transaction.Server) {
	switch req := tx.Request(); req.Method {
	case sip.UPDATE:
		c.updateEarly(l, f, tx)
	case sip.OPTIONS:
		c.sw.Options(tx)
	default:
		later(tx)
	}
}

// updateEarly answers UPDATE in an early dialog. An offer in it is taken once ours
// was answered reliably, and is 491 before (RFC 3311 5.2).
func (c *Call) updateEarly(l *leg, f *fork, tx *transaction.Server) {
	req := tx.Request()
	offers := len(req.Body()) > 0
	if offers && !f.settled {
		tx.Respond(sip.StatusRequestPending, "")
		return
	}
	res := tx.NewResponse(sip.StatusOK, "OK")
	res.AppendHeader(f.dlg.Contact())
	c.sw.abilities(res, "Server")
	if offers {
		s, err := l.offerIn(req)
		if err == nil {
			f.agreed, err = l.answerTo(s)
		}
		if err != nil {
			tx.Respond(statusOf(err), "")
			return
		}
		f.lines = s.Lines
		setSDP(res, l.said)
		c.hear(f)
	}
	f.dlg.Refresh(req.Contact())
	tx.Reply(res)
	c.arrange()
}

// rang tells whether l has an early dialog with that To tag.
func (l *leg) rang(tag string) bool {
	return slices.ContainsFunc(l.forks, func(f *fork) bool { return f.dlg.ID().RemoteTag == tag })
}

// earlyOf finds the early dialog of a request, nil when there is none.
func (l *leg) earlyOf(req *sip.Request) *fork {
	for _, f := range l.forks {
		if f.dlg.ID() == dialog.IDOf(req) {
			return f
		}
	}
	return nil
}
