//go:build e2e

package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lineaamica/la2/cti/server"
	"github.com/lineaamica/la2/media"
	"github.com/lineaamica/la2/media/tone"
	"github.com/lineaamica/la2/phone"
)

// The first call of a stranger: greeting, menu, music, operator, all heard.
func TestBots(t *testing.T) {
	demo(t)
	t.Run("calls", func(t *testing.T) {
		t.Run("who presses nothing reaches an operator", func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "heard.wav")
			c := ring(t, "803001", "--for", "32s", "--record", file)
			c.event(t, time.Second, "calling")
			if e := c.event(t, 2*time.Second, "answered"); e.Code != 200 {
				t.Errorf("answered with %d", e.Code)
			}
			if got := c.exit(t, 40*time.Second); got != 0 {
				t.Errorf("exit %d, want 0", got)
			}
			listen(t, samples(t, file))
		})
		t.Run("0 reaches an operator at once", func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "heard.wav")
			c := ring(t, "803001", "--for", "12s", "--dtmf", "0@3s", "--record", file)
			if got := c.exit(t, 20*time.Second); got != 0 {
				t.Errorf("exit %d, want 0", got)
			}
			at, score := find(samples(t, file), prompt(t, "agent_hello")[:2*media.ClockRate])
			t.Logf("operator after %v (waveform %.3f)", at.Round(time.Millisecond), score)
			if score < 0.9 || at > 7*time.Second {
				t.Errorf("operator heard at %v (likeness %.2f), want within 7 s", at, score)
			}
		})
		t.Run("a caller who withholds the number is served", func(t *testing.T) {
			t.Parallel()
			c := ring(t, "+3906828881", "--for", "9s", "--dtmf", "0@1s", "--anonymous", "--via", "tcp:127.0.0.1:5060")
			c.event(t, 3*time.Second, "answered")
			c.hearsKind(t, "speech", 3*time.Second)
			if got := c.exit(t, 20*time.Second); got != 0 {
				t.Errorf("exit %d, want 0", got)
			}
		})
		t.Run("status counts them", func(t *testing.T) {
			t.Parallel()
			var s server.Status
			for range 40 {
				if s = status(t); s.Calls >= 3 && s.Agents["urp"]["talking"] >= 2 {
					break
				}
				time.Sleep(200 * time.Millisecond)
			}
			if s.Calls < 3 || len(s.Queues) != 1 || s.Queues[0].Offered < 2 {
				t.Errorf("status %+v, want 3 calls, two of them offered to one queue", s)
			}
			text := output(t, 0, world.bin, "status")
			for _, want := range []string{"formezpa", "urp", "talking", "brindisi", "napoli", "up"} {
				if !strings.Contains(text, want) {
					t.Errorf("la2 status says nothing of %q:\n%s", want, text)
				}
			}
			pages(t)
		})
	})
	t.Run("Ctrl-C ends calls and network", func(t *testing.T) {
		n := world.net
		c := ring(t, "803001", "--for", "20s")
		c.event(t, 3*time.Second, "answered")
		took := n.stop()
		t.Logf("stopped after %v", took.Round(time.Millisecond))
		if took > 5*time.Second {
			t.Errorf("Ctrl-C took %v, want at most 5 s", took)
		}
		if got := n.cmd.ProcessState.ExitCode(); got != 0 {
			t.Errorf("demo: exit %d, want 0:\n%s", got, strings.Join(n.text(), "\n"))
		}
		if e := c.event(t, 2*time.Second, "ended"); !strings.Contains(e.Text, "other end") {
			t.Errorf("the caller's end: %q, want a BYE of the node", e.Text)
		}
		for _, l := range n.faults() {
			t.Error(l)
		}
	})
}

// listen checks what the caller of a whole call heard.
func listen(t *testing.T, heard []int16) {
	t.Helper()
	var last time.Duration
	for _, part := range []struct {
		name     string
		from, to int // ms of the recording to look for
	}{{"greeting", 0, 2000}, {"menu", 0, 2000}, {"music", 0, 1000}, {"agent_hello", 0, 2000}} {
		want := prompt(t, part.name)[part.from*media.ClockRate/1000 : part.to*media.ClockRate/1000]
		at, score := find(heard, want)
		t.Logf("%-11s at %6v, likeness of the waveform %.3f", part.name, at.Round(time.Millisecond), score)
		if score < 0.9 || at < last {
			t.Errorf("%s: likeness %.2f at %v, want at least 0.9 after %v", part.name, score, at, last)
		}
		last = at
	}
	if length, at := longestSilence(heard[:min(len(heard), int((last+2*time.Second).Milliseconds())*media.ClockRate/1000)]); length > 2*time.Second {
		t.Errorf("%v of silence at %v, want at most 2 s", length, at)
	} else {
		t.Logf("longest silence %v at %v", length, at)
	}
	loud := 0
	for _, r := range readings(heard) {
		if r.Kind != tone.Silence && r.DBFS > -30 {
			loud++
		}
		if r.DBFS > -3 {
			t.Errorf("too loud: %v", r)
		}
	}
	if loud < len(heard)/media.ClockRate*5 {
		t.Errorf("only %d of %d blocks are louder than -30 dBFS", loud, len(readings(heard)))
	}
}

func status(t *testing.T) (s server.Status) {
	t.Helper()
	return statusOf(t, hubURL)
}

