package acd

import (
	"context"

	"github.com/lineaamica/la2/acd/floor"
	"github.com/lineaamica/la2/cti"
)

// A Call is the caller's leg and what the switch can do with it. Satisfied by
// *b2bua.Call. Errors are *cti.Failure or the context's. When Serve returns, the
// switch ends what is left of the call with the cause returned.
//
// The script uses one verb at a time, with one exception: while Dial rings,
// Prompt may run beside it; a bridge ends the Prompt.
type Call interface {
	// Ring sends a provisional response: 180 or 182.
	Ring(ctx context.Context, status int) error
	// Answer sends 200 with anchored media and returns when it was acknowledged.
	// It does nothing when the call has been answered.
	Answer(ctx context.Context) error
	// Prompt plays and collects keys; what was heard before comes back after it.
	// A cancelled ctx stops the prompt and returns what was collected.
	Prompt(ctx context.Context, p cti.PromptRequest) (digits string, err error)
	// Music loops until the bridge; "" is silence.
	Music(name string) error
	// Dial rings d while the caller keeps hearing what it hears. When d answers
	// the caller is answered too if it was not, both are bridged, and Dial
	// returns the new leg. When ctx ends first d is cancelled and Dial returns an
	// error at once, unless d had answered.
	Dial(ctx context.Context, d cti.Destination) (cti.LegID, error)
	Talk
}

// Talk is what remains to be done with a bridged call.
type Talk interface {
	// Talk blocks until leg has left the call. next is the leg that replaced it
	// by a transfer, "" if none. A cause other than an ordinary end with an empty
	// next means that the agent is gone and the caller needs another one.
	Talk(ctx context.Context, leg cti.LegID) (next cti.LegID, cause cti.Cause)
	// Hangup ends the call with all its legs.
	Hangup(cause cti.Cause)
}

// Tickets is what the script asks of the tickets.
type Tickets interface {
	// Mint makes the identifier of a new ticket; nothing is stored yet.
	Mint() cti.TicketID
	// Resolve finds the ticket of a tracking code that has passed its check digit.
	Resolve(ctx context.Context, code string) (cti.TicketID, bool)
}

// Floor is where callers wait. Satisfied by *floor.Floor.
type Floor interface {
	Enter(ctx context.Context, e floor.Entry) (*floor.Place, error)
}

// Journal is the event stream. Satisfied by *stream.Log.
type Journal interface {
	Publish(ev cti.Event) cti.Position
}
