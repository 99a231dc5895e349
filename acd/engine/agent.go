package engine

import (
	"time"

	"github.com/lineaamica/la2/cti"
)

// Reasons of NotReady that the engine gives by itself.
const (
	ReasonLogin   = "login"
	ReasonRONA    = "rona"
	ReasonLease   = "lease"
	ReasonRestart = "restart"
)

// An agent; see cti.AgentState for its states.
type agent struct {
	Agent
	ord  int
	team *team
	pos  int // in team.ready, -1 outside

	state   cti.AgentState
	reason  string
	since   time.Time
	idle    time.Time // since when without work, for longest idle
	pending cti.AgentState
	because string // reason of pending
	device  cti.DeviceID
	clock   timer // end of wrap-up, rest or, while Ready, back-off
	lease   timer

	// Of the offer, seizure, conversation or wrap-up.
	offer   cti.Fence
	call    cti.CallID
	ticket  cti.TicketID
	queue   *queue
	caller  *caller  // while the offer is live
	seizure *seizure // instead of an offer, while Reserved and Talking
	rang    bool
}

func (a *agent) index() *int { return &a.pos }

// before: longest idle first.
func (a *agent) before(o *agent) bool {
	if c := a.idle.Compare(o.idle); c != 0 {
		return c < 0
	}
	return a.ord < o.ord
}

// unattended agents have no desk where somebody could classify or press Ready.
func (a *agent) unattended() bool { return a.Static || a.Backup }

func (a *agent) engaged() bool {
	return a.state == cti.AgentReserved || a.state == cti.AgentRinging || a.state == cti.AgentTalking
}

func (a *agent) forgetCall() {
	a.caller, a.seizure, a.call, a.queue, a.offer, a.ticket, a.rang = nil, nil, "", nil, 0, "", false
}

// eligible: a may be offered a caller now.
func (e *Engine) eligible(a *agent) bool {
	return a.state == cti.AgentReady && a.clock.pos < 0 && (a.Contact != "" || e.up[a.device]) && !e.seized(a)
}

// become enters state without a deadline.
func (e *Engine) become(a *agent, s cti.AgentState, reason string) {
	e.disarm(&a.clock)
	e.enterState(a, s, reason)
}

// becomeUntil enters state until at.
func (e *Engine) becomeUntil(a *agent, s cti.AgentState, reason string, at time.Time) {
	e.arm(&a.clock, at)
	e.enterState(a, s, reason)
}

func (e *Engine) enterState(a *agent, s cti.AgentState, reason string) {
	a.state, a.reason, a.since = s, reason, e.now
	if !a.engaged() && s != cti.AgentWrapUp {
		a.forgetCall()
	}
	if a.pos >= 0 && s != cti.AgentReady {
		a.team.ready.remove(a)
	}
	e.tell(a)
}

// tell decides State as it is: a changed, or moved to another device.
func (e *Engine) tell(a *agent) {
	d := Decision{
		Kind: State, Agent: a.ID, State: a.state, Reason: a.reason, Device: a.device,
		Call: a.call, Offer: a.offer, Ticket: a.ticket, Deadline: a.clock.at,
	}
	if a.queue != nil {
		d.Queue = a.queue.ID
	}
	e.decide(d)
}

// next ends what a does: its pending state, or Ready.
func (e *Engine) next(a *agent) {
	state, reason := a.pending, a.because
	a.pending, a.because = "", ""
	switch state {
	case cti.AgentLoggedOut:
		e.off(a)
	case cti.AgentNotReady:
		e.become(a, cti.AgentNotReady, reason)
	default:
		e.ready(a)
	}
}

// ready makes a Ready with a new idle time.
func (e *Engine) ready(a *agent) {
	a.idle = e.now
	e.become(a, cti.AgentReady, "")
	e.settle(a)
}

func (e *Engine) off(a *agent) {
	e.become(a, cti.AgentLoggedOut, "")
	e.disarm(&a.lease)
	a.pending, a.because = "", ""
	if e.seats[a.device] == a {
		delete(e.seats, a.device)
	}
	a.device = ""
}

func (e *Engine) pend(a *agent, s cti.AgentState, reason string) {
	if a.pending == s && a.because == reason {
		return
	}
	a.pending, a.because = s, reason
	e.decide(Decision{Kind: Pending, Agent: a.ID, Device: a.device, State: s, Reason: reason, Call: a.call, Offer: a.offer, Ticket: a.ticket, Deadline: a.clock.at})
}

// stateOver is the end of wrap-up, rest or back-off.
func (e *Engine) stateOver(a *agent) {
	if a.state == cti.AgentReady {
		e.settle(a)
		return
	}
	e.next(a)
}

// leaseOver: the desk gave no sign of life. A conversation goes on; what the agent
// itself asked for after it stays.
func (e *Engine) leaseOver(a *agent) {
	switch a.state {
	case cti.AgentReady:
		e.become(a, cti.AgentNotReady, ReasonLease)
	case cti.AgentLoggedOut, cti.AgentNotReady:
	default:
		if a.pending != cti.AgentLoggedOut && a.pending != cti.AgentNotReady {
			e.pend(a, cti.AgentNotReady, ReasonLease)
		}
	}
}

// alive renews the lease. A desk that is back before the conversation or wrap-up
// ends (a page read again, a network that was gone) takes nobody out of the queues.
func (e *Engine) alive(a *agent) {
	if a.pending == cti.AgentNotReady && a.because == ReasonLease {
		e.pend(a, "", "")
	}
	if !a.unattended() && a.state != cti.AgentLoggedOut {
		e.arm(&a.lease, e.now.Add(e.cfg.Lease))
	}
}
