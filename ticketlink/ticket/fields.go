package ticket

import (
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Limits of texts, in characters.
const (
	MaxSubject     = 160
	MaxDescription = 8000
	MaxAnswer      = 8000
)

// Outcomes are how a ticket may end.
func Outcomes() []string {
	return []string{"answered", "forwarded_external", "not_competent", "duplicate", "abandoned", "emergency_redirect", "withdrawn"}
}

// ContactReasons are why citizens call.
func ContactReasons() []string {
	return []string{"information", "request", "complaint", "report", "thanks", "other"}
}

// WaitingReasons are what a ticket may wait for.
func WaitingReasons() []string { return []string{"citizen", "other_administration", "callback"} }

// edit takes over every known field of f, or none: the error is a *FieldError with
// those that are wrong. Fields that say what a transition does, and unknown ones,
// are left alone.
func (t *Ticket) edit(f map[string]string, at time.Time) error {
	var invalid []string
	set := func(name string, p *string, ok func(string) bool) {
		v, given := f[name]
		if !given {
			return
		}
		if !ok(v) {
			invalid = append(invalid, name)
			return
		}
		*p = v
	}
	n := *t
	set("category", &n.Category, func(v string) bool { return v == "" || validCategory(v) })
	set("topic", &n.Topic, func(v string) bool { return v == "" || validTopic(v) })
	set("taxonomy_version", &n.TaxonomyVersion, line(16))
	set("contact_reason", &n.ContactReason, oneOf(ContactReasons()))
	set("subject", &n.Subject, line(MaxSubject))
	set("description", &n.Description, text(MaxDescription))
	set("answer", &n.Answer, text(MaxAnswer))
	set("outcome", &n.Outcome, oneOf(Outcomes()))
	set("priority", &n.Priority, func(v string) bool { return v != "" && oneOf([]string{"normal", "urgent", "emergency"})(v) })
	set("language", &n.Language, func(v string) bool { return len(v) == 2 || v == "ise" })
	set("contact_kind", &n.Citizen.ContactKind, oneOf([]string{"phone", "email", "pec"}))
	set("contact_value", &n.Citizen.Contact, line(254))
	if n.Topic != "" && n.Category != "" && !strings.HasPrefix(n.Topic, n.Category+".") && !slices.Contains(invalid, "topic") {
		invalid = append(invalid, "topic")
	}
	if len(invalid) > 0 {
		return &FieldError{Invalid: invalid}
	}
	// A contact is kept by the citizen's consent, which is given together with it.
	if v, given := f["contact_value"]; given {
		n.Citizen.ConsentAt = at.UTC()
		if v == "" {
			n.Citizen.ContactKind, n.Citizen.ConsentAt = "", time.Time{}
		}
	}
	*t = n
	return nil
}

func oneOf(list []string) func(string) bool {
	return func(v string) bool { return v == "" || slices.Contains(list, v) }
}

// text is valid UTF-8 of that many characters, with line breaks and tabs but no
// other control characters.
func text(limit int) func(string) bool {
	return func(v string) bool {
		return utf8.ValidString(v) && utf8.RuneCountInString(v) <= limit &&
			!strings.ContainsFunc(v, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t' })
	}
}

// line is text without line breaks.
func line(limit int) func(string) bool {
	return func(v string) bool { return text(limit)(v) && !strings.ContainsAny(v, "\r\n\t") }
}

// validCategory is "01" to "24".
func validCategory(v string) bool {
	return len(v) == 2 && v >= "01" && v <= "24" && v[1] >= '0' && v[1] <= '9'
}

// validTopic is a category, a dot and two digits.
func validTopic(v string) bool {
	return len(v) == 5 && v[2] == '.' && validCategory(v[:2]) && strings.Trim(v[3:], "0123456789") == ""
}
