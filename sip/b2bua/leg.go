package b2bua

import (
	"strconv"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/media/relay"
	"github.com/lineaamica/la2/media/sdp"
	"github.com/lineaamica/la2/sip/dialog"
	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/transaction"
)

// A leg is one dialog of a call and its audio. call, id and key never change
// after it is entered into the table; the rest, but for out, is owned by Call.turn.
type leg struct {
	id   cti.LegID
	call *Call
	key  dialogKey

	state   legState
	uas     bool // the caller
	device  cti.DeviceID
	owner   cti.DeviceID // the station at the far end, also when it called; "": none
	party   cti.Party    // UAS: who it is
	trunk   string
	number  string         // dialled on the trunk
	extra   []sip.Header   // of its INVITE
	trusted bool           // an office of the network: its Reason counts
	dlg     *dialog.Dialog // UAC: nil before the 2xx
	flow    flow.Flow

	tx          *transaction.Server // UAS: its INVITE
	credentials Credentials         // of the trunk, nil for a station
	proof       sip.Header          // credentials in our last INVITE, nil when it was not challenged
	branches    []*branch           // UAC: one INVITE a target
	worst       int                 // UAC: status to report when all branches fail
	why         cti.Cause           // what it means
	dial        *cmdDial            // UAC: who waits for the answer, nil for a transfer
	ringing     func()              // Destination.Ringing until the first 18x
	hunt        *hunt               // UAC: targets to try after these, nil when there are none
	silentAt    time.Time           // UAC: when a target that said nothing is given up
	ringAt      time.Time           // UAC: when ringing ends without answer; UAS: when to tell it again

	port       relay.LegID
	open       bool // port is ours
	local      sdp.Local
	said       []byte       // our last description
	offer      *sdp.Session // the caller's first offer until it is answered
	agreed     sdp.Negotiated
	oa         negotiation  // whose offer waits for its answer
	offeredIn  uint32       // CSeq of the INVITE whose 2xx of ours offered last
	rel        *reliability // UAS: of its 1xx; nil: they are sent once
	forks      []*fork      // UAC: early dialogs until the 2xx
	audible    *fork        // UAC: the one that is heard, if any
	early      bool         // UAS: a 183 with our description left
	oneWay     bool         // nothing came after the answer
	flowing    bool         // UAC: audio came
	alerting   bool         // UAC: 180 came
	mayBeHeard bool         // UAC: its early media is for the caller
	follows    bool         // UAC: a 3xx is followed
	followed   []string     // UAC: the numbers that were
	nat        bool
	held       bool // by command
	session    sessionTimer
	refer      *referral // a REFER of this leg under way
	keys       keying
	byInfo     keptKey
	twin       *leg      // of the same transferor in another call: goes when this has gone
	heir       *leg      // what became of this leg in another call
	kept       bool      // outlives the end of the call until released; when it has left, its call does not end
	claimed    *leg      // of another call: asked for whom it talks with, and was put off
	out        bool      // left the table; guarded by Switch.mu
	control    control   // what its telephone may be told
	asked      bool      // its telephone was told to hold, and does not yet
	strange    bool      // moved here with a port that cannot be bridged
	able       bool      // the far end understands Replaces (RFC 3891 6.2)
	leaving    cti.Cause // why it is closing
}

// openPort takes a pair of RTP ports for l.
func (l *leg) openPort() error {
	if l.open {
		return nil
	}
	port, addr, err := l.call.sw.deps.Media.Open(l.call.id)
	if err != nil {
		return cti.Fail(cti.CauseOverload, err.Error())
	}
	l.port, l.open = port, true
	l.local.Addr = addr
	l.local.ID = uint64(l.call.in.At.Unix())<<8 | uint64(l.call.numbered)
	l.local.Version = 1
	return nil
}

// far tells the packet path what was agreed with the far end. Nothing is sent to
// a caller who has not acknowledged our 2xx, early media of who is known aside: a
// forged INVITE could name anybody's address for 64*T1 of audio.
func (l *leg) far() {
	n := l.agreed
	l.hardened()
	l.call.sw.deps.Media.SetRemote(l.port, relay.Remote{
		Addr: n.Remote, Codec: n.Codec, PT: n.PT, SendPT: n.SendPT,
		DTMFPT: n.DTMFPT, SendDTMFPT: n.SendDTMFPT,
		Send: n.Direction.Send() && (l.early || !l.state.unproven()), Recv: n.Direction.Recv(),
		Seal: n.Seal, Open: n.Open, Ptime: n.Ptime, NAT: l.nat, Signal: l.flow.Remote.Addr(),
		RTCP: n.RTCP, Mux: n.RTCPMux, Noise: n.Noise, Answered: l.state == legConfirmed,
	})
}

// onHold tells whether l keeps the other side waiting, by command or by SDP.
func (l *leg) onHold() bool { return l.held || l.agreed.Held }

// talking tells whether audio may pass.
func (l *leg) talking() bool { return l.state == legAccepted || l.state == legConfirmed }

// contact is where the far end of f reaches us (RFC 3261 12.1.1).
func (s *Switch) contact(f flow.Flow) sip.Uri {
	at := s.cfg.Contact(f)
	u := sip.Uri{Scheme: "sip", User: "la2", Host: at.Addr().Unmap().String(), Port: int(at.Port())}
	if param := f.Transport.Param(); param != "" {
		u.UriParams = sip.HeaderParams{{K: "transport", V: param}}
	}
	return u
}

// established lets go of what only the INVITE of l needed. A late answer of another
// fork finds its branch in the transaction.
func (l *leg) established() {
	l.tx, l.rel, l.offer = nil, nil, nil
	l.branches, l.forks, l.audible, l.hunt, l.ringing, l.extra, l.followed = nil, nil, nil, nil, nil, nil, nil
}

// cleared takes l out of the call after its last message. cause goes to the
// stream and to who talks on it.
func (c *Call) cleared(l *leg, cause cti.Cause) {
	if l.dlg != nil {
		l.dlg.Terminate()
	}
	c.line(l, LineOver)
	c.sw.leave(l)
	l.ringAt, l.session = time.Time{}, sessionTimer{}
	l.refer, l.branches, l.forks, l.audible, l.rel, l.tx, l.said, l.offer, l.local = nil, nil, nil, nil, nil, nil, nil, nil, sdp.Local{} // transactions outlive the leg by 32 s
	if l.twin != nil {
		l.twin.call.box.put(cmdRelease{leg: l.twin})
		l.twin = nil
	}
	c.unlist(l)
	var quality *cti.Quality
	if l.open {
		l.open = false
		quality = l.quality(c.sw.deps.Media.Figures(l.port))
		c.sw.deps.Media.Close(l.port)
	}
	if c.offered {
		c.publish(cti.Event{Type: cti.EvConnectionCleared, Leg: l.id, Device: l.device, Trunk: l.trunk, Ticket: c.ticket, Cause: cause, Quality: quality})
	}
}

// destination is where l was rung.
func (l *leg) destination() *cti.Destination {
	return &cti.Destination{Device: l.owner, Trunk: l.trunk, Number: l.number}
}

// leg finds a live leg by id.
func (c *Call) leg(id cti.LegID) *leg {
	for _, l := range c.legs {
		if l.id == id {
			return l
		}
	}
	return nil
}

func callIDOf(req *sip.Request) string {
	if h := req.CallID(); h != nil {
		return string(*h)
	}
	return ""
}

func seconds(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }
