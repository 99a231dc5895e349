//go:build e2e

package e2e

import (
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/lineaamica/la2/cti"
)

// The verbs of the B2BUA with SIPp at either end: as caller, against `la2 phone`,
// and as callee at a station, rung by SIPp.
func TestSIPpVerbs(t *testing.T) {
	n := demo(t, "--bots=false")
	t.Run("caller", sippCallers)
	t.Run("callee", sippCallees)
	settled(t, hubURL)
	for _, l := range n.faults() {
		t.Error(l)
	}
}

func sippCallers(t *testing.T) {
	for i, scenario := range []string{"prack", "prack_late_offer", "late_offer", "update", "hold_spellings"} {
		t.Run(scenario, func(t *testing.T) {
			t.Parallel()
			station := strconv.Itoa(1101 + i%3)
			if i >= 3 {
				station = strconv.Itoa(1001 + i - 3)
			}
			for _, transport := range []string{"u1", "t1"} {
				desk := answering(t, "--user", station, "--for", "60s", "--after", "500ms")
				p := sipp(t, scenario, "1003", station, "-rtp_echo", "-t", transport)
				desk.event(t, 10*time.Second, "answered")
				desk.hears(t, 440, 10*time.Second) // its own tone, echoed: audio flows both ways
				done(t, p, 20*time.Second)
				desk.event(t, 10*time.Second, "ended")
				desk.leave()
			}
		})
	}
	t.Run("info", func(t *testing.T) { // key 1 in the menu is the topic of the call
		t.Parallel()
		desk := answering(t, "--user", "1004", "--for", "60s", "--after", "300ms")
		d := logIn(t, hubURL, "1004")
		d.ready(t)
		p := sipp(t, "info", "cittadino", "803001", "-rtp_echo")
		if e := d.event(t, 10*time.Second, cti.EvDelivered); e.Info == nil || e.Info.Topic != "previdenza" {
			t.Errorf("the desktop is told %+v, want the topic of key 1", e.Info)
		}
		desk.event(t, 5*time.Second, "answered")
		desk.hears(t, 440, 5*time.Second)
		done(t, p, 20*time.Second)
		desk.event(t, 3*time.Second, "ended")
	})
	t.Run("session refresh and glare", func(t *testing.T) { // 45 s
		t.Parallel()
		desk := answering(t, "--user", "1006", "--for", "80s", "--after", "100ms")
		p := sipp(t, "refresh", "1003", "1006", "-rtp_echo", "-recv_timeout", "60000", "-timeout", "75s")
		desk.event(t, 5*time.Second, "answered")
		done(t, p, 70*time.Second)
		desk.event(t, 3*time.Second, "ended")
	})
}

// callee registers account by SIPp and answers one call there with a scenario.
func callee(t *testing.T, scenario, account string, more ...string) *proc {
	t.Helper()
	at := strconv.Itoa(freePort(t))
	nowhere(t, account)
	done(t, sipp(t, "uas_register", account, account, "-p", at), 10*time.Second)
	return waiting(t, scenario, account, at, "127.0.0.1:5060", more...)
}

// waiting is SIPp that waits for one call at a port of loopback; to is where its requests go.
func waiting(t *testing.T, scenario, account, port, to string, more ...string) *proc {
	t.Helper()
	args := []string{to, "-sf", filepath.Join(world.root, "testdata", "sipp", scenario+".xml"), "-m", "1", "-nostdin",
		"-i", "127.0.0.1", "-p", port, "-mp", strconv.Itoa(mediaPort()), "-s", account, "-timeout", "30s", "-timeout_error", "-trace_err", "-error_file", "errors"}
	return startIn(t, t.TempDir(), "sipp", append(args, more...)...)
}

func sippCallees(t *testing.T) {
	for i, tt := range []struct{ caller, callee string }{
		{"early", "uas_early"}, // 183 with SDP before the 200 at the other end, too
		{"call", "uas_prack"},
		{"call", "uas_422"},
	} {
		t.Run(tt.callee, func(t *testing.T) {
			t.Parallel()
			station := strconv.Itoa(1101 + i)
			for _, transport := range []string{"u1", "t1"} { // of the caller
				far := callee(t, tt.callee, station, "-rtp_echo")
				done(t, sipp(t, tt.caller, "1003", station, "-rtp_echo", "-t", transport), 20*time.Second)
				done(t, far, 10*time.Second)
			}
		})
	}
	t.Run("uas_redirect", func(t *testing.T) {
		t.Parallel()
		desk := answering(t, "--user", "1005", "--for", "30s", "--after", "200ms")
		far := callee(t, "uas_redirect", "1004", "-key", "target", "1005")
		p := sipp(t, "late_offer", "1003", "1004", "-rtp_echo")
		desk.event(t, 5*time.Second, "answered")
		desk.hears(t, 440, 5*time.Second)
		done(t, p, 20*time.Second)
		done(t, far, 5*time.Second)
	})
}
