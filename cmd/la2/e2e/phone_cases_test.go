//go:build e2e

package e2e

import (
	"syscall"
	"testing"
	"time"

	"github.com/lineaamica/la2/cti"
)

// Who withholds the number is nobody on the desktop and on the telephone.
func TestAnonymous(t *testing.T) {
	demo(t, "--bots=false")
	desk := answering(t, "--via", "tcp:127.0.0.1:5060", "--user", "1006", "--for", "30s", "--play", toneFile(t, 600, 10))
	d := logIn(t, hubURL, "1006")
	d.ready(t)
	citizen := ring(t, "803001", "--anonymous", "--dtmf", "0@300ms", "--for", "30s")
	e := d.event(t, 8*time.Second, cti.EvDelivered)
	if e.Info == nil || !e.Info.Caller.Withheld || e.Info.Caller.Number != "" {
		t.Errorf("the desktop is told %+v of a caller who withholds the number", e.Info)
	}
	if in := desk.event(t, 3*time.Second, "incoming"); in.Peer != "anonymous" {
		t.Errorf("the telephone shows %q, want anonymous", in.Peer)
	}
	citizen.hears(t, 600, 5*time.Second)
	desk.hears(t, 440, 5*time.Second) // over a TCP telephone
	d.command(t, e.Call, "hangup", nil)
	citizen.event(t, 3*time.Second, "ended")
	desk.event(t, 3*time.Second, "ended")
}

// A telephone dies and comes back at another port: the old binding holds nobody up.
func TestPhoneDies(t *testing.T) {
	demo(t, "--bots=false")
	dead := answering(t, "--user", "1006", "--for", "30s")
	dead.kill()
	desk := answering(t, "--user", "1006", "--for", "30s", "--after", "300ms")
	caller := ring(t, "1006", "--user", "1001", "--for", "20s")
	rang := desk.event(t, 3*time.Second, "incoming")
	caller.event(t, 3*time.Second, "answered")
	caller.hears(t, 440, 3*time.Second)
	t.Logf("rang %v after it was called", rang.At.Sub(caller.events()[0].At).Round(time.Millisecond))

	// And dies while it talks: the caller may hang up, nothing is left.
	desk.kill()
	time.Sleep(500 * time.Millisecond)
	caller.signal(syscall.SIGINT)
	caller.event(t, 5*time.Second, "ended")
	settled(t, hubURL)
}

// An operator whose telephone does not answer is passed over for another one.
func TestNoAnswer(t *testing.T) {
	demo(t, "--bots=false")
	sleepy := answering(t, "--user", "1001", "--for", "60s", "--after", "40s")
	first := logIn(t, hubURL, "1001")
	first.ready(t)
	citizen := ring(t, "803001", "--dtmf", "0@300ms", "--for", "50s")
	sleepy.event(t, 8*time.Second, "incoming")
	awake := answering(t, "--user", "1002", "--for", "60s", "--after", "300ms", "--play", toneFile(t, 600, 10))
	second := logIn(t, hubURL, "1002")
	second.ready(t)
	first.event(t, 25*time.Second, cti.EvDiverted)
	first.event(t, 3*time.Second, cti.EvAgentNotReady, func(e cti.Event) bool { return e.Reason != "login" })
	if e := sleepy.event(t, 3*time.Second, "ended"); e.Text != "cancelled" {
		t.Errorf("the telephone that did not answer: %q, want cancelled", e.Text)
	}
	awake.event(t, 5*time.Second, "answered")
	citizen.hears(t, 600, 5*time.Second)
	citizen.signal(syscall.SIGINT)
	awake.event(t, 3*time.Second, "ended")
	settled(t, hubURL)
}
