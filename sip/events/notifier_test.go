package events

import (
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/siptest"
)

// thing is the URI that the tests watch.
const thing = "sip:thing@10.0.0.1"

func want(t *testing.T, got *siptest.Message, text string) {
	t.Helper()
	if s := said(got); s != text {
		t.Errorf("NOTIFY %q, want %q", s, text)
	}
}

func wantStatus(t *testing.T, got *siptest.Message, status int) {
	t.Helper()
	if got.Status != status {
		t.Errorf("got %d, want %d", got.Status, status)
	}
}

// SUBSCRIBE is granted and answered by NOTIFY at once, with everything; a change is
// told, a refresh tells everything again, Expires: 0 ends it (RFC 6665 4.1.2, 4.2.1).
func TestSubscribe_RFC6665_4_2_1(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		s, res := w.watcher("10.0.0.2", "1001").Subscribe(thing, "counter;id=7", here, time.Hour)
		wantStatus(t, res, 200)
		if got := res.Get("Expires"); got != "3600" {
			t.Errorf("Expires: %s", got)
		}
		m := s.Expect(time.Second)
		want(t, m, "thing 0 version 0 since <nil> | active;expires=3600")
		if m.Get("Event") != "counter;id=7" || m.Get("Content-Type") != "text/plain" {
			t.Errorf("NOTIFY\n%s", m.Bytes())
		}
		time.Sleep(10 * time.Second)
		w.change(5)
		want(t, s.Expect(time.Second), "thing 5 version 1 since 0 | active;expires=3589")
		wantStatus(t, s.Refresh(2*time.Minute), 200)
		want(t, s.Expect(time.Second), "thing 5 version 2 since <nil> | active;expires=120")
		wantStatus(t, s.Refresh(0), 200)
		want(t, s.Expect(time.Second), "thing 5 version 3 since <nil> | terminated;reason=timeout")
		w.left(0)
		wantStatus(t, s.Refresh(time.Hour), 481)
	})
}

// A subscription that nobody refreshes ends with a word (RFC 6665 4.2.2).
func TestExpiry_RFC6665_4_2_2(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		s, _ := w.watcher("10.0.0.2", "1001").Subscribe(thing, "counter", here, time.Minute)
		s.Expect(time.Second)
		s.ExpectNothing(59 * time.Second)
		if got := said(s.Expect(2 * time.Second)); !strings.HasSuffix(got, "| terminated;reason=timeout") {
			t.Errorf("NOTIFY %s", got)
		}
		w.left(0)
	})
}

// Expires: 0 outside of a dialog only fetches (RFC 6665 4.4.3).
func TestFetch_RFC6665_4_4_3(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		s, res := w.watcher("10.0.0.2", "1001").Subscribe(thing, "counter", here, 0)
		wantStatus(t, res, 200)
		want(t, s.Expect(time.Second), "thing 0 version 0 since <nil> | terminated;reason=timeout")
		w.left(0)
	})
}

// A resource that changes a hundred times a second costs one NOTIFY a second, and the
// last state is told.
func TestPace_RFC4235_3_10(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		s, _ := w.watcher("10.0.0.2", "1001").Subscribe(thing, "counter", here, time.Hour)
		s.Expect(time.Second)
		time.Sleep(5 * time.Second)
		for i := range 300 {
			w.change(i + 1)
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(2 * time.Second)
		n, last := 0, ""
		for range 10 {
			m := s.ExpectWithin(time.Millisecond)
			if m == nil {
				break
			}
			n, last = n+1, said(m)
		}
		if n < 3 || n > 5 || !strings.HasPrefix(last, "thing 300 ") {
			t.Errorf("%d NOTIFYs, the last %q", n, last)
		}
	})
}

// A watcher that refuses a NOTIFY, or does not answer, has no subscription any more
// (RFC 6665 4.2.2); nothing is sent to it again.
func TestRefused_RFC6665_4_2_2(t *testing.T) {
	for _, status := range []int{481, 500, 0} {
		inWorld(t, Config{}, func(w *world) {
			s, _ := w.watcher("10.0.0.2", "1001").Subscribe(thing, "counter", here, time.Hour)
			s.Expect(time.Second)
			time.Sleep(2 * time.Second)
			s.Answer(status)
			w.change(1)
			s.Expect(time.Second)
			time.Sleep(40 * time.Second)
			w.left(0)
			s.Answer(200)
			for s.ExpectWithin(time.Millisecond) != nil { // repeats of the unanswered one
			}
			w.change(2)
			s.ExpectNothing(time.Minute)
		})
	}
}

