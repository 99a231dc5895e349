//go:build e2e

package e2e

import (
	"encoding/json"
	"math"
	"syscall"
	"testing"
	"time"

	"github.com/lineaamica/la2/phone"
)

// A telephone is `la2 phone` with --json.
type telephone struct {
	*proc
	next int // first line not looked at by event
}

// ring starts `la2 phone call NUMBER`.
func ring(t *testing.T, number string, args ...string) *telephone {
	t.Helper()
	return &telephone{proc: start(t, world.bin, append([]string{"phone", "call", number, "--json"}, args...)...)}
}

// answering starts `la2 phone answer` and waits until it is registered.
func answering(t *testing.T, args ...string) *telephone {
	t.Helper()
	p := &telephone{proc: start(t, world.bin, append([]string{"phone", "answer", "--json"}, args...)...)}
	t.Cleanup(p.leave)
	p.event(t, 5*time.Second, "registered")
	return p
}

// leave ends it as Ctrl-C does, so that it unregisters.
func (p *telephone) leave() {
	p.signal(syscall.SIGINT)
	select {
	case <-p.done:
	case <-time.After(3 * time.Second):
	}
}

// match waits for the next event that ok accepts.
func (p *telephone) match(within time.Duration, ok func(phone.Event) bool) (e phone.Event, found bool) {
	_, p.next, found = p.until(p.next, within, func(line string) bool {
		e = phone.Event{}
		return json.Unmarshal([]byte(line), &e) == nil && ok(e)
	})
	return e, found
}

// event waits for the next event of this name.
func (p *telephone) event(t *testing.T, within time.Duration, name string) phone.Event {
	t.Helper()
	e, ok := p.match(within, func(e phone.Event) bool { return e.Event == name })
	if !ok {
		t.Fatalf("%s: no %q within %v", p.name, name, patience*within)
	}
	return e
}

// hears waits until it hears a tone of hz, after what was looked at so far.
func (p *telephone) hears(t *testing.T, hz int, within time.Duration) phone.Event {
	t.Helper()
	e, ok := p.match(within, func(e phone.Event) bool {
		return e.Event == "audio" && e.Hears == "tone" && math.Abs(float64(e.Hz-hz)) <= 15
	})
	if !ok {
		t.Fatalf("%s: hears no tone of %d Hz within %v", p.name, hz, patience*within)
	}
	return e
}

// hearsKind waits until it hears "speech" (also music) or "silence".
func (p *telephone) hearsKind(t *testing.T, kind string, within time.Duration) phone.Event {
	t.Helper()
	e, ok := p.match(within, func(e phone.Event) bool { return e.Event == "audio" && e.Hears == kind })
	if !ok {
		t.Fatalf("%s: hears no %s within %v", p.name, kind, patience*within)
	}
	return e
}

// events are all so far.
func (p *telephone) events() []phone.Event {
	var out []phone.Event
	for _, l := range p.text() {
		var e phone.Event
		if json.Unmarshal([]byte(l), &e) == nil {
			out = append(out, e)
		}
	}
	return out
}

func isRegistered(e phone.Event) bool { return e.Event == "registered" }
