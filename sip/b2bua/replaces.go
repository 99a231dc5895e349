package b2bua

import (
	"errors"
	"net/url"
	"strings"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/sip/dialog"
)

// A replaces names a dialog as its recipient sees it (RFC 3891 6.1): toTag is the
// recipient's own, fromTag that of the far end.
type replaces struct {
	callID, toTag, fromTag string
	earlyOnly              bool
}

// errReplaces is a Replaces that cannot be read; it is answered with 400.
var errReplaces = errors.New("malformed Replaces")

// maxReplaces bounds what is read of a Replaces; real values have 150 octets.
const maxReplaces = 1024

// parseReplaces reads the value of a Replaces header. Unknown parameters are
// ignored; both tags must be there once.
func parseReplaces(value string) (replaces, error) {
	if len(value) > maxReplaces || strings.ContainsFunc(value, unprintable) {
		return replaces{}, errReplaces
	}
	parts := splitUnquoted(value, ';')
	r := replaces{callID: strings.TrimSpace(parts[0])}
	for _, p := range parts[1:] {
		k, v, _ := strings.Cut(strings.TrimSpace(p), "=")
		v = strings.TrimSpace(v)
		switch strings.ToLower(strings.TrimSpace(k)) {
		case "to-tag":
			if r.toTag != "" {
				return replaces{}, errReplaces
			}
			r.toTag = v
		case "from-tag":
			if r.fromTag != "" {
				return replaces{}, errReplaces
			}
			r.fromTag = v
		case "early-only":
			r.earlyOnly = true
		}
	}
	for _, token := range []string{r.callID, r.toTag, r.fromTag} {
		if token == "" || strings.ContainsAny(token, " \t,;\"<>") {
			return replaces{}, errReplaces
		}
	}
	return r, nil
}

func unprintable(r rune) bool { return r < ' ' || r == 0x7f }

// replacesOf reads the Replaces of an INVITE; nil when there is none. More than
// one is an error (RFC 3891 3).
func replacesOf(req *sip.Request) (*replaces, error) {
	list := req.GetHeaders("Replaces")
	switch len(list) {
	case 0:
		return nil, nil
	case 1:
		r, err := parseReplaces(list[0].Value())
		return &r, err
	}
	return nil, errReplaces
}

func (r replaces) String() string {
	s := r.callID + ";to-tag=" + r.toTag + ";from-tag=" + r.fromTag
	if r.earlyOnly {
		s += ";early-only"
	}
	return s
}

// key finds our leg of the dialog.
func (r replaces) key() dialogKey { return dialogKey{r.callID, r.toTag} }

// names tells whether r is the dialog id, ours.
func (r replaces) names(id dialog.ID) bool {
	return r.callID == id.CallID && r.toTag == id.LocalTag && r.fromTag == id.RemoteTag
}

// A referee is what a Refer-To asks for: a number, perhaps in place of a dialog
// (RFC 3891 4), perhaps with data of its user (RFC 7433).
type referee struct {
	user     string // unescaped; "" when it is no number of ours
	replaces *replaces
	uui      []string
}

// referTo reads the Refer-To of a REFER. There must be exactly one (RFC 3515 2.4.1).
func referTo(req *sip.Request) (referee, bool) {
	list := req.GetHeaders("Refer-To")
	if len(list) != 1 {
		return referee{}, false
	}
	var u sip.Uri
	var params sip.HeaderParams
	if _, err := sip.ParseAddressValue(list[0].Value(), &u, &params); err != nil {
		return referee{}, false
	}
	user, err := numberIn(&u)
	if err != nil {
		return referee{}, false
	}
	to := referee{user: user}
	for _, h := range u.Headers {
		value, err := url.PathUnescape(h.V)
		if err != nil {
			return referee{}, false
		}
		switch {
		case strings.EqualFold(h.K, "Replaces"):
			r, err := parseReplaces(value)
			if err != nil || to.replaces != nil {
				return referee{}, false
			}
			to.replaces = &r
		case strings.EqualFold(h.K, userToUser):
			to.uui = append(to.uui, opaque(value)...)
		}
	}
	to.uui = to.uui[:min(len(to.uui), maxUUI)]
	return to, true
}
