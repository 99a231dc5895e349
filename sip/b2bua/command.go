package b2bua

import (
	"context"

	"github.com/lineaamica/la2/cti"
)

// Hangup ends one leg of a call: the caller's ends the call, an agent's gives the
// caller back to the script.
func (s *Switch) Hangup(ctx context.Context, call cti.CallID, leg cti.LegID, cause cti.Cause) error {
	reply := make(chan error, 1)
	return s.command(ctx, call, &cmdDrop{leg: leg, cause: cause, reply: reply}, reply)
}

// A CallView is a call as a snapshot shows it.
type CallView struct {
	In     cti.Inbound
	Ticket cti.TicketID
	Legs   []LegView // the caller first
	Talks  cti.LegID // whom the caller talks to, "" while it waits
}

// A LegView is a leg as a snapshot shows it.
type LegView struct {
	Leg    cti.LegID
	Device cti.DeviceID
	Trunk  string
	State  string // calling, ringing, incoming, accepted, closing, confirmed
	Held   bool   // keeps the other side on hold
}

// View is one running call as its owner sees it.
func (s *Switch) View(ctx context.Context, call cti.CallID) (CallView, error) {
	c := s.call(call)
	if c == nil {
		return CallView{}, cti.Fail(cti.CauseNotFound, "no such call")
	}
	cmd := &cmdView{reply: make(chan CallView, 1)}
	return ask(ctx, c, cmd, cmd.reply)
}

// Calls is a snapshot of the running calls, each as its owner sees it; calls that
// end meanwhile are left out. The order is not defined.
func (s *Switch) Calls(ctx context.Context) []CallView {
	calls := s.all()
	views := make([]CallView, 0, len(calls))
	for _, c := range calls {
		cmd := &cmdView{reply: make(chan CallView, 1)}
		if v, gone := ask(ctx, c, cmd, cmd.reply); gone == nil && len(v.Legs) > 0 { // without legs it is just ending
			views = append(views, v)
		}
	}
	return views
}

// Running is the number of calls.
func (s *Switch) Running() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.calls)
}

func (c *Call) view() CallView {
	v := CallView{In: c.in, Ticket: c.ticket}
	if c.peer != nil {
		v.Talks = c.peer.id
	}
	for _, l := range c.legs {
		v.Legs = append(v.Legs, LegView{Leg: l.id, Device: l.device, Trunk: l.trunk, State: l.state.String(), Held: l.onHold()})
	}
	return v
}
