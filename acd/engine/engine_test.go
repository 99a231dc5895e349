package engine

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lineaamica/la2/cti"
)

var t0 = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// A bench drives an engine and keeps what it decided.
type bench struct {
	t   *testing.T
	e   *Engine
	now time.Time
	got []Decision
}

func newBench(t *testing.T, cfg Config) *bench {
	t.Helper()
	e, err := New(cfg, t0)
	if err != nil {
		t.Fatal(err)
	}
	return &bench{t: t, e: e, now: t0}
}

func (b *bench) do(in Input) []Decision {
	b.t.Helper()
	b.got = slices.Clone(b.e.Apply(b.now, in))
	return b.got
}

// wait lets d pass, with a tick at each deadline.
func (b *bench) wait(d time.Duration) {
	b.t.Helper()
	end := b.now.Add(d)
	var all []Decision
	for at := b.e.NextDeadline(); !at.IsZero() && !at.After(end); at = b.e.NextDeadline() {
		b.now = at
		all = append(all, b.do(Input{Op: OpTick})...)
	}
	b.now, b.got = end, all
}

func (b *bench) ready(agents ...cti.AgentID) {
	for _, a := range agents {
		d := cti.DeviceID("dev-" + a)
		b.do(Input{Op: OpDeviceUp, Device: d})
		b.do(Input{Op: OpLogIn, Agent: a, Device: d})
		b.do(Input{Op: OpReady, Agent: a})
		b.now = b.now.Add(time.Millisecond)
	}
}

func (b *bench) enter(call cti.CallID, q cti.QueueID, skills ...string) {
	b.do(Input{Op: OpEnter, Caller: &Caller{Call: call, Queue: q, Skills: skills, Instant: b.now}})
	b.now = b.now.Add(time.Millisecond)
}

// offer returns the offer among the last decisions.
func (b *bench) offer() Decision {
	b.t.Helper()
	for _, d := range b.got {
		if d.Kind == Offered {
			return d
		}
	}
	b.t.Fatalf("no offer in %s", brief(b.got))
	return Decision{}
}

func (b *bench) want(want string) {
	b.t.Helper()
	if got := brief(b.got); got != want {
		b.t.Fatalf("got  %s\nwant %s", got, want)
	}
}

func (b *bench) state(id cti.AgentID) string {
	a := b.e.agentOf[id]
	s := string(a.state)
	if a.reason != "" {
		s += "(" + a.reason + ")"
	}
	return s
}

func (b *bench) wantState(id cti.AgentID, want string) {
	b.t.Helper()
	if got := b.state(id); got != want {
		b.t.Fatalf("agent %s: got %s, want %s", id, got, want)
	}
}

// brief writes decisions as "kind call/agent what".
func brief(ds []Decision) string {
	var parts []string
	for _, d := range ds {
		p := string(d.Kind)
		for _, v := range []string{string(d.Call), string(d.Agent), string(d.State), d.Reason, string(d.Cause), d.Target} {
			if v != "" {
				p += " " + v
			}
		}
		parts = append(parts, p)
	}
	return strings.Join(parts, "; ")
}

func one() Config {
	return Config{Queues: []Queue{{ID: "q"}}, Agents: []Agent{{ID: "a", Queues: []cti.QueueID{"q"}}}}
}

func two() Config {
	c := one()
	c.Agents = append(c.Agents, Agent{ID: "b", Queues: []cti.QueueID{"q"}})
	return c
}

