//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lineaamica/la2/sip/siptest"
)

// Foreign softphones whose audio is SRTP by keys in the description (RFC 4568), over
// TLS: both protected, one of them, and optional protection in RTP/AVP. Tones both
// ways; who must be protected and offers none is refused.
func TestBaresipSRTP(t *testing.T) {
	cert, key, ca := siptest.NewAuthority(t).Files(t.TempDir(), "127.0.0.1", "localhost")
	const server = "127.0.0.1:5061;transport=tls"
	more := "module srtp.so\nsip_cafile " + ca + "\nsip_verify_server yes\n"
	for _, tt := range []struct{ name, policy1, enc1, policy2, enc2 string }{
		{"both required", "require", "srtp-mand", "require", "srtp-mand"},
		{"to plain", "require", "srtp-mand", "never", ""},
		{"from plain", "never", "", "require", "srtp-mand"},
		{"optional", "prefer", "srtp", "prefer", "srtp"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			office(t, "tls:127.0.0.1:5061", fmt.Sprintf("  tls: {certificate: %s, key: %s}\n", cert, key),
				"password: demo-1001, ", "password: demo-1001, srtp: "+tt.policy1+", ",
				"password: demo-1002, ", "password: demo-1002, srtp: "+tt.policy2+", ")
			phone := func(user, enc string, regint int, sound string) *softphone {
				account := fmt.Sprintf("<sip:%s@%s>;auth_user=%s;auth_pass=demo-%s;regint=%d;audio_codecs=pcma;answermode=manual", user, server, user, user, regint)
				if enc != "" {
					account += ";mediaenc=" + enc
				}
				return baresipAs(t, user, account, sound, more)
			}
			callee := phone("1002", tt.enc2, 60, toneFile(t, 700, 10))
			if _, _, ok := callee.until(0, 5*time.Second, func(l string) bool { return strings.Contains(l, "200 OK") }); !ok {
				t.Fatal("baresip did not register")
			}
			caller := phone("1001", tt.enc1, 0, toneFile(t, 1000, 10))
			caller.command(t, "dial", "sip:1002@"+server)
			callee.event(t, 5*time.Second, "CALL_INCOMING")
			callee.command(t, "accept", "")
			callee.event(t, 5*time.Second, "CALL_ESTABLISHED")
			caller.event(t, 5*time.Second, "CALL_ESTABLISHED")
			time.Sleep(3 * time.Second) // they talk
			for p, enc := range map[*softphone]string{caller: tt.enc1, callee: tt.enc2} {
				if _, _, on := p.until(0, 0, func(l string) bool { return strings.Contains(l, "SRTP is Enabled") }); on != (enc != "") {
					t.Errorf("a telephone with mediaenc %q says that SRTP is on: %v", enc, on)
				}
			}
			callee.command(t, "hangup", "")
			caller.event(t, 3*time.Second, "CALL_CLOSED")
			for _, p := range []*softphone{caller, callee} {
				p.command(t, "quit", "")
				p.exit(t, 5*time.Second)
			}
			if n := tones(caller.heard(t), 700); n < 20 {
				t.Errorf("the caller heard 700 Hz for %d00 ms, want 2 s", n)
			}
			if n := tones(callee.heard(t), 1000); n < 20 {
				t.Errorf("the callee heard 1000 Hz for %d00 ms, want 2 s", n)
			}
		})
	}
	t.Run("refused", func(t *testing.T) {
		office(t, "tls:127.0.0.1:5061", fmt.Sprintf("  tls: {certificate: %s, key: %s}\n", cert, key), "password: demo-1001, ", "password: demo-1001, srtp: require, ")
		caller := baresipAt(t, "1001", 0, toneFile(t, 1000, 10), server, more)
		caller.command(t, "dial", "sip:1002@"+server)
		caller.event(t, 5*time.Second, "CALL_CLOSED")
		if _, _, ok := caller.until(0, time.Second, func(l string) bool { return strings.Contains(l, "488") }); !ok {
			t.Errorf("no 488 in what baresip says:\n%s", strings.Join(caller.text(), "\n"))
		}
	})
}
