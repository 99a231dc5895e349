package b2bua

import (
	"net/url"
	"strings"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/cti"
)

// from is the From of an INVITE of ours on behalf of p. A withheld number is
// withheld from everybody whom we ring, stations and offices alike (RFC 3323
// 4.1.1.3).
func from(p cti.Party, host string, port int, tag string) *sip.FromHeader {
	h := &sip.FromHeader{Params: sip.HeaderParams{{K: "tag", V: tag}}}
	user := userPart(p.Number)
	if user == "" { // a caller who has a name only
		user = userPart(p.Display)
	}
	if p.Withheld || user == "" {
		h.DisplayName = "Anonymous"
		h.Address = sip.Uri{Scheme: "sip", User: "anonymous", Host: "anonymous.invalid"}
		return h
	}
	h.DisplayName = quotable(p.Display)
	h.Address = sip.Uri{Scheme: "sip", User: user, Host: host, Port: port}
	return h
}

// assert adds what a peer in our trust domain may know (RFC 3325 9.1) and what
// everybody must respect (RFC 3323 4.2). Who withholds the own number is a number of
// ours there: the network knows whom to ask, and shows nothing.
func assert(req *sip.Request, p cti.Party, t Target, host string) {
	number := ""
	switch {
	case p.Withheld:
		req.AppendHeader(sip.NewHeader("Privacy", "id"))
		number = t.Line
	case p.Verified:
		number = p.Number
	}
	if (t.Trusted || t.Asserts) && number != "" {
		req.AppendHeader(sip.NewHeader("P-Asserted-Identity", "<sip:"+userPart(number)+"@"+host+">"))
	}
}

// numberIn is the user part of a URI, or the number of a tel: one, without escapes
// and parameters; what userPart drops, it drops.
func numberIn(u *sip.Uri) (string, error) {
	user := u.User
	if strings.EqualFold(u.Scheme, "tel") {
		user = u.Raw()
	}
	user, _, _ = strings.Cut(user, ";")
	plain, err := url.PathUnescape(user)
	return userPart(plain), err
}

// userPart keeps what a user part may hold without escapes (RFC 3261 25.1).
func userPart(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9', r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z':
			return r
		case strings.ContainsRune("+-_.*", r):
			return r
		}
		return -1
	}, s)
}

// quotable makes s fit for a quoted-string, which the serialiser writes without
// escapes.
func quotable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '"' || r == '\\' {
			return '\''
		}
		return printable(r)
	}, s)
}
