package node

import (
	"sync"

	"github.com/lineaamica/la2/acd/route"
	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/sip/b2bua"
)

// stations stands between the switch and the stream: what rings or talks at a
// station past the queues is told to the floor in the same moment, so that its
// agent is offered nobody. It holds no more than the calls of now; a restart ends
// them and begins without.
type stations struct {
	b2bua.Events
	n *Node // its floor is built after the switch

	mu    sync.Mutex // guards calls
	calls map[cti.CallID]map[cti.DeviceID]cti.LegID
}

func newStations(n *Node) *stations {
	return &stations{Events: n.stream, n: n, calls: map[cti.CallID]map[cti.DeviceID]cti.LegID{}}
}

// Publish writes ev and tells the floor what follows. It does not wait for the
// disk; the floor takes it at its next free moment.
func (s *stations) Publish(ev cti.Event) cti.Position {
	at := s.Events.Publish(ev)
	switch ev.Type {
	case cti.EvTransferring:
		s.seize(ev.Call, cti.DeviceID(ev.Target))
	case cti.EvDelivered: // the leg of one who does not answer
		s.leg(ev.Call, ev.Device, ev.Leg)
	case cti.EvEstablished:
		if s.leg(ev.Call, ev.Device, ev.Leg) {
			s.n.floor.Engage(ev.Device, ev.Call, ev.Leg)
		}
		if d := s.caller(ev.Call); d != "" {
			s.n.floor.Engage(d, ev.Call, callerLeg(ev.Call)) // again after a transfer, harmless
		}
	case cti.EvTransferFailed:
		s.free(ev.Call, func(d cti.DeviceID, _ cti.LegID) bool { return d == cti.DeviceID(ev.Target) })
	case cti.EvTransferred, cti.EvConnectionCleared: // the transferor's phone may answer our BYE late
		s.free(ev.Call, func(_ cti.DeviceID, l cti.LegID) bool { return l == ev.Leg && l != "" })
	case cti.EvCallCleared:
		s.free(ev.Call, func(cti.DeviceID, cti.LegID) bool { return true })
	}
	return at
}

// seize tells that d rings or dials for call, if it is a station.
func (s *stations) seize(call cti.CallID, d cti.DeviceID) {
	if a, known := s.n.accounts[string(d)]; !known || a.Kind == "carrier" {
		return
	}
	s.mu.Lock()
	if s.calls[call] == nil {
		s.calls[call] = map[cti.DeviceID]cti.LegID{}
	}
	s.calls[call][d] = ""
	s.mu.Unlock()
	s.n.floor.Seize(d, call)
}

// leg notes the leg of d, if it was seized for call.
func (s *stations) leg(call cti.CallID, d cti.DeviceID, l cti.LegID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, seized := s.calls[call][d]; !seized {
		return false
	}
	s.calls[call][d] = l
	return true
}

// free tells that the stations of call that which picks have left it.
func (s *stations) free(call cti.CallID, which func(cti.DeviceID, cti.LegID) bool) {
	var left []cti.DeviceID
	s.mu.Lock()
	for d, l := range s.calls[call] {
		if which(d, l) {
			left = append(left, d)
			delete(s.calls[call], d)
		}
	}
	if len(s.calls[call]) == 0 {
		delete(s.calls, call)
	}
	s.mu.Unlock()
	for _, d := range left {
		s.n.floor.Free(d, call, "")
	}
}

// direct seizes the stations of a call that goes past the script of a service:
// the one that is called, and the one that calls (who reaches a station or a trunk
// without one in between is a station, see who.may).
func (s *stations) direct(in cti.Inbound, t route.Target) {
	s.seize(in.Call, t.Device)
	if by := cti.DeviceID(in.Caller.Number); in.Trunk == "" && t.Contact == "" && by != t.Device {
		s.seize(in.Call, by)
		s.leg(in.Call, by, callerLeg(in.Call))
	}
}

// caller is the station that the call comes from, if it was seized.
func (s *stations) caller(call cti.CallID) cti.DeviceID {
	s.mu.Lock()
	defer s.mu.Unlock()
	for d, l := range s.calls[call] {
		if l == callerLeg(call) {
			return d
		}
	}
	return ""
}

// callerLeg is the first leg of a call.
func callerLeg(call cti.CallID) cti.LegID { return cti.LegID(call) + "/1" }
