package node

import (
	"strings"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/acd/route"
	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/numbering"
	"github.com/lineaamica/la2/sip/b2bua"
	"github.com/lineaamica/la2/sip/transaction"
	"github.com/lineaamica/la2/sip/trunk"
)

// who is a caller as admission knows it.
type who struct {
	kind    callerKind
	peer    *trunk.Peer // by whose rules it calls, nil for a station or a stranger
	caller  cti.Party
	device  cti.DeviceID // of a station
	trunk   string
	site    cti.SiteID
	capsule cti.Capsule
}

type callerKind int

const (
	stranger callerKind = iota // reached an open service, nothing else
	station
	carrier // an account or trunk of the public network
	office  // a trunk of the network
)

// may is the dialling policy: deny by default, so that nobody from outside
// reaches a trunk or a telephone by its number.
func (w who) may(t route.Target) bool {
	switch w.kind {
	case station:
		return true
	case stranger, carrier:
		return t.Service != "" || t.Contact != ""
	case office:
		return t.Service != "" || t.Device != ""
	}
	return false
}

// admit finds out who sends tx: a peer by its address, an account by digest, a
// stranger where the target is open. It has answered tx when ok is false.
func (r requestRoute) admit(tx *transaction.Server, open bool) (w who, ok bool) {
	req := tx.Request()
	if peer, known := r.n.peer(tx.Flow()); known {
		w = byPeer(peer, req)
		if peer.Site != "" {
			w.kind = office
			w.capsule = capsuleOf(req)
		}
		return w, true
	}
	if open {
		r.n.shield.Lend(tx.Flow().Remote.Addr(), lent)
		return who{kind: stranger, caller: party(req, false, numbering.Canonical)}, true
	}
	user, err := r.n.verify(tx)
	if err != nil {
		r.n.challenge(tx, err)
		return who{}, false
	}
	account := r.n.accounts[user]
	if account.Kind == "carrier" {
		if peer, ok := r.n.trunks.Peer(account.Trunk); ok {
			return byPeer(peer, req), true
		}
		return who{kind: carrier, caller: party(req, true, numbering.Canonical)}, true
	}
	return who{kind: station, device: cti.DeviceID(user), caller: cti.Party{Number: user, Withheld: withheld(req), Verified: true}}, true
}

// byPeer is a caller who comes by a trunk. Who is not in our trust domain asserts
// nothing (RFC 3325 5), and an Italian number that comes from abroad is nobody's:
// networks in Italy block it, and we do not call it verified.
func byPeer(p *trunk.Peer, req *sip.Request) who {
	w := who{kind: carrier, peer: p, trunk: p.Name, site: cti.SiteID(p.Site), caller: party(req, p.Trusts(), p.Inward)}
	if p.Abroad && strings.HasPrefix(w.caller.Number, "+39") {
		w.caller.Verified = false
	}
	return w
}

// party is the caller that req names, read brings its number into our form. A trusted sender's P-Asserted-Identity
// goes before From (RFC 3325 9.1).
func party(req *sip.Request, trusted bool, read func(string) string) cti.Party {
	p := cti.Party{Withheld: withheld(req), Verified: trusted}
	user := ""
	if f := req.From(); f != nil {
		user, p.Display = userOf(&f.Address), f.DisplayName
	}
	if h := req.GetHeader("P-Asserted-Identity"); trusted && h != nil {
		var u sip.Uri
		if _, err := sip.ParseAddressValue(h.Value(), &u, &sip.HeaderParams{}); err == nil && userOf(&u) != "" {
			user = userOf(&u)
		}
	}
	if p.Withheld || strings.EqualFold(user, "anonymous") {
		return cti.Party{Withheld: true, Verified: trusted}
	}
	p.Number = legible(read(user))
	if strings.Trim(p.Number, "+0123456789") != "" { // a name, which nobody can call back
		p.Number = ""
		if p.Display == "" {
			p.Display = user
		}
	}
	p.Display = legible(p.Display)
	p.Verified = p.Verified && p.Number != ""
	return p
}

// withheld tells whether the caller asked for privacy (RFC 3323 4.2).
func withheld(req *sip.Request) bool {
	if h := req.GetHeader("Privacy"); h != nil {
		for v := range strings.SplitSeq(strings.ToLower(h.Value()), ";") {
			switch strings.TrimSpace(v) {
			case "id", "user", "header":
				return true
			}
		}
	}
	f := req.From()
	return f == nil || strings.EqualFold(f.Address.Host, "anonymous.invalid") || strings.EqualFold(f.Address.User, "anonymous")
}

// capsuleOf reads User-to-User from an office of the network.
func capsuleOf(req *sip.Request) cti.Capsule {
	for _, h := range req.GetHeaders("User-to-User") {
		if c, ok := b2bua.ParseCapsule(h.Value()); ok {
			return c
		}
	}
	return cti.Capsule{}
}
