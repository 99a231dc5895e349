package floor

import (
	"context"

	"github.com/lineaamica/la2/cti"
)

// The agent commands return the position of the last event that they caused, and
// ErrUnknown, ErrState or ErrStopped.

// LogIn seats agent at device: NotReady("login"). An agent who is logged in
// already keeps its state and moves. Somebody else who is idle at that device is
// logged out. It starts the agent's lease.
func (f *Floor) LogIn(ctx context.Context, agent cti.AgentID, device cti.DeviceID) (cti.Position, error) {
	return cti.Position{}, ErrStopped
}

// LogOut ends agent's work: at once, or after the conversation. A ringing offer
// goes to somebody else.
func (f *Floor) LogOut(ctx context.Context, agent cti.AgentID) (cti.Position, error) {
	return cti.Position{}, ErrStopped
}

// SetState makes agent AgentReady or AgentNotReady(reason): at once, or after the
// offer, conversation or wrap-up (Pending). Ready during wrap-up ends it early.
func (f *Floor) SetState(ctx context.Context, agent cti.AgentID, state cti.AgentState, reason string) (cti.Position, error) {
	return cti.Position{}, ErrStopped
}

// SetDevice moves agent to another device; ErrState during an offer or a call,
// or when somebody works there.
func (f *Floor) SetDevice(ctx context.Context, agent cti.AgentID, device cti.DeviceID) (cti.Position, error) {
	return cti.Position{}, ErrStopped
}

// Alive renews agent's lease. Unknown and logged-out agents are ignored.
func (f *Floor) Alive(agent cti.AgentID) {}

// DeviceUp tells that device has a binding: only agents whose device is up are
// offered callers (a static agent with a Contact needs none). Tell all bindings
// that exist at the start too. Repeating is harmless. Publishes DeviceUp.
func (f *Floor) DeviceUp(device cti.DeviceID) {}

// DeviceDown tells that device lost its last binding; an offer that rings there
// goes to somebody else. Publishes DeviceDown.
func (f *Floor) DeviceDown(device cti.DeviceID) {}
