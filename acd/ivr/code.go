package ivr

import "strings"

// CodeDigits is the length of a tracking code, check digit included.
const CodeDigits = 10

// Code reads a typed tracking code: ten digits whose last one is the check digit
// of ISO/IEC 7064 MOD 11,10 over the others. A closing # is allowed.
func Code(typed string) (code string, ok bool) {
	typed = strings.TrimSuffix(typed, "#")
	if len(typed) != CodeDigits {
		return "", false
	}
	p := 10
	for i, c := range []byte(typed) {
		if c < '0' || c > '9' {
			return "", false
		}
		d := int(c - '0')
		if i == CodeDigits-1 {
			if (p+d)%10 != 1 {
				return "", false
			}
			return typed, true
		}
		s := (p + d) % 10
		if s == 0 {
			s = 10
		}
		p = s * 2 % 11
	}
	return "", false
}
