package engine

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/lineaamica/la2/cti"
	"pgregory.net/rapid"
)

// A model follows inputs and decisions without looking inside the engine and
// checks fairness by brute force.
type model struct {
	cfg     Config
	callers map[cti.CallID]*Caller
	order   map[cti.CallID]int
	waiting map[cti.CallID]bool
	ringing map[cti.CallID]cti.AgentID
	state   map[cti.AgentID]cti.AgentState
	device  map[cti.AgentID]cti.DeviceID
	up      map[cti.DeviceID]bool
	idle    map[cti.AgentID]time.Time
	backOff map[cti.AgentID]time.Time
	done    map[cti.CallID]string
	seized  map[cti.DeviceID]map[cti.CallID]cti.LegID
}

func newModel(cfg Config) *model {
	m := &model{
		cfg: cfg.withDefaults(), callers: map[cti.CallID]*Caller{}, order: map[cti.CallID]int{},
		waiting: map[cti.CallID]bool{}, ringing: map[cti.CallID]cti.AgentID{},
		state: map[cti.AgentID]cti.AgentState{}, device: map[cti.AgentID]cti.DeviceID{},
		up: map[cti.DeviceID]bool{}, idle: map[cti.AgentID]time.Time{}, backOff: map[cti.AgentID]time.Time{},
		done: map[cti.CallID]string{}, seized: map[cti.DeviceID]map[cti.CallID]cti.LegID{},
	}
	for _, a := range m.cfg.Agents {
		m.state[a.ID] = cti.AgentLoggedOut
		if a.Static {
			m.state[a.ID], m.idle[a.ID], m.device[a.ID] = cti.AgentReady, t0, a.Device
		}
	}
	return m
}

func (m *model) follow(now time.Time, in Input, ds []Decision) error {
	switch in.Op {
	case OpDeviceUp:
		m.up[in.Device] = true
	case OpDeviceDown:
		m.up[in.Device] = false
	case OpReady:
		delete(m.backOff, in.Agent)
	case OpSeize, OpEngage, OpFree:
		m.station(in)
	case OpSetDevice, OpLogIn:
		if !slices.ContainsFunc(ds, func(d Decision) bool { return d.Kind == Refused }) && !engaged(m.state[in.Agent]) {
			m.device[in.Agent] = in.Device
		}
	}
	for _, d := range ds {
		if err := m.decision(now, in, d); err != nil {
			return fmt.Errorf("%w in %s", err, brief(ds))
		}
	}
	return nil
}

// station keeps which stations are in use past the queues.
func (m *model) station(in Input) {
	calls := m.seized[in.Device]
	leg, seized := calls[in.Call]
	switch {
	case in.Op == OpSeize && calls == nil:
		m.seized[in.Device] = map[cti.CallID]cti.LegID{in.Call: ""}
	case in.Op == OpSeize && !seized:
		calls[in.Call] = ""
	case in.Op == OpEngage && seized:
		calls[in.Call] = in.Leg
	case in.Op == OpFree && (in.Leg == "" || in.Leg == leg):
		delete(calls, in.Call)
	}
}

func engaged(s cti.AgentState) bool {
	return s == cti.AgentReserved || s == cti.AgentRinging || s == cti.AgentTalking
}

