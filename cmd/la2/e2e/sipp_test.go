//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lineaamica/la2/phone"
)

// sipp starts one call of a scenario of testdata/sipp against the hub.
func sipp(t *testing.T, scenario, account, number string, more ...string) *proc {
	t.Helper()
	need(t, "sipp")
	args := []string{"127.0.0.1:5060", "-sf", filepath.Join(world.root, "testdata", "sipp", scenario+".xml"), "-m", "1", "-nostdin",
		"-i", "127.0.0.1", "-p", strconv.Itoa(freePort(t)), "-mp", strconv.Itoa(mediaPort()), "-key", "caller", account, "-au", account, "-ap", "demo-" + account,
		"-s", number, "-timeout", "45s", "-timeout_error", "-recv_timeout", "40000", "-trace_err", "-error_file", "errors"}
	dir := t.TempDir()
	p := startIn(t, dir, "sipp", append(args, more...)...)
	t.Cleanup(func() {
		if raw, err := os.ReadFile(filepath.Join(dir, "errors")); err == nil && t.Failed() {
			t.Logf("SIPp's errors:\n%s", raw)
		}
	})
	return p
}

// nowhere removes what an earlier test's telephone, which died, left registered for an account.
func nowhere(t *testing.T, account string) {
	t.Helper()
	need(t, "sipsak")
	output(t, 0, "sipsak", "-U", "-C", "*", "-x", "0", "-u", account, "-a", "demo-"+account, "-s", "sip:"+account+"@127.0.0.1:5060")
}

// mediaPort is the first of four that nothing else takes, below the ranges of the demo: SIPp has
// video at two more. Each call of it has others, because tests run beside each other.
func mediaPort() int { return 12000 + int(world.audio.Add(4))%8000 }

// done waits for SIPp's own verdict.
func done(t *testing.T, p *proc, within time.Duration) {
	t.Helper()
	if got := p.exit(t, within); got != 0 {
		t.Errorf("SIPp: exit %d, want 0", got)
	}
}

// No agent is ready: callers of the service wait with music.
func TestSIPp(t *testing.T) {
	n := demo(t, "--bots=false")
	t.Run("scenarios", sippScenarios)
	settled(t, hubURL)
	for _, l := range n.faults() {
		t.Error(l)
	}
}

func sippScenarios(t *testing.T) {
	for _, transport := range []string{"u1", "t1"} {
		t.Run("basic "+transport, func(t *testing.T) {
			t.Parallel()
			done(t, sipp(t, "call", "cittadino", "803001", "-t", transport), 15*time.Second)
		})
		t.Run("OPTIONS "+transport, func(t *testing.T) {
			t.Parallel()
			done(t, sipp(t, "options", "cittadino", "803001", "-t", transport), 5*time.Second)
		})
	}
	t.Run("REGISTER", func(t *testing.T) {
		t.Parallel()
		nowhere(t, "1006")
		for _, transport := range []string{"u1", "t1"} { // one account, so one after the other
			done(t, sipp(t, "register", "1006", "-", "-t", transport), 10*time.Second)
		}
	})
	for i, transport := range []string{"u1", "t1"} {
		t.Run("CANCEL "+transport, func(t *testing.T) {
			t.Parallel()
			station := []string{"1001", "1002"}[i]
			desk := answering(t, "--user", station, "--after", "30s", "--for", "60s")
			done(t, sipp(t, "cancel", "1003", station, "-t", transport), 10*time.Second)
			desk.event(t, time.Second, "incoming")
			if e := desk.event(t, 2*time.Second, "ended"); e.Text != "cancelled" {
				t.Errorf("the station's end: %q, want cancelled", e.Text)
			}
		})
	}
	t.Run("re-INVITE hold and resume", func(t *testing.T) {
		t.Parallel()
		desk := answering(t, "--user", "1004", "--for", "60s", "--after", "500ms")
		p := sipp(t, "hold", "1003", "1004", "-rtp_echo")
		desk.event(t, 5*time.Second, "answered")
		desk.hears(t, 440, 3*time.Second) // its own tone, echoed
		e, ok := desk.match(5*time.Second, func(e phone.Event) bool { return e.Event == "audio" && e.Hears != "tone" })
		if !ok {
			t.Error("held, the station still hears the caller")
		}
		t.Logf("held, the station hears %s", e.Hears)
		desk.hears(t, 440, 5*time.Second)
		done(t, p, 20*time.Second)
		desk.event(t, 3*time.Second, "ended")
	})
	t.Run("lost ACK", func(t *testing.T) {
		t.Parallel()
		from := time.Now()
		done(t, sipp(t, "lost_ack", "cittadino", "803001"), 40*time.Second)
		if took := time.Since(from); took > 35*time.Second {
			t.Errorf("BYE after %v, want at most 35 s", took)
		}
	})
	t.Run("retransmissions", func(t *testing.T) {
		t.Parallel()
		before := metric(t, hubURL, "la2_sip_retransmissions_total")
		desk := answering(t, "--user", "1005", "--for", "8s", "--after", "200ms")
		done(t, sipp(t, "retransmit", "1003", "1005"), 10*time.Second)
		desk.event(t, 5*time.Second, "ended")
		if got := metric(t, hubURL, "la2_sip_retransmissions_total") - before; got < 2 {
			t.Errorf("%v retransmissions counted, want 2 or more", got)
		}
		rings := 0
		for _, e := range desk.events() {
			if e.Event == "incoming" {
				rings++
			}
		}
		if rings != 1 {
			t.Errorf("the station rang %d times, want once", rings)
		}
	})
	t.Run("a stranger reaches no trunk", func(t *testing.T) {
		t.Parallel()
		before := metric(t, brindisiURL, "la2_calls_total")
		for _, number := range []string{"+390831000111", "+390810002222", "1001", "803001"} {
			done(t, sipp(t, "stranger", "anyone", number), 5*time.Second)
		}
		for _, trunk := range status(t).Trunks {
			if trunk.Calls != 0 {
				t.Errorf("trunk %s has %d calls", trunk.Name, trunk.Calls)
			}
		}
		if got := metric(t, brindisiURL, "la2_calls_total"); got != before {
			t.Errorf("Brindisi was rung: %v calls, before %v", got, before)
		}
	})
}

// settled waits until a node has no call.
func settled(t *testing.T, url string) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		s := statusOf(t, url)
		if s.Calls == 0 {
			return
		}
		if time.Now().After(end) {
			t.Errorf("%s: %d calls are left by the stream, %v in the switch", url, s.Calls, metric(t, url, "la2_sip_calls"))
			if world.net != nil {
				t.Logf("the demo says:\n%s", strings.Join(world.net.text(), "\n"))
			}
			return
		}
	}
}

// metric is the sum of one metric over its labels.
func metric(t *testing.T, url, name string) (sum float64) {
	t.Helper()
	_, text := get(t, url+"/metrics")
	for _, m := range regexp.MustCompile(`(?m)^`+name+`(?:\{[^}]*\})? (\S+)$`).FindAllStringSubmatch(text, -1) {
		v, err := strconv.ParseFloat(strings.TrimSpace(m[1]), 64)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		sum += v
	}
	return sum
}
