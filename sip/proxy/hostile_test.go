package proxy

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lineaamica/la2/sip/siptest"
)

func TestChecks_RFC3261_16_3(t *testing.T) {
	scenario(t, func(w *world) {
		alice := w.caller()
		w.callee()
		for _, tt := range []struct {
			name, uri string
			field     siptest.Field
			want      int
		}{
			{"Max-Forwards 0", "sip:bob@10.0.0.1", siptest.With("Max-Forwards", "0"), 483},
			{"Proxy-Require", "sip:bob@10.0.0.1", siptest.With("Proxy-Require", "foo"), 420},
			{"loop", "sip:loop@10.0.0.1", siptest.With("Subject", "x"), 482},
			{"spiral, then loop", "sip:loop@10.0.0.1:5060", siptest.With("Subject", "x"), 482},
			{"unknown", "sip:nobody@10.0.0.1", siptest.With("Subject", "x"), 404},
		} {
			res := alice.Request("MESSAGE", tt.uri, home, tt.field)
			if res.Status != tt.want {
				t.Errorf("%s: got %v, want %d", tt.name, res, tt.want)
			}
			if tt.want == 420 && res.Get("Unsupported") != "foo" {
				t.Errorf("%s: Unsupported %q", tt.name, res.Get("Unsupported"))
			}
			if tt.want != 404 && res.Tag("To") == "" {
				t.Errorf("%s: no To tag", tt.name)
			}
		}
		if n := w.count("1>1 MESSAGE"); n != 3 {
			t.Errorf("%d requests to ourselves, want 3: a loop is found at its second pass", n)
		}
		if n := w.count("1>3 MESSAGE"); n != 0 {
			t.Errorf("%d requests were forwarded", n)
		}
	})
}

// Missing Max-Forwards and Content-Length are added (16.6 steps 3 and 9).
func TestAdded(t *testing.T) {
	scenario(t, func(w *world) {
		alice, bob := w.caller(), w.callee()
		bob.On("MESSAGE", nil)
		alice.SendRaw([]byte("MESSAGE sip:bob@10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.2:5060;branch=z9hG4bKraw\r\n"+
			"f: <sip:a@h>;tag=1\r\nt: <sip:b@h>\r\ni: raw\r\nCSeq: 1 MESSAGE\r\n\r\nhello"), home)
		got := bob.ExpectRequest("MESSAGE", time.Second)
		if got.Get("Max-Forwards") != "70" || got.Get("Content-Length") != "5" || len(got.All("Record-Route")) != 0 {
			t.Errorf("arrived as\n%s", got.Bytes())
		}
	})
}

// Nobody reaches a third address by us, whatever the Route or the Request-URI says.
func TestHostileRoute(t *testing.T) {
	scenario(t, func(w *world) {
		siptest.NewUA(w, w.net, "10.0.0.9:5060", siptest.NoRTP(), siptest.Manual())
		out, in := w.established()
		own := in.Invite.Get("Record-Route")
		const name = "<sip:10.0.0.1:5060;lr;la2=%s>"
		for _, tt := range []struct {
			name string
			edit siptest.Field
			want int
		}{
			{"second Route to a third address", siptest.With("Route", own+", <sip:10.0.0.9:5060;lr>"), 403},
			{"Request-URI at a third address", func(m *siptest.Message) { m.URI = "sip:x@10.0.0.9:5060" }, 403},
			{"name", siptest.With("Route", own+", <sip:victim.example;lr>"), 403},
			{"forged token", siptest.With("Route", fmt.Sprintf(name, strings.Repeat("A", 27))), 403},
			{"no token", siptest.With("Route", fmt.Sprintf(name, "")), 403},
			{"long token", siptest.With("Route", fmt.Sprintf(name, strings.Repeat("A", 900))), 403},
			{"forged second token", siptest.With("Route", own+", "+fmt.Sprintf(name, "AAAA")), 403},
			{"foreign scheme", func(m *siptest.Message) { m.URI = "tel:112" }, 416},
			{"sips", func(m *siptest.Message) { m.URI = "sips:bob@10.0.0.3" }, 416},
			{"token of another dialog", siptest.With("Call-ID", "other"), 403},
			{"our Route twice is no loop", siptest.With("Route", own+", "+own), 200},
		} {
			m := out.NewRequest("MESSAGE")
			tt.edit(m)
			m.Set("Via", fmt.Sprintf("SIP/2.0/UDP 10.0.0.2:5060;branch=z9hG4bK%x", tt.name))
			out.UA.Send(m, home)
			ack := out.NewRequest("ACK")
			tt.edit(ack)
			before := w.count(fmt.Sprintf("1>2 %d", tt.want))
			if tt.want != 200 {
				out.UA.Send(ack, home)
			}
			time.Sleep(100 * time.Millisecond)
			if n := w.count(fmt.Sprintf("1>2 %d", tt.want)) - before; n != 1 {
				t.Errorf("%s: %d answers with %d, want 1", tt.name, n, tt.want)
			}
		}
		if n := w.count("1>3 ACK"); n != 1 {
			t.Errorf("%d ACKs were forwarded, want 1", n)
		}
		for _, line := range []string{"1>9 MESSAGE", "1>9 ACK"} {
			if w.count(line) != 0 {
				t.Errorf("%s: a stranger was reached", line)
			}
		}
		// Without a To tag a token opens nothing.
		if res := out.UA.Request("MESSAGE", "sip:x@10.0.0.9", home, siptest.With("Route", own)); res.Status != 404 {
			t.Errorf("outside of a dialog: %v", res)
		}
		out.Hangup()
	})
}