func TestOfferEndings(t *testing.T) {
	tests := []struct {
		name  string
		in    func(o Decision) Input
		want  string
		state string
	}{
		{"accept", func(o Decision) Input { return Input{Op: OpAccept, Offer: o.Offer} },
			"rang c a; state c a ringing; accepted c a; state c a talking", "talking"},
		{"no answer is RONA", func(o Decision) Input { return Input{Op: OpReject, Offer: o.Offer, Cause: cti.CauseNoAnswer} },
			"rejected c a no_answer; state a not_ready rona", "not_ready(rona)"},
		{"rejected is RONA", func(o Decision) Input { return Input{Op: OpReject, Offer: o.Offer, Cause: cti.CauseRejected} },
			"rejected c a rejected; state a not_ready rona", "not_ready(rona)"},
		{"unreachable backs off", func(o Decision) Input { return Input{Op: OpReject, Offer: o.Offer, Cause: cti.CauseUnreachable} },
			"rejected c a unreachable; state a ready", "ready"},
		{"busy backs off", func(o Decision) Input { return Input{Op: OpReject, Offer: o.Offer, Cause: cti.CauseBusy} },
			"rejected c a busy; state a ready", "ready"},
		{"release", func(o Decision) Input { return Input{Op: OpRelease, Offer: o.Offer} },
			"released c a abandoned; abandoned c abandoned; state a ready", "ready"},
		{"leave", func(o Decision) Input { return Input{Op: OpLeave, Call: "c"} },
			"released c a abandoned; abandoned c abandoned; state a ready", "ready"},
		{"fence", func(o Decision) Input { return Input{Op: OpRedirected, Call: "c", Target: "cmna"} },
			"fenced c a answered_elsewhere; taken c redirected cmna; state a ready", "ready"},
		{"device down", func(o Decision) Input { return Input{Op: OpDeviceDown, Device: "dev-a"} },
			"rejected c a unreachable; state a ready", "ready"},
		{"log-out", func(o Decision) Input { return Input{Op: OpLogOut, Agent: "a"} },
			"rejected c a unreachable; state a logged_out", "logged_out"},
		{"another fence", func(o Decision) Input { return Input{Op: OpAccept, Offer: o.Offer - 1} },
			"stale accept", "reserved"},
		{"finish before accept", func(o Decision) Input { return Input{Op: OpFinish, Offer: o.Offer} },
			"stale c a finish", "reserved"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, one())
			b.ready("a")
			b.enter("c", "q")
			b.want("queued c; state c a reserved; offered c a")
			b.do(tt.in(b.offer()))
			b.want(tt.want)
			b.wantState("a", tt.state)
		})
	}
}

// After its end an offer is dead whatever comes.
func TestFencedOfferStaysDead(t *testing.T) {
	b := newBench(t, one())
	b.ready("a")
	b.enter("c", "q")
	o := b.offer()
	b.do(Input{Op: OpLeave, Call: "c"})
	for _, op := range []Op{OpRinging, OpAccept, OpReject, OpRelease, OpFinish} {
		b.do(Input{Op: op, Offer: o.Offer})
		b.want("stale " + string(op))
	}
	b.wantState("a", "ready")
}

func TestWrapUp(t *testing.T) {
	talk := func(t *testing.T) (*bench, cti.Fence) {
		b := newBench(t, one())
		b.ready("a")
		b.enter("c", "q")
		o := b.offer().Offer
		b.do(Input{Op: OpAccept, Offer: o})
		return b, o
	}
	t.Run("ends by its deadline", func(t *testing.T) {
		b, o := talk(t)
		b.do(Input{Op: OpFinish, Offer: o})
		b.want("finished c a; state c a wrap_up")
		if d := b.got[1].Deadline; !d.Equal(b.now.Add(DefaultWrapUp)) {
			t.Errorf("deadline %v", d)
		}
		b.wait(DefaultWrapUp - time.Millisecond)
		b.wantState("a", "wrap_up")
		b.wait(time.Millisecond)
		b.want("state a ready")
	})
	t.Run("ready ends it early", func(t *testing.T) {
		b, o := talk(t)
		b.do(Input{Op: OpFinish, Offer: o})
		b.do(Input{Op: OpReady, Agent: "a"})
		b.want("state a ready")
		b.wait(time.Second)
		b.wantState("a", "ready")
	})
	t.Run("pending pause comes after it", func(t *testing.T) {
		b, o := talk(t)
		b.do(Input{Op: OpNotReady, Agent: "a", Reason: "pausa"})
		b.want("pending c a not_ready pausa")
		b.do(Input{Op: OpFinish, Offer: o})
		b.wantState("a", "wrap_up")
		b.wait(DefaultWrapUp)
		b.wantState("a", "not_ready(pausa)")
	})
	t.Run("pending log-out skips it", func(t *testing.T) {
		b, o := talk(t)
		b.do(Input{Op: OpLogOut, Agent: "a"})
		b.do(Input{Op: OpFinish, Offer: o})
		b.wantState("a", "logged_out")
	})
	t.Run("finish twice", func(t *testing.T) {
		b, o := talk(t)
		b.do(Input{Op: OpFinish, Offer: o})
		b.do(Input{Op: OpFinish, Offer: o})
		b.want("stale finish")
	})
	t.Run("next caller waits for it", func(t *testing.T) {
		b, o := talk(t)
		b.do(Input{Op: OpFinish, Offer: o})
		b.enter("d", "q")
		b.want("queued d")
		b.do(Input{Op: OpReady, Agent: "a"})
		b.want("state a ready; state d a reserved; offered d a")
	})
}

