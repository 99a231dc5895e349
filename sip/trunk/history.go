package trunk

import (
	"strings"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/numbering"
)

// A Diversion says why a call goes on to another number than the dialled one.
type Diversion uint8

// Why a node sends a call on: nobody answered in time, or an operator handed it over.
const (
	NoAnswer Diversion = iota
	Deflection
)

// cause is the value of RFC 4458 2, reason the one of RFC 5806 4.
func (d Diversion) cause() string  { return [...]string{"408", "480"}[d] }
func (d Diversion) reason() string { return [...]string{"no-answer", "deflection"}[d] }

// History tells the peer that a call to the number dialled now goes to the number
// to, as written for it: History-Info (RFC 7044 5), and Diversion (RFC 5806) for
// networks that know nothing newer. It names numbers of ours alone, never a
// caller's, and a carrier sees none that may not be presented: with no number to
// stand in, it is told nothing.
func (p *Peer) History(dialled, to string, why Diversion, host string) []sip.Header {
	shown := p.Identity(dialled)
	if p.Site != "" {
		shown = dialled
	}
	if shown == "" || strings.Trim(shown+strings.TrimPrefix(to, "+"), "+0123456789") != "" {
		return nil
	}
	return []sip.Header{
		sip.NewHeader("History-Info", "<sip:"+shown+"@"+host+">;index=1, <sip:"+to+"@"+host+";cause="+why.cause()+">;index=1.1;mp=1"),
		sip.NewHeader("Diversion", "<sip:"+shown+"@"+host+">;reason="+why.reason()+";counter=1"),
	}
}

// Original is the number that the caller dialled first, in our form, as a peer in
// our trust domain tells: the first entry of History-Info, or the last Diversion,
// which is the oldest (RFC 5806 7). "" when there is none, or it is private.
func (p *Peer) Original(req *sip.Request) string {
	if !p.Trusts() {
		return ""
	}
	if list := values(req, "History-Info"); len(list) > 0 {
		return p.numberIn(list[0])
	}
	if list := values(req, "Diversion"); len(list) > 0 {
		return p.numberIn(list[len(list)-1])
	}
	return ""
}

// numberIn reads an entry, unless it asks for privacy.
func (p *Peer) numberIn(entry string) string {
	var uri sip.Uri
	params := sip.HeaderParams{}
	if _, err := sip.ParseAddressValue(entry, &uri, &params); err != nil {
		return ""
	}
	private, _ := params.Get("privacy")
	if strings.EqualFold(private, "full") || strings.Contains(strings.ToLower(entry), "privacy=history") || strings.EqualFold(uri.Host, "anonymous.invalid") {
		return ""
	}
	user := uri.User
	if strings.EqualFold(uri.Scheme, "tel") {
		user = uri.Raw()
	}
	n := p.Inward(user)
	if numbering.ClassOf(n) == numbering.Internal {
		return ""
	}
	return n
}

// values splits the comma lists of a header, commas inside brackets and quotes
// aside.
func values(req *sip.Request, name string) (out []string) {
	for _, h := range req.GetHeaders(name) {
		depth, quoted, from := 0, false, 0
		s := h.Value()
		for i := range len(s) {
			switch c := s[i]; {
			case c == '"' && (i == 0 || s[i-1] != '\\'):
				quoted = !quoted
			case quoted:
			case c == '<':
				depth++
			case c == '>':
				depth--
			case c == ',' && depth == 0:
				out = append(out, strings.TrimSpace(s[from:i]))
				from = i + 1
			}
		}
		out = append(out, strings.TrimSpace(s[from:]))
	}
	return out
}
