package shield

import "bytes"

// kept are the headers that a response over UDP cannot do without (RFC 3261 8.2.6.2, 22.1, 20.33),
// and their shortest names (7.3.3).
func kept(name []byte) (short string, ok bool) {
	switch string(bytes.ToLower(name)) {
	case "via", "v":
		return "v", true
	case "from", "f":
		return "f", true
	case "to", "t":
		return "t", true
	case "call-id", "i":
		return "i", true
	case "cseq", "www-authenticate", "proxy-authenticate", "retry-after", "unsupported", "contact", "expires", "min-expires":
		return string(name), true
	}
	return "", false
}

// A brevity is how far a response is shortened. Simple clients (sipsak) look for ": " and for full
// names: less is better, as long as it is enough.
type brevity uint8

const (
	bare    brevity = iota // what a stranger can do without is left out
	compact                // and names are short
	terse                  // and so are challenge and reason phrase
)

// shorten is the response b, shortened. It is nil when that is not possible: when there is a body,
// or a header over two lines.
func shorten(b []byte, how brevity) []byte {
	head, body, ok := bytes.Cut(b, []byte("\r\n\r\n"))
	if !ok || len(body) > 0 {
		return nil
	}
	out := make([]byte, 0, len(b))
	line, head, _ := bytes.Cut(head, []byte("\r\n"))
	if how == terse && len(line) > statusLine {
		line = append(line[:statusLine:statusLine], '-') // simple clients want some reason
	}
	out = append(append(out, line...), "\r\n"...)
	for len(head) > 0 {
		line, head, _ = bytes.Cut(head, []byte("\r\n"))
		name, value, ok := bytes.Cut(line, []byte(":"))
		if !ok || line[0] == ' ' || line[0] == '\t' {
			return nil
		}
		name, value = bytes.TrimRight(name, " \t"), bytes.TrimSpace(value)
		short, ok := kept(name)
		switch {
		case !ok:
			continue
		case how == bare, len(short) > 1:
			out = append(append(out, name...), ": "...)
		default:
			out = append(append(out, short...), ':')
		}
		if how == terse {
			value = challenge(value)
		}
		out = append(append(out, value...), "\r\n"...)
	}
	return append(out, "\r\n"...)
}

// statusLine is the length of a status line before its reason phrase.
const statusLine = len("SIP/2.0 401 ")

// challenge leaves out of a challenge what it does not need: MD5 is what an absent algorithm means
// (RFC 7616 3.3). The quote before each comma keeps it out of the realm; other values are as they were.
func challenge(value []byte) []byte {
	if !bytes.HasPrefix(value, []byte("Digest ")) {
		return value
	}
	value = bytes.ReplaceAll(value, []byte(`", algorithm=MD5, `), []byte(`",`))
	return bytes.ReplaceAll(value, []byte(`", `), []byte(`",`))
}
