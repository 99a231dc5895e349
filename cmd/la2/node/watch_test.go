package node

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaamica/la2/sip/siptest"
)

// stationsOf runs f against a hub with three registered stations, a1 and a2 in one
// group; a3 is alone.
func stationsOf(t *testing.T, settings []scriptLine, f func(w *world, a1, a2, a3 *actor)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.began = time.Now()
		o := w.start("hub", "formezpa", hubIP, dataDir(t, "hub"), settings)
		for user, a := range o.accounts {
			if user == "1001" || user == "1002" {
				a.Group = "desk"
				o.accounts[user] = a
			}
		}
		var as []*actor
		for _, name := range []string{"a1", "a2", "a3"} {
			a := w.actor(name)
			a.register(time.Hour)
			as = append(as, a)
		}
		f(w, as[0], as[1], as[2])
		time.Sleep(settle)
		o.stop()
	})
}

func (a *actor) watch(whom, event string) (*siptest.Subscription, *siptest.Message) {
	return a.ua.Subscribe("sip:"+whom+"@"+hubIP, event, a.home.addr(), time.Hour)
}

func lamp(m *siptest.Message) string {
	var out []string
	for _, s := range []string{"trying", "early", "confirmed", "terminated"} {
		if strings.Contains(string(m.Body), "<state>"+s+"</state>") {
			out = append(out, s)
		}
	}
	return strings.Join(out, " ")
}

// A colleague's lamp follows its line, and says what a pick-up needs, but not who is
// at the other end (RFC 4235; RFC 3891 7.1).
func TestBusyLamp_RFC4235(t *testing.T) {
	stationsOf(t, nil, func(w *world, a1, a2, a3 *actor) {
		s, res := a1.watch("1002", "dialog")
		if res.Status != 200 {
			t.Fatalf("got %d", res.Status)
		}
		if got := s.Expect(time.Second); lamp(got) != "" || !strings.Contains(string(got.Body), `state="full"`) {
			t.Errorf("at first:\n%s", got.Body)
		}
		time.Sleep(2 * time.Second)
		c := a3.ua.Invite("sip:1002@"+hubIP, a3.home.addr())
		ring := <-a2.arrived
		s.Expect(5 * time.Second) // trying
		time.Sleep(2 * time.Second)
		ring.Respond(180)
		m := s.Expect(5 * time.Second)
		body := string(m.Body)
		if lamp(m) != "early" || !strings.Contains(body, `call-id="`+ring.ID()+`"`) || strings.Contains(body, "1003") || !strings.Contains(body, `direction="recipient"`) {
			t.Errorf("ringing:\n%s", body)
		}
		time.Sleep(2 * time.Second)
		ring.Answer()
		if got := lamp(s.Expect(5 * time.Second)); got != "confirmed" {
			t.Errorf("talking: %s", got)
		}
		c.Established(5 * time.Second)
		time.Sleep(2 * time.Second)
		c.Hangup()
		if got := lamp(s.Expect(5 * time.Second)); got != "terminated" {
			t.Errorf("over: %s", got)
		}
		a2.home.lamps.mu.Lock()
		defer a2.home.lamps.mu.Unlock()
		if n := len(a2.home.lamps.by); n != 0 {
			t.Errorf("%d stations have lines left", n)
		}
	})
}

// Who may watch what: nobody without credentials, a station itself and its group; of
// the others it is not even told whether they exist.
func TestWatch_policy(t *testing.T) {
	stationsOf(t, nil, func(w *world, a1, a2, a3 *actor) {
		for _, c := range []struct {
			by          *actor
			whom, event string
			status      int
		}{
			{a1, "1002", "dialog", 200},
			{a1, "1001", "dialog", 200},
			{a1, "1003", "dialog", 403},
			{a3, "1001", "dialog", 403},
			{a3, "9999", "dialog", 403},
			{a1, "1001", "message-summary", 200},
			{a1, "1002", "message-summary", 403},
			{a1, "1001", "presence", 489},
			{a1, "1001", "refer", 489},
		} {
			if _, res := c.by.watch(c.whom, c.event); res.Status != c.status {
				t.Errorf("%s watches %s of %s: got %d, want %d", c.by.user, c.event, c.whom, res.Status, c.status)
			}
		}
		r := w.raw("10.0.9.9:5060")
		if res := r.final(r.request("SUBSCRIBE", "sip:1001@"+hubIP, "Event: dialog")); res.StatusCode != 401 {
			t.Errorf("a stranger: got %s", res.Short())
		}
		if res := r.as("cittadino", "SUBSCRIBE", "sip:1001@"+hubIP, "Event: dialog"); res.StatusCode != 403 {
			t.Errorf("a carrier: got %s", res.Short())
		}
		for _, event := range []string{"message-summary", "dialog", "talk", "check-sync"} { // nobody may tell us anything, least of all unasked
			if res := r.final(r.request("NOTIFY", "sip:1001@"+hubIP, "Event: "+event, "Subscription-State: active")); res.StatusCode != 481 {
				t.Errorf("an unasked NOTIFY of %s: got %s", event, res.Short())
			}
		}
		if res := r.final(r.request("PUBLISH", "sip:1001@"+hubIP, "Event: presence")); res.StatusCode != 405 {
			t.Errorf("PUBLISH: got %s", res.Short())
		}
	})
}

// The lamp of voice messages says the truth: there are none (RFC 3842).
func TestMessageSummary_RFC3842(t *testing.T) {
	stationsOf(t, nil, func(w *world, a1, _, _ *actor) {
		s, _ := a1.watch("1001", "message-summary")
		if got := string(s.Expect(time.Second).Body); !strings.HasPrefix(got, "Messages-Waiting: no\r\n") || !strings.Contains(got, "0/0") {
			t.Errorf("got %q", got)
		}
	})
}

// By configuration a lamp tells who is at the other end, but for who withholds it.
func TestBusyLamp_others(t *testing.T) {
	stationsOf(t, nil, func(w *world, a1, a2, a3 *actor) {
		a1.home.cfg.SIP.WatchersSeeOthers = true
		s, _ := a1.watch("1002", "dialog")
		s.Expect(time.Second)
		time.Sleep(2 * time.Second)
		c := a3.ua.Invite("sip:1002@"+hubIP, a3.home.addr())
		(<-a2.arrived).Answer()
		m := s.Expect(5 * time.Second)
		if !strings.Contains(string(m.Body), "<identity>sip:1003@") {
			t.Errorf("got\n%s", m.Body)
		}
		c.Established(5 * time.Second)
		c.Hangup()
	})
}
