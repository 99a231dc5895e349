//go:build e2e

package e2e

import (
	"testing"
	"time"

	"github.com/lineaamica/la2/cti"
)

// SIPp as a telephone that hands over by REFER, that takes over by Replaces, and that
// watches a line.
func TestSIPpTransfer(t *testing.T) {
	n := demo(t, "--bots=false")
	t.Run("REFER by who called", func(t *testing.T) {
		first := answering(t, "--user", "1004", "--for", "60s", "--after", "300ms")
		second := answering(t, "--user", "1005", "--for", "60s", "--after", "1s")
		done(t, sipp(t, "refer", "1003", "1004", "-key", "to", "1005"), 20*time.Second)
		second.event(t, 2*time.Second, "answered")
		first.hears(t, 440, 3*time.Second) // they hear each other's tone
		second.hears(t, 440, 3*time.Second)
	})
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
