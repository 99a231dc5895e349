package proxy

import (
	"testing"
	"time"

	"github.com/lineaamica/la2/sip/siptest"
)

func TestForRealm(t *testing.T) {
	for value, want := range map[string]bool{
		`Digest username="1001", realm="la2", nonce="n", uri="sip:x", response="0"`: true,
		"digest username=\"1001\",\r\n realm=la2, nonce=\"n\"":                      true,
		`Digest realm="l\a2"`:                           true,
		`Digest realm="la2`:                             true,
		`Digest realm="la2", realm="x"`:                 true,
		`Digest realm="la22", nonce="n"`:                false,
		`Digest username="la2", realm="far", nonce="n"`: false,
		`Digest realm="far`:                             false,
		`Bearer la2`:                                    false,
		`Basic bGEyOmxhMg==`:                            false,
		``:                                              false,
	} {
		if got := forRealm([]byte(value), "la2"); got != want {
			t.Errorf("%q: got %v", value, got)
		}
	}
}

// Credentials for us end here, in the dialog as well; those for the far end pass as they are.
func TestCredentialsEndHere(t *testing.T) {
	scenario(t, func(w *world) {
		w.p.cfg.Realm = "la2"
		ours, theirs := `Digest username="1001", realm="la2", nonce="n", response="0"`, `Digest username="1001", realm="far", nonce="n", response="0"`
		fields := []siptest.Field{func(m *siptest.Message) {
			m.Add("Authorization", ours)
			m.Add("Authorization", theirs)
			for range 20 {
				m.Add("Proxy-Authorization", ours)
			}
		}}
		check := func(m *siptest.Message) {
			t.Helper()
			if a, p := m.All("Authorization"), m.All("Proxy-Authorization"); len(a) != 1 || a[0] != theirs || len(p) != 0 {
				t.Errorf("%q, %q went through", a, p)
			}
		}
		out := w.caller().Invite("sip:bob@10.0.0.1", home, fields...)
		in := w.callee().ExpectInvite(time.Second)
		check(in.Invite)
		in.Respond(200)
		out.Established(time.Second)
		in.ExpectAck(time.Second)
		out.Send("INFO", fields...)
		check(in.Expect(siptest.Request("INFO"), time.Second))
		out.Hangup()
		in.Expect(siptest.Request("BYE"), time.Second)
	})
}
