package server

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"go.uber.org/goleak"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/cti/stream"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("internal/poll.runtime_pollWait"))
}

// fakes are the floor, the calls and the tickets of a test.
type fakes struct {
	log *stream.Log

	mu    sync.Mutex
	did   []string
	fail  error
	alive int
}

func (f *fakes) do(what string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail != nil {
		return f.fail
	}
	f.did = append(f.did, what)
	return nil
}

func (f *fakes) LogIn(_ context.Context, a cti.AgentID, d cti.DeviceID) error {
	if err := f.do("log_in " + string(a) + " " + string(d)); err != nil {
		return err
	}
	f.log.Publish(cti.Event{Type: cti.EvAgentLoggedOn, Agent: a, Device: d})
	f.log.Publish(cti.Event{Type: cti.EvAgentNotReady, Agent: a, Device: d, Reason: "login"})
	return nil
}

func (f *fakes) LogOut(_ context.Context, a cti.AgentID) error {
	f.log.Publish(cti.Event{Type: cti.EvAgentLoggedOff, Agent: a})
	return f.do("log_out " + string(a))
}

func (f *fakes) SetState(_ context.Context, a cti.AgentID, s cti.AgentState, reason string) error {
	return f.do("state " + string(a) + " " + string(s) + " " + reason)
}

func (f *fakes) SetDevice(_ context.Context, a cti.AgentID, d cti.DeviceID) error {
	return f.do("device " + string(a) + " " + string(d))
}

func (f *fakes) Alive(cti.AgentID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.alive++
}

func (f *fakes) Hold(_ context.Context, c cti.CallID, l cti.LegID) error {
	return f.do("hold " + string(c) + " " + string(l))
}

func (f *fakes) Retrieve(_ context.Context, c cti.CallID, l cti.LegID) error {
	return f.do("retrieve " + string(c) + " " + string(l))
}

func (f *fakes) Hangup(_ context.Context, c cti.CallID, l cti.LegID) error {
	return f.do("hangup " + string(c) + " " + string(l))
}

func (f *fakes) Transfer(_ context.Context, c cti.CallID, l cti.LegID, to Target) error {
	return f.do("transfer " + string(c) + " " + string(l) + " " + string(to.Office) + to.Number)
}

func (f *fakes) Emergency(_ context.Context, c cti.CallID, l cti.LegID) error {
	return f.do("emergency " + string(c) + " " + string(l))
}

func (f *fakes) Consult(_ context.Context, c cti.CallID, l cti.LegID, to Target) error {
	return f.do("consult " + string(c) + " " + string(l) + " " + string(to.Office) + to.Number)
}

func (f *fakes) Complete(_ context.Context, c cti.CallID, l cti.LegID) error {
	return f.do("complete " + string(c) + " " + string(l))
}

func (f *fakes) Swap(_ context.Context, c cti.CallID, l cti.LegID) error {
	return f.do("swap " + string(c) + " " + string(l))
}

func (f *fakes) Answer(_ context.Context, c cti.CallID, d cti.DeviceID) error {
	return f.do("answer " + string(c) + " " + string(d))
}

type fakeTickets struct{ *fakes }

func (f fakeTickets) Get(_ context.Context, id cti.TicketID) (Ticket, error) {
	return Ticket{ID: id, State: "open_fo", Revision: 3}, f.do("get " + string(id))
}

func (f fakeTickets) Transition(_ context.Context, id cti.TicketID, rev int64, t Transition) (Ticket, error) {
	switch {
	case rev != 3:
		return Ticket{}, ErrStale
	case t.Category == "":
		return Ticket{}, &Invalid{Fields: []string{"category"}}
	}
	return Ticket{ID: id, State: t.To, Revision: 4}, f.do("transition " + t.To)
}

func (f fakeTickets) Edit(_ context.Context, id cti.TicketID, _ int64, e Edit) (Ticket, error) {
	return Ticket{ID: id, Subject: *e.Subject, Revision: 4}, f.do("edit")
}

func (f fakeTickets) Tracking(context.Context, cti.TicketID) (Tracking, error) {
	return Tracking{Code: "123 456 789 0", PIN: "123456"}, f.do("tracking")
}

// A node is a server over a memory journal, or the one given.
type node struct {
	*fakes
	t       *testing.T
	s       *Server
	journal *stream.Memory
	web     *httptest.Server
	stop    func()
}

// hash is made once: argon2 takes its time.
var hash = sync.OnceValue(func() string {
	h, err := HashPassword("demo")
	if err != nil {
		panic(err)
	}
	return h
})

func users(name string) (User, bool) {
	switch name {
	case "1001", "1002":
		return User{Name: name, FullName: "Maria Rossi", PasswordHash: hash(), Roles: []cti.Role{cti.RoleAgent},
			Agent: cti.AgentID(name), Device: cti.DeviceID(name), Queues: []cti.QueueID{"urp"}}, true
	case "capo":
		return User{Name: name, FullName: "Capo", PasswordHash: hash(), Roles: []cti.Role{cti.RoleSupervisor}}, true
	}
	return User{}, false
}

