package floor

import (
	"context"

	"github.com/lineaamica/la2/acd/engine"
	"github.com/lineaamica/la2/cti"
)

// command gives in to the engine and returns the position of the last event.
func (f *Floor) command(ctx context.Context, in engine.Input) (cti.Position, error) {
	done := make(chan cti.Position, 1)
	if err := f.ask(ctx, ask{in: in, done: done}); err != nil {
		return cti.Position{}, err
	}
	select {
	case at := <-done: // the herald publishes all that was decided, also at the end
		return at, nil
	case <-ctx.Done():
		return cti.Position{}, context.Cause(ctx)
	}
}

// LogIn seats agent at device: NotReady("login"). An agent who is logged in
// already moves there, unless engaged with a call. Somebody else who is idle at
// that device is logged out; ErrTaken when that one works. It starts the lease.
//
// Like the other commands of agents it returns the position of the last event
// that it caused, and ErrUnknown, ErrState, ErrStopped or the error of ctx.
func (f *Floor) LogIn(ctx context.Context, agent cti.AgentID, device cti.DeviceID) (cti.Position, error) {
	return f.command(ctx, engine.Input{Op: engine.OpLogIn, Agent: agent, Device: device})
}

// LogOut ends agent's work: at once, or after the conversation. A ringing offer
// goes to somebody else.
func (f *Floor) LogOut(ctx context.Context, agent cti.AgentID) (cti.Position, error) {
	return f.command(ctx, engine.Input{Op: engine.OpLogOut, Agent: agent})
}

// SetState makes agent AgentReady or AgentNotReady(reason): at once, or after the
// offer, conversation or wrap-up (Pending). Ready during wrap-up ends it early.
// Other states are ErrState.
func (f *Floor) SetState(ctx context.Context, agent cti.AgentID, state cti.AgentState, reason string) (cti.Position, error) {
	in := engine.Input{Agent: agent, Reason: reason}
	switch state {
	case cti.AgentReady:
		in.Op = engine.OpReady
	case cti.AgentNotReady:
		in.Op = engine.OpNotReady
	default:
		return cti.Position{}, ErrState
	}
	return f.command(ctx, in)
}

// SetDevice moves agent to another device; ErrState during an offer or a call
// and when logged out, ErrTaken when somebody works there.
func (f *Floor) SetDevice(ctx context.Context, agent cti.AgentID, device cti.DeviceID) (cti.Position, error) {
	return f.command(ctx, engine.Input{Op: engine.OpSetDevice, Agent: agent, Device: device})
}

// Alive renews agent's lease. Unknown and logged-out agents are ignored. It
// waits for nothing but Run's next free moment.
func (f *Floor) Alive(agent cti.AgentID) {
	f.tell(engine.Input{Op: engine.OpAlive, Agent: agent})
}

// DeviceUp tells that device has a binding: only agents whose device is up are
// offered callers (a static agent with a Contact needs none). Tell all bindings
// that exist at the start too. Repeating is harmless. Publishes DeviceUp.
func (f *Floor) DeviceUp(device cti.DeviceID) {
	f.tell(engine.Input{Op: engine.OpDeviceUp, Device: device})
}

// DeviceDown tells that device lost its last binding; an offer that rings there
// goes to somebody else. Publishes DeviceDown.
func (f *Floor) DeviceDown(device cti.DeviceID) {
	f.tell(engine.Input{Op: engine.OpDeviceDown, Device: device})
}

// tell gives in to the engine; at the end of Run there is nobody to tell.
func (f *Floor) tell(in engine.Input) {
	if err := f.post(ask{in: in}); err != nil {
		f.cfg.Logger.Debug("input after the end", "op", string(in.Op))
	}
}
