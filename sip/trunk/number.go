package trunk

import "strings"

// Inward is a number that the peer dialled, in our form.
func (p *Peer) Inward(number string) string { return rewrite(p.In, number) }

// Outward is a number of ours as the peer wants it dialled.
func (p *Peer) Outward(number string) string { return rewrite(p.Out, number) }

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
// numbers that Presentable allows. CLI takes the place of what may not be shown.
func (p *Peer) Identity(caller string) string {
	if caller == "" {
		return ""
	}
	if service(caller) || (p.Site == "" && !Presentable(caller)) {
		return p.CLI
	}
	return caller
}

// Presentable tells whether a number may be sent as calling line identity to
// the public network: E.164 and, in Italy, geographic (+390…) or mobile (+393…).
func Presentable(number string) bool {
	digits, ok := strings.CutPrefix(number, "+")
	if !ok || len(digits) < 7 || len(digits) > 15 || strings.Trim(digits, "0123456789") != "" {
		return false
	}
	if italian, ok := strings.CutPrefix(digits, "39"); ok {
		return italian[0] == '0' || italian[0] == '3'
	}
	return true
}

// service tells whether a number names an Italian service without place:
// freephone, shared cost and premium (8…, six digits at least, in national form
// or with a wrong +39), and 1xx.
func service(number string) bool {
	n := strings.TrimPrefix(number, "+39")
	if strings.HasPrefix(n, "8") && len(n) >= 6 {
		return true
	}
	return strings.HasPrefix(n, "1") && (len(n) == 3 || strings.HasPrefix(number, "+39"))
}