func (m *model) decision(now time.Time, in Input, d Decision) error {
	switch d.Kind {
	case Queued:
		c := *in.Caller
		m.callers[d.Call], m.waiting[d.Call], m.order[d.Call] = &c, true, len(m.order)
	case Offered:
		if err := m.fair(now, d); err != nil {
			return err
		}
		delete(m.waiting, d.Call)
		if by, twice := m.ringing[d.Call]; twice {
			return fmt.Errorf("%s is offered to %s and %s", d.Call, by, d.Agent)
		}
		m.ringing[d.Call] = d.Agent
	case Rejected:
		delete(m.ringing, d.Call)
		m.waiting[d.Call] = true
		if in.Op == OpReject && d.Cause != cti.CauseNoAnswer && d.Cause != cti.CauseRejected {
			m.backOff[d.Agent] = now.Add(m.cfg.BackOff)
		}
	case Accepted, Abandoned, Taken:
		if m.done[d.Call] != "" {
			return fmt.Errorf("%s ended twice: %s and %s", d.Call, m.done[d.Call], d.Kind)
		}
		m.done[d.Call] = string(d.Kind)
		delete(m.ringing, d.Call)
		delete(m.waiting, d.Call)
	case State:
		if d.State == cti.AgentReady && !(m.state[d.Agent] == cti.AgentReserved || m.state[d.Agent] == cti.AgentRinging) {
			m.idle[d.Agent] = now
		}
		if d.State != cti.AgentReady {
			delete(m.backOff, d.Agent)
		}
		if d.State == cti.AgentReserved && m.state[d.Agent] == cti.AgentNotReady {
			m.idle[d.Agent] = now
		}
		m.state[d.Agent] = d.State
	}
	return nil
}

func (m *model) agent(id cti.AgentID) Agent {
	i := slices.IndexFunc(m.cfg.Agents, func(a Agent) bool { return a.ID == id })
	return m.cfg.Agents[i]
}

func mayServe(a Agent, c *Caller) bool {
	if !slices.Contains(a.Queues, c.Queue) {
		return false
	}
	for _, s := range c.Skills {
		if !slices.Contains(a.Skills, s) {
			return false
		}
	}
	return true
}

// fair: nobody who waits would have had to be served before by this agent, and
// no other agent would have had to serve before this one.
func (m *model) fair(now time.Time, d Decision) error {
	a, c := m.agent(d.Agent), m.callers[d.Call]
	if a.Contact == "" && len(m.seized[m.device[a.ID]]) > 0 {
		return fmt.Errorf("%s is offered to %s, whose station is in use", c.Call, a.ID)
	}
	if !mayServe(a, c) {
		return fmt.Errorf("%s may not serve %s", a.ID, c.Call)
	}
	for id := range m.waiting {
		o := m.callers[id]
		if id == d.Call || !mayServe(a, o) || o.Priority < c.Priority {
			continue
		}
		if o.Priority > c.Priority || o.Instant.Before(c.Instant) ||
			(o.Instant.Equal(c.Instant) && m.order[id] < m.order[d.Call]) {
			return fmt.Errorf("%s overtakes %s at %s", d.Call, id, a.ID)
		}
	}
	for _, o := range m.cfg.Agents {
		if o.ID == a.ID || m.state[o.ID] != cti.AgentReady || !mayServe(o, c) || (o.Backup && !a.Backup) {
			continue
		}
		if o.Contact == "" && (!m.up[m.device[o.ID]] || len(m.seized[m.device[o.ID]]) > 0) || !m.backOff[o.ID].Before(now) {
			continue
		}
		better := m.idle[o.ID].Before(m.idle[a.ID]) || (m.idle[o.ID].Equal(m.idle[a.ID]) && o.ID < a.ID)
		if (a.Backup && !o.Backup) || better {
			return fmt.Errorf("%s got %s before %s", a.ID, d.Call, o.ID)
		}
	}
	return nil
}

// complete: nobody waits while an agent who may serve it could.
func (m *model) complete(e *Engine) error {
	for id := range m.waiting {
		for _, a := range e.agents {
			if e.eligible(a) && mayServe(a.Agent, m.callers[id]) {
				return fmt.Errorf("%s waits while %s is free", id, a.ID)
			}
		}
	}
	return nil
}

