package node

import (
	"context"
	"errors"

	"github.com/lineaamica/la2/acd/floor"
	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/cti/server"
	"github.com/lineaamica/la2/sip/b2bua"
)

// agents lets the CTI server command the floor.
type agents struct{ f *floor.Floor }

func (a agents) LogIn(ctx context.Context, id cti.AgentID, d cti.DeviceID) error {
	_, err := a.f.LogIn(ctx, id, d)
	return floorErr(err)
}

func (a agents) LogOut(ctx context.Context, id cti.AgentID) error {
	_, err := a.f.LogOut(ctx, id)
	return floorErr(err)
}

func (a agents) SetState(ctx context.Context, id cti.AgentID, s cti.AgentState, reason string) error {
	_, err := a.f.SetState(ctx, id, s, reason)
	return floorErr(err)
}

func (a agents) SetDevice(ctx context.Context, id cti.AgentID, d cti.DeviceID) error {
	_, err := a.f.SetDevice(ctx, id, d)
	return floorErr(err)
}

func (a agents) Alive(id cti.AgentID) { a.f.Alive(id) }

func floorErr(err error) error {
	switch {
	case errors.Is(err, floor.ErrState):
		return server.ErrIllegalState
	case errors.Is(err, floor.ErrUnknown):
		return server.ErrNotFound
	case errors.Is(err, floor.ErrStopped):
		return server.ErrUnavailable
	}
	return err
}

// calls lets the CTI server command the switch.
type calls struct{ n *Node }

func (c calls) Hold(ctx context.Context, call cti.CallID, leg cti.LegID) error {
	return c.n.sw.Hold(ctx, call, leg)
}

func (c calls) Retrieve(ctx context.Context, call cti.CallID, leg cti.LegID) error {
	return c.n.sw.Retrieve(ctx, call, leg)
}

func (c calls) Hangup(ctx context.Context, call cti.CallID, leg cti.LegID) error {
	return c.n.sw.Hangup(ctx, call, leg, cti.CauseNormal)
}

// Transfer hands the caller to an office of the network, or to a number that
// this node serves itself: a station, a service, a trunk of the network.
func (c calls) Transfer(ctx context.Context, call cti.CallID, leg cti.LegID, to server.Target) error {
	return c.handOver(ctx, call, leg, to, c.n.sw.Transfer)
}

// Consult goes to the same places.
func (c calls) Consult(ctx context.Context, call cti.CallID, leg cti.LegID, to server.Target) error {
	return c.handOver(ctx, call, leg, to, c.n.sw.Consult)
}

func (c calls) handOver(ctx context.Context, call cti.CallID, leg cti.LegID, to server.Target,
	do func(context.Context, cti.CallID, cti.LegID, cti.Destination) error) error {
	d, ok := c.n.transferTarget(to)
	if !ok {
		return server.ErrNotFound
	}
	err := do(ctx, call, leg, d)
	if errors.Is(err, b2bua.ErrOwnStation) {
		return server.ErrOwnStation
	}
	return err
}

func (c calls) Complete(ctx context.Context, call cti.CallID, leg cti.LegID) error {
	return c.n.sw.Complete(ctx, call, leg)
}

func (c calls) Swap(ctx context.Context, call cti.CallID, leg cti.LegID) error {
	return c.n.sw.Swap(ctx, call, leg)
}

func (c calls) Answer(ctx context.Context, call cti.CallID, device cti.DeviceID) error {
	return c.n.sw.Answer(ctx, call, device)
}

func (n *Node) transferTarget(to server.Target) (cti.Destination, bool) {
	if to.Office == "" {
		return n.numberTarget(to.Number)
	}
	for _, t := range n.cfg.Trunks {
		if cti.SiteID(t.Site) == to.Office && t.Transfer != "" {
			return cti.Destination{Trunk: groupOf(t), Number: t.Transfer}, true
		}
	}
	return cti.Destination{}, false
}

// numberTarget resolves a number that an agent dials: never a carrier.
func (n *Node) numberTarget(number string) (cti.Destination, bool) {
	t, ok := n.plan.routes.Lookup(number)
	switch {
	case !ok || t.Service != "" || t.Contact != "":
		return cti.Destination{}, false
	case t.Device != "":
		return cti.Destination{Device: t.Device}, true
	}
	for _, tr := range n.cfg.Trunks {
		if groupOf(tr) == t.Trunk && tr.Site != "" {
			return cti.Destination{Trunk: t.Trunk, Number: t.Number}, true
		}
	}
	return cti.Destination{}, false
}

// referTarget is numberTarget for the Refer-To of a telephone of ours. Who is at
// the far end of a trunk or of a fixed contact moves nobody: offices hand over by
// commands of their own, and a called person has no business with our numbers.
func (n *Node) referTarget(user string, by cti.DeviceID) (cti.Destination, bool) {
	if by == "" {
		return cti.Destination{}, false
	}
	return n.numberTarget(user)
}

// colleagues tells whether two stations share a group of the configuration: then
// they may watch each other's line and take over each other's calls.
func (n *Node) colleagues(a, b cti.DeviceID) bool {
	x, y := n.accounts[string(a)], n.accounts[string(b)]
	return x.Group != "" && x.Group == y.Group && x.Kind == y.Kind
}
