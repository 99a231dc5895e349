package b2bua

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// Bodies that we refuse with 415 (RFC 3261 8.2.3).
var (
	errContentType     = errors.New("b2bua: body is no session description")
	errContentEncoding = errors.New("b2bua: body is encoded")
)

// Most parts of a multipart body that are looked at, in all levels together.
const maxParts = 16

// description is the session description in the body of m, nil when there is none:
// application/sdp alone or the first of a multipart (RFC 5621 3). A body without
// Content-Type counts as SDP. What a Content-Disposition calls optional is passed
// over (RFC 3261 20.11).
func description(m sip.Message) ([]byte, error) {
	body := m.Body()
	if len(body) == 0 {
		return nil, nil
	}
	h := m.(interface{ GetHeader(string) sip.Header })
	optional := disposable(header(h, "Content-Disposition"))
	switch enc := strings.TrimSpace(header(h, "Content-Encoding")); {
	case enc == "", strings.EqualFold(enc, "identity"):
	case optional:
		return nil, nil
	default:
		return nil, errContentEncoding
	}
	kind := header(h, "Content-Type")
	if kind == "" {
		return body, nil
	}
	parts := 0
	found, err := sdpIn(kind, body, &parts)
	if err == nil && found == nil || optional && errors.Is(err, errContentType) {
		return nil, nil
	}
	return found, err
}

// sdpIn looks for SDP in a body of the given type. parts counts what was opened.
func sdpIn(kind string, body []byte, parts *int) ([]byte, error) {
	media, params, err := mime.ParseMediaType(kind)
	switch {
	case err != nil && media == "":
		return nil, errContentType
	case media == "application/sdp":
		return body, nil
	case !strings.HasPrefix(media, "multipart/") || params["boundary"] == "":
		return nil, errContentType
	}
	for r := multipart.NewReader(bytes.NewReader(body), params["boundary"]); *parts < maxParts; {
		p, err := r.NextRawPart()
		if err != nil {
			break
		}
		*parts++
		part, err := io.ReadAll(p) // no longer than body
		if err != nil {
			break
		}
		if found, err := sdpIn(p.Header.Get("Content-Type"), part, parts); err == nil && found != nil {
			return found, nil
		}
	}
	return nil, errContentType
}

// disposable tells whether a Content-Disposition lets us pass the body over.
func disposable(value string) bool {
	_, params, err := mime.ParseMediaType(value)
	return err == nil && strings.EqualFold(params["handling"], "optional")
}

// offered is what a refusal of the body says that we would take.
func offered(err error) []sip.Header {
	switch {
	case errors.Is(err, errContentType):
		return []sip.Header{sip.NewHeader("Accept", "application/sdp")}
	case errors.Is(err, errContentEncoding):
		return []sip.Header{sip.NewHeader("Accept-Encoding", "identity")}
	}
	return nil
}

// refusesSDP tells whether the Accept of an INVITE leaves out the one type that we
// answer with (RFC 3261 20.1, 21.4.7). No Accept stands for application/sdp.
func refusesSDP(req *sip.Request) bool {
	hs := req.GetHeaders("Accept")
	for _, h := range hs {
		for one := range strings.SplitSeq(h.Value(), ",") {
			kind, _, _ := strings.Cut(one, ";")
			switch strings.ToLower(strings.TrimSpace(kind)) {
			case "application/sdp", "application/*", "*/*":
				return false
			}
		}
	}
	return len(hs) > 0
}
