package node

import (
	"slices"
	"strings"
	"sync"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/sip/b2bua"
	"github.com/lineaamica/la2/sip/dialog"
	"github.com/lineaamica/la2/sip/events"
	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/transaction"
)

// The packages that a telephone may subscribe to.
const (
	eventDialog  = "dialog"          // RFC 4235: busy lamps
	eventSummary = "message-summary" // RFC 3842: we keep no messages
)

// openEvents makes the notifier.
func (n *Node) openEvents() {
	n.lamps = &lamps{by: map[cti.DeviceID]map[string]b2bua.Line{}}
	n.events = events.New(events.Config{
		Sender: n.tx, UserAgent: "LA2 " + n.opts.Version, Logger: n.log,
		Contact: func(f flow.Flow) sip.Uri {
			at := n.flows.Address(f)
			u := sip.Uri{Scheme: "sip", User: "la2", Host: at.Addr().Unmap().String(), Port: int(at.Port())}
			if param := f.Transport.Param(); param != "" {
				u.UriParams = sip.HeaderParams{{K: "transport", V: param}}
			}
			return u
		},
		Packages: map[string]events.Package{
			eventDialog:  {Accept: events.DialogInfo, Allowed: n.mayWatch, Body: n.dialogInfo},
			eventSummary: {Accept: events.MessageSummary, Allowed: own, Body: n.summary},
		},
	})
	n.lamps.changed = func(d cti.DeviceID) { n.events.Changed(eventDialog, string(d)) }
}

// subscribe admits a station to what it may watch; nobody else watches anything.
func (r requestRoute) subscribe(tx *transaction.Server) {
	req := tx.Request()
	if dialog.InDialog(req) {
		r.n.events.Resubscribe(tx)
		return
	}
	if r.n.draining.Load() {
		tx.RespondOnce(sip.StatusServiceUnavailable, "", sip.NewHeader("Retry-After", "30"))
		return
	}
	number, ok := r.n.dialled(&req.Recipient)
	if !ok {
		tx.RespondOnce(statusUnsupportedURI, "Unsupported URI Scheme")
		return
	}
	user, err := r.n.verify(tx)
	switch {
	case err != nil:
		r.n.challenge(tx, err)
	case r.n.accounts[user].Kind == "carrier":
		tx.RespondOnce(sip.StatusForbidden, "")
	default:
		r.n.events.Subscribe(tx, user, number)
	}
}

// own: everybody has their own messages only.
func own(watcher, resource string) int {
	if watcher == resource {
		return 0
	}
	return sip.StatusForbidden
}

// mayWatch: stations of one group see each other's line. Which others exist is told
// to nobody.
func (n *Node) mayWatch(watcher, resource string) int {
	if watcher == resource || n.colleagues(cti.DeviceID(watcher), cti.DeviceID(resource)) {
		return 0
	}
	return sip.StatusForbidden
}

// summary is truthful: there is no voice mail.
func (n *Node) summary(account string, _ events.Notification) ([]byte, any) {
	return events.WriteSummary(n.aor(account), events.Summary{}), nil
}

func (n *Node) dialogInfo(device string, note events.Notification) ([]byte, any) {
	var name func(number string) string
	if n.cfg.SIP.WatchersSeeOthers {
		name = n.aor
	}
	return events.WriteDialogInfo(n.aor(device), n.lamps.of(cti.DeviceID(device), name), note.Version, note.Since)
}

func (n *Node) aor(user string) string {
	host := n.cfg.SIP.Realm
	if len(n.cfg.SIP.Domains) > 0 {
		host = n.cfg.SIP.Domains[0]
	}
	return "sip:" + user + "@" + host
}

// lamps are the dialogs of all stations that are not over.
type lamps struct {
	changed func(cti.DeviceID)

	mu sync.Mutex // guards by
	by map[cti.DeviceID]map[string]b2bua.Line
}

// tell is b2bua.Deps.Lines.
func (s *lamps) tell(l b2bua.Line) {
	s.mu.Lock()
	switch {
	case l.State != b2bua.LineOver:
		if s.by[l.Device] == nil {
			s.by[l.Device] = map[string]b2bua.Line{}
		}
		s.by[l.Device][l.ID] = l
	case s.by[l.Device] != nil:
		if delete(s.by[l.Device], l.ID); len(s.by[l.Device]) == 0 {
			delete(s.by, l.Device)
		}
	}
	s.mu.Unlock()
	s.changed(l.Device)
}

// of is what a watcher of d is told. Who is at the other end is nobody's business
// when name, which makes a URI of a number, is nil; a withheld number stays so.
func (s *lamps) of(d cti.DeviceID, name func(number string) string) []events.Dialog {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []events.Dialog
	for _, l := range s.by[d] {
		one := events.Dialog{ID: l.ID, CallID: l.CallID, LocalTag: l.LocalTag, RemoteTag: l.RemoteTag, Caller: l.Caller,
			State: [...]string{"trying", "early", "confirmed"}[l.State]}
		if name != nil && !l.Other.Withheld && l.Other.Number != "" {
			one.Remote = name(l.Other.Number)
		}
		out = append(out, one)
	}
	slices.SortFunc(out, func(a, b events.Dialog) int { return strings.Compare(a.ID, b.ID) })
	return out
}
