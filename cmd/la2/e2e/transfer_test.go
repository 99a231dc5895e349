//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/lineaamica/la2/cti"
)

// SIPp as a telephone that hands over by REFER, that takes over by Replaces, and that
// watches a line.
func TestSIPpTransfer(t *testing.T) {
	n := demo(t, "--bots=false")
	for _, verb := range []string{"refer", "attended"} {
		for _, transport := range []string{"u1", "t1"} {
			t.Run(verb+" "+transport, func(t *testing.T) {
				first := answering(t, "--user", "1004", "--for", "60s", "--after", "300ms", "--play", toneFile(t, 600, 20))
				second := answering(t, "--user", "1005", "--for", "60s", "--after", "1s", "--play", toneFile(t, 700, 20))
				done(t, sipp(t, verb, "1003", "1004", "-key", "to", "1005", "-t", transport), 20*time.Second)
				second.event(t, 2*time.Second, "answered")
				first.hears(t, 700, 5*time.Second) // they hear each other
				second.hears(t, 600, 5*time.Second)
				first.leave()
				second.event(t, 5*time.Second, "ended")
			})
		}
	}
	t.Run("INVITE with Replaces of nothing", func(t *testing.T) {
		done(t, sipp(t, "replaces", "1003", "1001"), 10*time.Second)
	})
	for _, transport := range []string{"u1", "t1"} {
		t.Run("SUBSCRIBE "+transport, func(t *testing.T) {
			done(t, sipp(t, "subscribe", "1003", "1003", "-t", transport), 15*time.Second)
		})
	}
	settled(t, hubURL)
	for _, l := range n.faults() {
		t.Error(l)
	}
}

// SIPp's busy lamp tells it of a call that rings at a colleague of its group; it takes that call
// by Replaces, and the other telephone stops.
func TestSIPpPickup(t *testing.T) {
	office(t, "udp:127.0.0.1:5060, tcp:127.0.0.1:5060", "", "kind: station}", "kind: station, group: room}")
	for _, transport := range []string{"u1", "t1"} {
		t.Run(transport, func(t *testing.T) {
			messages := filepath.Join(t.TempDir(), "messages")
			lamp := sipp(t, "watch", "1003", "1004", "-t", transport, "-trace_msg", "-message_file", messages, "-ringbuffer_files", "0")
			rung := answering(t, "--user", "1004", "--for", "60s", "--after", "50s")
			caller := ring(t, "1004", "--user", "1001", "--for", "60s", "--play", toneFile(t, 700, 20))
			rung.event(t, 5*time.Second, "incoming")
			of := ringing(t, messages)
			taker := sipp(t, "pickup", "1003", "1004", "-t", transport, "-key", "of", of, "-rtp_echo")
			caller.event(t, 5*time.Second, "answered")
			caller.hears(t, 700, 5*time.Second) // its own tone, echoed
			rung.event(t, 5*time.Second, "ended")
			done(t, taker, 15*time.Second)
			done(t, lamp, 10*time.Second)
			caller.event(t, 5*time.Second, "ended")
		})
	}
}

// ringing waits for a dialog event that says early and returns it as the value of a Replaces that
// goes to the other end of that dialog, whose tag is the remote one there (RFC 5359 2.10).
func ringing(t *testing.T, messages string) string {
	t.Helper()
	early := regexp.MustCompile(`(?s)<dialog [^>]*call-id="([^"]+)"[^>]*>\s*<state[^>]*>early</state>`)
	tag := func(dialog, name string) string {
		if m := regexp.MustCompile(name + `-tag="([^"]+)"`).FindStringSubmatch(dialog); m != nil {
			return m[1]
		}
		return ""
	}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		raw, _ := os.ReadFile(messages) // not there yet
		if m := early.FindStringSubmatch(string(raw)); m != nil {
			return m[1] + ";to-tag=" + tag(m[0], "remote") + ";from-tag=" + tag(m[0], "local") + ";early-only"
		}
		if time.Now().After(end) {
			t.Fatalf("the lamp shows no ringing call:\n%s", raw)
		}
	}
}

// A baresip agent hands a citizen to a colleague, blind; it knows no attended transfer.
func TestBaresipTransfer(t *testing.T) {
	demo(t, "--bots=false")
	agent := baresip(t, "1001", 60, toneFile(t, 700, 10))
	d := logIn(t, hubURL, "1001")
	d.ready(t)
	colleague := answering(t, "--user", "1002", "--for", "60s", "--after", "500ms")
	citizen := ring(t, "803001", "--user", "cittadino", "--dtmf", "0@1500ms", "--for", "60s")
	agent.event(t, 10*time.Second, "CALL_INCOMING")
	agent.command(t, "accept", "")
	agent.event(t, 5*time.Second, "CALL_ESTABLISHED")
	d.event(t, 2*time.Second, cti.EvEstablished)
	citizen.hears(t, 700, 5*time.Second)
	agent.command(t, "transfer", "sip:1002@127.0.0.1:5060")
	colleague.event(t, 5*time.Second, "answered")
	d.event(t, 5*time.Second, cti.EvTransferred)
	d.event(t, 5*time.Second, cti.EvAgentWorkingAfterCall)
	agent.event(t, 5*time.Second, "CALL_CLOSED")
	citizen.hears(t, 440, 5*time.Second) // the colleague's tone, and the colleague the citizen's
	colleague.hears(t, 440, 5*time.Second)
}