func TestLongestIdle(t *testing.T) {
	b := newBench(t, two())
	b.ready("b", "a")
	b.enter("c1", "q")
	if got := b.offer().Agent; got != "b" {
		t.Fatalf("got %s, want b", got)
	}
	// A caller who leaves does not cost the agent its turn.
	b.do(Input{Op: OpLeave, Call: "c1"})
	b.enter("c2", "q")
	if got := b.offer().Agent; got != "b" {
		t.Fatalf("after release: got %s, want b", got)
	}
}

func TestOrderOfService(t *testing.T) {
	b := newBench(t, one())
	late := func(call cti.CallID, prio int, ago time.Duration) {
		b.do(Input{Op: OpEnter, Caller: &Caller{Call: call, Queue: "q", Priority: prio, Instant: t0.Add(-ago)}})
	}
	late("young", 0, 0)
	late("old", 0, time.Minute) // came over the network: entered it earlier
	late("urgent", 1, 0)
	late("twin", 0, 0)
	for i, want := range []cti.CallID{"urgent", "old", "young", "twin"} {
		if got := b.e.Position(want); got != i+1 {
			t.Errorf("position of %s: got %d, want %d", want, got, i+1)
		}
	}
	b.ready("a")
	for _, want := range []cti.CallID{"urgent", "old", "young", "twin"} {
		var o Decision
		for _, a := range b.e.agents {
			o = Decision{Call: a.call, Offer: a.offer}
		}
		if o.Call != want {
			t.Fatalf("got %s, want %s", o.Call, want)
		}
		b.do(Input{Op: OpLeave, Call: o.Call})
	}
}

func TestSkillsAndBackups(t *testing.T) {
	cfg := Config{
		Queues: []Queue{{ID: "q"}, {ID: "r"}},
		Agents: []Agent{
			{ID: "bot", Queues: []cti.QueueID{"q"}, Skills: []string{"fisco", "salute"}, Backup: true, Static: true, Contact: "sip:bot@h"},
			{ID: "f", Queues: []cti.QueueID{"q"}, Skills: []string{"fisco"}},
			{ID: "r", Queues: []cti.QueueID{"r"}, Skills: []string{"fisco", "salute"}},
		},
	}
	b := newBench(t, cfg)
	b.ready("f", "r")
	b.enter("c1", "q", "fisco")
	if got := b.offer(); got.Agent != "f" {
		t.Fatalf("a person who is Ready goes before a bot: got %s", got.Agent)
	}
	b.enter("c2", "q", "salute", "fisco")
	if got := b.offer(); got.Agent != "bot" || got.Contact != "sip:bot@h" || got.Device != "" {
		t.Fatalf("got %+v", got)
	}
	b.enter("c3", "q", "ambiente")
	b.want("queued c3")
	// The bot that nobody can press Ready for comes back by itself.
	b.do(Input{Op: OpReject, Offer: b.e.agentOf["bot"].offer, Cause: cti.CauseNoAnswer})
	b.wantState("bot", "not_ready(rona)")
	b.wait(DefaultRest)
	if got := b.offer(); got.Agent != "bot" || got.Call != "c2" {
		t.Fatalf("got %+v", got)
	}
}

