package floor

import (
	"context"

	"github.com/lineaamica/la2/acd/engine"
	"github.com/lineaamica/la2/cti"
)

// An Entry is a caller who joins a queue and what Queued tells about it.
type Entry struct {
	engine.Caller
	Info *cti.CallInfo
}

// An Update is news for a waiting caller: exactly one field is set.
type Update struct {
	// Offer is an agent to ring.
	Offer *Offer
	// Spill names an overflow target to ring while the caller keeps its place.
	Spill string
}

// A Place is a caller's place in a queue, from Enter to Accept, Redirected or
// Leave. Used by the script of that call alone.
type Place struct{}

// Enter puts a caller in its queue. ErrUnknown, ErrFull, ErrState (the call
// waits already) or ErrStopped.
func (f *Floor) Enter(ctx context.Context, e Entry) (*Place, error) { return nil, ErrStopped }

// Updates carries the latest news; an unread one is replaced by the next, which
// makes it void.
func (p *Place) Updates() <-chan Update { return nil }

// Position is the place in the queue, 1 for the next; 0 when it does not wait.
func (p *Place) Position(ctx context.Context) (int, error) { return 0, ErrStopped }

// Leave takes the caller out: it hung up. A live offer is released.
func (p *Place) Leave(cause cti.Cause) {}

// Redirected tells that the overflow target answered. A live offer is fenced.
func (p *Place) Redirected(target string) {}

// SpillFailed tells that the overflow dial ended without an answer, also after
// it was withdrawn because of an offer.
func (p *Place) SpillFailed(cause cti.Cause) {}

// An Offer is an agent reserved for this caller. It ends exactly once: by Accept
// and then Finish, by Reject, by Release, or from the other side (Gone).
type Offer struct {
	Fence   cti.Fence
	Call    cti.CallID
	Agent   cti.AgentID
	Device  cti.DeviceID // one of Device and Contact is set
	Contact string
	Queue   cti.QueueID
}

// Gone is closed when the offer ended from the other side: the agent logged
// out or its device went away. Stop ringing; the caller waits again.
func (o *Offer) Gone() <-chan struct{} { return nil }

// Ringing tells that the agent's device rings. It does not block for long.
func (o *Offer) Ringing() {}

// Accept tells that the agent answered by leg. ErrFenced: the race is lost,
// hang leg up; the caller waits again unless it left.
func (o *Offer) Accept(leg cti.LegID) error { return ErrStopped }

// Reject tells that the agent did not answer: no_answer and rejected make the
// agent NotReady("rona"), every other cause passes it over for a few seconds.
// The caller waits again, at its old place.
func (o *Offer) Reject(cause cti.Cause) {}

// Release tells that the caller left while the agent rang: the agent is Ready
// as before.
func (o *Offer) Release() {}

// Finish tells that the conversation ended: wrap-up begins.
func (o *Offer) Finish() {}
