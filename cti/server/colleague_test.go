package server

import (
	"testing"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/cti/stream"
)

// A colleague's transfer rings at a station: floor and switch tell of it in either
// order, and the desktop shows one call that rings.
func TestColleagueRings(t *testing.T) {
	reserved := cti.Event{Type: cti.EvAgentReserved, Agent: "1001", Device: "1001", Call: "C1", Queue: "urp", Ticket: ticket1}
	delivered := cti.Event{Type: cti.EvDelivered, Device: "1001", Call: "C1", Leg: "C1/3", Ticket: ticket1}
	for name, order := range map[string][]cti.Event{"floor first": {reserved, delivered}, "switch first": {delivered, reserved}} {
		t.Run(name, func(t *testing.T) {
			n := start(t, stream.NewMemory(), nil)
			n.publish(cti.Event{Type: cti.EvAgentLoggedOn, Agent: "1001", Device: "1001"}, cti.Event{Type: cti.EvAgentReady, Agent: "1001", Device: "1001"})
			n.publish(order...)
			n.s.desk.mu.Lock()
			a := n.s.desk.agents["1001"]
			if a.state != cti.AgentRinging || len(a.calls) != 1 || a.calls[0].state != callRinging || a.calls[0].leg != "C1/3" {
				t.Errorf("got %s with %d calls", a.state, len(a.calls))
			}
			n.s.desk.mu.Unlock()
			n.publish(cti.Event{Type: cti.EvAgentReady, Agent: "1001", Device: "1001"})
			n.s.desk.mu.Lock()
			defer n.s.desk.mu.Unlock()
			if len(a.calls) != 0 || a.state != cti.AgentReady {
				t.Errorf("afterwards %s with %d calls", a.state, len(a.calls))
			}
		})
	}
}
