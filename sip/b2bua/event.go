package b2bua

import (
	"context"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/media"
	"github.com/lineaamica/la2/media/relay"
	"github.com/lineaamica/la2/sip/transaction"
)

// An event is a message to the owner of a call: ev… says what happened, cmd…
// what somebody wants. Every cmd with a reply channel gets exactly one reply,
// unless the call ends first (Call.done).
type event interface{ name() string }

type (
	// evCancel: the caller gave up (RFC 3261 9.2).
	evCancel struct {
		leg    *leg
		reason string // the value of its Reason
	}
	// evAck: the ACK for a 2xx of ours arrived, perhaps with an SDP answer.
	evAck struct {
		leg *leg
		ack *sip.Request
	}
	// evNoAck: 64*T1 went by without an ACK for the 2xx on leg.
	evNoAck struct{ leg *leg }
	// evRequest: a request inside the dialog of leg.
	evRequest struct {
		leg *leg
		tx  *transaction.Server
	}
	// evInvited: something came back for an INVITE of ours.
	evInvited struct {
		branch *branch
		ev     transaction.ClientEvent
	}
	// evAnswered: the final answer to another request of ours inside the dialog.
	evAnswered struct {
		leg  *leg
		what pending
		ev   transaction.ClientEvent
	}
	// evMedia: the packet path tells something.
	evMedia struct{ ev relay.Event }
	// evTimer: the earliest deadline has passed.
	evTimer struct{}
	// evScript: the script returned.
	evScript struct{ cause cti.Cause }
)

type (
	cmdRing struct {
		status int
		reply  chan error
	}
	cmdAnswer struct{ reply chan error }
	cmdPrompt struct {
		clips []*media.Clip
		req   cti.PromptRequest
		reply chan keyed
	}
	cmdStopPrompt struct{ prompt *cmdPrompt }
	cmdMusic      struct {
		clip  *media.Clip
		reply chan error
	}
	cmdDial struct {
		to      cti.Destination
		targets []Target
		reply   chan dialled
	}
	cmdCancelDial struct {
		dial  *cmdDial
		cause cti.Cause
	}
	cmdTalk struct {
		leg   cti.LegID
		reply chan talked
	}
	cmdHangup struct{ cause cti.Cause }
	cmdDrop   struct {
		leg   cti.LegID
		cause cti.Cause
		reply chan error
	}
	cmdHold struct {
		leg   cti.LegID
		reply chan error
	}
	cmdRetrieve struct {
		leg   cti.LegID
		reply chan error
	}
	cmdTransfer struct {
		leg     cti.LegID
		to      cti.Destination
		targets []Target
		consult consultation
		reply   chan error
	}
	// cmdTargets brings what Deps.Targets said about a Refer-To.
	cmdTargets struct {
		leg     *leg
		dest    cti.Destination
		targets []Target
		err     error
	}
)

type (
	keyed struct {
		digits string
		err    error
	}
	dialled struct {
		leg cti.LegID
		err error
	}
	talked struct {
		next  cti.LegID
		cause cti.Cause
	}
)

func (evCancel) name() string      { return "cancel" }
func (evAck) name() string         { return "ack" }
func (evNoAck) name() string       { return "no_ack" }
func (evRequest) name() string     { return "request" }
func (evInvited) name() string     { return "invited" }
func (evAnswered) name() string    { return "answered" }
func (evMedia) name() string       { return "media" }
func (evTimer) name() string       { return "timer" }
func (evScript) name() string      { return "script" }
func (*cmdRing) name() string      { return "ring" }
func (*cmdAnswer) name() string    { return "answer" }
func (*cmdPrompt) name() string    { return "prompt" }
func (cmdStopPrompt) name() string { return "stop_prompt" }
func (*cmdMusic) name() string     { return "music" }
func (*cmdDial) name() string      { return "dial" }
func (cmdCancelDial) name() string { return "cancel_dial" }
func (*cmdTalk) name() string      { return "talk" }
func (cmdHangup) name() string     { return "hangup" }
func (*cmdDrop) name() string      { return "drop" }
func (*cmdHold) name() string      { return "hold" }
func (*cmdRetrieve) name() string  { return "retrieve" }
func (*cmdTransfer) name() string  { return "transfer" }
func (cmdTargets) name() string    { return "targets" }

// ask puts cmd into the mailbox of c and waits for its reply. The zero T and the
// cause come back when the call ends or ctx does.
func ask[T any](ctx context.Context, c *Call, cmd event, reply <-chan T) (T, error) {
	var zero T
	if !c.box.put(cmd) {
		return zero, c.goneErr()
	}
	select {
	case r := <-reply:
		return r, nil
	case <-c.done:
		return zero, c.goneErr()
	case <-ctx.Done():
		return zero, context.Cause(ctx)
	}
}

// evStray: a 2xx to INVITE came after its transaction had ended.
type evStray struct {
	leg *leg
	res *sip.Response
}

// cmdView asks for a snapshot.
type cmdView struct{ reply chan CallView }

func (*cmdView) name() string { return "view" }
func (evStray) name() string  { return "stray" }
