package ticket

import (
	"regexp"
	"strings"
)

// A Warning is personal data in a text that others will read.
type Warning struct {
	Kind  string `json:"kind"` // codice_fiscale, iban, phone, email
	Start int    `json:"start"`
	End   int    `json:"end"` // byte offsets
}

// codiceFiscale has letters for digits where two persons share one (omocodia).
const codiceFiscale = `(?i)\b[a-z]{6}[0-9lmnpqrstuv]{2}[abcdehlmprst][0-9lmnpqrstuv]{2}[a-z][0-9lmnpqrstuv]{3}[a-z]\b`

// Lint finds what looks like personal data in a subject: tax codes, IBANs,
// telephone numbers and mail addresses. It warns and never blocks: a subject may
// well name the number of an office.
func Lint(subject string) []Warning {
	var out []Warning
	rest := []byte(subject)
	for _, rule := range []struct {
		kind, pattern string
		is            func(string) bool
	}{
		{"codice_fiscale", codiceFiscale, nil},
		{"iban", `(?i)\b[a-z]{2}[0-9]{2}(?: ?[a-z0-9]){11,30}\b`, validIBAN},
		{"email", `(?i)[a-z0-9._%+-]+@[a-z0-9-]+(?:\.[a-z0-9-]+)+`, nil},
		{"phone", `(?:\+|\b00)?\b[0-9](?:[ ./-]?[0-9]){7,14}\b`, likePhone},
	} {
		for _, m := range regexp.MustCompile(rule.pattern).FindAllIndex(rest, -1) {
			if rule.is != nil && !rule.is(string(rest[m[0]:m[1]])) {
				continue
			}
			out = append(out, Warning{rule.kind, m[0], m[1]})
			for i := m[0]; i < m[1]; i++ {
				rest[i] = '_' // found once is enough
			}
		}
	}
	return out
}

// likePhone leaves out dates and short numbers: at least eight digits, beginning
// like a subscriber's number.
func likePhone(s string) bool {
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
	if strings.HasPrefix(s, "+") || strings.HasPrefix(s, "00") {
		return len(digits) >= 8
	}
	if digits[0] == '3' {
		return len(digits) == 9 || len(digits) == 10
	}
	return len(digits) >= 8 && digits[0] == '0' && strings.Count(s, "/") < 2 && strings.Count(s, ".") < 2
}

// validIBAN checks ISO 7064 MOD 97-10.
func validIBAN(s string) bool {
	s = strings.ToUpper(strings.ReplaceAll(s, " ", ""))
	if len(s) < 15 || len(s) > 34 {
		return false
	}
	rest := 0
	for _, c := range s[4:] + s[:4] {
		switch {
		case c >= '0' && c <= '9':
			rest = (rest*10 + int(c-'0')) % 97
		case c >= 'A' && c <= 'Z':
			rest = (rest*100 + int(c-'A') + 10) % 97
		default:
			return false
		}
	}
	return rest == 1
}
