//go:build e2e

package e2e

import (
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lineaamica/la2/sip/siptest"
)

// A carrier is Kamailio as a proxy between an office and the world.
type carrier struct {
	at, web string // of Kamailio's SIP, of the office's HTTP
	office  string // of the office's SIP
}

// besides starts Kamailio and an office that are each other's trunk. leg is the
// transport between them: udp, tcp or tls (with certificates at both ends).
func besides(t *testing.T, leg string) carrier {
	t.Helper()
	if leg == "tls" {
		return withKamailio(t, leg, "carrier.cfg", "trunk_tls.yaml")
	}
	return withKamailio(t, leg, "carrier.cfg", "trunk.yaml")
}

// withKamailio starts both with their files of testdata/kamailio; trunks ends the office's.
func withKamailio(t *testing.T, leg, cfg, trunks string) carrier {
	t.Helper()
	f := newSetting(t, leg)
	f.kamailio(t, cfg, "PORT")
	return f.office(t, trunks)
}

// A setting is the directory of one Kamailio test, and what stands for the capital words in its files.
type setting struct {
	dir, leg string
	words    map[string]string
}

func newSetting(t *testing.T, leg string) *setting {
	t.Helper()
	audio := map[string]string{"udp": "41000-41999", "tcp": "42000-42999", "tls": "43000-43999"} // offices run beside each other
	f := &setting{dir: t.TempDir(), leg: leg, words: map[string]string{"LEG": leg, "AUDIO": audio[leg]}}
	for _, port := range []string{"PORT", "SECOND", "OFFICE", "WEB", "TLSKAMAILIO", "TLSNODE"} {
		f.words[port] = fmt.Sprint(freePort(t))
	}
	ca := siptest.NewAuthority(t)
	for _, name := range []string{"carrier", "office"} {
		dir := filepath.Join(f.dir, name)
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		ca.Files(dir, name+".example", "127.0.0.1")
	}
	return f
}

// write fills files of testdata/kamailio, one after the other, into one called as the first.
func (f *setting) write(t *testing.T, as string, names ...string) (path string) {
	t.Helper()
	pairs := []string{"DIR", f.dir}
	for _, word := range slices.Sorted(maps.Keys(f.words)) {
		pairs = append(pairs, word, f.words[word])
	}
	var text strings.Builder
	for _, name := range names {
		raw, err := os.ReadFile(filepath.Join(world.root, "testdata", "kamailio", name))
		if err != nil {
			t.Fatal(err)
		}
		text.WriteString(strings.NewReplacer(pairs...).Replace(string(raw)))
	}
	path = filepath.Join(f.dir, as)
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// kamailio starts one with a file, at the port of a word, and waits until it listens.
func (f *setting) kamailio(t *testing.T, cfg, port string) *proc {
	t.Helper()
	need(t, "kamailio")
	run := filepath.Join(f.dir, port)
	if err := os.Mkdir(run, 0o700); err != nil {
		t.Fatal(err)
	}
	own := *f
	own.words = maps.Clone(f.words)
	own.words["PORT"] = f.words[port]
	args := []string{"-f", own.write(t, port+".cfg", cfg), "-x", "fm", "-m", "64", "-M", "8", "-DD", "-E", "-P", filepath.Join(run, "pid"), "-Y", run}
	at := f.words[port]
	if f.leg == "tls" {
		own.write(t, "tls.cfg", "tls.cfg")
		args, at = append(args, "-A", "WITH_TLS"), f.words["TLSKAMAILIO"]
	}
	p := startIn(t, f.dir, "kamailio", args...)
	for end := time.Now().Add(15 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		nc, err := net.Dial("tcp", "127.0.0.1:"+at)
		if err == nil {
			nc.Close()
			return p
		}
		if time.Now().After(end) {
			t.Fatalf("Kamailio does not listen: %v", err)
		}
	}
}

// office starts the node, with or without a file of trunks.
func (f *setting) office(t *testing.T, trunks ...string) carrier {
	t.Helper()
	node := startIn(t, f.dir, world.bin, "serve", "-c", f.write(t, "office.yaml", append([]string{"office.yaml"}, trunks...)...), "--data", filepath.Join(f.dir, "data"))
	if _, _, ok := node.until(0, 15*time.Second, func(l string) bool { return strings.Contains(l, "node started") }); !ok {
		t.Fatalf("the office is not ready: %s", strings.Join(node.text(), "\n"))
	}
	return carrier{at: "127.0.0.1:" + f.words["PORT"], office: "127.0.0.1:" + f.words["OFFICE"], web: "http://127.0.0.1:" + f.words["WEB"]}
}

// Calls through Kamailio in both directions: it is the proxy in front of the office
// and the trunk behind it. Every request of a call follows its Record-Route.
func TestKamailio(t *testing.T) {
	for _, leg := range []string{"udp", "tcp", "tls"} {
		t.Run(leg, func(t *testing.T) {
			t.Parallel()
			c := besides(t, leg)
			t.Run("in front: a citizen rings the office", c.inFront)
			t.Run("behind: a station rings out", c.behind)
			t.Run("behind: refused", c.refused)
			t.Run("behind: given up", c.givenUp)
			t.Run("behind: SIPp", c.far)
			t.Run("in front: held", c.held)
			t.Run("in front: handed over", c.handedOver)
			t.Run("in front: no way through", c.noWayThrough)
		})
	}
}

// Kamailio as a carrier that wants credentials: the office registers there, is found by
// its registration, and proves who it is for each call out and its end.
func TestKamailioDigest(t *testing.T) {
	c := withKamailio(t, "udp", "digest.cfg", "trunk_digest.yaml")
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
