package b2bua

import (
	"strconv"
	"strings"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/cti"
)

// maxReason bounds what is read of a Reason header; real values have 50 bytes.
const maxReason = 1024

// reasonHeader is a Reason (RFC 3326) for all that is not an ordinary hang-up.
func reasonHeader(cause cti.Cause) []sip.Header {
	if cause == cti.CauseNormal || cause == cti.CauseAbandoned {
		return nil
	}
	return []sip.Header{sip.NewHeader("Reason", reasonValue(cause))}
}

func reasonValue(cause cti.Cause) string {
	if cause == cti.CauseAnsweredElsewhere {
		return `SIP;cause=200;text="Call completed elsewhere"`
	}
	r := rowOf(cause)
	v := "Q.850;cause=" + strconv.Itoa(r.q850)
	if r.text != "" {
		v += `;text="` + r.text + `"`
	}
	return v
}

// causeSaid is the cause that the Reason headers of m name (RFC 3326, RFC 6432).
// Q.850 goes before SIP, because it says more. False: they name none that we know.
// Only offices of the network are asked: anybody may write anything there.
func causeSaid(m interface{ GetHeaders(string) []sip.Header }) (cti.Cause, bool) {
	var values []string
	for _, h := range m.GetHeaders("Reason") {
		values = append(values, h.Value())
	}
	return causeNamed(values...)
}

// causeNamed is causeSaid of the values of Reason headers.
func causeNamed(values ...string) (cti.Cause, bool) {
	var bySIP cti.Cause
	for _, value := range values {
		if len(value) > maxReason {
			continue
		}
		for _, one := range splitUnquoted(value, ',') {
			protocol, value, text := parseReason(one)
			switch {
			case strings.EqualFold(protocol, "Q.850"):
				if c, ok := causeOfQ850(value, text); ok {
					return c, true
				}
			case !strings.EqualFold(protocol, "SIP") || bySIP != "":
			case value == sip.StatusOK:
				bySIP = cti.CauseAnsweredElsewhere
			case value >= 300 && value < 700:
				bySIP = CauseOf(value)
			}
		}
	}
	return bySIP, bySIP != ""
}

// parseReason reads one reason-value; cause is 0 when it is absent or no number.
func parseReason(s string) (protocol string, cause int, text string) {
	parts := splitUnquoted(s, ';')
	for _, p := range parts[1:] {
		k, v, _ := strings.Cut(p, "=")
		v = strings.TrimSpace(v)
		switch strings.ToLower(strings.TrimSpace(k)) {
		case "cause":
			if n, err := strconv.ParseUint(v, 10, 10); err == nil {
				cause = int(n)
			}
		case "text":
			text = strings.Trim(v, `"`)
		}
	}
	return strings.TrimSpace(parts[0]), cause, text
}

// splitUnquoted splits s at sep outside quoted-strings; there is one part at least.
func splitUnquoted(s string, sep byte) []string {
	var out []string
	start, quoted := 0, false
	for i := 0; i < len(s); i++ {
		switch {
		case quoted && s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == sep && !quoted:
			out = append(out, s[start:i])
			start = i + 1
		}
	}
	return append(out, s[start:])
}
