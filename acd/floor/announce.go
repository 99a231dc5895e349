package floor

import (
	"github.com/lineaamica/la2/acd/engine"
	"github.com/lineaamica/la2/cti"
)

// announce writes the event with the CSTA name that d means, if it has one.
func (h *herald) announce(b batch, d engine.Decision) {
	ev := cti.Event{
		Call: d.Call, Agent: d.Agent, Device: d.Device, Queue: d.Queue, Offer: d.Offer, Ticket: d.Ticket, Cause: d.Cause,
	}
	switch d.Kind {
	case engine.Queued:
		ev.Type = cti.EvQueued
		if b.place != nil {
			ev.Info, ev.Instant = b.place.info, b.place.instant
			if ev.Info != nil {
				ev.Service = ev.Info.Service
			}
		}
	case engine.Rang:
		ev.Type = cti.EvDelivered
		ev.Info = h.info(d)
	case engine.Rejected, engine.Released, engine.Fenced:
		ev.Type = cti.EvDiverted
	case engine.Taken:
		ev.Type, ev.Target = cti.EvRedirected, d.Target
	case engine.State:
		h.announceState(b, d)
		return
	case engine.Pending:
		h.announcePending(b, d)
		return
	default:
		return
	}
	h.event(b.now, ev)
}

// info is what Delivered tells about the caller.
func (h *herald) info(d engine.Decision) *cti.CallInfo {
	var info cti.CallInfo
	if p := h.places[d.Call]; p != nil && p.info != nil {
		info = *p.info
	}
	info.WaitMS = d.WaitMS
	return &info
}

func (h *herald) announceState(b batch, d engine.Decision) {
	a := h.desk(d.Agent)
	before := a.state
	a.state = d.State
	ev := cti.Event{
		Agent: d.Agent, Device: d.Device, Call: d.Call, Queue: d.Queue, Offer: d.Offer, Ticket: d.Ticket,
		Reason: d.Reason, Deadline: d.Deadline,
	}
	if before == cti.AgentLoggedOut && d.State != cti.AgentLoggedOut {
		h.event(b.now, cti.Event{Type: cti.EvAgentLoggedOn, Agent: d.Agent, Device: d.Device})
	}
	switch d.State {
	case cti.AgentLoggedOut:
		ev.Type = cti.EvAgentLoggedOff
	case cti.AgentNotReady:
		ev.Type = cti.EvAgentNotReady
	case cti.AgentReady:
		ev.Type = cti.EvAgentReady
	case cti.AgentReserved:
		ev.Type = cti.EvAgentReserved
	case cti.AgentTalking:
		ev.Type, ev.Leg = cti.EvAgentBusy, b.leg
		ev.Value = string(a.pending)
	case cti.AgentWrapUp:
		ev.Type = cti.EvAgentWorkingAfterCall
		ev.Value = string(a.pending)
	case cti.AgentRinging: // Delivered says so
		return
	}
	if d.State == cti.AgentReady || d.State == cti.AgentNotReady || d.State == cti.AgentLoggedOut {
		a.pending = ""
	}
	h.event(b.now, ev)
}

// announcePending repeats the state with the pending one in Value.
func (h *herald) announcePending(b batch, d engine.Decision) {
	a := h.desk(d.Agent)
	a.pending = d.State
	ev := cti.Event{
		Agent: d.Agent, Device: d.Device, Call: d.Call, Offer: d.Offer, Ticket: d.Ticket,
		Value: string(d.State), Reason: d.Reason, Deadline: d.Deadline,
	}
	switch a.state {
	case cti.AgentTalking:
		ev.Type = cti.EvAgentBusy
	case cti.AgentWrapUp:
		ev.Type = cti.EvAgentWorkingAfterCall
	default:
		return
	}
	h.event(b.now, ev)
}

func (h *herald) desk(id cti.AgentID) *desk {
	a := h.agents[id]
	if a == nil {
		a = &desk{state: cti.AgentLoggedOut}
		h.agents[id] = a
	}
	return a
}
