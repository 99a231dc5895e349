package node

import (
	"net/netip"
	"strings"
	"unicode"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/numbering"
	"github.com/lineaamica/la2/sip/trunk"
)

// dialled is the number in a Request-URI as the routes read it; "", which nobody
// has, when the URI names another host than this node (RFC 3261 8.2.2.1): we are
// nobody's relay. False: a scheme that we do not know.
func (n *Node) dialled(u *sip.Uri) (number string, ok bool) {
	switch strings.ToLower(u.Scheme) {
	case "sip", "sips":
		if !n.ours(u.Host) {
			return "", true
		}
		return userOf(u), true
	case "tel":
		return userOf(u), true
	case "urn":
		return numbering.Service(u.Raw())
	}
	return "", false
}

// dialledBy is the number that a peer dialled, in our form. Who finds us by our
// registration puts our Contact into the Request-URI: what was dialled is then in
// P-Called-Party-ID (RFC 7315 4.2) or in To.
func dialledBy(p *trunk.Peer, req *sip.Request, number string) string {
	if p.Register != nil && number == p.Account.User {
		if h := req.GetHeader("P-Called-Party-ID"); h != nil {
			var u sip.Uri
			if _, err := sip.ParseAddressValue(h.Value(), &u, &sip.HeaderParams{}); err == nil {
				return p.Inward(userOf(&u))
			}
		}
		if to := req.To(); to != nil {
			return p.Inward(userOf(&to.Address))
		}
	}
	return p.Inward(number)
}

// userOf is the user part of a URI, or the number of a tel: URI (RFC 3966).
func userOf(u *sip.Uri) string {
	if strings.EqualFold(u.Scheme, "tel") {
		return u.Raw()
	}
	return u.User
}

// ours tells whether a host part means this node: an address that we listen at, or
// one of sip.domains.
func (n *Node) ours(host string) bool {
	host = strings.TrimSuffix(host, ".")
	for _, d := range n.cfg.SIP.Domains {
		if strings.EqualFold(strings.TrimSuffix(d, "."), host) {
			return true
		}
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	if err != nil {
		return false
	}
	for _, l := range n.cfg.SIP.Listen {
		if a := l.Address.Addr(); a.IsUnspecified() || a.Unmap() == ip.Unmap() || l.As.Addr() == ip.Unmap() {
			return true
		}
	}
	return false
}

// hosts are all names of this node.
func (n *Node) hosts() []string {
	out := append([]string(nil), n.cfg.SIP.Domains...)
	for _, l := range n.cfg.SIP.Listen {
		out = append(out, l.Address.Addr().String())
		if l.As.IsValid() {
			out = append(out, l.As.Addr().String())
		}
	}
	return out
}

// legible makes a name or number of a stranger fit for screens, journals and
// terminals: no control or format characters, 64 characters at most.
func legible(s string) string {
	out := []rune(strings.Map(func(c rune) rune {
		if c == unicode.ReplacementChar || !unicode.IsPrint(c) {
			return -1
		}
		return c
	}, s))
	return string(out[:min(len(out), 64)])
}