func start(t *testing.T, m *stream.Memory, change func(*Config)) *node {
	t.Helper()
	l, err := stream.New(stream.Config{Site: "formezpa"}, m)
	if err != nil {
		t.Fatal(err)
	}
	n := &node{fakes: &fakes{log: l}, t: t, journal: m}
	cfg := Config{Site: Site{IPA: "formezpa", Name: "Formez PA"}, Log: l, Users: users, Queues: []cti.QueueID{"urp"},
		Offices: []Office{{IPA: "cmna", Name: "Napoli", Number: "+390810002222", Trunk: "napoli"}}, Trunks: []string{"napoli"},
		Taxonomy: []string{"01"}, Agents: n.fakes, Calls: n.fakes, Tickets: fakeTickets{n.fakes}, StatusToken: "token",
		Desktop: fstest.MapFS{"index.html": {Data: []byte("<!doctype html>")}, "assets/a-1234.js": {Data: []byte("1")}, ".sources": {Data: []byte("x")}}}
	if change != nil {
		change(&cfg)
	}
	if n.s, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- n.s.Run(ctx) }() // ends with ctx
	n.web = httptest.NewServer(n.s.Handler())
	n.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		n.web.Close()
		l.Close()
	})
	t.Cleanup(n.stop)
	<-n.s.ready
	return n
}

// publish adds events and waits until the desk has them.
func (n *node) publish(evs ...cti.Event) cti.Position {
	n.t.Helper()
	var pos cti.Position
	for _, ev := range evs {
		pos = n.log.Publish(ev)
	}
	n.settle()
	return pos
}

// settle waits until the desk has folded everything published.
func (n *node) settle() {
	n.t.Helper()
	if err := n.log.Sync(n.t.Context()); err != nil {
		n.t.Fatal(err)
	}
	end := n.log.Last().Seq
	for range 5000 {
		n.s.desk.mu.Lock()
		at := n.s.desk.pos.Seq
		n.s.desk.mu.Unlock()
		if at >= end {
			return
		}
		time.Sleep(time.Millisecond)
	}
	n.t.Fatal("the desk does not follow")
}

// A browser is a client with a cookie jar.
type browser struct {
	n    *node
	http *http.Client
}

func (n *node) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		n.t.Fatal(err)
	}
	return &browser{n: n, http: &http.Client{Jar: jar, Transport: n.web.Client().Transport}}
}

func (n *node) logIn(user string) *browser {
	n.t.Helper()
	b := n.browser()
	if status, body := b.do("POST", "/cti/v1/session", map[string]string{"user": user, "password": "demo"}); status != 200 {
		n.t.Fatalf("log-in of %s: %d %v", user, status, body)
	}
	n.settle()
	return b
}

// do sends a request as the desktop does; header pairs follow the body.
func (b *browser) do(method, path string, body any, header ...string) (int, map[string]any) {
	b.n.t.Helper()
	res, raw := b.raw(method, path, body, header...)
	var out map[string]any
	json.Unmarshal(raw, &out)
	return res.StatusCode, out
}

func (b *browser) raw(method, path string, body any, header ...string) (*http.Response, []byte) {
	b.n.t.Helper()
	var r io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			b.n.t.Fatal(err)
		}
		r = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(b.n.t.Context(), method, b.n.web.URL+path, r)
	if err != nil {
		b.n.t.Fatal(err)
	}
	if method != http.MethodGet {
		req.Header.Set("X-LA2", "1")
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := b.http.Do(req)
	if err != nil {
		b.n.t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		b.n.t.Fatal(err)
	}
	return res, raw
}

const (
	ticket1 = cti.TicketID("formezpa.01JZ8Q4W7N5T3X9V2R6K1M0HDC")
	ticket2 = cti.TicketID("formezpa.01JZ8Q4W7N5T3X9V2R6K1M0HDD")
)

// offer are the events of a call that rings at an agent.
func offer(call cti.CallID, a cti.AgentID, t cti.TicketID) []cti.Event {
	info := &cti.CallInfo{Caller: cti.Party{Number: "+390831000412"}, Dialled: "803001", Service: "803001", Topic: "previdenza"}
	return []cti.Event{
		{Type: cti.EvOffered, Call: call, Service: "803001", Trunk: "carrier", Info: info},
		{Type: cti.EvAnswered, Call: call, Leg: cti.LegID(call + "/1")},
		{Type: cti.EvQueued, Call: call, Queue: "urp", Ticket: t, Info: info},
		{Type: cti.EvAgentReserved, Agent: a, Device: cti.DeviceID(a), Call: call, Queue: "urp", Offer: 1, Ticket: t},
		{Type: cti.EvDelivered, Agent: a, Device: cti.DeviceID(a), Call: call, Queue: "urp", Offer: 1, Ticket: t, Info: info},
	}
}

// talk are the events of its answer.
func talk(call cti.CallID, a cti.AgentID) []cti.Event {
	leg := cti.LegID(call + "/2")
	return []cti.Event{
		{Type: cti.EvEstablished, Call: call, Leg: leg, Device: cti.DeviceID(a)},
		{Type: cti.EvAgentBusy, Agent: a, Call: call, Leg: leg, Device: cti.DeviceID(a)},
	}
}

// end are the events after the caller hung up.
func end(call cti.CallID, a cti.AgentID) []cti.Event {
	return []cti.Event{
		{Type: cti.EvConnectionCleared, Call: call, Leg: cti.LegID(call + "/2"), Device: cti.DeviceID(a), Cause: cti.CauseNormal},
		{Type: cti.EvCallCleared, Call: call, Cause: cti.CauseNormal},
		{Type: cti.EvAgentWorkingAfterCall, Agent: a, Call: call, Deadline: time.Now().Add(30 * time.Second)},
	}
}
