package floor

import "github.com/lineaamica/la2/cti"

// Seats is who sits where. Fold it over a journal with Apply.
type Seats map[cti.AgentID]cti.DeviceID

// Apply folds one event; all but agent events leave s as it is.
func (s Seats) Apply(ev cti.Event) {
	switch ev.Type {
	case cti.EvAgentLoggedOn:
		s[ev.Agent] = ev.Device
	case cti.EvAgentLoggedOff:
		delete(s, ev.Agent)
	case cti.EvAgentReady, cti.EvAgentNotReady, cti.EvAgentWorkingAfterCall:
		if _, sits := s[ev.Agent]; sits && ev.Device != "" {
			s[ev.Agent] = ev.Device
		}
	default:
	}
}
