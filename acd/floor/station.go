package floor

import (
	"github.com/lineaamica/la2/acd/engine"
	"github.com/lineaamica/la2/cti"
)

// Seize tells that station d is being rung for call past the queues (a colleague's
// transfer, a call from desk to desk), or calls: its agent, if free, is reserved
// and is offered nobody. Free must follow, whatever happens. Like Engage and Free
// it waits for nothing but Run's next free moment, and repeating is harmless.
func (f *Floor) Seize(d cti.DeviceID, call cti.CallID) {
	f.tell(engine.Input{Op: engine.OpSeize, Device: d, Call: call})
}

// Engage tells that d, which was seized, talks on call by leg.
func (f *Floor) Engage(d cti.DeviceID, call cti.CallID, leg cti.LegID) {
	in := engine.Input{Op: engine.OpEngage, Device: d, Call: call, Leg: leg}
	if err := f.post(ask{in: in, leg: leg}); err != nil {
		f.cfg.Logger.Debug("input after the end", "op", string(in.Op))
	}
}

// Free tells that d has left call: the agent has the wrap-up of the queue that the
// call came from, or is as before. With a leg it does nothing unless that is the
// one of Engage.
func (f *Floor) Free(d cti.DeviceID, call cti.CallID, leg cti.LegID) {
	f.tell(engine.Input{Op: engine.OpFree, Device: d, Call: call, Leg: leg})
}
