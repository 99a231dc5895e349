package numbering

import "strings"

// A Format is how a carrier wants numbers dialled.
type Format string

const (
	// Global is E.164 with a plus, and national form for what has none: +3906828881,
	// +442071838750, 803001.
	Global Format = "e164"
	// Domestic is as people dial inside Italy: 06828881, 00442071838750, 803001.
	Domestic Format = "national"
)

// Write is a canonical number in the format f. What exists only inside Italy never
// gets a country code: +39803001 would be nobody's number abroad, and +39039039039
// somebody's in Monza.
func (f Format) Write(number string) string {
	digits, plus := strings.CutPrefix(number, "+")
	if f != Domestic || !plus {
		return number
	}
	if italian, ok := strings.CutPrefix(digits, "39"); ok && italian != "" && (italian[0] == '0' || italian[0] == '3' || italian[0] == '5') {
		return italian
	}
	return "00" + digits
}

// LeavesCountry tells whether written, which a rule made of the canonical number,
// gives a country code to a number that has none.
func LeavesCountry(number, written string) bool {
	if strings.HasPrefix(number, "+") || strings.Trim(number, "0123456789") != "" {
		return false
	}
	return strings.HasPrefix(written, "+") || strings.HasPrefix(written, "00")
}
