package trunk

import (
	"cmp"
	"strings"

	"github.com/lineaamica/la2/numbering"
)

// A Rule rewrites the numbers that begin with Match: the first Strip characters
// go, Add comes in their place. Of several rules the longest Match wins.
type Rule struct {
	Match string
	Strip int
	Add   string
}

// Inward is a number that the peer sent, in our form.
func (p *Peer) Inward(number string) string {
	return numbering.Canonical(rewrite(p.In, number))
}

// Outward is a canonical number as the peer wants it dialled: in its format, then
// by its rules. A rule cannot give a country code to a number that has none: such
// a number leaves as it is.
func (p *Peer) Outward(number string) string {
	written := rewrite(p.Out, cmp.Or(p.Format, numbering.Global).Write(number))
	if numbering.LeavesCountry(number, written) {
		return number
	}
	return written
}

func rewrite(rules []Rule, number string) string {
	best := -1
	for i, r := range rules {
		if strings.HasPrefix(number, r.Match) && (best < 0 || len(r.Match) > len(rules[best].Match)) {
			best = i
		}
	}
	if best < 0 {
		return number
	}
	r := rules[best]
	return r.Add + number[min(max(r.Strip, 0), len(number)):]
}

// Identity is the caller's number as it may be shown to the peer; "" is withheld.
// Numbers of services (800, 803, …) are never shown anywhere: a called person
// could not be called back, and networks block them. A carrier besides gets only
// numbers that networks present. CLI takes the place of what may not be shown.
func (p *Peer) Identity(caller string) string {
	if caller == "" {
		return ""
	}
	if numbering.HasService(caller) || (p.Site == "" && !numbering.Presentable(caller)) {
		return p.CLI
	}
	return caller
}

// Trusts tells whether the peer is in our trust domain for identities (RFC 3325
// 2.4): offices are, carriers by agreement.
func (p *Peer) Trusts() bool { return p.Site != "" || p.Trusted }
