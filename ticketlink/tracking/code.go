// Package tracking gives citizens a code and a PIN by which they find their
// request again, by telephone keys, web or text.
//
// A code is nine random digits and a check digit, a PIN six random digits, told
// once and kept only as a bcrypt hash. Nothing of them can be derived from the
// ticket. Guessing is bounded per code and per source, and an unknown code looks
// like a wrong PIN. Codes and hashes live in their own table and never enter the
// event stream. The package owns no goroutine.
package tracking

import (
	"crypto/rand"
	"io"
	"strings"
)

// A Code is ten digits, the last of them the check digit of the others by
// ISO/IEC 7064, MOD 11,10.
//
// The check digit catches every wrong single digit, but of the transpositions of
// two adjacent digits only 97.8 % (880 of 900 cases): the standard promises no
// more of this system. Codes of which a transposition would pass are therefore
// not given out, so that every transposition of a code of ours is caught.
type Code string

// String is the code as people read it: "123 456 789 0".
func (c Code) String() string {
	if len(c) != 10 {
		return string(c)
	}
	return string(c[:3]) + " " + string(c[3:6]) + " " + string(c[6:9]) + " " + string(c[9:])
}

// Parse reads a code as people type it, with spaces, dots or dashes; false when
// it has not ten digits or the check digit is wrong.
func Parse(s string) (Code, bool) {
	s = strings.NewReplacer(" ", "", ".", "", "-", "").Replace(s)
	if len(s) != 10 || strings.Trim(s, "0123456789") != "" {
		return "", false
	}
	return Code(s), s[9] == checkDigit(s[:9])
}

// checkDigit is the MOD 11,10 check character of a string of digits.
func checkDigit(digits string) byte {
	p := 10
	for _, d := range []byte(digits) {
		p = step(p, int(d-'0'))
	}
	return byte('0' + (11-p)%10)
}

// step is one round of the hybrid system; p runs through 1 to 10.
func step(p, digit int) int {
	s := (p + digit) % 10
	if s == 0 {
		s = 10
	}
	return s * 2 % 11
}

// randomDigits draws n digits, each alike.
func randomDigits(n int) string {
	out := make([]byte, 0, n)
	var b [1]byte
	for len(out) < n {
		io.ReadFull(rand.Reader, b[:]) // never fails since Go 1.24
		if b[0] < 250 {
			out = append(out, '0'+b[0]%10)
		}
	}
	return string(out)
}

// newCode draws a code of which no adjacent transposition passes; about one in
// six is drawn again.
func newCode() Code {
	for {
		nine := randomDigits(9)
		c := Code(nine + string(checkDigit(nine)))
		if !c.confusable() {
			return c
		}
	}
}

// confusable tells whether c has an adjacent transposition that passes.
func (c Code) confusable() bool {
	for i := range len(c) - 1 {
		if c[i] == c[i+1] {
			continue
		}
		if _, ok := Parse(c.swapped(i)); ok {
			return true
		}
	}
	return false
}

// swapped is c with the digits at i and i+1 exchanged.
func (c Code) swapped(i int) string {
	return string(c[:i]) + string(c[i+1]) + string(c[i]) + string(c[i+2:])
}
