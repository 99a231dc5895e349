package floor

import (
	"context"
	"encoding/json"
	"time"

	"github.com/lineaamica/la2/acd/engine"
	"github.com/lineaamica/la2/cti"
)

// A herald tells the world what the engine decided, in order: the journal, the
// stream, the scripts. It alone waits for the disk.
type herald struct {
	f *Floor

	// Owned by run.

	places map[cti.CallID]*Place // callers in a queue
	offers map[cti.Fence]*Offer  // live ones that were given out or will be
	agents map[cti.AgentID]*desk
	up     map[cti.DeviceID]bool
	events []cti.Event // of the batches at hand
	marks  []mark      // who waits for a position
	given  []given     // updates that wait for the record of the offers
}

// A desk is what the herald remembers of an agent between decisions.
type desk struct {
	state   cti.AgentState
	pending cti.AgentState
}

type mark struct {
	after int // index of the last event
	done  chan cti.Position
}

type given struct {
	place *Place
	Update
}

func newHerald(f *Floor) *herald {
	return &herald{
		f: f, places: map[cti.CallID]*Place{}, offers: map[cti.Fence]*Offer{},
		agents: map[cti.AgentID]*desk{}, up: map[cti.DeviceID]bool{},
	}
}

// run ends when the mailbox is closed and empty.
func (h *herald) run() {
	for {
		batches, more := h.f.news.take()
		if !more {
			return
		}
		h.events, h.marks, h.given = h.events[:0], h.marks[:0], h.given[:0]
		durable := -1 // index of the last event that must be on disk first
		for _, b := range batches {
			if n := h.write(b); n >= 0 {
				durable = n
			}
		}
		h.tell(durable)
	}
}

// write appends the events of b and returns the index of its last offer, or -1.
func (h *herald) write(b batch) int {
	if b.first != nil {
		h.writeStart(b)
		return -1
	}
	if b.in.Op == engine.OpDeviceUp || b.in.Op == engine.OpDeviceDown {
		h.writeDevice(b)
	}
	h.event(b.now, cti.Event{Type: cti.EvEngineInput, Call: b.in.Call, Agent: b.in.Agent, Raw: raw(Record{Now: b.now, Input: &b.in})})
	if b.place != nil && queued(b.out) {
		h.places[b.place.call] = b.place
	}
	durable := -1
	for _, d := range b.out {
		h.event(b.now, cti.Event{
			Type: cti.EvEngineDecision, Call: d.Call, Agent: d.Agent, Queue: d.Queue, Offer: d.Offer,
			Raw: raw(Record{Now: b.now, Decision: &d}),
		})
		if d.Kind == engine.Offered {
			durable = len(h.events) - 1
		}
		h.announce(b, d)
		h.follow(d)
	}
	if b.done != nil {
		h.marks = append(h.marks, mark{after: len(h.events) - 1, done: b.done})
	}
	return durable
}

func queued(out []engine.Decision) bool {
	for _, d := range out {
		if d.Kind == engine.Queued {
			return true
		}
	}
	return false
}

// writeStart journals the state that the engine starts from, and the agents
// who are there from the start.
func (h *herald) writeStart(b batch) {
	h.event(b.start.Now, cti.Event{Type: cti.EvEngineInput, Raw: raw(Record{Now: b.start.Now, Start: &b.start})})
	for _, a := range b.first {
		h.agents[a.ID] = &desk{state: a.State}
		if a.State != cti.AgentReady {
			continue
		}
		h.event(b.start.Now, cti.Event{Type: cti.EvAgentLoggedOn, Agent: a.ID, Device: a.Device})
		h.event(b.start.Now, cti.Event{Type: cti.EvAgentReady, Agent: a.ID, Device: a.Device})
	}
}

func (h *herald) writeDevice(b batch) {
	up := b.in.Op == engine.OpDeviceUp
	if h.up[b.in.Device] == up {
		return
	}
	h.up[b.in.Device] = up
	t := cti.EvDeviceDown
	if up {
		t = cti.EvDeviceUp
	}
	h.event(b.now, cti.Event{Type: t, Device: b.in.Device})
}

// follow keeps places and offers, and notes what scripts are to be told.
func (h *herald) follow(d engine.Decision) {
	switch d.Kind {
	case engine.Offered:
		o := &Offer{
			Fence: d.Offer, Call: d.Call, Agent: d.Agent, Device: d.Device, Contact: d.Contact, Queue: d.Queue,
			f: h.f, gone: make(chan struct{}),
		}
		h.offers[d.Offer] = o
		h.given = append(h.given, given{h.places[d.Call], Update{Offer: o}})
	case engine.Rejected, engine.Released, engine.Fenced:
		if o := h.offers[d.Offer]; o != nil {
			close(o.gone)
			delete(h.offers, d.Offer)
		}
	case engine.Spill:
		h.given = append(h.given, given{h.places[d.Call], Update{Spill: d.Target}})
	case engine.Accepted:
		delete(h.offers, d.Offer)
		delete(h.places, d.Call)
	case engine.Abandoned, engine.Taken:
		delete(h.places, d.Call)
	default:
	}
}

func (h *herald) event(at time.Time, ev cti.Event) {
	ev.At = at
	h.events = append(h.events, ev)
}

// tell publishes the events, waiting for the disk at the last offer among them,
// and then tells the scripts. One commit serves all offers at hand.
func (h *herald) tell(durable int) {
	var at cti.Position
	marks := h.marks
	failed := false
	for i, ev := range h.events {
		if i == durable {
			failed = !h.commit(ev)
			h.give(failed)
		} else {
			at = h.f.log.Publish(ev)
		}
		for len(marks) > 0 && marks[0].after == i {
			marks[0].done <- at
			marks = marks[1:]
		}
	}
	if durable < 0 {
		h.give(false)
	}
}

func (h *herald) commit(ev cti.Event) bool {
	ctx, cancel := context.WithTimeout(context.Background(), h.f.cfg.CommitTimeout)
	defer cancel()
	if err := h.f.log.Commit(ctx, ev); err != nil {
		h.f.cfg.Logger.Error("agent offers not journalled", "updates", len(h.given), "error", err)
		return false
	}
	return true
}

// give hands the updates to their scripts, in order; offers that have ended in
// the meantime are left out, those without a record given up.
func (h *herald) give(failed bool) {
	for _, g := range h.given {
		o := g.Offer
		switch {
		case g.place == nil:
		case o == nil:
			g.place.put(g.Update)
		case h.offers[o.Fence] != o:
		case failed:
			o.Reject(cti.CauseFailed)
		default:
			g.place.put(g.Update)
		}
	}
}

// A Record is what Raw of EngineInput and EngineDecision holds. Replaying the
// inputs after a Start on the same engine version gives the same decisions.
type Record struct {
	Now      time.Time        `json:"now"`
	Start    *engine.Saved    `json:"start,omitempty"`
	Input    *engine.Input    `json:"input,omitempty"`
	Decision *engine.Decision `json:"decision,omitempty"`
}

func raw(r Record) []byte {
	b, err := json.Marshal(r)
	if err != nil {
		panic("floor: record: " + err.Error()) // plain data
	}
	return b
}
