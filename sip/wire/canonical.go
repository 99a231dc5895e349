package wire

import (
	"bytes"
	"strconv"
)

// AppendCanonical appends the message in the one form that the typed parser reads without
// surprises: names canonical and never compact, folded lines joined, white space around
// the separators of Via, From, To, Contact, Route, Refer-To and CSeq gone, Content-Length last
// and true. Parse must have accepted m.
func AppendCanonical(dst []byte, m *Message) []byte {
	if m.request {
		dst = append(dst, m.MethodBytes()...)
		dst = append(dst, ' ')
		dst = append(dst, m.RequestURI()...)
		dst = append(dst, " SIP/2.0\r\n"...)
	} else {
		dst = append(dst, "SIP/2.0 "...)
		dst = strconv.AppendInt(dst, int64(m.status), 10)
		dst = append(dst, ' ')
		dst = append(dst, m.Reason()...)
		dst = append(dst, '\r', '\n')
	}
	for i := range m.fields[:m.n] {
		f := &m.fields[i]
		if f.id == hContentLength {
			continue
		}
		dst = append(dst, m.nameOf(f)...)
		dst = append(dst, ": "...)
		dst = appendValue(dst, f.id, f.value.of(m.raw))
		dst = append(dst, '\r', '\n')
	}
	dst = append(dst, "Content-Length: "...)
	dst = strconv.AppendInt(dst, int64(len(m.Body())), 10)
	dst = append(dst, "\r\n\r\n"...)
	return append(dst, m.Body()...)
}

func appendValue(dst []byte, id headerID, v []byte) []byte {
	switch id {
	case hVia:
		return appendSqueezed(dst, v, ";=,/:")
	case hFrom, hTo, hContact, hRoute, hRecordRoute, hPath, hReferTo, hReferredBy, hReplaces, hSessionExpires:
		return appendSqueezed(dst, v, ";=,")
	case hCSeq, hEvent:
		return appendSqueezed(dst, v, ";=")
	}
	return appendUnfolded(dst, v)
}

// appendSqueezed copies a value; outside quotes and angle brackets, white space next to one of
// the separators goes and any other becomes one space.
func appendSqueezed(dst, v []byte, separators string) []byte {
	if !bytes.ContainsAny(v, " \t\r\n") {
		return append(dst, v...)
	}
	start := len(dst)
	for i := 0; i < len(v); i++ {
		switch c := v[i]; {
		case c == '"' || c == '<':
			end := enclosed(v, i)
			dst = appendUnfolded(dst, v[i:end])
			i = end - 1
		case !lws(c):
			dst = append(dst, c)
		default:
			for i+1 < len(v) && lws(v[i+1]) {
				i++
			}
			before := len(dst) > start && !contains(separators, dst[len(dst)-1])
			if before && i+1 < len(v) && !contains(separators, v[i+1]) {
				dst = append(dst, ' ')
			}
		}
	}
	return dst
}

// enclosed returns the end of the quoted string or the URI in angle brackets that begins at i.
func enclosed(v []byte, i int) int {
	if v[i] == '<' {
		if k := bytes.IndexByte(v[i:], '>'); k >= 0 {
			return i + k + 1
		}
		return len(v)
	}
	if k := quotedEnd(v, i, len(v)); k >= 0 {
		return k + 1
	}
	return len(v)
}

func contains(s string, c byte) bool {
	for i := range len(s) {
		if s[i] == c {
			return true
		}
	}
	return false
}
