package b2bua

import (
	"context"
	"log/slog"
	"runtime/debug"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/media"
	"github.com/lineaamica/la2/sip/transaction"
)

// A Call is a caller and whoever serves it. Its exported methods are for the
// script of the call (they are acd.Call); each is one question to the owner.
type Call struct {
	sw         *Switch
	id         cti.CallID
	in         cti.Inbound
	box        mailbox
	done       chan struct{} // closed when run has ended
	wantsFirst atomic.Bool   // first packets matter: early media
	ctx        context.Context
	leave      context.CancelCauseFunc // ends ctx with the *cti.Failure of the call

	// Owned by the turn.

	caller    *leg
	legs      []*leg // not yet cleared, the caller first
	numbered  int    // legs made so far
	heard     *leg   // whose early media it hears; nil when peer is set
	peer      *leg   // whom the caller talks to; nil while it waits
	joined    joint  // what the packet path was told last
	music     *media.Clip
	stale     bool // music changed under a prompt
	prompt    *prompting
	token     uint64 // of the last Play
	transfer  *transfer
	answering []*cmdAnswer // wait for the ACK
	talks     []*cmdTalk
	ended     []endedLeg
	gone      *leg                  // moved to another call
	hops      sip.MaxForwardsHeader // left to the caller's INVITE
	passed    []string              // the list of offices that passed the call on
	capsule   cti.Capsule           // what a transfer passes on
	uui       []string              // what the caller or a referrer tells whom we ring (useruser.go)
	reply     []string              // what who answered tells the caller
	ticket    cti.TicketID
	farewell  []string  // of the BYE that came last, for that to the other end
	gaveUp    string    // the Reason of the caller's CANCEL, in our words
	cause     cti.Cause // why it ended; "" while it lives
	offered   bool      // the script was started
	scripting bool      // and runs
	told      int       // the provisional status that the caller got last
	talked    bool      // somebody was bridged
	maxAt     time.Time
	timer     *time.Timer
	armed     time.Time
}

// endedLeg remembers what Talk has to say about a leg that left.
type endedLeg struct {
	leg cti.LegID
	talked
}

func newCall(s *Switch, tx *transaction.Server, in cti.Inbound) *Call {
	if in.At.IsZero() {
		in.At = s.deps.Now()
	}
	if in.Call == "" {
		in.Call = cti.NewCallID(in.At)
	}
	c := &Call{sw: s, id: in.Call, in: in, done: make(chan struct{})}
	c.box = mailbox{call: c, busy: true} // until run has begun it
	c.ctx, c.leave = context.WithCancelCause(context.Background())
	c.capsule = in.Capsule
	c.ticket = in.Capsule.Ticket
	l := c.newLeg()
	l.invited(tx, in)
	l.device = "" // the caller is no device of the stream
	c.uui = opaqueOf(tx.Request())
	if h := tx.Request().MaxForwards(); h != nil {
		c.hops = *h
	}
	if in.From != "" {
		c.passed = hopList(tx.Request())
	}
	l.local.Codecs = s.cfg.Codecs(in.Trunk)
	if in.Trunk != "" {
		l.credentials = s.cfg.Credentials(in.Trunk)
	}
	c.caller = l
	return c
}

// ID is the identifier of the call.
func (c *Call) ID() cti.CallID { return c.id }

func (c *Call) newLeg() *leg {
	c.numbered++
	l := &leg{id: cti.LegID(string(c.id) + "/" + strconv.Itoa(c.numbered)), call: c}
	c.legs = append(c.legs, l)
	return l
}

// run begins the call, and is its owner for the first turn.
func (c *Call) run() {
	c.guard("begin", func() {
		if c.begin() {
			c.offered, c.scripting = true, true
			in := c.in
			go c.serve(&in) // ends when the script returns; the call waits for that
		}
	})
	c.turn()
}

// turn owns the call until nothing is left to do for now. The last turn is over when every
// leg is cleared and the script has returned.
func (c *Call) turn() {
	var batch []event
	for {
		c.arm()
		if c.over() {
			c.finish()
			return
		}
		if batch = c.box.take(batch); len(batch) == 0 {
			return
		}
		c.guard("timer", c.expire)
		for i, e := range batch {
			c.guard(e.name(), func() { c.handle(e) })
			batch[i] = nil
		}
	}
}

