//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/cti/cdr"
	"github.com/lineaamica/la2/cti/server"
	"github.com/lineaamica/la2/store"
)

// kill -9 during calls, and a restart with the same journal.
func TestCrash(t *testing.T) {
	data := t.TempDir()
	n := demo(t, "--bots=false", "--data", data)
	desk := answering(t, "--user", "1005", "--for", "90s", "--after", "500ms", "--talk", "4s")
	d := logIn(t, hubURL, "1005")
	d.ready(t)
	talker := ring(t, "803001", "--dtmf", "0@300ms", "--for", "60s")
	desk.event(t, 8*time.Second, "answered")
	talking := d.event(t, 3*time.Second, cti.EvEstablished)
	waiter := ring(t, "803001", "--dtmf", "0@300ms", "--for", "60s")
	inQueue(t, 1)

	n.kill()
	world.net = nil
	from := time.Now()
	demo(t, "--bots=false", "--data", data)
	t.Logf("ready again after %v", time.Since(from).Round(time.Millisecond))
	var s server.Status
	for range 10 {
		if s = status(t); s.Agents["urp"]["talking"] == 0 {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	if s.Calls != 0 || s.Queues[0].Waiting != 0 || s.Agents["urp"]["talking"] != 0 {
		t.Errorf("the last life is not over: %+v", s)
	}
	if code, body, err := d.do(http.MethodGet, "/cti/v1/session", nil); code != http.StatusOK {
		t.Errorf("the desktop must log in again: %d %s %v", code, body, err)
	}
	desk.event(t, 8*time.Second, "ended") // its phone knew nothing of the crash
	for _, c := range []*telephone{talker, waiter} {
		c.leave()
	}

	// The phone has not registered again, the agent has not logged in again.
	if _, ok := desk.match(0, isRegistered); ok {
		t.Error("the phone registered again; the test proves nothing")
	}
	d.ready(t)
	again := ring(t, "803001", "--dtmf", "0@300ms", "--for", "60s", "--play", toneFile(t, 1000, 10))
	desk.event(t, 8*time.Second, "answered")
	desk.hears(t, 1000, 3*time.Second)
	desk.event(t, 8*time.Second, "ended")
	again.event(t, 3*time.Second, "ended")

	settled(t, hubURL)
	time.Sleep(300 * time.Millisecond) // records may wait 100 ms for company
	world.net.stop()
	count := map[cti.CallID]int{}
	for _, r := range records(t, filepath.Join(data, "formezpa", "node.db")) {
		count[r.Call]++
		t.Logf("%s %s, cause %q, talk %d ms, wait %d ms", r.Call, r.Outcome, r.Cause, r.TalkMS, r.WaitMS)
		if r.Call == talking.Call && (r.Cause != cti.CauseRestart || r.Outcome != cdr.Answered || r.Ticket != talking.Ticket) {
			t.Errorf("the record of the broken talk: %+v", r)
		}
	}
	if len(count) != 3 || count[talking.Call] != 1 {
		t.Errorf("records of %d calls, want 3: %v", len(count), count)
	}
	for call, times := range count {
		if times != 1 {
			t.Errorf("call %s has %d records", call, times)
		}
	}
}

// inQueue waits until so many wait in the hub's queue.
func inQueue(t *testing.T, want int) {
	t.Helper()
	for range 40 {
		if s := status(t); s.Queues[0].Waiting == want {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("not %d callers in the queue", want)
}

func records(t *testing.T, file string) (out []cdr.Record) {
	t.Helper()
	s, err := store.Open(file, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var lines bytes.Buffer
	if _, err := cdr.Export(s.Projection("cdr"), 0, &lines); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(lines.String()) {
		var r cdr.Record
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
	return out
}

// A killed `la2 serve` leaves nothing that keeps it from starting again.
func TestServe(t *testing.T) {
	if world.net != nil {
		world.net.stop()
	}
	data := t.TempDir()
	config := filepath.Join(world.root, "configs", "demo", "formezpa.yaml")
	for _, sig := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM} {
		p := start(t, world.bin, "serve", "-c", config, "--data", data)
		up := false
		for end := time.Now().Add(patience * 5 * time.Second); !up && time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
			res, err := http.Get(hubURL + "/readyz")
			if err == nil {
				up = res.StatusCode == http.StatusOK
				res.Body.Close()
			}
		}
		if !up {
			t.Fatal("la2 serve is not ready")
		}
		c := ring(t, "803001", "--for", "2s")
		c.event(t, 2*time.Second, "answered")
		p.signal(sig)
		if got := p.exit(t, 5*time.Second); sig == syscall.SIGTERM && got != 0 {
			t.Errorf("exit %d after %v, want 0", got, sig)
		}
	}
}
