package digest

import (
	"errors"
	"slices"
	"strings"
)

// Credentials are the parameters of one Authorization or Proxy-Authorization
// header (RFC 7616 3.4), unquoted. Absent parameters are empty.
type Credentials struct {
	Username  string
	Realm     string
	Nonce     string
	URI       string
	Response  string
	Algorithm string // MD5 when the parameter is absent
	CNonce    string
	QOP       string
	NC        string // eight hexadecimal digits, as sent
	Opaque    string
}

// maxHeader bounds an Authorization value; real ones have 200 to 400 bytes.
const maxHeader = 2048

// maxParams bounds the parameters; RFC 7616 3.4 names thirteen.
const maxParams = 24

// Errors of ParseCredentials.
var (
	errScheme    = errors.New("digest: credentials: scheme is not Digest")
	errTooLong   = errors.New("digest: credentials: longer than 2048 bytes")
	errSyntax    = errors.New("digest: credentials: syntax")
	errTooMany   = errors.New("digest: credentials: more than 24 parameters")
	errDuplicate = errors.New("digest: credentials: parameter stands twice")
)

// ParseCredentials reads an Authorization value. Unknown parameters are
// skipped. A parameter that stands twice, a control character, and anything
// outside the grammar of RFC 7235 2.1 are errors.
func ParseCredentials(s string) (Credentials, error) {
	var c Credentials
	if len(s) > maxHeader {
		return c, errTooLong
	}
	s = strings.Trim(s, " \t")
	if len(s) < 7 || !strings.EqualFold(s[:6], "digest") || (s[6] != ' ' && s[6] != '\t') {
		return c, errScheme
	}
	var seen [maxParams]string
	for n, rest := 0, s[7:]; ; n++ {
		rest = strings.TrimLeft(rest, " \t,")
		if rest == "" {
			break
		}
		name, value, after, err := nextParam(rest)
		if err != nil {
			return Credentials{}, err
		}
		if slices.Contains(seen[:n], name) {
			return Credentials{}, errDuplicate
		}
		if n == maxParams {
			return Credentials{}, errTooMany
		}
		seen[n] = name
		if p := c.field(name); p != nil {
			*p = value
		}
		after = strings.TrimLeft(after, " \t")
		if after != "" && after[0] != ',' {
			return Credentials{}, errSyntax
		}
		rest = after
	}
	if c.Algorithm == "" {
		c.Algorithm = MD5
	}
	c.Algorithm = strings.ToUpper(c.Algorithm)
	return c, nil
}

// field is where the parameter of that (lower-case) name goes, nil when we have
// no use for it.
func (c *Credentials) field(name string) *string {
	switch name {
	case "username":
		return &c.Username
	case "realm":
		return &c.Realm
	case "nonce":
		return &c.Nonce
	case "uri":
		return &c.URI
	case "response":
		return &c.Response
	case "algorithm":
		return &c.Algorithm
	case "cnonce":
		return &c.CNonce
	case "qop":
		return &c.QOP
	case "nc":
		return &c.NC
	case "opaque":
		return &c.Opaque
	}
	return nil
}

// nextParam reads name = token / quoted-string at the start of s.
func nextParam(s string) (name, value, rest string, err error) {
	i := tokenLen(s)
	if i == 0 {
		return "", "", "", errSyntax
	}
	name, s = strings.ToLower(s[:i]), strings.TrimLeft(s[i:], " \t")
	if s == "" || s[0] != '=' {
		return "", "", "", errSyntax
	}
	s = strings.TrimLeft(s[1:], " \t")
	if s != "" && s[0] == '"' {
		value, rest, err = quoted(s)
		return name, value, rest, err
	}
	if i = tokenLen(s); i == 0 {
		return "", "", "", errSyntax
	}
	return name, s[:i], s[i:], nil
}

// quoted reads a quoted-string at the start of s and removes its escapes.
func quoted(s string) (value, rest string, err error) {
	for i := 1; i < len(s); i++ {
		switch ch := s[i]; {
		case ch == '"':
			return s[1:i], s[i+1:], nil
		case ch == '\\':
			return escaped(s, i)
		case control(ch):
			return "", "", errSyntax
		}
	}
	return "", "", errSyntax
}

// escaped is quoted for a string whose first escape is at i.
func escaped(s string, i int) (value, rest string, err error) {
	var b strings.Builder
	b.WriteString(s[1:i])
	for ; i < len(s); i++ {
		ch := s[i]
		switch {
		case ch == '"':
			return b.String(), s[i+1:], nil
		case ch == '\\':
			i++
			if i == len(s) || control(s[i]) {
				return "", "", errSyntax
			}
			b.WriteByte(s[i])
		case control(ch):
			return "", "", errSyntax
		default:
			b.WriteByte(ch)
		}
	}
	return "", "", errSyntax
}

func control(c byte) bool { return (c < ' ' && c != '\t') || c == 0x7f }

// tokenLen counts the token characters (RFC 3261 25.1) at the start of s.
func tokenLen(s string) int {
	for i := range len(s) {
		if !token(s[i]) {
			return i
		}
	}
	return len(s)
}

func token(c byte) bool {
	switch {
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		return true
	}
	switch c {
	case '-', '.', '!', '%', '*', '_', '+', '`', '\'', '~':
		return true
	}
	return false
}

// String is the header value. Values are quoted as RFC 7616 3.4 prescribes.
func (c Credentials) String() string {
	var b strings.Builder
	b.WriteString("Digest ")
	quote(&b, "username", c.Username)
	quote(&b, ", realm", c.Realm)
	quote(&b, ", nonce", c.Nonce)
	quote(&b, ", uri", c.URI)
	quote(&b, ", response", c.Response)
	plain(&b, ", algorithm", c.Algorithm)
	if c.CNonce != "" {
		quote(&b, ", cnonce", c.CNonce)
	}
	if c.Opaque != "" {
		quote(&b, ", opaque", c.Opaque)
	}
	plain(&b, ", qop", c.QOP)
	plain(&b, ", nc", c.NC)
	return b.String()
}

// plain writes a parameter as a token where it is one, else quoted.
func plain(b *strings.Builder, name, value string) {
	if value == "" {
		return
	}
	if tokenLen(value) != len(value) {
		quote(b, name, value)
		return
	}
	b.WriteString(name)
	b.WriteByte('=')
	b.WriteString(value)
}

func quote(b *strings.Builder, name, value string) {
	b.WriteString(name)
	b.WriteString(`="`)
	for i := range len(value) {
		if value[i] == '"' || value[i] == '\\' {
			b.WriteByte('\\')
		}
		b.WriteByte(value[i])
	}
	b.WriteByte('"')
}
