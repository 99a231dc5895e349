package b2bua

import (
	"slices"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/media/sdp"
)

// A hunt is what is left to try of a destination with several ranks of targets:
// the next rank rings when the one before has failed in a way that another target
// may mend, or is silent for too long (RFC 3263 4.3).
type hunt struct {
	dest    cti.Destination
	waiting []Target // by rank
}

// ringNext sends INVITE to all targets of the lowest rank that is left, those whose
// Seize says no passed over. False: there is none.
func (c *Call) ringNext(l *leg) bool {
	for len(l.hunt.waiting) > 0 {
		rank := l.hunt.waiting[0].Rank
		var now []*branch
		for len(l.hunt.waiting) > 0 && l.hunt.waiting[0].Rank == rank {
			t := l.hunt.waiting[0]
			l.hunt.waiting = l.hunt.waiting[1:]
			if t.Seize == nil || t.Seize() {
				now = append(now, &branch{leg: l, target: t})
			}
		}
		if len(now) > 0 {
			c.ringAll(l, now)
			return true
		}
	}
	return false
}

// ringAll sends the INVITEs of one rank.
func (c *Call) ringAll(l *leg, now []*branch) {
	l.branches = append(l.branches, now...)
	l.worst, l.why = 0, ""
	if name := now[0].target.Trunk; name != "" {
		c.sw.move(l, name)
	}
	if codecs := prefer(c.sw.cfg.Codecs(l.trunk), c.caller.speaks); !slices.Equal(codecs, l.local.Codecs) {
		l.local.Codecs = codecs
		l.describeAs(l.local, sdp.Offer)
	}
	if len(l.branches) > len(now) || l.local.Policy != c.sw.cfg.Protect(l.trunk, l.owner) {
		l.protect() // a key is for one target: others before have read it
		l.describeAs(l.local, sdp.Offer)
	}
	for _, b := range now {
		b.invite = c.invite(l, b.target, l.hunt.dest)
		b.tx = c.sw.deps.Transactions.Request(b.invite, b.target.Flow, b.on)
		if p := b.target.Patience; p > 0 {
			l.silentAt = earlier(l.silentAt, time.Now().Add(p))
		}
	}
	if len(l.hunt.waiting) == 0 {
		l.hunt = nil
	}
}

// heard notes what the target of b did first, for who watches its health: nil is
// nothing in time, or no way to send.
func (b *branch) heard(res *sip.Response) {
	if b.silent() {
		b.answered = true
		if f := b.target.Heard; f != nil {
			f(res)
		}
	}
}

// silent tells whether nothing came back yet.
func (b *branch) silent() bool { return !b.answered && !b.done }

// silence gives up the targets of l that said nothing at all in their time: their
// INVITE is cancelled should they wake up.
func (c *Call) silence(l *leg) {
	for _, b := range slices.Clone(l.branches) {
		if b.silent() && b.target.Patience > 0 {
			b.heard(nil)
			b.cancel(cti.CauseUnreachable)
			c.branchFailed(b, sip.StatusRequestTimeout, cti.CauseUnreachable)
		}
	}
}

// hunts goes on with the next rank after a failure. False: the leg has failed.
func (c *Call) hunts(l *leg) bool {
	return l.hunt != nil && (l.hunt.dest.Emergency || mends(l.worst)) && c.ringNext(l)
}

// statusFlowFailed says that an edge proxy has lost the connection of a telephone, which may have
// another (RFC 5626 11.5).
const statusFlowFailed = 430

// mends tells whether a failure is one of the target or of the way to it, and not
// of who was called: another target may do better.
func mends(status int) bool {
	switch status {
	case sip.StatusRequestTimeout, sip.StatusInternalServerError, sip.StatusBadGateway,
		sip.StatusServiceUnavailable, sip.StatusGatewayTimeout:
		return true
	case statusFlowFailed:
		return true
	case sip.StatusUnauthorized, sip.StatusForbidden, sip.StatusProxyAuthRequired: // of our account, or of our number
		return true
	}
	return false
}
