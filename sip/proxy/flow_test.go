package proxy

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/siptest"
)

// Two browsers: neither Via nor Contact is an address. Both ends of the dialog are reached over
// the flows by which they came and registered (RFC 5626 5.3, RFC 7118 5).
func TestKeptFlows_RFC5626_5_3(t *testing.T) {
	scenario(t, func(w *world) {
		w.plan = w.groups([]int{3})
		w.plan.Groups[0][0].Keep = true
		alice, bob := w.caller(), w.phone(3)
		nowhere := func(m *siptest.Message) {
			m.Set("Via", fmt.Sprintf("SIP/2.0/UDP abc.invalid;rport;branch=%s", m.Branch()))
			m.Set("Contact", "<sip:a@abc.invalid;transport=ws>")
		}
		out := w.call(alice, nowhere)
		in := bob.ExpectInvite(time.Second)
		in.Respond(200, siptest.With("Contact", "<sip:b@xyz.invalid;transport=ws>"))
		out.Established(time.Second)
		in.ExpectAck(time.Second)
		in.Send("INFO")
		if m := out.Expect(siptest.Request("INFO"), time.Second); m.URI != "sip:a@abc.invalid;transport=ws" {
			t.Errorf("Request-URI %s", m.URI)
		}
		out.Send("INFO")
		if m := in.Wait(siptest.Request("INFO"), time.Second); m.URI != "sip:b@xyz.invalid;transport=ws" {
			t.Errorf("Request-URI %s", m.URI)
		}
		in.Hangup()
		out.Wait(siptest.Request("BYE"), time.Second)
	})
}

// A flow that has ended is told with 430, unless the Contact leads to the same host.
func TestLostFlow_RFC5626_5_3_1(t *testing.T) {
	for contact, want := range map[string]int{"<sip:b@xyz.invalid>": 430, "<sip:b@10.0.0.3:5080>": 200, "<sip:b@10.0.0.9>": 430} {
		t.Run(contact, func(t *testing.T) {
			scenario(t, func(w *world) {
				w.plan = w.groups([]int{3})
				w.plan.Groups[0][0].Keep = true
				alice, bob := w.caller(siptest.Manual()), w.phone(3)
				out := w.call(alice)
				bob.ExpectInvite(time.Second).Respond(200, siptest.With("Contact", contact))
				out.Ack(out.Wait(siptest.Status(200), time.Second))
				w.p.cfg.Alive = func(flow.Flow) bool { return false }
				out.Bye()
				if got := out.Wait(siptest.Final("BYE"), time.Second); got.Status != want {
					t.Errorf("got %v, want %d", got, want)
				}
				if w.count("1>9 BYE") != 0 {
					t.Error("a stranger was reached")
				}
			})
		})
	}
}

// A strict router before us puts our route into the Request-URI and the target behind the others
// (16.4); one after us gets it that way (16.6 step 6).
func TestStrictRoute_RFC3261_16_4(t *testing.T) {
	scenario(t, func(w *world) {
		out, in := w.established()
		own := in.Invite.Get("Record-Route")
		uri := strings.Trim(own, "<>")
		for _, tt := range []struct {
			name, uri, route, wantURI, wantRoute string
		}{
			{"before us", uri, "<sip:bob@10.0.0.3:5080>", "sip:bob@10.0.0.3:5080", ""},
			{"before us, a loose one behind", uri, "<sip:10.0.0.3:5080;lr>, <sip:bob@far.example>", "sip:bob@far.example", "<sip:10.0.0.3:5080;lr>"},
			{"behind us", "sip:bob@far.example", own + ", <sip:10.0.0.3:5080>", "sip:10.0.0.3:5080", "<sip:bob@far.example>"},
			{"on both sides", uri, "<sip:10.0.0.3:5080>, <sip:bob@far.example>", "sip:10.0.0.3:5080", "<sip:bob@far.example>"},
		} {
			m := out.NewRequest("INFO")
			m.URI = tt.uri
			m.Set("Route", tt.route)
			m.Set("Via", fmt.Sprintf("SIP/2.0/UDP 10.0.0.2:5060;branch=z9hG4bK%x", tt.name))
			out.UA.Send(m, home)
			got := in.Wait(siptest.Request("INFO"), time.Second)
			if got.URI != tt.wantURI || got.Get("Route") != tt.wantRoute {
				t.Errorf("%s: arrived as\n%s", tt.name, got.Bytes())
			}
		}
		for name, tt := range map[string][2]string{
			"no target": {uri, ""}, "a stranger": {uri, "<sip:x@10.0.0.9>"}, "forged": {"sip:10.0.0.1;lr;la2=AAAA", "<sip:bob@10.0.0.3:5080>"},
		} {
			m := out.NewRequest("INFO")
			m.URI = tt[0]
			m.Del("Route")
			if tt[1] != "" {
				m.Set("Route", tt[1])
			}
			m.Set("Via", fmt.Sprintf("SIP/2.0/UDP 10.0.0.2:5060;branch=z9hG4bK%x", name))
			before := w.count("1>2 403")
			out.UA.Send(m, home)
			time.Sleep(100 * time.Millisecond)
			if w.count("1>2 403") != before+1 || w.count("1>9 INFO") != 0 {
				t.Errorf("%s: not refused", name)
			}
		}
		out.Hangup()
	})
}

// With a secret that is kept, a dialog goes on in the next process.
func TestSecretOutlives(t *testing.T) {
	scenario(t, func(w *world) {
		cfg := w.p.cfg
		cfg.Secret = []byte("a secret of thirty-two octets or more")
		w.p = New(cfg, w)
		out, in := w.established()
		w.p = New(cfg, w)
		out.Hangup()
		in.Wait(siptest.Request("BYE"), time.Second)
	})
}
