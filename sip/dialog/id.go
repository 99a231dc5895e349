package dialog

import (
	"strings"

	"github.com/emiago/sipgo/sip"
)

// An ID names a dialog at one of its ends (RFC 3261 12): the other end has the tags exchanged.
// It is comparable. A tag is empty towards a peer of RFC 2543 only.
type ID struct {
	CallID    string // the Call-ID header value, not cti.CallID
	LocalTag  string
	RemoteTag string
}

// IDOf returns the dialog of a request that we received: our tag is the one in To
// (RFC 3261 12.2.2). LocalTag is empty when the request is outside of a dialog.
func IDOf(req *sip.Request) ID {
	return ID{CallID: callIDOf(req.CallID()), LocalTag: ToTag(req.To()), RemoteTag: FromTag(req.From())}
}

// IDOfResponse returns the dialog of a response that we received: our tag is the one in From
// (RFC 3261 12.1.2).
func IDOfResponse(res *sip.Response) ID {
	return ID{CallID: callIDOf(res.CallID()), LocalTag: FromTag(res.From()), RemoteTag: ToTag(res.To())}
}

// InDialog reports whether a request that we received names a dialog: it has a To tag.
func InDialog(req *sip.Request) bool { return ToTag(req.To()) != "" }

// ToTag returns the tag of a To header; empty when the header or its tag is missing.
func ToTag(h *sip.ToHeader) string {
	if h == nil {
		return ""
	}
	return TagOf(h.Params)
}

// FromTag returns the tag of a From header; empty when the header or its tag is missing.
func FromTag(h *sip.FromHeader) string {
	if h == nil {
		return ""
	}
	return TagOf(h.Params)
}

// TagOf returns the tag parameter. Its name has no case (RFC 3261 7.3.1); its value has.
func TagOf(params sip.HeaderParams) string { return param(params, "tag") }

// param returns the first parameter of that name, whatever its case.
func param(params sip.HeaderParams, name string) string {
	for _, kv := range params {
		if strings.EqualFold(kv.K, name) {
			return kv.V
		}
	}
	return ""
}

func hasParam(params sip.HeaderParams, name string) bool {
	for _, kv := range params {
		if strings.EqualFold(kv.K, name) {
			return true
		}
	}
	return false
}

func callIDOf(h *sip.CallIDHeader) string {
	if h == nil {
		return ""
	}
	return string(*h)
}