func statusOf(t *testing.T, url string) (s server.Status) {
	t.Helper()
	text := output(t, 0, world.bin, "status", "--json", "--url", url)
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		t.Fatalf("la2 status --json: %v: %s", err, text)
	}
	return s
}

// pages are the endpoints for whoever watches the node.
func pages(t *testing.T) {
	t.Helper()
	for _, node := range []string{hubURL, brindisiURL, napoliURL} {
		for _, path := range []string{"/healthz", "/readyz", "/"} {
			if res, body := get(t, node+path); res != http.StatusOK || body == "" {
				t.Errorf("%s%s: %d %q", node, path, res, body)
			}
		}
	}
	_, metrics := get(t, hubURL+"/metrics")
	need(t, "promtool")
	check := exec.Command("promtool", "check", "metrics")
	check.Stdin = strings.NewReader(metrics)
	if out, err := check.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
	if strings.Contains(metrics, "cittadino") || strings.Contains(metrics, "Rossi") {
		t.Error("/metrics names a person")
	}
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	res, err := (&http.Client{Timeout: 5 * time.Second}).Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

func TestClosed(t *testing.T) {
	demo(t, "--closed", "--bots=false")
	file := filepath.Join(t.TempDir(), "closed.wav")
	c := ring(t, "803001", "--for", "20s", "--record", file)
	if got := c.exit(t, 25*time.Second); got != 0 {
		t.Errorf("exit %d, want 0", got)
	}
	e, ok := c.match(time.Second, func(e phone.Event) bool { return e.Event == "ended" })
	if !ok || !strings.Contains(e.Text, "other end") {
		t.Errorf("ended %+v, want the node to hang up", e)
	}
	heard := samples(t, file)
	at, score := find(heard, prompt(t, "closed")[:2*media.ClockRate])
	if score < 0.9 || at > time.Second {
		t.Errorf("closed announcement: likeness %.2f at %v", score, at)
	}
	if got, want := len(heard), len(prompt(t, "closed")); got < want-want/20 {
		t.Errorf("heard %d samples of an announcement of %d", got, want)
	}
}

func TestPortTaken(t *testing.T) {
	demo(t, "--bots=false")
	text := output(t, 1, world.bin, "demo")
	if strings.Contains(text, "\n") || !strings.Contains(text, "127.0.0.1:5060") {
		t.Errorf("a taken port says %q, want one line that names 127.0.0.1:5060", text)
	}
	if status(t).Site.IPA != "formezpa" {
		t.Error("the first demo is gone")
	}
}

func TestCheck(t *testing.T) {
	for _, f := range []string{"configs/demo/formezpa.yaml", "configs/demo/c_b180.yaml", "configs/demo/cmna.yaml", "configs/bench.yaml"} {
		output(t, 0, world.bin, "check", filepath.Join(world.root, f))
	}
	raw, err := os.ReadFile(filepath.Join(world.root, "configs/demo/formezpa.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ from, to, want string }{
		"unknown key":  {"  realm: la2", "  relm: la2", "relm"},
		"bad address":  {"udp:127.0.0.1:5060,", "udp:127.0.0.1:99999,", "listen"},
		"bad duration": {"ring: 20s", "ring: soon", "ring"},
		"bad number":   {"ports: 20000-23999", "ports: 23999-20000", "ports"},
		"no queue":     {"queue: urp\n    calendar", "queue: nowhere\n    calendar", "nowhere"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "bad.yaml")
			bad := strings.Replace(string(raw), c.from, c.to, 1)
			if bad == string(raw) {
				t.Fatalf("%q is not in the file", c.from)
			}
			if err := os.WriteFile(file, []byte(bad), 0o600); err != nil {
				t.Fatal(err)
			}
			text := output(t, 1, world.bin, "check", file)
			t.Log(text)
			if !strings.Contains(text, c.want) || !strings.HasPrefix(text, file+":") {
				t.Errorf("la2 check says %q, want %s:LINE:COLUMN and %q", text, file, c.want)
			}
			output(t, 1, world.bin, "serve", "-c", file, "--data", t.TempDir()) // never starts
		})
	}
}

func TestUser(t *testing.T) {
	cmd := exec.Command(world.bin, "user", "maria")
	cmd.Stdin = strings.NewReader("parola segreta\n")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), `user: "maria"`) || !strings.Contains(string(out), "$argon2id$") || strings.Contains(string(out), "segreta") {
		t.Errorf("la2 user: %v\n%s", err, out)
	}
}

// A phone that gets no service says so with its exit status.
func TestPhoneFails(t *testing.T) {
	demo(t, "--bots=false")
	for name, args := range map[string][]string{
		"wrong password":           {"call", "1001", "--user", "1002", "--password", "wrong"},
		"unknown number":           {"call", "0000", "--user", "1002"},
		"the carrier dials a desk": {"call", "1001"},
		"a trunk from the carrier": {"call", "+390831000111"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Log(output(t, 1, world.bin, append(append([]string{"phone"}, args...), "--for", "3s")...))
		})
	}
	p := start(t, world.bin, "phone", "call", "803001")
	if _, _, ok := p.until(0, 3*time.Second, func(l string) bool { return strings.Contains(l, "answered") }); !ok {
		t.Fatal("not answered")
	}
	p.signal(syscall.SIGINT)
	if got := p.exit(t, 3*time.Second); got != 0 {
		t.Errorf("Ctrl-C of a call: exit %d, want 0", got)
	}
}
