package server

import (
	"sync"
	"time"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/cti/cdr"
)

// A desk is what all screens of the node show, folded from the stream. It holds
// no agent's history, only the present.
type desk struct {
	now func() time.Time

	mu       sync.Mutex // guards all below
	pos      cti.Position
	live     bool // events are counted
	agents   map[cti.AgentID]*agentView
	concerns map[cti.AgentID]*concerns
	byCall   map[cti.CallID][]*agentCall
	calls    cdr.Tracker
	queues   map[cti.QueueID]*QueueStatus
	trunks   map[string]bool
	devices  map[cti.DeviceID]bool
	clients  map[*client]struct{}
	byAgent  map[cti.AgentID]map[*client]struct{}
	board    uint64 // grows when queues, devices or offices change
}

// An agentView is one agent now.
type agentView struct {
	id       cti.AgentID
	device   cti.DeviceID
	state    cti.AgentState
	reason   string
	since    time.Time
	deadline time.Time
	pending  cti.AgentState
	calls    []*agentCall
	seat     *concern
}

// callState of a call as its agent sees it; reserved is not shown yet.
type callState string

const (
	callReserved     callState = "reserved"
	callRinging      callState = "ringing"
	callTalking      callState = "talking"
	callHeld         callState = "held"
	callTransferring callState = "transferring"
	callConsulting   callState = "consulting"
	callWrapUp       callState = "wrap_up"
)

// An agentCall is a call that was offered to an agent and has not left it.
type agentCall struct {
	agent  *agentView
	call   cti.CallID
	leg    cti.LegID
	state  callState
	since  time.Time
	queue  cti.QueueID
	info   cti.CallInfo
	ticket cti.TicketID
	with   string     // of a consultation: target, caller
	phone  string     // what its telephone may be told: talk, hold
	sight  []*concern // of the call and its tickets; they end together
	over   bool
}

func newDesk(cfg *Config) *desk {
	d := &desk{now: cfg.Now, agents: map[cti.AgentID]*agentView{}, concerns: map[cti.AgentID]*concerns{},
		byCall: map[cti.CallID][]*agentCall{}, queues: map[cti.QueueID]*QueueStatus{}, trunks: map[string]bool{},
		devices: map[cti.DeviceID]bool{}, clients: map[*client]struct{}{}, byAgent: map[cti.AgentID]map[*client]struct{}{}}
	for _, q := range cfg.Queues {
		d.queue(q)
	}
	for _, t := range cfg.Trunks {
		d.trunks[t] = false
	}
	return d
}

// apply folds ev and pushes it to the clients it concerns.
func (d *desk) apply(ev cti.Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.pos = cti.Position{Epoch: ev.Epoch, Seq: ev.Seq}
	k := kindOf(ev.Type)
	switch {
	case k == kindAgent && ev.Agent != "":
		d.agentEvent(&ev)
	case k == kindCall, k == kindTicket:
		d.callEvent(&ev)
	case k == kindDevice:
		d.devices[ev.Device] = ev.Type == cti.EvDeviceUp
		d.board++
	case ev.Type == cti.EvNodeStarted:
		d.restart(&ev)
	case ev.Type == cti.EvTrunkUp, ev.Type == cti.EvTrunkDown:
		d.trunks[ev.Trunk] = ev.Type == cti.EvTrunkUp
		d.board++
	}
	d.count(&ev)
	if k != kindPrivate {
		d.push(&ev)
	}
	d.forget(&ev)
}

// restart: what lived in the memory of the last run is gone; who and what is
// there now says so itself.
func (d *desk) restart(ev *cti.Event) {
	for _, a := range d.agents {
		a.state, a.reason, a.deadline, a.pending = cti.AgentLoggedOut, "", time.Time{}, ""
		for _, c := range a.calls {
			c.state = callWrapUp
		}
		d.release(a, ev)
		a.calls = nil
	}
	clear(d.byCall)
	clear(d.devices)
	for t := range d.trunks {
		d.trunks[t] = false
	}
	d.board++
}

// push hands ev to the clients that may see it.
func (d *desk) push(ev *cti.Event) {
	for a, clients := range d.byAgent {
		if !visible(a, d.concerns[a], ev) {
			continue
		}
		for c := range clients {
			c.offer(*ev)
		}
	}
}