func TestBackOffReturnsToTheCaller(t *testing.T) {
	b := newBench(t, one())
	b.ready("a")
	b.enter("c", "q")
	b.do(Input{Op: OpReject, Offer: b.offer().Offer, Cause: cti.CauseUnreachable})
	b.wait(DefaultBackOff)
	b.want("state c a reserved; offered c a")
}

func TestDevice(t *testing.T) {
	b := newBench(t, two())
	b.do(Input{Op: OpLogIn, Agent: "a", Device: "d1"})
	b.do(Input{Op: OpReady, Agent: "a"})
	b.enter("c", "q")
	b.want("queued c") // the device has no binding
	b.do(Input{Op: OpDeviceUp, Device: "d1"})
	b.want("state c a reserved; offered c a")
	b.do(Input{Op: OpLogIn, Agent: "b", Device: "d1"})
	b.want("refused b taken")
	b.do(Input{Op: OpSetDevice, Agent: "a", Device: "d2"})
	b.want("refused a state")
	b.do(Input{Op: OpLeave, Call: "c"})
	b.do(Input{Op: OpLogIn, Agent: "b", Device: "d1"})
	b.want("state a logged_out; state b not_ready login")
	b.do(Input{Op: OpLogIn, Agent: "nobody", Device: "d1"})
	b.want("refused nobody unknown")
}

func TestLease(t *testing.T) {
	b := newBench(t, one())
	b.ready("a")
	b.wait(DefaultLease - time.Second)
	b.do(Input{Op: OpAlive, Agent: "a"})
	b.wait(DefaultLease - time.Second)
	b.wantState("a", "ready")
	b.wait(time.Second)
	b.wantState("a", "not_ready(lease)")

	b.do(Input{Op: OpAlive, Agent: "a"})
	b.do(Input{Op: OpReady, Agent: "a"})
	b.enter("c", "q")
	o := b.offer().Offer
	b.do(Input{Op: OpAccept, Offer: o})
	b.wait(time.Hour) // the desk died, the conversation goes on
	b.wantState("a", "talking")
	b.do(Input{Op: OpFinish, Offer: o})
	b.wait(DefaultWrapUp)
	b.wantState("a", "not_ready(lease)")
}

func TestOverflow(t *testing.T) {
	cfg := one()
	cfg.Queues[0].Overflow = Overflow{After: 20 * time.Second, Retry: 10 * time.Second, Targets: []string{"napoli", "brindisi"}}
	t.Run("in turn, the caller stays", func(t *testing.T) {
		b := newBench(t, cfg)
		b.enter("c", "q")
		b.wait(20 * time.Second)
		b.want("spill c napoli")
		b.do(Input{Op: OpSpillEnded, Call: "c"})
		b.wait(10 * time.Second)
		b.want("spill c brindisi")
		b.do(Input{Op: OpRedirected, Call: "c", Target: "brindisi"})
		b.want("taken c redirected brindisi")
	})
	t.Run("an agent here wins", func(t *testing.T) {
		b := newBench(t, cfg)
		b.enter("c", "q")
		b.wait(20 * time.Second)
		b.ready("a")
		b.want("state a ready; unspill c napoli; state c a reserved; offered c a")
		b.do(Input{Op: OpSpillEnded, Call: "c"}) // too late, harmless
		b.do(Input{Op: OpReject, Offer: b.e.agentOf["a"].offer, Cause: cti.CauseNoAnswer})
		b.wait(10 * time.Second)
		b.want("spill c brindisi")
	})
	t.Run("due while an agent rings", func(t *testing.T) {
		b := newBench(t, cfg)
		b.ready("a")
		b.enter("c", "q")
		o := b.offer().Offer
		b.wait(20 * time.Second)
		b.want("")
		b.do(Input{Op: OpReject, Offer: o, Cause: cti.CauseNoAnswer})
		b.want("rejected c a no_answer; state a not_ready rona; spill c napoli")
	})
	t.Run("not what came from another office", func(t *testing.T) {
		b := newBench(t, cfg)
		b.do(Input{Op: OpEnter, Caller: &Caller{Call: "c", Queue: "q", Class: cti.ClassOverflow, Instant: t0}})
		b.wait(time.Hour)
		b.want("")
	})
}

