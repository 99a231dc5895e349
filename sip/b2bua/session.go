package b2bua

import (
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/media/sdp"
	"github.com/lineaamica/la2/sip/transaction"
)

// A sessionTimer is that of one dialog (RFC 4028). We never ask for one; a far
// end that does gets it, and refreshes unless it wants us to.
type sessionTimer struct {
	interval   time.Duration
	update     bool // the far end takes UPDATE
	refreshing bool // a refresh of ours is under way
	reinvite   uint32
	refreshAt  time.Time
	expiresAt  time.Time
}

// maxSession bounds the interval against overflow.
const maxSession = 24 * time.Hour

// expiresIn reads Session-Expires (or x:) and its refresher.
func expiresIn(m interface{ GetHeader(string) sip.Header }) (d time.Duration, refresher string, ok bool) {
	value := header(m, "Session-Expires")
	if value == "" {
		return 0, "", false
	}
	num, params, _ := strings.Cut(value, ";")
	n, err := strconv.ParseUint(strings.TrimSpace(num), 10, 31)
	if err != nil {
		return 0, "", false
	}
	for p := range strings.SplitSeq(params, ";") {
		if k, v, _ := strings.Cut(strings.TrimSpace(p), "="); strings.EqualFold(k, "refresher") {
			refresher = strings.ToLower(strings.TrimSpace(v))
		}
	}
	return min(time.Duration(n)*time.Second, maxSession), refresher, true
}

// tooBrief tells whether req asks for an interval below the minimum (RFC 4028 9);
// only who supports the extension can be told.
func tooBrief(req *sip.Request, minimum time.Duration) bool {
	d, _, ok := expiresIn(req)
	return ok && d < minimum && lists(header(req, "Supported"), "timer")
}

// accept takes the session timer that req asks for and says so in the 2xx res
// (RFC 4028 9). Without Supported: timer only we can refresh.
func (s *sessionTimer) accept(req *sip.Request, res *sip.Response, minimum time.Duration) {
	d, refresher, ok := expiresIn(req)
	if !ok {
		return
	}
	able := lists(header(req, "Supported"), "timer")
	if refresher == "" {
		refresher = "uac"
	}
	if !able {
		refresher = "uas"
		d = max(d, minimum)
	}
	res.AppendHeader(sip.NewHeader("Session-Expires", seconds(d)+";refresher="+refresher))
	if able && refresher == "uac" {
		res.AppendHeader(sip.NewHeader("Require", "timer"))
	}
	s.update = lists(header(req, "Allow"), "UPDATE")
	s.start(d, refresher == "uas")
}

// granted takes the session timer that a 2xx to our INVITE or refresh sets. One
// below the minimum, which nobody may grant (RFC 4028 9), counts as the minimum.
func (s *sessionTimer) granted(res *sip.Response, minimum time.Duration) {
	d, refresher, ok := expiresIn(res)
	if v := header(res, "Allow"); v != "" {
		s.update = lists(v, "UPDATE")
	}
	if !ok {
		s.refreshAt, s.expiresAt = time.Time{}, time.Time{}
		return
	}
	s.start(max(d, minimum), refresher != "uas")
}

// start sets both deadlines: refresh at half, end at the interval less the
// smaller of 32 s and a third (RFC 4028 10).
func (s *sessionTimer) start(d time.Duration, ours bool) {
	now := time.Now()
	s.interval = d
	s.expiresAt = now.Add(d - min(32*time.Second, d/3))
	s.refreshAt = time.Time{}
	if ours {
		s.refreshAt = now.Add(d / 2)
	}
}

// refresh sends UPDATE, or a re-INVITE with what we said last, to keep the session.
func (c *Call) refresh(l *leg) {
	if l.state != legConfirmed || l.owing {
		l.session.refreshAt = time.Now().Add(time.Second)
		return
	}
	method := sip.INVITE
	if l.session.update {
		method = sip.UPDATE
	}
	req := l.dlg.Request(method)
	req.AppendHeader(sip.NewHeader("Supported", supported))
	req.AppendHeader(sip.NewHeader("Session-Expires", seconds(l.session.interval)+";refresher=uac"))
	if method == sip.INVITE {
		local := l.local
		local.Direction = l.agreed.Direction
		l.describeAs(local, sdp.Offer)
		setSDP(req, l.said)
		l.session.reinvite = req.CSeq().SeqNo
	}
	l.session.refreshing = true
	c.sw.deps.Transactions.Request(req, l.dlg.Flow(), func(ev transaction.ClientEvent) {
		if ev.Err != nil || ev.Response.StatusCode >= 200 {
			c.box.put(evAnswered{leg: l, what: refreshed, ev: ev})
		}
	})
}

func (c *Call) onRefreshed(l *leg, ev transaction.ClientEvent) {
	again := !l.session.refreshing // a repeated 2xx
	l.session.refreshing = false
	if ev.Response != nil && ev.Response.IsSuccess() {
		if isInvite(ev.Response) {
			c.ackReinvite(l, ev.Response)
			if s, err := offerIn(ev.Response); err == nil && !again {
				if n, err := sdp.Accept(s, l.local); err == nil {
					l.agreed = n
					l.far()
					c.arrange()
				}
			}
		}
		l.session.granted(ev.Response, c.sw.cfg.MinSE)
		return
	}
	if timedOut(ev) {
		c.hangUp(l, cti.CauseUnreachable)
		return
	}
	if !l.session.expiresAt.IsZero() { // 491 and the like: once more, soon
		l.session.refreshAt = time.Now().Add(3 * time.Second)
	}
}

// ackLate acknowledges a 2xx to a re-INVITE of a leg that has gone meanwhile.
func (c *Call) ackLate(e evAnswered) {
	if e.ev.Response != nil && e.ev.Response.IsSuccess() && isInvite(e.ev.Response) {
		c.ackReinvite(e.leg, e.ev.Response)
	}
}

func (c *Call) ackReinvite(l *leg, res *sip.Response) {
	l.dlg.Refresh(res.Contact())
	_ = c.sw.deps.Transactions.SendAck(l.dlg.Flow(), l.dlg.Ack(res.CSeq().SeqNo))
}

func isInvite(res *sip.Response) bool {
	return res.CSeq() != nil && res.CSeq().MethodName == sip.INVITE
}