// What is refused, and how (RFC 6665 4.2.1.1, 8.3.2).
func TestRefusals(t *testing.T) {
	inWorld(t, Config{MaxEach: 2, Max: 3}, func(w *world) {
		u := w.watcher("10.0.0.2", "1001")
		for _, c := range []struct {
			name, uri, event string
			expires          time.Duration
			accept           string
			status           int
			header, value    string
		}{
			{"no such package", thing, "presence", time.Hour, "", 489, "Allow-Events", "counter"},
			{"no Event", thing, "", time.Hour, "", 489, "Allow-Events", "counter"},
			{"too brief", thing, "counter", time.Second, "", 423, "Min-Expires", "60"},
			{"not allowed", "sip:secret@10.0.0.1", "counter", time.Hour, "", 403, "", ""},
			{"no such resource", "sip:nobody@10.0.0.1", "counter", time.Hour, "", 404, "", ""},
			{"not readable", thing, "counter", time.Hour, "application/xml", 406, "", ""},
			{"readable", thing, "counter", time.Hour, "application/xml, text/*;q=0.5", 200, "Expires", "3600"},
			{"shortened", thing, "counter", 100 * time.Hour, "", 200, "Expires", "7200"},
			{"one too many of this watcher", thing, "counter", time.Hour, "", 403, "", ""},
		} {
			var fields []siptest.Field
			if c.accept != "" {
				fields = append(fields, siptest.With("Accept", c.accept))
			}
			if c.event == "" {
				fields = append(fields, siptest.Without("Event"))
			}
			_, res := u.Subscribe(c.uri, c.event, here, c.expires, fields...)
			if res.Status != c.status || c.header != "" && res.Get(c.header) != c.value {
				t.Errorf("%s: got\n%s", c.name, res.Bytes())
			}
		}
		_, res := w.watcher("10.0.0.3", "1002").Subscribe(thing, "counter", here, time.Hour)
		wantStatus(t, res, 200)
		_, res = w.watcher("10.0.0.4", "1003").Subscribe(thing, "counter", here, time.Hour)
		if res.Status != 503 || res.Get("Retry-After") == "" {
			t.Errorf("one too many of all: got\n%s", res.Bytes())
		}
		w.left(3)
	})
}

// A subscription is refreshed by its own dialog only, and in order.
func TestRefresh_foreign(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		s, _ := w.watcher("10.0.0.2", "1001").Subscribe(thing, "counter", here, time.Hour)
		s.Expect(time.Second)
		wantStatus(t, s.Refresh(time.Hour, siptest.With("Event", "other")), 481)
		wantStatus(t, s.Refresh(time.Hour, siptest.With("From", "<sip:1001@10.0.0.2>;tag=x")), 481)
		wantStatus(t, s.Refresh(time.Hour, siptest.With("CSeq", "1 SUBSCRIBE")), 500)
		wantStatus(t, s.Refresh(10*time.Second), 423)
		w.left(1)
	})
}

// A connection that is gone takes its subscriptions along, without a NOTIFY.
func TestFlowClosed(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		s, _ := w.watcher("10.0.0.2", "1001").Subscribe(thing, "counter", here, time.Hour)
		s.Expect(time.Second)
		w.n.FlowClosed(flow.Flow{Transport: flow.UDP, Local: here, Remote: netip.MustParseAddrPort("10.0.0.9:5060")})
		w.left(1)
		w.n.FlowClosed(flow.Flow{Transport: flow.UDP, Local: here, Remote: netip.MustParseAddrPort("10.0.0.2:5060")})
		w.left(0)
		w.change(1)
		s.ExpectNothing(time.Minute)
	})
}

// When the node stops, watchers hear that they may subscribe again (deactivated).
func TestShut(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		s, _ := w.watcher("10.0.0.2", "1001").Subscribe(thing, "counter", here, time.Hour)
		s.Expect(time.Second)
		w.stop()
		synctest.Wait()
		if got := said(s.Expect(time.Second)); !strings.HasSuffix(got, "| terminated;reason=deactivated") {
			t.Errorf("NOTIFY %s", got)
		}
		_, res := w.watcher("10.0.0.3", "1002").Subscribe(thing, "counter", here, time.Hour)
		wantStatus(t, res, 503)
		wantStatus(t, s.Refresh(time.Hour), 481)
	})
}
