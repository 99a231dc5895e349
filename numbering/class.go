package numbering

import (
	"slices"
	"strings"
)

// A Class says what kind of number a canonical number is, and so what a call to it
// costs whom.
type Class string

// The classes, as written in the configuration.
const (
	Internal      Class = "internal"      // stations and names: no number of the public plan
	Emergency     Class = "emergency"     // 112, 113, 115, 118
	Geographic    Class = "geographic"    // +390…, and nomadic +3955…
	Mobile        Class = "mobile"        // +393…
	Freephone     Class = "freephone"     // 800, 803
	Shared        Class = "shared"        // 84x, 199, 178: the caller pays a part
	Special       Class = "special"       // 039039039, other 1xx: utilities and helplines
	Premium       Class = "premium"       // 89x, 144, 163 to 166, 12xx, 4…, 7…
	International Class = "international" // + another country
)

// Classes are all of them that a station may be allowed or denied.
func Classes() []Class {
	return []Class{Geographic, Mobile, Freephone, Shared, Special, Premium, International}
}

// IsEmergency tells whether a canonical number is one that must always be
// reachable.
func IsEmergency(number string) bool {
	switch number {
	case "112", "113", "115", "118":
		return true
	}
	return false
}

// Service is the Italian number behind an emergency service of RFC 5031 4.2, written
// without its scheme: service:sos, service:sos.fire. What has no number of its own
// is 112, who pass it on. False: no emergency service.
func Service(urn string) (number string, ok bool) {
	name, ok := strings.CutPrefix(strings.ToLower(urn), "service:sos")
	if !ok || name != "" && name[0] != '.' {
		return "", false
	}
	first, _, _ := strings.Cut(strings.TrimPrefix(name, "."), ".")
	switch first {
	case "police":
		return "113", true
	case "fire":
		return "115", true
	case "ambulance":
		return "118", true
	}
	return "112", true
}

// ClassOf is the class of a canonical number of the public network. A number that
// the plan does not know is Premium: nobody should pay for a guess. Whether bare
// digits name a station is the caller's question, before this one.
func ClassOf(number string) Class {
	digits, plus := strings.CutPrefix(number, "+")
	switch {
	case IsEmergency(number):
		return Emergency
	case strings.Trim(digits, "0123456789") != "" || digits == "":
		return Internal
	case !plus:
		return nationalClass(digits)
	}
	rest, italian := strings.CutPrefix(digits, "39")
	switch {
	case !italian:
		return International
	case strings.HasPrefix(rest, "0"), strings.HasPrefix(rest, "55"):
		return Geographic
	case strings.HasPrefix(rest, "3"):
		return Mobile
	}
	return Premium
}

func nationalClass(digits string) Class {
	begins := func(prefixes ...string) bool {
		return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(digits, p) })
	}
	switch {
	case nationalOnly(digits):
		return Special
	case begins("800", "803"):
		return Freephone
	case begins("84", "199", "178"):
		return Shared
	case begins("144", "163", "164", "165", "166", "12"):
		return Premium
	case begins("1") && len(digits) <= 6:
		return Special
	}
	return Premium
}

// Presentable tells whether a canonical number may be sent as calling line identity
// to the public network: E.164 and, in Italy, geographic (+390…) or mobile (+393…).
func Presentable(number string) bool {
	digits, ok := strings.CutPrefix(number, "+")
	if !ok || len(digits) < 7 || len(digits) > 15 || strings.Trim(digits, "0123456789") != "" {
		return false
	}
	if italian, ok := strings.CutPrefix(digits, "39"); ok {
		return italian[0] == '0' || italian[0] == '3'
	}
	return true
}

// HasService tells whether a number names an Italian service without place:
// freephone, shared cost and premium (8…, six digits at least, in national form
// or with a wrong +39), and 1xx. Nobody may be called back there.
func HasService(number string) bool {
	n := strings.TrimPrefix(number, "+39")
	if strings.HasPrefix(n, "8") && len(n) >= 6 {
		return true
	}
	return strings.HasPrefix(n, "1") && (len(n) == 3 || strings.HasPrefix(number, "+39"))
}
