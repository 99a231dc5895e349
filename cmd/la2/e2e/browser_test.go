//go:build e2e

package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/lineaamica/la2/cti"
)

// A browser is one agent at the desktop in Chromium (web/e2e/pop.mjs).
type browser struct {
	*proc
	next int
}

type pageState struct {
	State  string       `json:"state"`
	At     time.Time    `json:"at"`
	Ticket cti.TicketID `json:"ticket"`
	Call   cti.CallID   `json:"call"`
	Action string       `json:"action"`
	Code   string       `json:"code"`
}

// browse logs in and makes the agent ready. actions run once it talks.
func browse(t *testing.T, url, user, until, actions, shot string) *browser {
	t.Helper()
	need(t, "node")
	web := filepath.Join(world.root, "web")
	if _, err := os.Stat(filepath.Join(web, "node_modules", "playwright-core")); err != nil {
		t.Fatal("web/node_modules is missing: run make web-test once")
	}
	b := &browser{proc: startIn(t, web, "node", "e2e/pop.mjs", "--url", url, "--user", user, "--password", "demo-"+user,
		"--until", until, "--answer-actions", actions, "--timeout", "60", "--logout",
		"--screenshot", filepath.Join("test-results", shot), "--screenshot-at", "ringing")}
	b.state(t, 30*time.Second, "ready")
	return b
}

// state waits for the next state of this name.
func (b *browser) state(t *testing.T, within time.Duration, name string) (s pageState) {
	t.Helper()
	var ok bool
	_, b.next, ok = b.until(b.next, within, func(line string) bool {
		s = pageState{}
		return json.Unmarshal([]byte(line), &s) == nil && s.State == name
	})
	if !ok {
		t.Fatalf("the page of %s is not %s within %v", b.name, name, patience*within)
	}
	return s
}

// popLimit is how long after the telephone the page may show the call.
const popLimit = 500 * time.Millisecond

// popped compares the page with the telephone of the same agent.
func popped(t *testing.T, pop pageState, desk *telephone, rang time.Time) {
	t.Helper()
	late := pop.At.Sub(rang)
	t.Logf("%s: the page shows the call %d ms after the telephone rings, ticket %s", desk.name, late.Milliseconds(), pop.Ticket)
	if late > popLimit {
		t.Errorf("pop %v after the telephone, want at most %v", late, popLimit)
	}
	if pop.Ticket == "" {
		t.Error("the pop shows no ticket")
	}
	if e := desk.event(t, 10*time.Second, "answered"); !pop.At.Before(e.At) {
		t.Errorf("pop at %v, after the answer at %v", pop.At, e.At)
	}
}

// The operator's whole work in a browser.
func TestBrowser(t *testing.T) {
	demo(t, "--bots=false")
	desk := answering(t, "--user", "1001", "--after", "2s", "--for", "90s", "--play", toneFile(t, 600, 10))
	page := browse(t, hubURL, "1001", "closed", "wait:1500,hold,wait:2500,retrieve,wait:1500,classify,tracking,close,hangup", "e2e-pop.png")
	citizen := ring(t, "803001", "--dtmf", "0@500ms", "--for", "60s", "--play", toneFile(t, 1000, 10))
	rang := desk.event(t, 10*time.Second, "incoming").At
	pop := page.state(t, 5*time.Second, "ringing")
	popped(t, pop, desk, rang)
	page.state(t, 5*time.Second, "talking")
	citizen.hears(t, 600, 3*time.Second)
	desk.hears(t, 1000, 3*time.Second)
	page.state(t, 5*time.Second, "held")
	citizen.hearsKind(t, "speech", 5*time.Second) // music
	page.state(t, 8*time.Second, "talking")
	citizen.hears(t, 600, 3*time.Second)
	for s := page.state(t, 10*time.Second, "action"); s.Action != "close"; {
		if s.Action == "tracking" && len(s.Code) < 10 {
			t.Errorf("tracking code %q", s.Code)
		}
		s = page.state(t, 10*time.Second, "action")
	}
	page.state(t, 10*time.Second, "closed")
	citizen.event(t, 3*time.Second, "ended")
	page.state(t, 5*time.Second, "logged_out")
	if got := page.exit(t, 10*time.Second); got != 0 {
		t.Errorf("the browser: exit %d", got)
	}
}

// The operator of the hub hands the caller to Napoli: same ticket, audio goes on.
func TestTransfer(t *testing.T) {
	demo(t, "--bots=false")
	here := answering(t, "--user", "1002", "--after", "1s", "--for", "90s", "--play", toneFile(t, 600, 10))
	there := answering(t, "--via", "127.0.0.1:5260", "--user", "3001", "--after", "2s", "--for", "90s", "--play", toneFile(t, 700, 10))
	hub := browse(t, hubURL, "1002", "closed", "wait:1500,transfer:cmna", "e2e-transfer-hub.png")
	napoli := browse(t, napoliURL, "3001", "closed", "", "e2e-transfer-napoli.png")
	citizen := ring(t, "803001", "--dtmf", "0@500ms", "--for", "60s", "--play", toneFile(t, 1000, 10))
	rang := here.event(t, 10*time.Second, "incoming").At
	first := hub.state(t, 5*time.Second, "ringing")
	popped(t, first, here, rang)
	citizen.hears(t, 600, 5*time.Second)
	rang = there.event(t, 10*time.Second, "incoming").At
	second := napoli.state(t, 5*time.Second, "ringing")
	popped(t, second, there, rang)
	if first.Ticket != second.Ticket {
		t.Errorf("the ticket is %s at the hub and %s at Napoli", first.Ticket, second.Ticket)
	}
	citizen.hears(t, 700, 5*time.Second)
	there.hears(t, 1000, 5*time.Second)
	hub.state(t, 10*time.Second, "closed")
	if n := trunkCalls(t, "napoli"); n != 1 {
		t.Errorf("status shows %d calls on the trunk to Napoli, want 1", n)
	}
	citizen.signal(2)
	napoli.state(t, 10*time.Second, "closed")
	here.event(t, time.Second, "ended")
	there.event(t, 3*time.Second, "ended")
	settled(t, hubURL)
	settled(t, napoliURL)
}

func trunkCalls(t *testing.T, name string) int {
	t.Helper()
	for _, trunk := range status(t).Trunks {
		if trunk.Name == name {
			return trunk.Calls
		}
	}
	t.Errorf("status knows no trunk %s", name)
	return 0
}
