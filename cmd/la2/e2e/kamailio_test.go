//go:build e2e

package e2e

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A carrier is Kamailio as a proxy between an office and the world.
type carrier struct {
	at, web string // of Kamailio's SIP, of the office's HTTP
	office  string // of the office's SIP
}

// besides starts Kamailio and an office that are each other's trunk. leg is the
// transport between them, "udp" or "tcp".
func besides(t *testing.T, leg string) carrier {
	t.Helper()
	return withKamailio(t, leg, "carrier.cfg", "office.yaml")
}

// withKamailio starts both with their files of testdata/kamailio.
func withKamailio(t *testing.T, leg, cfg, office string) carrier {
	t.Helper()
	need(t, "kamailio")
	dir := t.TempDir()
	port, sip, web := freePort(t), freePort(t), freePort(t)
	fill := strings.NewReplacer("PORT", fmt.Sprint(port), "OFFICE", fmt.Sprint(sip), "WEB", fmt.Sprint(web), "LEG", leg)
	for _, name := range []string{cfg, office} {
		raw, err := os.ReadFile(filepath.Join(world.root, "testdata", "kamailio", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(fill.Replace(string(raw))), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	startIn(t, dir, "kamailio", "-f", filepath.Join(dir, cfg), "-x", "fm", "-m", "64", "-M", "8", "-DD", "-E",
		"-P", filepath.Join(dir, "kamailio.pid"), "-Y", dir)
	node := startIn(t, dir, world.bin, "serve", "-c", filepath.Join(dir, office), "--data", filepath.Join(dir, "data"))
	if _, _, ok := node.until(0, 10*time.Second, func(l string) bool { return strings.Contains(l, "node started") }); !ok {
		t.Fatalf("the office is not ready: %s", strings.Join(node.text(), "\n"))
	}
	c := carrier{at: fmt.Sprintf("127.0.0.1:%d", port), office: fmt.Sprintf("127.0.0.1:%d", sip), web: fmt.Sprintf("http://127.0.0.1:%d", web)}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		nc, err := net.Dial("tcp", c.at)
		if err == nil {
			nc.Close()
			return c
		}
		if time.Now().After(end) {
			t.Fatalf("Kamailio does not listen: %v", err)
		}
	}
}

// Calls through Kamailio in both directions: it is the proxy in front of the office
// and the trunk behind it. Every request of a call follows its Record-Route.
func TestKamailio(t *testing.T) {
	for _, leg := range []string{"udp", "tcp"} {
		t.Run(leg, func(t *testing.T) {
			c := besides(t, leg)
			t.Run("in front: a citizen rings the office", c.inFront)
			t.Run("behind: a station rings out", c.behind)
			t.Run("behind: refused", c.refused)
		})
	}
}

// Kamailio as a carrier that wants credentials: the office registers there, is found by
// its registration, and proves who it is for each call out and its end.
func TestKamailioDigest(t *testing.T) {
	c := withKamailio(t, "udp", "digest.cfg", "digest.yaml")
	t.Run("status", func(t *testing.T) {
		for end := time.Now().Add(10 * time.Second); ; time.Sleep(100 * time.Millisecond) {
			out := output(t, 0, world.bin, "status", "--url", c.web)
			if regexp.MustCompile(`(?m)^carrier +up .* registered *$`).MatchString(out) {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("the trunk is not registered:\n%s", out)
			}
		}
	})
	t.Run("behind: a station rings out", c.behind)
	t.Run("behind: a station calls for help", c.emergency)
	t.Run("in front: a citizen rings the number", func(t *testing.T) { c.citizen(t, "+390881000111") })
}

// emergency: 112 leaves by the carrier although no number of it leads there, as the number of the site.
func (c carrier) emergency(t *testing.T) {
	rescue := answering(t, "--listen", "127.0.0.3:0", "--via", c.at, "--user", "112", "--after", "300ms", "--for", "60s", "--play", toneFile(t, 700, 10))
	station := ring(t, "112", "--listen", "127.0.0.2:0", "--via", c.office, "--user", "4001", "--for", "40s", "--play", toneFile(t, 1000, 10))
	if in := rescue.event(t, 8*time.Second, "incoming"); !strings.Contains(in.Peer, "0881000100") {
		t.Errorf("the rescuers see %q, want the number of the site", in.Peer)
	}
	station.hears(t, 700, 8*time.Second)
	rescue.hears(t, 1000, 5*time.Second)
	rescue.leave()
	station.event(t, 5*time.Second, "ended")
	settled(t, c.web)
}

func (c carrier) inFront(t *testing.T) { c.citizen(t, "803001") }

// citizen rings a number of the office through Kamailio.
func (c carrier) citizen(t *testing.T, number string) {
	t.Helper()
	desk := answering(t, "--listen", "127.0.0.2:0", "--via", c.office, "--user", "4001", "--after", "300ms", "--for", "60s", "--play", toneFile(t, 600, 10))
	logIn(t, c.web, "4001").ready(t)
	citizen := ring(t, number, "--listen", "127.0.0.3:0", "--via", c.at, "--user", "anyone", "--for", "40s", "--play", toneFile(t, 1000, 10))
	citizen.event(t, 8*time.Second, "answered")
	citizen.hears(t, 600, 8*time.Second)
	desk.hears(t, 1000, 5*time.Second)
	desk.leave() // its BYE ends the call of the citizen, too, through the proxy
	citizen.event(t, 5*time.Second, "ended")
	settled(t, c.web)
}

func (c carrier) behind(t *testing.T) {
	far := answering(t, "--listen", "127.0.0.3:0", "--via", c.at, "--user", "+390655501001", "--after", "300ms", "--for", "60s", "--play", toneFile(t, 700, 10))
	station := ring(t, "+390655501001", "--listen", "127.0.0.2:0", "--via", c.office, "--user", "4001", "--for", "40s", "--play", toneFile(t, 1000, 10))
	in := far.event(t, 8*time.Second, "incoming")
	if !strings.Contains(in.Peer, "0881000111") {
		t.Errorf("the world sees %q, want the number of the office", in.Peer)
	}
	station.hears(t, 700, 8*time.Second)
	far.hears(t, 1000, 5*time.Second)
	station.signal(syscall.SIGINT)
	far.event(t, 5*time.Second, "ended")
	settled(t, c.web)
}

// What the carrier says is what the caller hears of; that the carrier is overloaded does not
// mean that we are (RFC 3261 16.7 step 6).
func (c carrier) refused(t *testing.T) {
	for number, want := range map[string]int{"+390655500486": 486, "+390655500404": 404, "+390655500503": 480} {
		p := ring(t, number, "--listen", "127.0.0.2:0", "--via", c.office, "--user", "4001", "--for", "20s")
		e := p.event(t, 8*time.Second, "failed")
		if e.Code != want {
			t.Errorf("%s: refused with %d %s, want %d", number, e.Code, e.Text, want)
		}
	}
	settled(t, c.web)
}
