package server

import (
	"slices"
	"strings"

	"github.com/lineaamica/la2/cti"
)

// callEvent folds what happens to a call or its ticket into the calls of the
// agents who see it.
func (d *desk) callEvent(ev *cti.Event) {
	switch ev.Type {
	case cti.EvDelivered:
		switch a := d.at(ev.Device); {
		case ev.Agent != "":
			d.delivered(d.agent(ev.Agent), ev)
		case a != nil && ev.Trunk == "" && !a.knows(ev.Call):
			d.delivered(a, ev) // a colleague's transfer, past the queue
		}
	case cti.EvDiverted:
		if c := d.ringing(ev); c != nil {
			c.end(ev)
		}
	case cti.EvEstablished:
		if c := d.ringing(ev); c != nil && !callerLeg(ev.Leg) {
			c.answer(ev)
			if ev.Leg != "" {
				c.leg = ev.Leg
			}
		}
	case cti.EvHeld:
		d.move(ev, callHeld)
	case cti.EvRetrieved, cti.EvTransferFailed:
		d.move(ev, callTalking)
	case cti.EvTransferring:
		d.move(ev, callTransferring)
	case cti.EvConsulting:
		if c := d.talking(ev); c != nil {
			c.with = ev.Value
			c.enter(callConsulting, ev)
		}
	case cti.EvControllable:
		for _, c := range d.byCall[ev.Call] {
			if c.agent.device == ev.Device {
				c.phone = ev.Value
			}
		}
	case cti.EvTransferred:
		if c := d.talking(ev); c != nil {
			d.left(c, ev)
		}
	case cti.EvConnectionCleared:
		d.connectionCleared(ev)
	case cti.EvCallCleared:
		for _, c := range d.byCall[ev.Call] {
			d.left(c, ev)
		}
	case cti.EvTicketOpened, cti.EvTicketAttached:
		for _, c := range d.byCall[ev.Call] {
			d.learn(c, ev)
		}
	}
}

// offered begins the sight of a call that is being offered to a.
func (d *desk) offered(a *agentView, ev *cti.Event) *agentCall {
	for _, c := range a.calls {
		if c.call == ev.Call && !c.over {
			return c
		}
	}
	c := &agentCall{agent: a, call: ev.Call, state: callReserved, since: ev.At, queue: ev.Queue}
	d.look(c, &concern{from: ev.Seq, to: forever, call: ev.Call})
	d.learn(c, ev)
	a.calls = append(a.calls, c)
	d.byCall[ev.Call] = append(d.byCall[ev.Call], c)
	return c
}

// at is the agent who sits at a station, nil when nobody does.
func (d *desk) at(device cti.DeviceID) *agentView {
	if device == "" {
		return nil
	}
	for _, a := range d.agents {
		if a.device == device && a.state != cti.AgentLoggedOut {
			return a
		}
	}
	return nil
}

// knows tells whether the agent was told of the call already, by more than its
// reservation.
func (a *agentView) knows(call cti.CallID) bool {
	return slices.ContainsFunc(a.calls, func(c *agentCall) bool { return c.call == call && c.state != callReserved })
}

func (d *desk) delivered(a *agentView, ev *cti.Event) {
	reserved := slices.ContainsFunc(a.calls, func(c *agentCall) bool { return c.call == ev.Call && c.state == callReserved })
	c := d.offered(a, ev)
	d.learn(c, ev)
	if c.state == callReserved { // else the answer was faster
		c.enter(callRinging, ev)
		if ev.Agent != "" || a.state == cti.AgentReserved && reserved { // else the floor's word comes later, or not
			a.state, a.since, a.reason = cti.AgentRinging, ev.At, ""
		}
	}
	if ev.Leg != "" {
		c.leg = ev.Leg
	}
	if ev.Queue != "" {
		c.queue = ev.Queue
	}
	if r := d.calls.Open[ev.Call]; r != nil {
		c.info = cti.CallInfo{Caller: cti.Party{Number: r.Caller, Withheld: r.Withheld}, Dialled: r.Dialled,
			Service: r.Service, Topic: r.Topic, From: r.From, Class: r.Class}
	}
	if ev.Info != nil {
		c.info = *ev.Info
	}
	if ev.Service != "" {
		c.info.Service = ev.Service
	}
}

// busy is the floor's word that a talks; it may come before or after the
// switch's Established, and after the end.
func (d *desk) busy(a *agentView, ev *cti.Event) {
	for _, c := range a.calls {
		if c.call != ev.Call || c.state == callWrapUp {
			continue
		}
		if ev.Leg != "" {
			c.leg = ev.Leg
		}
		if c.state == callReserved || c.state == callRinging {
			c.answer(ev)
		}
	}
}

// ringing finds the call that ev diverts or answers: that of its agent, of its
// leg, or the only one that rings at its device. The switch does not name
// agents; a leg to a trunk is another office's.
func (d *desk) ringing(ev *cti.Event) *agentCall {
	var only *agentCall
	n := 0
	for _, c := range d.byCall[ev.Call] {
		if c.state != callRinging && c.state != callReserved || ev.Agent == "" && ev.Trunk != "" {
			continue
		}
		if ev.Agent == c.agent.id || ev.Agent == "" && ev.Leg != "" && ev.Leg == c.leg {
			return c
		}
		if ev.Device == "" || ev.Device == c.agent.device {
			only = c
			n++
		}
	}
	if n == 1 && ev.Agent == "" && (only.leg == "" || ev.Leg == "") {
		return only
	}
	return nil
}

// talking finds the call of the agent whose leg ev is about.
func (d *desk) talking(ev *cti.Event) *agentCall {
	var only *agentCall
	for _, c := range d.byCall[ev.Call] {
		if c.state != callTalking && c.state != callHeld && c.state != callTransferring && c.state != callConsulting {
			continue
		}
		if ev.Leg != "" && ev.Leg == c.leg || ev.Agent == c.agent.id {
			return c
		}
		if ev.Leg == "" || c.leg == "" {
			only = c
		}
	}
	return only
}

func (d *desk) move(ev *cti.Event, to callState) {
	if c := d.talking(ev); c != nil {
		c.enter(to, ev)
	}
}

func (d *desk) connectionCleared(ev *cti.Event) {
	if callerLeg(ev.Leg) {
		return
	}
	for _, c := range d.byCall[ev.Call] {
		if c.leg == "" && (c.state == callReserved || c.state == callRinging) {
			continue // the floor's offer: its Diverted comes and says why
		}
		if ev.Agent == c.agent.id || ev.Leg != "" && ev.Leg == c.leg || c.leg == "" && ev.Device != "" && ev.Device == c.agent.device {
			d.left(c, ev)
		}
	}
}

// left is a leg that went: what remains is the wrap-up, unless the agent is
// free already, or never answered.
func (d *desk) left(c *agentCall, ev *cti.Event) {
	switch c.state {
	case callReserved, callRinging:
		c.end(ev)
		return
	case callWrapUp:
		return
	}
	c.enter(callWrapUp, ev)
	if s := c.agent.state; s == cti.AgentReady || s == cti.AgentNotReady || s == cti.AgentLoggedOut {
		c.end(ev)
	}
}

func (c *agentCall) answer(ev *cti.Event) {
	c.enter(callTalking, ev)
	for _, o := range c.sight {
		o.answered = true
	}
}

func (c *agentCall) enter(s callState, ev *cti.Event) { c.state, c.since = s, ev.At }

// end makes ev the last event that the agent sees of the call.
func (c *agentCall) end(ev *cti.Event) {
	c.over = true
	for _, o := range c.sight {
		o.to = ev.Seq
	}
}

// learn notes the call's ticket, whose events its agent sees from ev on.
func (d *desk) learn(c *agentCall, ev *cti.Event) {
	if ev.Ticket == "" || ev.Ticket == c.ticket {
		return
	}
	c.ticket = ev.Ticket
	d.look(c, &concern{from: ev.Seq, to: forever, ticket: ev.Ticket, answered: c.state != callReserved && c.state != callRinging})
}

func (d *desk) look(c *agentCall, o *concern) {
	c.sight = append(c.sight, o)
	d.concernsOf(c.agent.id).add(o)
}

func callerLeg(l cti.LegID) bool { return strings.HasSuffix(string(l), "/1") }