func historyConfig() Config {
	over := Overflow{After: 20 * time.Second, Retry: 15 * time.Second, Targets: []string{"cmna"}}
	cfg := Config{
		Queues: []Queue{{ID: "p", Overflow: over}, {ID: "q", WrapUp: -1}, {ID: "r", Max: 3}},
		Lease:  40 * time.Second,
	}
	skills := [][]string{{}, {"x"}, {"y"}, {"x", "y"}}
	queues := [][]cti.QueueID{{"p"}, {"p", "q"}, {"q", "r"}, {"p", "q", "r"}}
	for i := range 8 {
		id := cti.AgentID(fmt.Sprintf("a%d", i))
		a := Agent{ID: id, Queues: queues[i%4], Skills: skills[(i/2)%4], Backup: i == 3 || i == 6}
		if i > 5 {
			a.Static, a.Device = true, cti.DeviceID("d-"+id)
		}
		cfg.Agents = append(cfg.Agents, a)
	}
	return cfg
}

type step struct {
	now time.Time
	in  Input
	out []Decision
}

// drawInput makes an input that is possible or nearly so.
func drawInput(t *rapid.T, e *Engine, n int) Input {
	agent := rapid.SampledFrom(e.agents).Draw(t, "agent")
	device := cti.DeviceID("d-" + rapid.SampledFrom(e.agents).Draw(t, "device").ID)
	call := cti.CallID("none")
	var inside []cti.CallID
	for id := range e.callers {
		inside = append(inside, id)
	}
	slices.Sort(inside)
	if len(inside) > 0 {
		call = rapid.SampledFrom(inside).Draw(t, "call")
	}
	offer := agent.offer
	if rapid.IntRange(0, 9).Draw(t, "odd") == 0 {
		offer = cti.Fence(t0.UnixMilli()) + cti.Fence(rapid.IntRange(0, n+1).Draw(t, "fence"))
	}
	op := rapid.SampledFrom([]Op{
		OpEnter, OpEnter, OpEnter, OpEnter, OpEnter, OpLeave, OpRedirected, OpSpillEnded,
		OpRinging, OpAccept, OpAccept, OpAccept, OpReject, OpRelease, OpFinish, OpFinish, OpFinish,
		OpLogIn, OpLogIn, OpLogOut, OpReady, OpReady, OpReady, OpNotReady, OpSetDevice, OpAlive, OpAlive,
		OpDeviceUp, OpDeviceUp, OpDeviceUp, OpDeviceDown,
		OpSeize, OpSeize, OpEngage, OpEngage, OpFree, OpFree, OpFree,
	}).Draw(t, "op")
	in := Input{Op: op, Agent: agent.ID, Device: device, Call: call, Offer: offer}
	if op == OpSeize || op == OpEngage || op == OpFree {
		drawStation(t, e, &in)
	}
	if op == OpReject {
		in.Cause = rapid.SampledFrom([]cti.Cause{cti.CauseNoAnswer, cti.CauseRejected, cti.CauseUnreachable, cti.CauseBusy}).Draw(t, "cause")
	}
	if op == OpEnter {
		in.Caller = &Caller{
			Call:     cti.CallID(fmt.Sprintf("c%d", n)),
			Queue:    rapid.SampledFrom([]cti.QueueID{"p", "q", "r"}).Draw(t, "queue"),
			Skills:   rapid.SampledFrom([][]string{nil, {"x"}, {"y", "x"}}).Draw(t, "skills"),
			Priority: rapid.SampledFrom([]int{0, 0, 0, 1}).Draw(t, "priority"),
			Class:    rapid.SampledFrom([]cti.Class{"", cti.ClassOverflow}).Draw(t, "class"),
			Instant:  e.now.Add(-time.Duration(rapid.IntRange(0, 3).Draw(t, "ago")) * 10 * time.Second),
		}
	}
	return in
}

