package floor

import (
	"context"
	"time"

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
	// Offer is an agent to ring. It also means that an overflow dial is to end.
	Offer *Offer
	// Spill names an overflow target to ring while the caller keeps its place.
	Spill string
}

// A Place is a caller's place in a queue, from Enter to Accept, Redirected or
// Leave. Used by the script of that call alone.
type Place struct {
	f       *Floor
	call    cti.CallID
	info    *cti.CallInfo
	instant time.Time
	updates chan Update // one slot: the latest news
}

// Enter puts a caller in its queue. ErrUnknown, ErrFull, ErrState (the call
// waits already), ErrStopped or the error of ctx. After Enter the script must
// end the place, also when its call is gone.
func (f *Floor) Enter(ctx context.Context, e Entry) (*Place, error) {
	c := e.Caller
	p := &Place{f: f, call: c.Call, info: e.Info, instant: c.Instant, updates: make(chan Update, 1)}
	if err := f.ask(ctx, ask{in: engine.Input{Op: engine.OpEnter, Call: c.Call, Caller: &c}, place: p}); err != nil {
		return nil, err
	}
	return p, nil
}

// put replaces what the script has not read. Only the herald calls it.
func (p *Place) put(u Update) {
	select {
	case <-p.updates:
	default:
	}
	p.updates <- u
}

// Updates carries the latest news; an unread one is replaced by the next, which
// makes it void.
func (p *Place) Updates() <-chan Update { return p.updates }

// Position is the place in the queue, 1 for the next; 0 when it does not wait.
func (p *Place) Position(ctx context.Context) (int, error) {
	var n int
	err := p.f.look(ctx, func(e *engine.Engine) { n = e.Position(p.call) })
	return n, err
}

// Leave takes the caller out: it hung up. A live offer is released. It does
// nothing after Accept, Redirected or Leave. It returns when all that was decided
// about the caller is in the stream, so that the end of the call comes after it.
func (p *Place) Leave(cause cti.Cause) {
	p.last(engine.Input{Op: engine.OpLeave, Call: p.call, Cause: cause})
}

// Redirected tells that the overflow target answered. A live offer is fenced. It
// returns as Leave does.
func (p *Place) Redirected(target string) {
	p.last(engine.Input{Op: engine.OpRedirected, Call: p.call, Target: target})
}

// last gives the input that ends the place. Its verdict is of no interest: a place
// that has ended before has nothing left to say.
func (p *Place) last(in engine.Input) {
	_, _ = p.f.command(context.Background(), in) // bounded by the herald's CommitTimeout
}

// SpillFailed tells that the overflow dial ended by itself without an answer.
// A dial that the script ended because of an offer needs no word.
func (p *Place) SpillFailed(cause cti.Cause) {
	p.f.tell(engine.Input{Op: engine.OpSpillEnded, Call: p.call, Cause: cause})
}

// An Offer is an agent reserved for this caller. It ends exactly once: by Accept
// and then Finish, by Reject, by Release, or from the other side (Gone). What
// comes after the end is ignored.
type Offer struct {
	Fence   cti.Fence
	Call    cti.CallID
	Agent   cti.AgentID
	Device  cti.DeviceID // one of Device and Contact is set
	Contact string
	Queue   cti.QueueID

	f    *Floor
	gone chan struct{}
}

// Gone is closed when the offer has ended without Accept, from either side: stop
// ringing. If the agent logged out or its device went away, the caller waits
// again.
func (o *Offer) Gone() <-chan struct{} { return o.gone }

// Ringing tells that the agent's device rings. It waits for nothing but Run's
// next free moment.
func (o *Offer) Ringing() { o.f.tell(engine.Input{Op: engine.OpRinging, Offer: o.Fence}) }

// Accept tells that the agent answered by leg. ErrFenced: the race is lost; the
// caller waits again, unless it left, and leg is nobody's.
func (o *Offer) Accept(leg cti.LegID) error {
	return o.f.ask(context.Background(), ask{in: engine.Input{Op: engine.OpAccept, Offer: o.Fence}, leg: leg})
}

// Reject tells that the agent did not answer: no_answer and rejected make the
// agent NotReady("rona"), every other cause passes it over for a few seconds.
// The caller waits again, at its old place.
func (o *Offer) Reject(cause cti.Cause) {
	o.f.tell(engine.Input{Op: engine.OpReject, Offer: o.Fence, Cause: cause})
}

// Release tells that the caller left while the agent rang: the agent is Ready
// as before, and the place ends.
func (o *Offer) Release() { o.f.tell(engine.Input{Op: engine.OpRelease, Offer: o.Fence}) }

// Finish tells that the conversation ended: wrap-up begins.
func (o *Offer) Finish() { o.f.tell(engine.Input{Op: engine.OpFinish, Offer: o.Fence}) }
