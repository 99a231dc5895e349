//go:build e2e

package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/lineaamica/la2/phone"
	"github.com/lineaamica/la2/sip/siptest"
)

// What a baresip can do, over every transport that it has: it gives up while the other end
// rings, holds and resumes, sends keys, is refused, and hands over by REFER.
func TestBaresipVerbs(t *testing.T) {
	cert, key, ca := siptest.NewAuthority(t).Files(t.TempDir(), "127.0.0.1")
	office(t, "udp:127.0.0.1:5060, tcp:127.0.0.1:5060, tls:127.0.0.1:5061", fmt.Sprintf("  tls: {certificate: %s, key: %s}\n", cert, key))
	for i, tt := range []struct{ name, server, more string }{
		{"udp", "127.0.0.1:5060", ""},
		{"tcp", "127.0.0.1:5060;transport=tcp", ""},
		{"tls", "127.0.0.1:5061;transport=tls", "sip_cafile " + ca + "\nsip_verify_server yes\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			own, near, far := fmt.Sprintf("100%d", 1+i), fmt.Sprintf("100%d", 4+i), fmt.Sprintf("110%d", 1+i)
			s := baresipAt(t, own, 0, toneFile(t, 1000, 60), tt.server, tt.more)
			dial := func(number string) { s.command(t, "dial", "sip:"+number+"@"+tt.server) }

			first := answering(t, "--user", near, "--after", "2s", "--for", "90s", "--play", toneFile(t, 600, 60))
			dial(near)
			first.event(t, 10*time.Second, "incoming")
			s.command(t, "hangup", "")
			if e := first.event(t, 10*time.Second, "ended"); e.Text != "cancelled" {
				t.Errorf("given up, the telephone's end: %q, want cancelled", e.Text)
			}
			dial("9999")
			s.event(t, 10*time.Second, "CALL_CLOSED") // of the first
			s.event(t, 10*time.Second, "CALL_CLOSED") // 404

			dial(near)
			s.event(t, 15*time.Second, "CALL_ESTABLISHED")
			first.hears(t, 1000, 10*time.Second)
			s.command(t, "sndcode", "7")
			if e := first.event(t, 10*time.Second, "dtmf"); e.Text != "7" {
				t.Errorf("the other end got key %q, want 7", e.Text)
			}
			s.command(t, "hold", "")
			if e, ok := first.match(10*time.Second, func(e phone.Event) bool { return e.Event == "audio" && e.Hears != "tone" }); !ok {
				t.Error("held, the other end still hears the tone")
			} else {
				t.Logf("held, the other end hears %s", e.Hears)
			}
			s.command(t, "resume", "")
			first.hears(t, 1000, 10*time.Second)

			second := answering(t, "--user", far, "--after", "300ms", "--for", "60s", "--play", toneFile(t, 700, 60))
			s.command(t, "transfer", "sip:"+far+"@"+tt.server)
			second.event(t, 10*time.Second, "answered")
			s.event(t, 10*time.Second, "CALL_CLOSED")
			first.hears(t, 700, 10*time.Second)
			second.hears(t, 600, 10*time.Second)
			first.leave()
			second.event(t, 10*time.Second, "ended")
			s.command(t, "quit", "")
			s.exit(t, 10*time.Second)
		})
	}
}