func TestRefusals(t *testing.T) {
	cfg := one()
	cfg.Queues[0].Max = 1
	b := newBench(t, cfg)
	b.enter("c", "q")
	b.enter("c", "q")
	b.want("refused c twice")
	b.enter("d", "q")
	b.want("refused d full")
	b.enter("d", "nowhere")
	b.want("refused d unknown")
	for _, in := range []Input{{Op: OpReady, Agent: "a"}, {Op: OpNotReady, Agent: "a"}, {Op: OpSetDevice, Agent: "a"}} {
		b.do(in)
		b.want("refused a state")
	}
}

// Every input in every agent state: no panic, and the state is one of the seven.
// A desk that is back before the conversation ends takes nobody out of the
// queues; what the agent had asked for itself stays.
func TestDeskIsBackWhileTalking(t *testing.T) {
	for _, tt := range []struct {
		name, want string
		before     []Input
		back       bool
	}{
		{"away", "not_ready(lease)", nil, false},
		{"back", "ready", nil, true},
		{"asked for a pause", "not_ready(pausa)", []Input{{Op: OpNotReady, Agent: "a", Reason: "pausa"}}, true},
		{"asked for a pause, away", "not_ready(pausa)", []Input{{Op: OpNotReady, Agent: "a", Reason: "pausa"}}, false},
		{"logged out", "logged_out", []Input{{Op: OpLogOut, Agent: "a"}}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, one())
			b.ready("a")
			b.enter("c", "q")
			o := b.offer().Offer
			b.do(Input{Op: OpAccept, Offer: o})
			for _, in := range tt.before {
				b.do(in)
			}
			b.wait(2 * DefaultLease)
			if tt.back {
				b.do(Input{Op: OpAlive, Agent: "a"})
			}
			b.do(Input{Op: OpFinish, Offer: o})
			b.wait(DefaultWrapUp)
			b.wantState("a", tt.want)
		})
	}
}

// An agent who presses Ready without any other sign of life does not stay Ready
// for ever.
func TestReadyStartsTheLease(t *testing.T) {
	b := newBench(t, one())
	b.ready("a")
	b.wait(DefaultLease)
	b.wantState("a", "not_ready(lease)")
	b.do(Input{Op: OpReady, Agent: "a"})
	b.wantState("a", "ready")
	b.wait(DefaultLease)
	b.wantState("a", "not_ready(lease)")
}

// A desk that logs out and in again during a conversation is there after it.
func TestLogInAgainWhileTalking(t *testing.T) {
	b := newBench(t, one())
	b.ready("a")
	b.enter("c", "q")
	o := b.offer().Offer
	b.do(Input{Op: OpAccept, Offer: o})
	b.do(Input{Op: OpLogOut, Agent: "a"})
	b.do(Input{Op: OpLogIn, Agent: "a", Device: "dev-a"})
	b.do(Input{Op: OpFinish, Offer: o})
	b.wantState("a", "wrap_up")
	b.wait(DefaultWrapUp)
	b.wantState("a", "not_ready(login)")
}

