package b2bua

import (
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
)

// What a Contact of a 3xx makes us dial is a number and nothing else.
func FuzzContactUsers(f *testing.F) {
	for _, s := range []string{`<sip:1003@10.0.0.1>;q=0.5`, `"a, b" <sip:1@x>, <tel:+39-06;x=y>`, `<sip:%41@x?Replaces=1>`, `*`, `<`, `<sip:a%0d%0ab@x>`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		res := sip.NewResponse(302, "Moved")
		res.AppendHeader(sip.NewHeader("Contact", s))
		users := contactUsers(res)
		if len(users) > strings.Count(s, ",")+1 {
			t.Fatalf("%d numbers of %q", len(users), s)
		}
		for _, u := range users {
			if u == "" || u != userPart(u) {
				t.Fatalf("%q of %q", u, s)
			}
		}
	})
}

// Whatever Session-Expires, Min-SE and Supported say, a timer is off or between the
// minimum and a day, it ends after it is refreshed, and the 2xx says what was set.
func FuzzSessionAccept(f *testing.F) {
	f.Add("1800;refresher=uac", "90", "timer")
	f.Add("99999999999", "", "timer, 100rel")
	f.Add("0", "4294967295", "")
	f.Add("90;refresher=UAS;refresher=x", "x", "timer")
	f.Fuzz(func(t *testing.T, expires, minimum, supported string) {
		req, res := sip.NewRequest(sip.INVITE, sip.Uri{Host: "x"}), sip.NewResponse(200, "OK")
		req.AppendHeader(sip.NewHeader("Session-Expires", expires))
		req.AppendHeader(sip.NewHeader("Min-SE", minimum))
		req.AppendHeader(sip.NewHeader("Supported", supported))
		var s sessionTimer
		s.accept(req, res, &Config{SessionExpires: 30 * time.Minute, MinSE: 90 * time.Second})
		said, _, ok := expiresIn(res)
		switch {
		case ok == s.expiresAt.IsZero():
			t.Fatalf("said %v, set %v", said, s.expiresAt)
		case !ok:
		case said != s.interval || said < 90*time.Second || said > maxSession:
			t.Fatalf("said %v, interval %v", said, s.interval)
		case !s.refreshAt.IsZero() && !s.refreshAt.Before(s.expiresAt):
			t.Fatalf("refresh at %v, end at %v", s.refreshAt, s.expiresAt)
		case (header(res, "Require") == "timer") != s.refreshAt.IsZero():
			t.Fatalf("Require %q", header(res, "Require"))
		}
	})
}

// A key of an INFO is one of the sixteen.
func FuzzKeyIn(f *testing.F) {
	for _, s := range []string{"Signal=5\r\nDuration=1", "11", "Signal = * ", "\n\n=", "Signal=\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		if k, ok := keyIn(body); ok && !strings.Contains("0123456789*#ABCD", string(k)) {
			t.Fatalf("%q of %q", k, body)
		}
	})
}
