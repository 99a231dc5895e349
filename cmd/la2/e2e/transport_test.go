//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lineaamica/la2/sip/siptest"
)

// office serves the hub's demo file with other sockets, more lines of section sip and
// edits (pairs of old and new text), until the test ends.
func office(t *testing.T, listen, more string, edits ...string) *proc {
	t.Helper()
	if world.net != nil {
		world.net.stop()
	}
	raw, err := os.ReadFile(filepath.Join(world.root, "configs", "demo", "formezpa.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	const old = "  listen: [udp:127.0.0.1:5060, tcp:127.0.0.1:5060]\n"
	edits = append([]string{old, "  listen: [" + listen + "]\n" + more}, edits...)
	for i := 0; i < len(edits); i += 2 {
		if !strings.Contains(string(raw), edits[i]) {
			t.Fatalf("the demo file does not say %q", edits[i])
		}
	}
	text := strings.NewReplacer(edits...).Replace(string(raw))
	file := filepath.Join(t.TempDir(), "office.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p := start(t, world.bin, "serve", "-c", file, "--data", t.TempDir())
	t.Cleanup(func() { // before start's own
		p.signal(syscall.SIGTERM)
		p.exit(t, 10*time.Second)
	})
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if res, err := http.Get(hubURL + "/readyz"); err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return p
			}
		}
		if time.Now().After(end) {
			t.Fatalf("%s is not ready", p.name)
		}
	}
}

// Two foreign softphones over TCP, then over TLS whose certificate they verify:
// registration, a call from desk to desk, tones both ways.
func TestBaresipTransports(t *testing.T) {
	cert, key, ca := siptest.NewAuthority(t).Files(t.TempDir(), "127.0.0.1", "localhost")
	office(t, "udp:127.0.0.1:5060, tcp:127.0.0.1:5060, tls:127.0.0.1:5061", fmt.Sprintf("  tls: {certificate: %s, key: %s}\n", cert, key))
	for _, tt := range []struct{ name, server, more string }{
		{"tcp", "127.0.0.1:5060;transport=tcp", ""},
		{"tls", "127.0.0.1:5061;transport=tls", "sip_cafile " + ca + "\nsip_verify_server yes\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			callee := baresipAt(t, "1002", 60, toneFile(t, 700, 10), tt.server, tt.more)
			if _, _, ok := callee.until(0, 5*time.Second, func(l string) bool { return strings.Contains(l, "200 OK") }); !ok {
				t.Fatal("baresip did not register")
			}
			caller := baresipAt(t, "1001", 0, toneFile(t, 1000, 10), tt.server, tt.more)
			caller.command(t, "dial", "sip:1002@"+tt.server)
			callee.event(t, 5*time.Second, "CALL_INCOMING")
			callee.command(t, "accept", "")
			callee.event(t, 5*time.Second, "CALL_ESTABLISHED")
			caller.event(t, 5*time.Second, "CALL_ESTABLISHED")
			time.Sleep(3 * time.Second) // they talk
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
}

// baresip with two flows to its outbound proxies, which are both us (RFC 5626): it is told that
// outbound applies, and is called over what it opened.
func TestBaresipOutbound(t *testing.T) {
	office(t, "tcp:127.0.0.1:5060, udp:127.0.0.1:5060", "")
	const server = "127.0.0.1:5060;transport=tcp"
	callee := baresipAs(t, "1002", `<sip:1002@`+server+`>;auth_user=1002;auth_pass=demo-1002;regint=60;audio_codecs=pcma;answermode=manual;`+
		`sipnat=outbound;outbound="sip:`+server+`";outbound2="sip:`+server+`"`, toneFile(t, 700, 10), "", "-s")
	at := 0
	for _, want := range []string{"Require: outbound", "Flow-Timer: 120", "Require: outbound"} { // one 200 a flow
		_, next, ok := callee.until(at, 5*time.Second, func(l string) bool { return strings.Contains(l, want) })
		if !ok {
			t.Fatalf("baresip did not get %q", want)
		}
		at = next
	}
	caller := baresipAt(t, "1001", 0, toneFile(t, 1000, 10), server, "")
	caller.command(t, "dial", "sip:1002@"+server)
	callee.event(t, 5*time.Second, "CALL_INCOMING")
	callee.command(t, "accept", "")
	caller.event(t, 5*time.Second, "CALL_ESTABLISHED")
	callee.command(t, "hangup", "")
	caller.event(t, 3*time.Second, "CALL_CLOSED")
	if rang := metric(t, hubURL, "la2_sip_registered"); rang != 1 {
		t.Errorf("%v accounts registered, want 1", rang)
	}
}

// la2 phone over TLS, to a name and over IPv6; a certificate of somebody else is none.
func TestPhoneTLS(t *testing.T) {
	dir := t.TempDir()
	cert, key, ca := siptest.NewAuthority(t).Files(dir, "localhost", "::1")
	office(t, "udp:127.0.0.1:5060, tls:127.0.0.1:5061, 'tls:[::1]:5061', 'udp:[::1]:5060'", fmt.Sprintf("  tls: {certificate: %s, key: %s}\n", cert, key))
	for _, tt := range []struct {
		via, listen string
		code        int
	}{
		{"tls:localhost:5061", "127.0.0.1:0", 0},
		{"tls:[::1]:5061", "[::1]:0", 0},
		{"[::1]:5060", "[::1]:0", 0},
		{"tls:127.0.0.1:5061", "127.0.0.1:0", 1},
	} {
		text := output(t, tt.code, world.bin, "phone", "register", "--user", "1001", "--via", tt.via, "--listen", tt.listen, "--ca", ca, "--for", "1s")
		if tt.code != 0 && !strings.Contains(text, "the certificate names somebody else: want 127.0.0.1, it proves localhost, ::1") {
			t.Errorf("%s: %s", tt.via, text)
		}
	}
	callee := answering(t, "--user", "1002", "--via", "tls:localhost", "--ca", ca, "--for", "30s", "--play", toneFile(t, 700, 10))
	caller := ring(t, "1002", "--user", "1001", "--via", "tls:localhost", "--ca", ca, "--for", "30s", "--play", toneFile(t, 1000, 10))
	caller.hears(t, 700, 8*time.Second)
	callee.hears(t, 1000, 5*time.Second)
	caller.signal(syscall.SIGINT)
	callee.event(t, 3*time.Second, "ended")
}
