package server

import (
	"slices"
	"strings"
	"testing"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/cti/stream"
)

// The telephone stops ringing before the floor says why: the desktop is told the
// reason all the same.
func TestDivertedComesAfterTheTelephone(t *testing.T) {
	n := start(t, stream.NewMemory(), nil)
	mine := n.logIn("1001").events("")
	read(t, mine)
	n.publish(offer("C1", "1001", ticket1)...)
	n.publish(cti.Event{Type: cti.EvConnectionCleared, Call: "C1", Leg: "C1/2", Device: "1001", Cause: cti.CauseNoAnswer},
		cti.Event{Type: cti.EvDiverted, Agent: "1001", Call: "C1", Cause: cti.CauseNoAnswer},
		cti.Event{Type: cti.EvAgentNotReady, Agent: "1001", Reason: "rona"},
		cti.Event{Type: cti.EvQueued, Call: "C1"})
	n.publish(cti.Event{Type: cti.EvDeviceDown, Device: "1001"})
	want := strings.Fields("AgentReserved Delivered ConnectionCleared Diverted AgentNotReady DeviceDown")
	if got := readTypes(t, mine, cti.EvDeviceDown); !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}
