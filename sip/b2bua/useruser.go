package b2bua

import (
	"encoding/hex"
	"net/url"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// What the parties of a call tell each other in User-to-User (RFC 7433) passes from
// leg to leg as it came: from the caller's INVITE to whom we ring, from a Refer-To
// or a 3xx to its target, from a 2xx to a caller who is not yet answered, from BYE to BYE. We
// read nothing in it and write it nowhere. Our own capsule (uui.go) is no such data:
// it is neither taken from nor shown to strangers, so its purpose is left out here.

const (
	userToUser = "User-to-User"
	maxUUI     = 4   // values a message; more are dropped
	maxUUIData = 128 // octets of content (RFC 7433 does not say; ISDN carries 128)
	maxUUIText = 512 // characters of a value with its parameters
)

// opaque are the well-formed values of one User-to-User header, without ours.
func opaque(header string) []string {
	var out []string
	if len(header) > maxUUI*maxUUIText {
		return nil
	}
	for _, v := range splitUnquoted(header, ',') {
		if v = strings.TrimSpace(v); wellFormedUUI(v) {
			out = append(out, v)
		}
	}
	return out
}

// opaqueOf are those of a whole message, in order.
func opaqueOf(m interface{ GetHeaders(string) []sip.Header }) []string {
	var out []string
	for _, h := range m.GetHeaders(userToUser) {
		out = append(out, opaque(h.Value())...)
	}
	return out[:min(len(out), maxUUI)]
}

// opaqueOfRedirect are those that a 3xx gives to who is called next: its own and those
// in the URI of its first Contact (RFC 7433 4.4).
func opaqueOfRedirect(res *sip.Response) []string {
	out := opaqueOf(res)
	if h := res.Contact(); h != nil {
		for _, p := range h.Address.Headers {
			if value, err := url.PathUnescape(p.V); err == nil && strings.EqualFold(p.K, userToUser) {
				out = append(out, opaque(value)...)
			}
		}
	}
	return out[:min(len(out), maxUUI)]
}

// wellFormedUUI checks uui-value = uui-data *(SEMI uui-param) (RFC 7433 4.1) and
// that it is not our capsule.
func wellFormedUUI(v string) bool {
	if v == "" || len(v) > maxUUIText {
		return false
	}
	parts := splitUnquoted(v, ';')
	coded := false
	for _, p := range parts[1:] {
		name, value, found := strings.Cut(strings.TrimSpace(p), "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if !isToken(name) || found && !isToken(value) && !isQuoted(value) {
			return false
		}
		switch strings.ToLower(name) {
		case "encoding":
			coded = strings.EqualFold(value, "hex")
		case "purpose":
			if strings.EqualFold(strings.Trim(value, `"`), uuiPurpose) {
				return false
			}
		}
	}
	data := strings.TrimSpace(parts[0])
	if coded {
		text, err := hex.DecodeString(data)
		return err == nil && len(text) <= maxUUIData
	}
	return (isToken(data) || isQuoted(data)) && len(data) <= maxUUIData+2
}

// isToken is token of RFC 3261 25.1.
func isToken(s string) bool {
	for _, c := range []byte(s) {
		switch {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
		case strings.IndexByte("-.!%*_+`'~", c) >= 0:
		default:
			return false
		}
	}
	return s != ""
}

// isQuoted is quoted-string of RFC 3261 25.1, printable ASCII only.
func isQuoted(s string) bool {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return false
	}
	for i := 1; i < len(s)-1; i++ {
		switch c := s[i]; {
		case c < ' ' || c > '~', c == '"':
			return false
		case c == '\\':
			if i++; i == len(s)-1 || s[i] < ' ' || s[i] > '~' {
				return false
			}
		}
	}
	return true
}

// tell appends values to m.
func tell(m sip.Message, values []string) {
	for _, v := range values {
		m.AppendHeader(sip.NewHeader(userToUser, v))
	}
}
