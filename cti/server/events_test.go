package server

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/cti/stream"
)

// dial opens the events of a browser's user.
func (b *browser) dial(after string, header http.Header) (*websocket.Conn, *http.Response, error) {
	ctx, cancel := context.WithTimeout(b.n.t.Context(), 5*time.Second)
	defer cancel()
	conn, res, err := websocket.Dial(ctx, b.n.web.URL+"/cti/v1/events?after="+after, &websocket.DialOptions{HTTPClient: b.http, HTTPHeader: header})
	if err == nil {
		conn.SetReadLimit(1 << 20)
		b.n.t.Cleanup(func() { conn.CloseNow() })
	}
	return conn, res, err
}

func (b *browser) events(after string) *websocket.Conn {
	b.n.t.Helper()
	conn, _, err := b.dial(after, nil)
	if err != nil {
		b.n.t.Fatal(err)
	}
	return conn
}

func read(t *testing.T, c *websocket.Conn) frame {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	_, b, err := c.Read(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var f frame
	if err := json.Unmarshal(b, &f); err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	return f
}

// readTypes reads events until one of type last, leaving out ticks.
func readTypes(t *testing.T, c *websocket.Conn, last cti.EventType) (types []string) {
	t.Helper()
	for {
		f := read(t, c)
		if f.Type != "event" {
			continue
		}
		types = append(types, string(f.Event.Type))
		if f.Event.Type == last {
			return types
		}
	}
}

func TestPopBeforeAnswerAndWholeCall(t *testing.T) {
	n := start(t, stream.NewMemory(), nil)
	b, other := n.logIn("1001"), n.logIn("1002")
	mine, theirs := b.events(""), other.events("")
	if f := read(t, mine); f.Type != "snapshot" || f.Snapshot.User != "1001" || f.Snapshot.Agent.State != cti.AgentNotReady {
		t.Fatalf("first frame %+v", f)
	}
	read(t, theirs)
	begin := time.Now()
	n.publish(offer("C1", "1001", ticket1)...)
	if got, want := readTypes(t, mine, cti.EvDelivered), []string{"AgentReserved", "Delivered"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if d := time.Since(begin); d > 500*time.Millisecond {
		t.Errorf("the pop took %v", d)
	}
	n.publish(append(talk("C1", "1001"), cti.Event{Type: cti.EvHeld, Call: "C1", Leg: "C1/2"}, cti.Event{Type: cti.EvRetrieved, Call: "C1", Leg: "C1/2"},
		cti.Event{Type: cti.EvTicketUpdated, Ticket: ticket1, Change: &cti.Change{Kind: "edited", Revision: 2}})...)
	n.publish(end("C1", "1001")...)
	n.publish(cti.Event{Type: cti.EvTicketUpdated, Ticket: ticket1, Change: &cti.Change{Kind: "closed", Revision: 3}},
		cti.Event{Type: cti.EvAgentReady, Agent: "1001"}, cti.Event{Type: cti.EvTicketUpdated, Ticket: ticket1},
		cti.Event{Type: cti.EvDeviceDown, Device: "1002"}, cti.Event{Type: cti.EvDeviceDown, Device: "1001"})
	want := strings.Fields("Established AgentBusy Held Retrieved TicketUpdated ConnectionCleared CallCleared AgentWorkingAfterCall TicketUpdated AgentReady DeviceDown")
	if got := readTypes(t, mine, cti.EvDeviceDown); !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if got := readTypes(t, theirs, cti.EvDeviceDown); len(got) != 1 {
		t.Errorf("a colleague was told %v", got)
	}
}

// A transfer to a colleague's station goes past the queue: the colleague sees
// call and ticket all the same, and not before its telephone rings.
func TestColleagueSeesATransferredCall(t *testing.T) {
	n := start(t, stream.NewMemory(), nil)
	a, b := n.logIn("1001"), n.logIn("1002")
	n.publish(cti.Event{Type: cti.EvAgentReady, Agent: "1002", Device: "1002"})
	n.publish(append(offer("C1", "1001", ticket1), talk("C1", "1001")...)...)
	look := func(want string) {
		t.Helper()
		n.settle()
		s := read(t, b.events("")).Snapshot
		got := string(s.Agent.State)
		for _, c := range s.Calls {
			got += fmt.Sprintf(" %s %s %s %s", c.State, c.Leg, c.Ticket, c.Dialled)
		}
		if got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
	}
	look("ready")
	n.publish(cti.Event{Type: cti.EvTransferring, Call: "C1", Leg: "C1/2", Device: "1001", Target: "1002"},
		cti.Event{Type: cti.EvDelivered, Call: "C1", Leg: "C1/3", Device: "1002", Ticket: ticket1})
	look("ready ringing C1/3 " + string(ticket1) + " 803001")
	if status, _ := b.do("GET", "/cti/v1/tickets/"+string(ticket1), nil); status != 200 {
		t.Errorf("ticket while it rings: %d", status)
	}
	n.publish(cti.Event{Type: cti.EvTransferred, Call: "C1", Leg: "C1/2", Target: "1002"},
		cti.Event{Type: cti.EvEstablished, Call: "C1", Leg: "C1/3", Device: "1002", Ticket: ticket1},
		cti.Event{Type: cti.EvConnectionCleared, Call: "C1", Leg: "C1/2", Device: "1001", Cause: cti.CauseTransferred},
		cti.Event{Type: cti.EvAgentWorkingAfterCall, Agent: "1001", Call: "C1"})
	look("ready talking C1/3 " + string(ticket1) + " 803001")
	if status, _ := b.do("POST", "/cti/v1/calls/C1/hold", map[string]string{}); status != 200 || !slices.Contains(n.did, "hold C1 C1/3") {
		t.Errorf("hold: %d, did %v", status, n.did)
	}
	n.publish(cti.Event{Type: cti.EvCallCleared, Call: "C1", Cause: cti.CauseNormal})
	look("ready")
	if status, _ := b.do("GET", "/cti/v1/tickets/"+string(ticket1), nil); status != 200 {
		t.Errorf("ticket of a call answered in this session: %d", status)
	}
	if s := read(t, a.events("")).Snapshot; len(s.Calls) != 1 || s.Calls[0].State != callWrapUp {
		t.Errorf("the one who transferred: %+v", s.Calls)
	}
}

func TestSnapshotFollowsTheCall(t *testing.T) {
	n := start(t, stream.NewMemory(), nil)
	b := n.logIn("1001")
	sup := n.logIn("capo")
	steps := []struct {
		evs   []cti.Event
		agent cti.AgentState
		call  callState // "" none
	}{
		{[]cti.Event{{Type: cti.EvDeviceUp, Device: "1001"}, {Type: cti.EvAgentReady, Agent: "1001"}}, cti.AgentReady, ""},
		{offer("C1", "1001", ticket1)[:4], cti.AgentReserved, ""},
		{offer("C1", "1001", ticket1)[4:], cti.AgentRinging, callRinging},
		{[]cti.Event{{Type: cti.EvEstablished, Call: "C1", Leg: "C1/9", Trunk: "napoli"}}, cti.AgentRinging, callRinging}, // an overflow, not us
		{talk("C1", "1001"), cti.AgentTalking, callTalking},
		{[]cti.Event{{Type: cti.EvHeld, Call: "C1", Leg: "C1/2"}}, cti.AgentTalking, callHeld},
		{[]cti.Event{{Type: cti.EvTransferring, Call: "C1", Leg: "C1/2", Target: "cmna"}}, cti.AgentTalking, callTransferring},
		{[]cti.Event{{Type: cti.EvConsulting, Call: "C1", Leg: "C1/2", Target: "cmna", Value: "target"}}, cti.AgentTalking, callConsulting},
		{[]cti.Event{{Type: cti.EvTransferFailed, Call: "C1", Leg: "C1/2", Cause: cti.CauseBusy}}, cti.AgentTalking, callTalking},
		{[]cti.Event{{Type: cti.EvTransferred, Call: "C1", Leg: "C1/2"}, {Type: cti.EvEstablished, Call: "C1", Leg: "C1/3", Trunk: "napoli"}}, cti.AgentTalking, callWrapUp},
		{[]cti.Event{{Type: cti.EvAgentWorkingAfterCall, Agent: "1001", Call: "C1", Value: "not_ready"}}, cti.AgentWrapUp, callWrapUp},
		{[]cti.Event{{Type: cti.EvAgentNotReady, Agent: "1001", Reason: "pausa"}}, cti.AgentNotReady, ""},
	}
	for i, s := range steps {
		n.publish(s.evs...)
		f := read(t, b.events(""))
		if f.Snapshot.Agent.State != s.agent {
			t.Errorf("step %d: agent %s, want %s", i, f.Snapshot.Agent.State, s.agent)
		}
		switch calls := f.Snapshot.Calls; {
		case s.call == "" && len(calls) != 0, s.call != "" && (len(calls) != 1 || calls[0].State != s.call):
			t.Errorf("step %d: calls %+v, want %q", i, calls, s.call)
		case s.call != "" && (calls[0].Ticket != ticket1 || calls[0].Caller.Number != "+390831000412" || calls[0].Topic != "previdenza"):
			t.Errorf("step %d: call %+v", i, calls[0])
		}
		if !f.Snapshot.DeviceUp || len(f.Snapshot.Offices) != 1 || len(f.Snapshot.Queues) != 1 {
			t.Errorf("step %d: snapshot %+v", i, f.Snapshot)
		}
	}
	if f := read(t, sup.events("")); f.Snapshot.Agent != nil || len(f.Snapshot.Calls) != 0 || len(f.Snapshot.Queues) != 1 {
		t.Errorf("supervisor's snapshot %+v", f.Snapshot)
	}
}

// The switch and the floor may cross: every order of their events ends with an
// agent without calls.
func TestCrossingEvents(t *testing.T) {
	reserved := offer("C1", "1001", ticket1)
	floor := []cti.Event{reserved[4], talk("C1", "1001")[1], {Type: cti.EvAgentWorkingAfterCall, Agent: "1001", Call: "C1"}}
	sw := []cti.Event{talk("C1", "1001")[0], end("C1", "1001")[0], end("C1", "1001")[1]}
	for mask := range 1 << 6 {
		var order []cti.Event
		f, s := floor, sw
		for i := range 6 {
			if mask&(1<<i) != 0 && len(f) > 0 || len(s) == 0 {
				order, f = append(order, f[0]), f[1:]
				continue
			}
			order, s = append(order, s[0]), s[1:]
		}
		d := newDesk(&Config{Now: time.Now})
		seq := uint64(0)
		for _, ev := range slices.Concat(reserved[:4], order, []cti.Event{{Type: cti.EvAgentReady, Agent: "1001"}}) {
			seq++
			ev.Seq, ev.Epoch = seq, "E"
			d.apply(ev)
		}
		a := d.agents["1001"]
		if a.state != cti.AgentReady || len(a.calls) != 0 || len(d.byCall) != 0 || len(d.calls.Open) != 0 {
			t.Errorf("order %v leaves %s with %d calls, %d known", types(order), a.state, len(a.calls), len(d.byCall))
		}
	}
}

func types(evs []cti.Event) (out []cti.EventType) {
	for _, ev := range evs {
		out = append(out, ev.Type)
	}
	return out
}

func TestResumeErrorsGiveASnapshot(t *testing.T) {
	n := start(t, stream.NewMemory(), nil)
	b := n.logIn("1001")
	pos := n.publish(cti.Event{Type: cti.EvStage})
	for after, want := range map[string]string{
		"": "snapshot", "OTHER.3": "snapshot", pos.Epoch + ".99999": "snapshot", pos.String(): "tick", pos.Epoch + ".0": "event",
	} {
		if f := read(t, b.events(after)); f.Type != want {
			t.Errorf("after %q: %s, want %s", after, f.Type, want)
		}
	}
	if _, res, err := b.dial("nonsense", nil); err == nil || res.StatusCode != 400 {
		t.Errorf("malformed position: %v", err)
	}
	if _, res, err := b.dial("", http.Header{"Origin": {"https://evil.example"}}); err == nil || res.StatusCode != 403 {
		t.Errorf("foreign origin: %v", err)
	}
	if _, res, err := n.browser().dial("", nil); err == nil || res.StatusCode != 401 {
		t.Errorf("without a session: %v", err)
	}
}

func TestByes(t *testing.T) {
	n := start(t, stream.NewMemory(), nil)
	b, other := n.logIn("1001"), n.logIn("1002")
	c, c2 := b.events(""), other.events("")
	read(t, c)
	read(t, c2)
	b.do("DELETE", "/cti/v1/session", nil)
	expectBye(t, c, byeLoggedOut, websocket.StatusNormalClosure)
	go n.stop() // ends the server
	expectBye(t, c2, byeShutdown, websocket.StatusGoingAway)
}

// Who is pushed off its station hears so and is logged out; who logs in again, or
// came afterwards, is not.
func TestByeOfTheOneWhoIsPushedOff(t *testing.T) {
	n := start(t, stream.NewMemory(), nil)
	b, colleague := n.logIn("1001"), n.logIn("1002")
	c, theirs := b.events(""), colleague.events("")
	read(t, c)
	read(t, theirs)
	n.publish(cti.Event{Type: cti.EvAgentLoggedOff, Agent: "1001"})
	readTypes(t, c, cti.EvAgentLoggedOff)
	expectBye(t, c, byeLoggedOut, websocket.StatusNormalClosure)
	state := map[string]string{"state": "ready"}
	if status, p := b.do("POST", "/cti/v1/agent/state", state); status != 401 {
		t.Errorf("a command of who was pushed off: %d %v", status, p)
	}
	if status, p := colleague.do("POST", "/cti/v1/agent/state", state); status != 200 {
		t.Errorf("a command of the colleague: %d %v", status, p)
	}
	again := n.logIn("1001")
	n.publish(cti.Event{Type: cti.EvStage})
	if status, p := again.do("POST", "/cti/v1/agent/state", state); status != 200 {
		t.Errorf("after another log-in: %d %v", status, p)
	}
}

func expectBye(t *testing.T, c *websocket.Conn, reason string, code websocket.StatusCode) {
	t.Helper()
	for {
		f := read(t, c)
		if f.Type != "bye" {
			continue
		}
		if f.Reason != reason {
			t.Errorf("bye %s, want %s", f.Reason, reason)
		}
		break
	}
	_, _, err := c.Read(t.Context())
	if got := websocket.CloseStatus(err); got != code {
		t.Errorf("closed with %v (%v), want %v", got, err, code)
	}
}

// A client that does not read is disconnected; nobody waits for it.
func TestLagged(t *testing.T) {
	n := start(t, stream.NewMemory(), func(c *Config) { c.Queue = 4 })
	b := n.logIn("1001")
	c := b.events("")
	read(t, c)
	n.s.desk.mu.Lock() // no writer is faster than such a burst
	for cl := range n.s.desk.byAgent["1001"] {
		for range 5000 {
			cl.offer(cti.Event{Type: cti.EvAgentReady, Agent: "1001"})
		}
	}
	n.s.desk.mu.Unlock()
	expectBye(t, c, byeLagged, websocket.StatusTryAgainLater)
}

func TestOnlyAliveIsUnderstood(t *testing.T) {
	n := start(t, stream.NewMemory(), nil)
	c := n.logIn("1001").events("")
	read(t, c)
	c.Write(t.Context(), websocket.MessageText, []byte(`{"type":"alive"}`))
	c.Write(t.Context(), websocket.MessageText, []byte(`{"type":"command"}`))
	for {
		_, _, err := c.Read(t.Context())
		if err == nil {
			continue
		}
		if websocket.CloseStatus(err) != websocket.StatusPolicyViolation {
			t.Errorf("closed with %v", err)
		}
		break
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.alive != 1 {
		t.Errorf("%d signs of life reached the floor", n.alive)
	}
}

// Agents at work, clients killed at random and resumed 1,000 times, the node
// restarted in between: each client reads exactly what concerns its agent.
func TestResumed1000TimesReadsExactlyItsEvents(t *testing.T) {
	m := stream.NewMemory()
	n := start(t, m, nil)
	b := n.logIn("1001")
	stop := make(chan struct{})
	written := make(chan struct{})
	go func() { // ends with stop
		defer close(written)
		work(n.log, stop)
	}()
	from := n.log.Last().Seq
	got, last := []uint64{}, cti.Position{Epoch: m.Epoch(), Seq: from}.String()
	kills := 1000
	if testing.Short() {
		kills = 100
	}
	for range kills {
		c := b.events(last)
		for range rand.IntN(8) {
			last = note(t, read(t, c), &got, last)
		}
		c.CloseNow()
	}
	close(stop)
	<-written
	n.settle()
	end := n.log.Last()
	for c := b.events(last); last != end.String(); {
		last = note(t, read(t, c), &got, last)
	}
	evs, _ := m.Read(from, 1_000_000)
	n.stop()
	n2 := start(t, m, nil) // the same answer after a restart
	var want, again []uint64
	sight := map[cti.CallID]bool{} // the specification, naive
	for _, ev := range evs {
		if ev.Seq > end.Seq {
			break
		}
		if ev.Agent == "1001" && ev.Type == cti.EvAgentReserved {
			sight[ev.Call] = true
		}
		if sight[ev.Call] || ev.Agent == "1001" && kindOf(ev.Type) == kindAgent {
			want = append(want, ev.Seq)
		}
		if ev.Agent == "1001" && (ev.Type == cti.EvDiverted || ev.Type == cti.EvAgentReady) {
			clear(sight)
		}
		if n2.s.desk.visible("1001", &ev) {
			again = append(again, ev.Seq)
		}
	}
	if !slices.Equal(got, want) || len(want) < 100 {
		t.Errorf("read %d events, want %d of %d", len(got), len(want), len(evs))
	}
	if !slices.Equal(again, want) {
		t.Errorf("after a restart %d events are visible, want %d", len(again), len(want))
	}
}

// note adds the event of a frame and returns the position to resume from.
func note(t *testing.T, f frame, got *[]uint64, last string) string {
	t.Helper()
	switch f.Type {
	case "event":
		*got = append(*got, f.Event.Seq)
	case "tick":
	case "bye":
		return last
	default:
		t.Fatalf("frame %q", f.Type)
	}
	return f.Position
}

// work publishes the calls of three agents, some answered, some not.
func work(l *stream.Log, stop chan struct{}) {
	for i := 0; ; i++ {
		select {
		case <-stop:
			return
		case <-time.After(time.Millisecond):
		}
		a := cti.AgentID(fmt.Sprint(1001 + i%3))
		call := cti.CallID(fmt.Sprintf("C%d", i))
		evs := offer(call, a, ticket1)
		switch i % 4 {
		case 0:
			evs = append(evs, cti.Event{Type: cti.EvDiverted, Agent: a, Call: call, Cause: cti.CauseNoAnswer},
				cti.Event{Type: cti.EvAgentNotReady, Agent: a}, cti.Event{Type: cti.EvCallCleared, Call: call, Cause: cti.CauseAbandoned})
		default:
			evs = slices.Concat(evs, talk(call, a), end(call, a), []cti.Event{{Type: cti.EvAgentReady, Agent: a}})
		}
		for _, ev := range evs {
			l.Publish(ev)
		}
	}
}

func TestTicksCarryCounts(t *testing.T) {
	n := start(t, stream.NewMemory(), func(c *Config) { c.Tick = 20 * time.Millisecond })
	c := n.logIn("1001").events("")
	read(t, c)
	n.publish(offer("C1", "1002", ticket1)[:3]...)
	pos := n.publish(cti.Event{Type: cti.EvTrunkUp, Trunk: "napoli"})
	for {
		f := read(t, c)
		if f.Position == pos.String() && f.Queues[0].Waiting == 1 && f.Offices[0].Up {
			return
		}
	}
}