// drawStation makes in about a station: of a seizure mostly, or of a call that an
// agent has.
func drawStation(t *rapid.T, e *Engine, in *Input) {
	in.Call = cti.CallID(rapid.SampledFrom([]string{"z0", "z1"}).Draw(t, "desk call"))
	if busy := rapid.SampledFrom(e.agents).Draw(t, "transferor"); busy.call != "" {
		in.Call = busy.call
	}
	if len(e.seizures) > 0 && in.Op != OpSeize {
		z := rapid.SampledFrom(e.seizures).Draw(t, "seizure")
		in.Device, in.Call, in.Leg = z.device, z.call, z.leg
	}
	if in.Op == OpEngage || rapid.IntRange(0, 9).Draw(t, "odd leg") == 0 {
		in.Leg = cti.LegID(rapid.SampledFrom([]string{"z/2", "z/3"}).Draw(t, "leg"))
	}
}

func TestRandomHistories(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := historyConfig()
		e, err := New(cfg, t0)
		if err != nil {
			t.Fatal(err)
		}
		m, now := newModel(cfg), t0
		var past []step
		var twin *Engine // restored from a snapshot on the way
		apply := func(in Input) {
			out := slices.Clone(e.Apply(now, in))
			past = append(past, step{now, in, out})
			if err := m.follow(now, in, out); err != nil {
				t.Fatalf("%v: %v", in.Op, err)
			}
			if err := e.check(); err != nil {
				t.Fatalf("after %v %s: %v", in.Op, brief(out), err)
			}
			if err := m.complete(e); err != nil {
				t.Fatalf("after %v %s: %v", in.Op, brief(out), err)
			}
			if twin != nil {
				if again := twin.Apply(now, in); !reflect.DeepEqual(append([]Decision{}, again...), append([]Decision{}, out...)) {
					t.Fatalf("the restored engine decides %s, not %s", brief(again), brief(out))
				}
			}
		}
		steps := rapid.IntRange(20, 150).Draw(t, "steps")
		for n := range steps {
			end := now.Add(time.Duration(rapid.SampledFrom([]int{0, 1, 500, 3000, 30000}).Draw(t, "pause")) * time.Millisecond)
			for at := e.NextDeadline(); !at.IsZero() && !at.After(end); at = e.NextDeadline() {
				now = at
				apply(Input{Op: OpTick})
			}
			now = end
			apply(drawInput(t, e, n))
			if n == steps/2 {
				twin = throughJSON(t, cfg, e)
			}
		}
		if got, want := twin.Hash(), e.Hash(); got != want {
			t.Fatal("the restored engine has another state")
		}
		for id := range m.callers {
			if in := e.callers[id] != nil; in == (m.done[id] != "") {
				t.Fatalf("caller %s: inside %v, ended %q", id, in, m.done[id])
			}
		}
		replay(t, cfg, e, past)
	})
}

func throughJSON(t *rapid.T, cfg Config, e *Engine) *Engine {
	b, err := json.Marshal(e.Save())
	if err != nil {
		t.Fatal(err)
	}
	var s Saved
	if err := json.Unmarshal(b, &s); err != nil {
		t.Fatal(err)
	}
	twin, err := Restore(cfg, s)
	if err != nil {
		t.Fatal(err)
	}
	if err := twin.check(); err != nil {
		t.Fatalf("restored: %v", err)
	}
	return twin
}

// replay: the journalled inputs give the same decisions and the same state.
func replay(t *rapid.T, cfg Config, e *Engine, past []step) {
	r, err := New(cfg, t0)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range past {
		b, err := json.Marshal(s.in)
		if err != nil {
			t.Fatal(err)
		}
		var in Input
		if err := json.Unmarshal(b, &in); err != nil {
			t.Fatal(err)
		}
		if got := r.Apply(s.now, in); !reflect.DeepEqual(append([]Decision{}, got...), append([]Decision{}, s.out...)) {
			t.Fatalf("replay of input %d: got %s, want %s", i, brief(got), brief(s.out))
		}
	}
	if r.Hash() != e.Hash() {
		t.Fatal("replay ends in another state")
	}
}
