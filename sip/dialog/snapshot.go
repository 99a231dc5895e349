package dialog

import (
	"fmt"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/sip/flow"
)

// A Snapshot is a dialog as plain values, to be stored and restored: after a restart the peer
// finds the same tags, CSeq both ways and route set. URIs are in text form.
type Snapshot struct {
	CallID    string
	LocalTag  string
	RemoteTag string
	State     State
	Caller    bool // we sent the INVITE

	LocalName  string // display names
	RemoteName string
	LocalURI   string
	RemoteURI  string
	Contact    string // ours; empty when the INVITE had none
	Target     string
	Routes     []string // in the order of our Route headers

	LocalSeq  uint32
	RemoteSeq uint32
	Heard     bool // RemoteSeq is set

	Flow flow.Flow
}

// Snapshot returns the dialog as plain values that share nothing with it.
func (d *Dialog) Snapshot() Snapshot {
	s := Snapshot{
		CallID: d.id.CallID, LocalTag: d.id.LocalTag, RemoteTag: d.id.RemoteTag,
		State: d.state, Caller: d.caller,
		LocalName: d.local.display, RemoteName: d.remote.display,
		LocalURI: d.local.uri.String(), RemoteURI: d.remote.uri.String(),
		Target:   d.target.String(),
		LocalSeq: d.localSeq, RemoteSeq: d.remoteSeq, Heard: d.heard,
		Flow: d.flow,
	}
	if d.contact.Host != "" {
		s.Contact = d.contact.String()
	}
	for i := range d.routes {
		s.Routes = append(s.Routes, d.routes[i].String())
	}
	return s
}

// Restore makes the dialog of a snapshot again. The error names the field that is no URI.
func Restore(s Snapshot) (*Dialog, error) {
	d := &Dialog{
		id:    ID{CallID: s.CallID, LocalTag: s.LocalTag, RemoteTag: s.RemoteTag},
		state: s.State, caller: s.Caller,
		local:    party{display: s.LocalName},
		remote:   party{display: s.RemoteName},
		localSeq: s.LocalSeq, remoteSeq: s.RemoteSeq, heard: s.Heard,
		flow:   s.Flow,
		routes: make([]sip.Uri, len(s.Routes)),
	}
	if s.Contact != "" {
		if err := parseURI("contact", s.Contact, &d.contact); err != nil {
			return nil, err
		}
	}
	for i, r := range s.Routes {
		if err := parseURI("route", r, &d.routes[i]); err != nil {
			return nil, err
		}
	}
	if err := parseURI("local uri", s.LocalURI, &d.local.uri); err != nil {
		return nil, err
	}
	if err := parseURI("remote uri", s.RemoteURI, &d.remote.uri); err != nil {
		return nil, err
	}
	return d, parseURI("target", s.Target, &d.target)
}

func parseURI(field, text string, uri *sip.Uri) error {
	if err := sip.ParseUri(text, uri); err != nil {
		return fmt.Errorf("dialog: restore: %s %q: %w", field, text, err)
	}
	return nil
}