func (d *desk) agentEvent(ev *cti.Event) {
	a := d.agent(ev.Agent)
	enter := func(s cti.AgentState) {
		if s != a.state {
			a.since = ev.At // a repeated state only tells what is pending
		}
		a.state, a.reason, a.deadline, a.pending = s, ev.Reason, ev.Deadline, ""
	}
	d.board++
	switch ev.Type {
	case cti.EvAgentLoggedOn:
		enter(cti.AgentNotReady)
	case cti.EvAgentLoggedOff:
		enter(cti.AgentLoggedOut)
	case cti.EvAgentReady:
		enter(cti.AgentReady)
	case cti.EvAgentNotReady:
		enter(cti.AgentNotReady)
	case cti.EvAgentReserved:
		enter(cti.AgentReserved)
		if ev.Call != "" && d.offered(a, ev).state == callRinging {
			a.state = cti.AgentRinging // the switch was faster than the floor
		}
	case cti.EvAgentBusy:
		enter(cti.AgentTalking)
		a.pending = cti.AgentState(ev.Value)
		d.busy(a, ev)
	case cti.EvAgentWorkingAfterCall:
		enter(cti.AgentWrapUp)
		a.pending = cti.AgentState(ev.Value)
	}
	if ev.Device != "" && ev.Device != a.device {
		d.sit(a, ev)
	}
	if a.state == cti.AgentReady || a.state == cti.AgentNotReady || a.state == cti.AgentLoggedOut {
		d.release(a, ev)
	}
}

// sit notes the device of an agent and lets it see that device go up and down.
func (d *desk) sit(a *agentView, ev *cti.Event) {
	if a.seat != nil {
		a.seat.to = ev.Seq
	}
	a.device = ev.Device
	a.seat = &concern{from: ev.Seq, to: forever, device: ev.Device}
	d.concernsOf(a.id).add(a.seat)
}

// release ends what an agent that is free again sees. A call that it still
// talks on (the events crossed) ends with its leg.
func (d *desk) release(a *agentView, ev *cti.Event) {
	for _, c := range a.calls {
		if c.state == callReserved || c.state == callRinging || c.state == callWrapUp {
			c.end(ev)
		}
	}
	if a.state == cti.AgentLoggedOut && a.seat != nil {
		a.seat.to = ev.Seq
		a.seat, a.device = nil, ""
	}
}

// forget drops the calls whose sight ended with ev.
func (d *desk) forget(ev *cti.Event) {
	var over []*agentCall
	if a := d.agents[ev.Agent]; a != nil {
		over = append(over, a.calls...)
	}
	over = append(over, d.byCall[ev.Call]...)
	for _, c := range over {
		if !c.over {
			continue
		}
		c.agent.calls = without(c.agent.calls, c)
		if d.byCall[c.call] = without(d.byCall[c.call], c); len(d.byCall[c.call]) == 0 {
			delete(d.byCall, c.call)
		}
	}
}

func without(list []*agentCall, c *agentCall) []*agentCall {
	kept := list[:0]
	for _, x := range list {
		if x != c {
			kept = append(kept, x)
		}
	}
	return kept
}

func (d *desk) agent(id cti.AgentID) *agentView {
	a := d.agents[id]
	if a == nil {
		a = &agentView{id: id, state: cti.AgentLoggedOut}
		d.agents[id] = a
	}
	return a
}

func (d *desk) concernsOf(id cti.AgentID) *concerns {
	cs := d.concerns[id]
	if cs == nil {
		cs = newConcerns()
		d.concerns[id] = cs
	}
	return cs
}

func (d *desk) queue(id cti.QueueID) *QueueStatus {
	q := d.queues[id]
	if q == nil {
		q = &QueueStatus{Queue: id}
		d.queues[id] = q
	}
	return q
}

// count keeps the queue totals; those of events before the start are not counted.
func (d *desk) count(ev *cti.Event) {
	r, ended := d.calls.Apply(*ev)
	if r == nil {
		return
	}
	d.board++
	if ev.Type == cti.EvQueued {
		if q, since, ok := r.Waiting(); ok && since.Equal(ev.At) && d.live {
			d.queue(q).Offered++
		}
	}
	for _, s := range ended {
		if s.Kind != cdr.KindQueue || !d.live {
			continue
		}
		switch q := d.queue(s.Queue); s.Outcome {
		case cdr.Answered:
			q.Answered++
		case cdr.Redirected:
			q.Redirected++
		default:
			q.Abandoned++
		}
	}
}
