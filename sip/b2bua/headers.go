package b2bua

import (
	"strings"

	"github.com/emiago/sipgo/sip"
)

// What we say about ourselves. 100rel is offered by Target.Reliable, 199 in each
// INVITE.
const (
	allowed   = "INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, INFO, UPDATE, REFER, NOTIFY"
	supported = "timer, norefersub, replaces, uui"
)

// unsupported is the option tags of Require that we do not know, "" when there is
// none (RFC 3261 8.2.2.3).
func unsupported(req *sip.Request) string {
	var out []string
	for _, h := range req.GetHeaders("Require") {
		for tag := range strings.SplitSeq(h.Value(), ",") {
			switch tag = strings.TrimSpace(tag); strings.ToLower(tag) {
			case "", "timer", "norefersub", "replaces", "uui", "100rel":
			default:
				out = append(out, strings.Map(printable, tag))
			}
		}
	}
	return strings.Join(out, ", ")
}

// abilities adds Allow, Supported and our name, as an INVITE and its 2xx should
// have them (RFC 3261 13.2.1, 13.3.1.4).
func (s *Switch) abilities(m sip.Message, agent string) {
	m.AppendHeader(sip.NewHeader("Allow", allowed))
	m.AppendHeader(sip.NewHeader("Supported", supported))
	m.AppendHeader(sip.NewHeader(agent, s.cfg.UserAgent))
}

func setSDP(m sip.Message, body []byte) {
	kind := sip.ContentTypeHeader("application/sdp")
	m.AppendHeader(&kind)
	m.SetBody(body)
}

// header is the first value of a header, "" when it is absent.
func header(m interface{ GetHeader(string) sip.Header }, name string) string {
	if h := m.GetHeader(name); h != nil {
		return h.Value()
	}
	return ""
}

// lists tells whether the comma list of a header names token.
func lists(value, token string) bool {
	for v := range strings.SplitSeq(value, ",") {
		if strings.EqualFold(strings.TrimSpace(v), token) {
			return true
		}
	}
	return false
}

// printable drops what must never reach a header line (CR, LF, NUL, DEL).
func printable(r rune) rune {
	if r < ' ' || r == 0x7f {
		return -1
	}
	return r
}
