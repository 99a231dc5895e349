package engine

import "github.com/lineaamica/la2/cti"

// agentInput serves what agents do at their desks.
func (e *Engine) agentInput(in Input) {
	a := e.agentOf[in.Agent]
	if a == nil {
		e.refuse(in, RefusedUnknown)
		return
	}
	switch in.Op {
	case OpLogIn:
		e.logIn(a, in)
	case OpLogOut:
		e.logOut(a)
	case OpReady:
		e.pressReady(a, in)
		e.alive(a) // who presses a key lives: nobody is Ready without a lease
	case OpNotReady:
		e.pressNotReady(a, in)
		e.alive(a)
	case OpSetDevice:
		e.setDevice(a, in)
	case OpAlive:
		e.alive(a)
	default:
		e.refuse(in, RefusedUnknown)
	}
}

// logIn seats a; one who is engaged stays where it is, and stays logged in after
// the conversation if it had meant to leave.
func (e *Engine) logIn(a *agent, in Input) {
	if a.engaged() && a.pending == cti.AgentLoggedOut {
		e.pend(a, cti.AgentNotReady, ReasonLogin)
	}
	if !a.engaged() {
		moved := a.device != in.Device
		if !e.sit(a, in.Device) {
			e.refuse(in, RefusedTaken)
			return
		}
		reason := in.Reason
		if reason == "" {
			reason = ReasonLogin
		}
		switch a.state {
		case cti.AgentLoggedOut, cti.AgentNotReady:
			e.become(a, cti.AgentNotReady, reason)
		case cti.AgentReady, cti.AgentWrapUp:
			if moved {
				e.tell(a)
			}
			e.settle(a)
		}
	}
	e.alive(a)
}

// sit moves a to device; false when somebody works there. An idle holder of the
// device is logged out.
func (e *Engine) sit(a *agent, device cti.DeviceID) bool {
	if a.device == device {
		return true
	}
	if h := e.seats[device]; h != nil && device != "" {
		if h.engaged() || h.state == cti.AgentWrapUp {
			return false
		}
		e.off(h)
	}
	if e.seats[a.device] == a {
		delete(e.seats, a.device)
	}
	a.device = device
	if device != "" {
		e.seats[device] = a
	}
	return true
}

func (e *Engine) setDevice(a *agent, in Input) {
	if a.engaged() || a.state == cti.AgentLoggedOut {
		e.refuse(in, RefusedState)
		return
	}
	moved := a.device != in.Device
	if !e.sit(a, in.Device) {
		e.refuse(in, RefusedTaken)
		return
	}
	if moved {
		e.tell(a)
	}
	e.settle(a)
}

func (e *Engine) logOut(a *agent) {
	switch a.state {
	case cti.AgentLoggedOut:
	case cti.AgentTalking:
		e.pend(a, cti.AgentLoggedOut, "")
	case cti.AgentReserved, cti.AgentRinging:
		if a.seizure != nil {
			e.off(a)
			return
		}
		c := e.giveBack(a, cti.CauseUnreachable)
		e.off(a)
		e.place(c)
	default:
		e.off(a)
	}
}

func (e *Engine) pressReady(a *agent, in Input) {
	switch a.state {
	case cti.AgentLoggedOut:
		e.refuse(in, RefusedState)
	case cti.AgentReady:
		if a.clock.pos >= 0 { // the agent knows better than the back-off
			e.disarm(&a.clock)
			e.settle(a)
		}
	case cti.AgentNotReady, cti.AgentWrapUp:
		a.pending, a.because = "", ""
		e.ready(a)
	default:
		e.pend(a, cti.AgentReady, "")
	}
}

func (e *Engine) pressNotReady(a *agent, in Input) {
	switch a.state {
	case cti.AgentLoggedOut:
		e.refuse(in, RefusedState)
	case cti.AgentReady, cti.AgentNotReady:
		e.become(a, cti.AgentNotReady, in.Reason)
	default:
		e.pend(a, cti.AgentNotReady, in.Reason)
	}
}

func (e *Engine) deviceUp(d cti.DeviceID) {
	if d == "" || e.up[d] {
		return
	}
	e.up[d] = true
	if a := e.seats[d]; a != nil {
		e.settle(a)
	}
}

func (e *Engine) deviceDown(d cti.DeviceID) {
	if !e.up[d] {
		return
	}
	delete(e.up, d)
	a := e.seats[d]
	if a == nil || a.Contact != "" || a.seizure != nil { // the seizure ends by itself
		return
	}
	if a.state == cti.AgentReserved || a.state == cti.AgentRinging {
		c := e.giveBack(a, cti.CauseUnreachable)
		e.unreserve(a)
		e.place(c)
		return
	}
	e.settle(a)
}
