package b2bua

import (
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

// A sessionTimer is that of one dialog (RFC 4028): it belongs to a leg, never to
// the call, so that the two ends of a call may differ in interval and refresher.
type sessionTimer struct {
	interval   time.Duration
	floor      time.Duration // the largest Min-SE that the far end told; 0: none
	update     bool          // the far end takes UPDATE
	refreshing bool          // a refresh of ours is under way
	refreshAt  time.Time     // zero: the far end refreshes
	expiresAt  time.Time
}

// maxSession bounds the interval against overflow.
const maxSession = 24 * time.Hour

// fields is what a Session-Expires or Min-SE is read from.
type fields interface{ GetHeader(string) sip.Header }

// expiresIn reads Session-Expires (or x:) and its refresher.
func expiresIn(m fields) (d time.Duration, refresher string, ok bool) {
	value := header(m, "Session-Expires")
	num, params, _ := strings.Cut(value, ";")
	if d, ok = deltaSeconds(num); !ok {
		return 0, "", false
	}
	for p := range strings.SplitSeq(params, ";") {
		if k, v, _ := strings.Cut(strings.TrimSpace(p), "="); strings.EqualFold(strings.TrimSpace(k), "refresher") {
			refresher = strings.ToLower(strings.TrimSpace(v))
		}
	}
	return d, refresher, true
}

// minimumIn reads Min-SE, 0 when there is none.
func minimumIn(m fields) time.Duration {
	num, _, _ := strings.Cut(header(m, "Min-SE"), ";")
	d, _ := deltaSeconds(num)
	return d
}

func deltaSeconds(s string) (time.Duration, bool) {
	n, err := strconv.ParseUint(strings.TrimSpace(s), 10, 31)
	return min(time.Duration(n)*time.Second, maxSession), err == nil
}

// knowsTimer tells whether the author of m supports the extension.
func knowsTimer(m sip.Message) bool {
	for _, h := range m.GetHeaders("Supported") {
		if lists(h.Value(), "timer") {
			return true
		}
	}
	return false
}

// tooBrief tells whether req asks for an interval below the minimum (RFC 4028 9);
// only who supports the extension can be told.
func tooBrief(req *sip.Request, minimum time.Duration) bool {
	d, _, ok := expiresIn(req)
	return ok && d < minimum && knowsTimer(req)
}

// ask puts our wish into an INVITE (RFC 4028 7.1). The far end chooses who
// refreshes. floor is the Min-SE of a 422 before, or 0.
func (c *Config) ask(req *sip.Request, floor time.Duration) {
	if c.SessionExpires < 0 {
		return
	}
	floor = max(floor, c.MinSE)
	req.AppendHeader(sip.NewHeader("Session-Expires", seconds(max(c.SessionExpires, floor))))
	req.AppendHeader(sip.NewHeader("Min-SE", seconds(floor)))
}

// accept settles the session timer of a request (INVITE, re-INVITE or UPDATE) that
// its 2xx res answers, by the table of RFC 4028 9:
//
//	far end supports │ it asks for │ refresher
//	─────────────────┼─────────────┼───────────────────────────────────────
//	no               │ nothing     │ none; we go on when we refreshed before
//	no               │ (a proxy)   │ we
//	yes              │ nothing     │ we, when Config asks for timers
//	yes              │ uac or none │ the far end
//	yes              │ uas         │ we
//
// An interval is shortened to ours, but not below the Min-SE of the request.
func (s *sessionTimer) accept(req *sip.Request, res *sip.Response, cfg *Config) {
	if v := header(req, "Allow"); v != "" {
		s.update = lists(v, "UPDATE")
	}
	s.floor = max(s.floor, minimumIn(req))
	d, refresher, asked := expiresIn(req)
	able := knowsTimer(req)
	switch {
	case !asked && able && cfg.SessionExpires > 0:
		d, refresher = cfg.SessionExpires, "uas"
	case !asked && !able && !s.refreshAt.IsZero():
		d, refresher = s.interval, "uas"
	case !asked:
		s.stop()
		return
	case !able:
		refresher = "uas"
	case refresher != "uas":
		refresher = "uac"
	}
	if cfg.SessionExpires > 0 {
		d = min(d, cfg.SessionExpires)
	}
	d = max(d, s.floor, cfg.MinSE)
	res.AppendHeader(sip.NewHeader("Session-Expires", seconds(d)+";refresher="+refresher))
	if refresher == "uac" {
		res.AppendHeader(sip.NewHeader("Require", "timer"))
	}
	s.start(d, refresher == "uas")
}

// granted takes the session timer that a 2xx to our INVITE or refresh sets. One
// below the minimum, which nobody may grant (RFC 4028 9), counts as the minimum.
func (s *sessionTimer) granted(res *sip.Response, minimum time.Duration) {
	if v := header(res, "Allow"); v != "" {
		s.update = lists(v, "UPDATE")
	}
	d, refresher, ok := expiresIn(res)
	if !ok {
		s.stop()
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

func (s *sessionTimer) stop() { s.refreshAt, s.expiresAt = time.Time{}, time.Time{} }
