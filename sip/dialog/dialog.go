// Package dialog is a SIP dialog (RFC 3261 12) without I/O: its identity, CSeq numbers both
// ways, route set, remote target and state, and the requests that it builds.
//
// A dialog is made from an INVITE and its response, by the side that sent it (NewUAC) or the
// side that got it (NewUAS). One goroutine owns a dialog; nothing here locks or starts another.
//
// Not here: transactions, retransmission, session timers (RFC 4028), PRACK, the secure flag of
// sips and the usages of a dialog (RFC 5057): a dialog ends when its owner says so.
package dialog

import (
	"errors"
	"fmt"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/sip/flow"
)

// Faults of a message that should make or join a dialog.
var (
	// ErrIncomplete: From, To, Call-ID, CSeq or, in an INVITE, Contact is missing. Answer 400.
	ErrIncomplete = errors.New("dialog: message is incomplete")
	// ErrNoDialog: the response makes no dialog: 100, a 1xx without To tag, or a failure.
	ErrNoDialog = errors.New("dialog: response makes no dialog")
	// ErrForeign: the message belongs to another dialog. Answer a request with 481.
	ErrForeign = errors.New("dialog: message of another dialog")
	// ErrStale: the request is older than one that we have seen. Answer 500 (RFC 3261 12.2.2).
	ErrStale = errors.New("dialog: request out of order")
)

// State says how far a dialog is. Early and Confirmed are those of RFC 3261 12.
//
//	       1xx with tag              2xx
//	(none) ------------> Early ---------------> Confirmed
//	   |                   | 3xx-6xx, CANCEL        | BYE, 481, 408
//	   |        2xx        v                        v
//	   +-------------> Confirmed              Terminated
type State uint8

// The states, in the order of a life.
const (
	Early State = iota + 1
	Confirmed
	Terminated
)

func (s State) String() string {
	switch s {
	case Early:
		return "early"
	case Confirmed:
		return "confirmed"
	case Terminated:
		return "terminated"
	default:
		return fmt.Sprintf("State(%d)", uint8(s))
	}
}

// A Dialog is one end of a peer relation between two user agents. It belongs to one goroutine.
type Dialog struct {
	id      ID
	state   State
	caller  bool // we sent the INVITE
	local   party
	remote  party
	contact sip.Uri   // ours
	target  sip.Uri   // theirs: the remote target
	routes  []sip.Uri // in the order of our Route headers
	flow    flow.Flow

	localSeq  uint32 // the last CSeq that we sent; 0 before the first
	remoteSeq uint32 // the last CSeq that they sent
	heard     bool   // remoteSeq is set: 0 is a valid number (RFC 3261 8.1.1.5)
}

// A party is who stands in From or To: its tag is in the ID.
type party struct {
	display string
	uri     sip.Uri
}

// NewUAS makes the dialog of an INVITE that we received and answer with localTag, in state
// Early; Confirm it when the 2xx is sent (RFC 3261 12.1.1). contact is ours, f the path on which
// the INVITE came. The error is ErrIncomplete.
func NewUAS(invite *sip.Request, localTag string, contact sip.Uri, f flow.Flow) (*Dialog, error) {
	from, to, cseq, theirs := invite.From(), invite.To(), invite.CSeq(), invite.Contact()
	if from == nil || to == nil || cseq == nil || theirs == nil || invite.CallID() == nil || theirs.Address.Wildcard {
		return nil, ErrIncomplete
	}
	return &Dialog{
		id:        ID{CallID: callIDOf(invite.CallID()), LocalTag: localTag, RemoteTag: FromTag(from)},
		state:     Early,
		local:     party{to.DisplayName, *to.Address.Clone()},
		remote:    party{from.DisplayName, *from.Address.Clone()},
		contact:   *contact.Clone(),
		target:    *theirs.Address.Clone(),
		routes:    recordRoutes(&invite.MessageData),
		flow:      f,
		remoteSeq: cseq.SeqNo,
		heard:     true,
	}, nil
}

// NewUAC makes the dialog of an INVITE that we sent and got res for: Early by a 1xx with To tag,
// Confirmed by a 2xx (RFC 3261 12.1.2). A forked INVITE makes one for each To tag. f is the path
// on which the INVITE went. The error is ErrIncomplete or ErrNoDialog.
func NewUAC(invite *sip.Request, res *sip.Response, f flow.Flow) (*Dialog, error) {
	from, to, cseq := invite.From(), res.To(), invite.CSeq()
	if from == nil || to == nil || cseq == nil || invite.CallID() == nil {
		return nil, ErrIncomplete
	}
	if res.StatusCode <= 100 || res.StatusCode >= 300 || (res.StatusCode < 200 && ToTag(to) == "") {
		return nil, ErrNoDialog
	}
	d := &Dialog{
		id:       ID{CallID: callIDOf(invite.CallID()), LocalTag: FromTag(from), RemoteTag: ToTag(to)},
		state:    Early,
		caller:   true,
		local:    party{from.DisplayName, *from.Address.Clone()},
		remote:   party{to.DisplayName, *to.Address.Clone()},
		target:   *invite.Recipient.Clone(),
		flow:     f,
		localSeq: cseq.SeqNo,
	}
	if ours := invite.Contact(); ours != nil {
		d.contact = *ours.Address.Clone()
	}
	return d, d.Update(res)
}

// ID returns the name of the dialog.
func (d *Dialog) ID() ID { return d.id }

// State returns how far the dialog is.
func (d *Dialog) State() State { return d.state }

// Caller reports whether we sent the INVITE that made the dialog.
func (d *Dialog) Caller() bool { return d.caller }

// Flow returns the path of the dialog's requests.
func (d *Dialog) Flow() flow.Flow { return d.flow }

// Target returns the remote target: the peer's latest Contact (RFC 3261 12.2.1.2).
func (d *Dialog) Target() sip.Uri { return *d.target.Clone() }

// Move sets the path of the dialog's requests, as after a connection was opened again.
func (d *Dialog) Move(f flow.Flow) { d.flow = f }

// Confirm enters Confirmed: our 2xx left. It does nothing in another state than Early.
func (d *Dialog) Confirm() {
	if d.state == Early {
		d.state = Confirmed
	}
}

// Terminate ends the dialog (RFC 3261 12.3). It may be called in any state.
func (d *Dialog) Terminate() { d.state = Terminated }
