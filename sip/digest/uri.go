package digest

import "strings"

// sameURI tells whether digest-uri and Request-URI name the same resource. The
// two should be equal (RFC 3261 22.4), but clients drop parameters or write the
// default port, and nothing is decided by these: compared are scheme (sip and
// sips as one), user, host and, where both name one, port. With anyUser a
// digest-uri without user part matches every user.
func sameURI(digest, request string, anyUser bool) bool {
	d, ok1 := splitURI(digest)
	r, ok2 := splitURI(request)
	if !ok1 || !ok2 || d.scheme != r.scheme {
		return false
	}
	if d.user != r.user && (!anyUser || d.user != "") {
		return false
	}
	return d.host == r.host && (d.port == r.port || d.port == "" || r.port == "")
}

type uriParts struct{ scheme, user, host, port string }

// splitURI cuts a URI into what sameURI compares. A URI without authority (tel,
// urn) is all host.
func splitURI(s string) (u uriParts, ok bool) {
	scheme, rest, ok := strings.Cut(s, ":")
	if !ok || rest == "" {
		return u, false
	}
	u.scheme = strings.ToLower(scheme)
	if u.scheme == "sips" {
		u.scheme = "sip"
	}
	if u.scheme != "sip" {
		u.host, _, _ = strings.Cut(rest, ";")
		return u, true
	}
	// A user part may hold ";" and "?" (RFC 3261 25.1), a host may not.
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		u.user, rest = rest[:i], rest[i+1:]
		u.user, _, _ = strings.Cut(u.user, ":") // the password part
		u.user, _, _ = strings.Cut(u.user, ";") // user parameters such as npdi
	}
	if i := strings.IndexAny(rest, ";?"); i >= 0 {
		rest = rest[:i]
	}
	rest = strings.ToLower(rest)
	if i := strings.LastIndexByte(rest, ':'); i > strings.LastIndexByte(rest, ']') {
		rest, u.port = rest[:i], rest[i+1:]
	}
	u.host = rest
	return u, rest != ""
}