// over tells that nothing is left to do, and then refuses further events.
func (c *Call) over() bool {
	return c.cause != "" && !c.scripting && len(c.legs) == 0 && c.box.close()
}

func (c *Call) finish() {
	if c.timer != nil {
		c.timer.Stop()
	}
	c.leave(cti.Fail(c.cause, ""))
	if c.offered {
		if l := c.gone; l != nil {
			c.publish(cti.Event{Type: cti.EvConnectionCleared, Leg: l.id, Device: l.device, Trunk: l.trunk, Ticket: c.ticket, Cause: cti.CauseTransferred})
		}
		c.publish(cti.Event{Type: cti.EvCallCleared, Cause: c.cause, Ticket: c.ticket})
	}
	c.caller, c.heard, c.peer, c.gone, c.ended = nil, nil, nil, nil, nil // transactions outlive the call by 32 s
	close(c.done)
	c.sw.forget(c)
}

// serve runs the script.
func (c *Call) serve(in *cti.Inbound) {
	cause := cti.CauseFailed
	defer func() {
		if r := recover(); r != nil {
			c.sw.panics.Add(1)
			c.log().Error("script panicked", "panic", r, "stack", string(debug.Stack()))
		}
		c.box.put(evScript{cause: cause})
	}()
	cause = c.sw.deps.Serve(c.ctx, in, c)
}

// guard does one thing; a panic ends this call alone.
func (c *Call) guard(what string, do func()) {
	defer func() {
		if r := recover(); r != nil {
			c.sw.panics.Add(1)
			c.log().Error("call panicked", "event", what, "panic", r, "stack", string(debug.Stack()))
			c.clear(cti.CauseFailed)
		}
	}()
	do()
}

func (c *Call) handle(e event) {
	if c.forward(e) {
		return
	}
	switch e := e.(type) {
	case evInvited:
		c.onInvited(e.branch, e.ev)
	case evRequest:
		c.onRequest(e.leg, e.tx)
	case evAck:
		c.onAck(e.leg, e.ack)
	case evNoAck:
		c.onNoAck(e.leg)
	case evCancel:
		c.onCancel(e.leg, e.reason)
	case evPrackChallenged:
		c.onPrackChallenged(e)
	case evRedirected:
		c.onRedirected(e)
	case evStray:
		c.onStray(e.leg, e.res)
	case evAnswered:
		c.onOwnAnswered(e)
	case evMedia:
		c.onMedia(e.ev)
	case evChallenged:
		c.onChallenged(e)
	case evTimer: // turn looks at the deadlines
	case evScript:
		c.scripting = false
		c.clear(e.cause)
	case cmdHangup:
		c.clear(e.cause)
	case *cmdDrop:
		e.reply <- c.drop(e.leg, e.cause)
	case *cmdRing:
		e.reply <- c.ring(e.status)
	case *cmdAnswer:
		c.onAnswer(e)
	case *cmdPrompt:
		c.startPrompt(e)
	case cmdStopPrompt:
		c.stopPrompt(e.prompt)
	case *cmdMusic:
		e.reply <- c.playMusic(e.clip)
	case *cmdDial:
		c.startDial(e)
	case cmdCancelDial:
		c.cancelDial(e.dial, e.cause)
	case *cmdTalk:
		c.onTalk(e)
	case *cmdHold:
		e.reply <- c.hold(e.leg)
	case *cmdRetrieve:
		e.reply <- c.retrieve(e.leg)
	case *cmdTransfer:
		e.reply <- c.command(e)
	case *cmdView:
		e.reply <- c.view()
	case cmdTargets:
		c.onTargets(e)
	default:
		c.handleMove(e)
	}
}

// goneErr is what a command gets that comes too late.
func (c *Call) goneErr() error {
	if err := context.Cause(c.ctx); err != nil {
		return err
	}
	return cti.Fail(cti.CauseAbandoned, "call has ended")
}

func (c *Call) log() *slog.Logger { return c.sw.cfg.Logger.With("call", string(c.id)) }

// publish stamps ev with the call and hands it to the stream.
func (c *Call) publish(ev cti.Event) {
	c.stamp(&ev)
	c.sw.deps.Events.Publish(ev)
}

func (c *Call) stamp(ev *cti.Event) {
	ev.Call = c.id
	ev.At = c.sw.deps.Now()
}
