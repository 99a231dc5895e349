package acd

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaamica/la2/acd/engine"
	"github.com/lineaamica/la2/acd/floor"
	"github.com/lineaamica/la2/acd/hours"
	"github.com/lineaamica/la2/acd/ivr"
	"github.com/lineaamica/la2/acd/route"
	"github.com/lineaamica/la2/cti"
)

// A fakeCall is a caller and the telephones of everybody, on the fake clock.
// Prompts last a second each.
type fakeCall struct {
	// What happens: keys by the last prompt of a request, in turn; what a
	// destination does when it is dialled; how talks end.
	keys map[string][]string
	dial func(ctx context.Context, d cti.Destination) error
	talk func(ctx context.Context, leg cti.LegID) (cti.LegID, cti.Cause)

	mu   sync.Mutex // guards what follows
	did  []string
	legs int
	up   bool // answered
}

func (c *fakeCall) note(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.did = append(c.did, fmt.Sprintf(format, args...))
}

func (c *fakeCall) Ring(ctx context.Context, status int) error {
	c.note("ring %d", status)
	return context.Cause(ctx)
}

func (c *fakeCall) Answer(ctx context.Context) error {
	c.note("answer")
	if err := sleep(ctx, 100*time.Millisecond); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.up = true
	return nil
}

func (c *fakeCall) Prompt(ctx context.Context, p cti.PromptRequest) (string, error) {
	c.note("prompt %s", strings.Join(p.Prompts, "+"))
	c.mu.Lock()
	up := c.up
	c.mu.Unlock()
	if !up {
		return "", cti.Fail(cti.CauseFailed, "prompt before answer")
	}
	last := p.Prompts[len(p.Prompts)-1]
	if p.Digits > 0 && len(c.keys[last]) > 0 {
		keys := c.keys[last][0]
		c.keys[last] = c.keys[last][1:]
		if keys != "" {
			return keys, sleep(ctx, 500*time.Millisecond)
		}
	}
	d := time.Duration(len(p.Prompts)) * time.Second
	if p.Digits > 0 {
		d += p.First
	}
	return "", sleep(ctx, d)
}

func (c *fakeCall) Music(name string) error { c.note("music %s", name); return nil }

func (c *fakeCall) Dial(ctx context.Context, d cti.Destination) (cti.LegID, error) {
	to := string(d.Device) + d.Contact + d.Trunk
	c.note("dial %s", to)
	if err := c.dial(ctx, d); err != nil {
		c.note("dial %s: %v", to, err)
		return "", err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.up = true
	c.legs++
	leg := cti.LegID(fmt.Sprintf("c/%d", c.legs+1))
	c.did = append(c.did, fmt.Sprintf("bridge %s %s", to, leg))
	return leg, nil
}

func (c *fakeCall) Talk(ctx context.Context, leg cti.LegID) (cti.LegID, cti.Cause) {
	if c.talk != nil {
		return c.talk(ctx, leg)
	}
	if err := sleep(ctx, 10*time.Second); err != nil {
		return "", causeOf(err)
	}
	return "", cti.CauseNormal
}

func (c *fakeCall) Hangup(cause cti.Cause) { c.note("hangup %s", cause) }

// sleep waits for d on the fake clock; a call that ends sooner gives its cause.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// answersAfter is a device that rings at once and answers after d.
func answersAfter(d time.Duration) func(context.Context, cti.Destination) error {
	return func(ctx context.Context, to cti.Destination) error {
		if err := sleep(ctx, 10*time.Millisecond); err != nil {
			return err
		}
		if to.Ringing != nil {
			to.Ringing()
		}
		return sleep(ctx, d)
	}
}

func fails(after time.Duration, cause cti.Cause) func(context.Context, cti.Destination) error {
	return func(ctx context.Context, _ cti.Destination) error {
		if err := sleep(ctx, after); err != nil {
			return err
		}
		return cti.Fail(cause, "")
	}
}

type fakeJournal struct {
	mu     sync.Mutex // guards events
	events []cti.Event
}

func (j *fakeJournal) Publish(ev cti.Event) cti.Position {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.events = append(j.events, ev)
	return cti.Position{Epoch: "E", Seq: uint64(len(j.events))}
}

func (j *fakeJournal) Commit(_ context.Context, evs ...cti.Event) error {
	for _, ev := range evs {
		j.Publish(ev)
	}
	return nil
}

// of lists the events of the call, without the engine's own records: first those
// of the script, then those of the floor, which have no order between them.
func (j *fakeJournal) of(call cti.CallID) string {
	j.mu.Lock()
	defer j.mu.Unlock()
	var script, floor []string
	for _, ev := range j.events {
		if ev.Call != call || ev.Type == cti.EvEngineInput || ev.Type == cti.EvEngineDecision {
			continue
		}
		s := string(ev.Type)
		for _, v := range []string{ev.Stage, ev.Value, string(ev.Agent), string(ev.Cause), ev.Target} {
			if v != "" {
				s += " " + v
			}
		}
		switch ev.Type {
		case cti.EvOffered, cti.EvStage, cti.EvChoice, cti.EvTicketAttached:
			script = append(script, s)
		default:
			floor = append(floor, s)
		}
	}
	return strings.Join(append(script, floor...), "; ")
}

type fakeTickets struct{}

func (fakeTickets) Mint() cti.TicketID { return "formezpa.01JZ8Q4W7N5T3X9V2R6K1M0HDC" }

func (fakeTickets) Resolve(_ context.Context, code string) (cti.TicketID, bool) {
	return "formezpa.01JZ8Q4W7N5T3X9V2R6K1M0OLD", code == "1234567897"
}

// A world is a floor, a service and one call in a synctest bubble.
type world struct {
	t       *testing.T
	floor   *floor.Floor
	service *Service
	journal *fakeJournal
	call    *fakeCall
	in      cti.Inbound
	hangUp  context.CancelCauseFunc
	ctx     context.Context
	ended   chan struct{}
	cause   cti.Cause
}

func testConfig() Config {
	routes, err := route.New([]route.Rule{
		{Number: "803.001", Service: "linea-amica"}, {Number: "800", Prefix: true, Service: "closed"},
		{Number: "112", Service: "plain"},
	})
	if err != nil {
		panic(err)
	}
	shut, err := hours.New(hours.Config{Never: true})
	if err != nil {
		panic(err)
	}
	menu := &ivr.Menu{Options: []ivr.Option{{Key: '1', Topic: "previdenza", Skills: []string{"previdenza"}}, {Key: '9', Tracking: true}}}
	return Config{
		Site: "formezpa", Routes: routes,
		Overflow: map[string]Target{"napoli": {Trunk: "napoli", Number: "+390810002222"}},
		Logger:   slog.New(slog.DiscardHandler),
		Lines: []Line{
			{ID: "linea-amica", Queue: "urp", Greeting: []string{"greeting"}, Menu: menu, MenuPrompt: "menu"},
			{ID: "closed", Queue: "urp", Calendar: shut},
			{ID: "plain", Queue: "urp", Plain: true},
		},
	}
}

func testEngine() engine.Config {
	q := []cti.QueueID{"urp"}
	return engine.Config{
		Queues: []engine.Queue{{ID: "urp", Overflow: engine.Overflow{After: 20 * time.Second, Targets: []string{"napoli"}}}},
		Agents: []engine.Agent{{ID: "anna", Queues: q, Skills: []string{"previdenza"}}, {ID: "bruno", Queues: q}},
		Lease:  time.Hour,
	}
}

// inWorld runs a test in a bubble with agents Ready at the device of their name.
func inWorld(t *testing.T, ready []cti.AgentID, test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, journal: &fakeJournal{}, call: &fakeCall{keys: map[string][]string{}}, ended: make(chan struct{})}
		var err error
		if w.floor, err = floor.New(floor.Config{Engine: testEngine(), Logger: slog.New(slog.DiscardHandler)}, w.journal); err != nil {
			t.Fatal(err)
		}
		if w.service, err = New(testConfig(), w.floor, fakeTickets{}, w.journal); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		stopped := make(chan struct{})
		go func() { // ends at the end of the test, by stop
			defer close(stopped)
			if err := w.floor.Run(ctx); err != nil {
				t.Error(err)
			}
		}()
		for _, a := range ready {
			w.makeReady(a)
		}
		w.ctx, w.hangUp = context.WithCancelCause(t.Context())
		w.in = cti.Inbound{Call: "c", At: time.Now(), Dialled: "803001", Caller: cti.Party{Number: "+39083155555"}}
		w.call.dial = answersAfter(2 * time.Second)
		test(w)
		w.hangUp(cti.Fail(cti.CauseAbandoned, ""))
		stop()
		<-stopped
	})
}