func TestAgentStateTimesInput(t *testing.T) {
	enterState := map[string]func(b *bench){
		"logged_out": func(b *bench) {},
		"not_ready":  func(b *bench) { b.do(Input{Op: OpLogIn, Agent: "a", Device: "dev-a"}) },
		"ready":      func(b *bench) { b.ready("a") },
		"reserved":   func(b *bench) { b.ready("a"); b.enter("c", "q") },
		"ringing":    func(b *bench) { b.ready("a"); b.enter("c", "q"); b.do(Input{Op: OpRinging, Offer: b.offer().Offer}) },
		"talking":    func(b *bench) { b.ready("a"); b.enter("c", "q"); b.do(Input{Op: OpAccept, Offer: b.offer().Offer}) },
		"wrap_up": func(b *bench) {
			b.ready("a")
			b.enter("c", "q")
			o := b.offer().Offer
			b.do(Input{Op: OpAccept, Offer: o})
			b.do(Input{Op: OpFinish, Offer: o})
		},
		"reserved by a colleague": func(b *bench) { b.ready("a"); b.do(Input{Op: OpSeize, Device: "dev-a", Call: "c"}) },
		"talking to a colleague": func(b *bench) {
			b.ready("a")
			b.do(Input{Op: OpSeize, Device: "dev-a", Call: "c"})
			b.do(Input{Op: OpEngage, Device: "dev-a", Call: "c", Leg: "c/3"})
		},
	}
	ops := []Op{
		OpSeize, OpEngage, OpFree,
		OpTick, OpLeave, OpRedirected, OpSpillEnded, OpRinging, OpAccept, OpReject, OpRelease, OpFinish,
		OpLogIn, OpLogOut, OpReady, OpNotReady, OpSetDevice, OpAlive, OpDeviceUp, OpDeviceDown, "nonsense",
	}
	for name, reach := range enterState {
		for _, op := range ops {
			for _, cause := range []cti.Cause{"", cti.CauseNoAnswer} {
				b := newBench(t, one())
				reach(b)
				state, _, _ := strings.Cut(name, " ")
				b.wantState("a", strings.Replace(state, "not_ready", "not_ready(login)", 1))
				a := b.e.agentOf["a"]
				b.do(Input{Op: op, Agent: "a", Call: "c", Offer: a.offer, Cause: cause, Device: "dev-a"})
				if err := b.e.check(); err != nil {
					t.Fatalf("%s × %s: %v", name, op, err)
				}
				b.do(Input{Op: OpFree, Device: "dev-a", Call: "c"})
				if err := b.e.check(); err != nil || b.e.seized(a) {
					t.Fatalf("%s × %s × free: %v, seized %v", name, op, err, b.e.seized(a))
				}
			}
		}
	}
}

func TestValidate(t *testing.T) {
	bad := Config{
		Queues: []Queue{{ID: "q"}, {ID: "q"}, {ID: "", Max: -1}},
		Agents: []Agent{{ID: "a", Queues: []cti.QueueID{"x"}}, {ID: "a", Static: true}},
		Lease:  -1,
	}
	err := bad.Validate()
	for _, want := range []string{"queue \"q\": defined twice", "queue without an id", "max -1", "queue \"x\": not defined", "agent \"a\": defined twice", "static without", "lease"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in %v", want, err)
		}
	}
	if _, err := New(bad, t0); err == nil {
		t.Error("New must fail")
	}
}

func ExampleEngine_Apply() {
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	e, err := New(Config{
		Queues: []Queue{{ID: "urp"}},
		Agents: []Agent{{ID: "maria", Queues: []cti.QueueID{"urp"}, Static: true, Contact: "sip:maria@office"}},
	}, now)
	if err != nil {
		panic(err)
	}
	for _, d := range e.Apply(now, Input{Op: OpEnter, Caller: &Caller{Call: "c1", Queue: "urp", Instant: now}}) {
		fmt.Printf("%s call=%s agent=%s\n", d.Kind, d.Call, d.Agent)
	}
	// Output:
	// queued call=c1 agent=
	// state call=c1 agent=maria
	// offered call=c1 agent=maria
}
