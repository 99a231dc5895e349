package b2bua

import "github.com/lineaamica/la2/cti"

// A Line is one dialog of a station as the station itself sees it, for who shows
// busy lamps (RFC 4235). It is told again at every change; the last State is
// LineOver.
type Line struct {
	Device cti.DeviceID
	ID     string // tells the dialogs of the station apart, also when the call is handed over
	CallID string
	// LocalTag is the station's, RemoteTag ours: what a Replaces for this dialog
	// names as from-tag and to-tag. LocalTag is "" until the station has answered
	// anything.
	LocalTag, RemoteTag string
	Caller              bool // the station began it
	State               LineState
	Other               cti.Party // who is at the other end
}

// A LineState is how far a Line is.
type LineState uint8

// The states, in the order of a life.
const (
	LineTrying LineState = iota // INVITE was sent
	LineRings
	LineTalks
	LineOver
)

// line tells the state of l, if it is a station's.
func (c *Call) line(l *leg, s LineState) {
	if l.owner == "" || c.sw.deps.Lines == nil {
		return
	}
	out := Line{Device: l.owner, ID: l.key.tag, CallID: l.key.callID, RemoteTag: l.key.tag, Caller: l.uas, State: s, Other: c.in.Caller}
	switch {
	case l.dlg != nil:
		out.LocalTag = l.dlg.ID().RemoteTag
	case len(l.forks) > 0:
		out.LocalTag = l.forks[0].dlg.ID().RemoteTag
	}
	if l.uas {
		out.Other = cti.Party{Number: c.in.Dialled}
	}
	c.sw.deps.Lines(out)
}
