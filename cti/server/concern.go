package server

import (
	"slices"

	"github.com/lineaamica/la2/cti"
)

// Who may see what. A concern says that an agent sees the events of a call (and
// of its ticket), or of a device, between two numbers of the stream. Concerns
// are folded from the stream, so a client that resumes reads exactly what it
// would have read live.

// forever is the end of a concern that has not ended.
const forever = ^uint64(0)

// concernsKept bounds the concerns remembered per agent; an agent that resumes
// from before them gets a snapshot. 8000 are some weeks of work.
const concernsKept = 8000

// A concern lets an agent see the events of one call, one ticket or one device.
type concern struct {
	from, to uint64 // numbers of the first and last event, inclusive
	call     cti.CallID
	ticket   cti.TicketID // its events that belong to no call
	device   cti.DeviceID
	answered bool // the agent spoke; of a ticket
}

// concerns are those of one agent.
type concerns struct {
	order   []*concern // by from
	calls   map[cti.CallID][]*concern
	tickets map[cti.TicketID][]*concern
	seats   []*concern
	// floor is the number of the first event that nothing was forgotten about.
	floor uint64
}

func newConcerns() *concerns {
	return &concerns{calls: map[cti.CallID][]*concern{}, tickets: map[cti.TicketID][]*concern{}}
}

func (cs *concerns) add(c *concern) {
	cs.order = append(cs.order, c)
	switch {
	case c.call != "":
		cs.calls[c.call] = append(cs.calls[c.call], c)
	case c.ticket != "":
		cs.tickets[c.ticket] = append(cs.tickets[c.ticket], c)
	default:
		cs.seats = append(cs.seats, c)
	}
	if len(cs.order) > concernsKept {
		cs.prune()
	}
}

// prune forgets the oldest quarter, except what still lasts.
func (cs *concerns) prune() {
	old := cs.order[:concernsKept/4]
	kept := newConcerns()
	kept.floor = cs.floor
	for _, c := range old {
		if c.to == forever {
			kept.add(c)
			continue
		}
		kept.floor = max(kept.floor, c.to+1)
	}
	for _, c := range cs.order[concernsKept/4:] {
		kept.add(c)
	}
	*cs = *kept
}

// cover tells whether a concern of the agent covers ev.
func (cs *concerns) cover(ev *cti.Event) bool {
	among := cs.calls[ev.Call]
	switch {
	case ev.Type == cti.EvDeviceUp || ev.Type == cti.EvDeviceDown:
		among = cs.seats
	case ev.Call == "":
		among = cs.tickets[ev.Ticket]
	}
	for _, c := range slices.Backward(among) {
		if c.from <= ev.Seq && ev.Seq <= c.to && (c.device == "" || c.device == ev.Device) {
			return true
		}
	}
	return false
}

// kind sorts event types by who may see them.
type kind uint8

const (
	kindPrivate kind = iota // never pushed
	kindCall                // to agents concerned with the call
	kindAgent               // to that agent
	kindTicket
	kindDevice
)

func kindOf(t cti.EventType) kind {
	switch t {
	case cti.EvOffered, cti.EvQueued, cti.EvDelivered, cti.EvEstablished, cti.EvHeld, cti.EvRetrieved, cti.EvDiverted,
		cti.EvTransferring, cti.EvConsulting, cti.EvControllable, cti.EvTransferred, cti.EvTransferFailed, cti.EvConnectionCleared, cti.EvCallCleared,
		cti.EvAnswered, cti.EvStage, cti.EvChoice, cti.EvRedirected, cti.EvEmergency:
		return kindCall
	case cti.EvAgentLoggedOn, cti.EvAgentLoggedOff, cti.EvAgentReady, cti.EvAgentNotReady, cti.EvAgentReserved,
		cti.EvAgentBusy, cti.EvAgentWorkingAfterCall:
		return kindAgent
	case cti.EvTicketOpened, cti.EvTicketAttached, cti.EvTicketUpdated:
		return kindTicket
	case cti.EvDeviceUp, cti.EvDeviceDown:
		return kindDevice
	}
	return kindPrivate
}

// visible tells whether agent a, with concerns cs, may see ev.
func visible(a cti.AgentID, cs *concerns, ev *cti.Event) bool {
	switch kindOf(ev.Type) {
	case kindAgent:
		return ev.Agent == a
	case kindCall, kindTicket, kindDevice:
		return cs != nil && cs.cover(ev)
	}
	return false
}

// redact is ev as agent a sees it: colleagues stay unnamed.
func redact(a cti.AgentID, ev cti.Event) cti.Event {
	ev.Raw = nil
	if ev.Agent != "" && ev.Agent != a {
		ev.Agent, ev.Device, ev.Offer = "colleague", "", 0
	}
	return ev
}
