// Package numbering is the Italian numbering plan as a switch needs it: one form in
// which numbers are compared, the form in which a carrier wants them dialled, what
// a call costs by the beginning of its number, and which numbers may be shown to
// the public network.
//
// Geographic and mobile numbers are E.164 with a plus, the leading 0 kept;
// numbers that exist only inside Italy (8xx, 1xx, 039039039) and stations are bare
// digits. RFC 3966 is read as far as people and carriers write it. It is pure,
// imports nothing of ours and starts no goroutine.
package numbering

import (
	"net/url"
	"strings"
	"unicode"
)

// Numbers that look geographic and exist only inside Italy.
func nationalOnly(digits string) bool { return digits == "039039039" }

// Canonical brings a dialled number, tel: or sip: URI into the form in which
// numbers are compared; "" when it holds none.
//
//	803.001, tel:803001;phone-context=+39, +39803001   803001
//	06 828881, 0039 06.828881, +39-06-828881           +3906828881
//	039.039.039                                         039039039
//	338 123 4567                                        +393381234567
//	1001, agent-7                                       the same
//
// A number without a plus is Italian. Digits that begin with a bare country code
// (3906…) are not guessed at: 39x is a mobile prefix; trunks that send them need
// a translation.
func Canonical(dialled string) string {
	user := userPart(dialled)
	digits, plus, ok := dialDigits(user)
	switch {
	case !ok:
		return name(user)
	case plus:
		return international(digits)
	case strings.HasPrefix(digits, "00"):
		return international(digits[2:])
	}
	return national(digits)
}

// CanonicalPrefix is Canonical for the beginning of a number, whose class its
// length does not tell.
func CanonicalPrefix(written string) string {
	user := userPart(written)
	digits, plus, ok := dialDigits(user)
	switch {
	case user == "+": // all that have a country code
		return user
	case !ok:
		return name(user)
	case !plus && strings.HasPrefix(digits, "00"):
		digits, plus = digits[2:], true
	case !plus && strings.HasPrefix(digits, "0"):
		return "+39" + digits
	}
	if !plus {
		return digits
	}
	if rest, italian := strings.CutPrefix(digits, "39"); italian && rest != "" && (rest[0] == '8' || rest[0] == '1') {
		return rest
	}
	return "+" + digits
}

// name is a user part that is no telephone number; "" when it names nothing.
func name(user string) string {
	if strings.ContainsFunc(user, func(c rune) bool { return c == '*' || c == '#' || unicode.IsLetter(c) || unicode.IsDigit(c) }) {
		return user
	}
	return ""
}

// userPart takes scheme, host, parameters and escapes away.
func userPart(s string) string {
	s = strings.TrimSpace(s)
	for _, scheme := range []string{"sips:", "sip:", "tel:"} {
		if len(s) >= len(scheme) && strings.EqualFold(s[:len(scheme)], scheme) {
			s = s[len(scheme):]
			break
		}
	}
	s, _, _ = strings.Cut(s, "@")
	s, _, _ = strings.Cut(s, ";")
	if plain, err := url.PathUnescape(s); err == nil {
		s = plain
	}
	return strings.TrimSpace(s)
}

// dialDigits takes visual separators away (RFC 3966 5.1.1, and blanks and
// slashes, which people write). ok is false when s is not a telephone number.
func dialDigits(s string) (digits string, plus, ok bool) {
	s, plus = strings.CutPrefix(s, "+")
	var b strings.Builder
	for _, c := range s {
		switch {
		case c >= '0' && c <= '9':
			b.WriteRune(c)
		case strings.ContainsRune(" .-/()\u00a0", c):
		default:
			return "", false, false
		}
	}
	return b.String(), plus, b.Len() > 0
}

// international takes the digits after the plus.
func international(digits string) string {
	if digits == "" {
		return ""
	}
	rest, italian := strings.CutPrefix(digits, "39")
	if !italian || rest == "" {
		return "+" + digits
	}
	if rest[0] == '8' || rest[0] == '1' {
		return rest // has no E.164 form, whatever the carrier made of it
	}
	return "+" + digits
}

// national takes the digits as dialled inside Italy and goes by the classes of
// the numbering plan: 0 geographic, 3 mobile; the rest, and what is
// too short for a subscriber, stays.
func national(digits string) string {
	switch {
	case nationalOnly(digits):
		return digits
	case digits[0] == '0' && len(digits) >= 6, digits[0] == '3' && len(digits) >= 9:
		return "+39" + digits
	}
	return digits
}