func (w *world) makeReady(a cti.AgentID) {
	w.t.Helper()
	w.floor.DeviceUp(cti.DeviceID(a))
	if _, err := w.floor.LogIn(w.t.Context(), a, cti.DeviceID(a)); err != nil {
		w.t.Error(err)
	}
	if _, err := w.floor.SetState(w.t.Context(), a, cti.AgentReady, ""); err != nil {
		w.t.Error(err)
	}
}

// ring starts the script.
func (w *world) ring() {
	go func() { // ends with the script
		defer close(w.ended)
		w.cause = w.service.Serve(w.ctx, w.in, w.call)
	}()
}

// serve runs the script to its end.
func (w *world) serve() cti.Cause {
	w.ring()
	<-w.ended
	synctest.Wait()
	return w.cause
}

func (w *world) at(d time.Duration, do func()) {
	time.AfterFunc(d, do)
}

func (w *world) did() string { return strings.Join(w.call.did, "; ") }

func (w *world) wantDid(want ...string) {
	w.t.Helper()
	if got := w.did(); got != strings.Join(want, "; ") {
		w.t.Errorf("did\n got %s\nwant %s", got, strings.Join(want, "; "))
	}
}

func (w *world) wantEvents(want ...string) {
	w.t.Helper()
	if got := w.journal.of("c"); got != strings.Join(want, "; ") {
		w.t.Errorf("events\n got %s\nwant %s", got, strings.Join(want, "; "))
	}
}

func (w *world) state(id cti.AgentID) string {
	w.t.Helper()
	s, err := w.floor.Snapshot(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, a := range s.Agents {
		if a.ID == id {
			return strings.TrimSuffix(string(a.State)+"("+a.Reason+")", "()")
		}
	}
	return "unknown"
}

// wantIdle: nobody waits, nobody is reserved, rings or talks, and the queue adds up.
func (w *world) wantIdle() {
	w.t.Helper()
	s, err := w.floor.Snapshot(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, a := range s.Agents {
		if a.State == cti.AgentReserved || a.State == cti.AgentRinging || a.State == cti.AgentTalking {
			w.t.Errorf("agent %s is stuck in %s", a.ID, a.State)
		}
	}
	for _, q := range s.Queues {
		if q.Waiting+q.Ringing != 0 || q.Offered != q.Answered+q.Abandoned+q.Redirected {
			w.t.Errorf("queue does not add up: %+v", q)
		}
	}
}
