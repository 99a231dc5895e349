package shield

import "bytes"

// searched is how far into a message signatures are looked for.
const searched = 1024

// DefaultSignatures are the names under which scanners present themselves.
func DefaultSignatures() []string {
	return []string{
		"friendly-scanner", "friendly-request", "sipvicious", "sundayddr", "sip-scan", "sipcli", "svwar", "svcrack",
		"vaxsipuseragent", "vaxipuseragent", "pplsip", "masscan", "siparmyknife", "sipptk", "conaito",
	}
}

// signatures find what scanners write in the headers that they fill.
type signatures struct {
	words [][]byte  // lower case
	first [256]bool // octets, of either case, with which one begins
}

func newSignatures(words []string) *signatures {
	s := &signatures{}
	for _, w := range words {
		b := bytes.ToLower([]byte(w))
		if len(b) == 0 {
			continue
		}
		s.words = append(s.words, b)
		s.first[b[0]] = true
		s.first[bytes.ToUpper(b[:1])[0]] = true
	}
	return s
}

// match returns the signature found in the beginning of the message b, or "".
func (s *signatures) match(b []byte) string {
	if len(s.words) == 0 {
		return ""
	}
	b = b[:min(len(b), searched)]
	_, b, _ = bytes.Cut(b, []byte("\n")) // no scanner names itself in the request line
	for len(b) > 0 {
		line := b
		if i := bytes.IndexByte(b, '\n'); i >= 0 {
			line, b = b[:i], b[i+1:]
		} else {
			b = nil
		}
		name, value, ok := bytes.Cut(line, []byte(":"))
		if !ok {
			return "" // the empty line, or no header at all
		}
		if telling(bytes.TrimRight(name, " \t")) {
			if w := s.in(value); w != "" {
				return w
			}
		}
	}
	return ""
}

// telling names the headers in which scanners are recognized, and their compact forms.
func telling(name []byte) bool {
	switch len(name) {
	case 1:
		switch name[0] | 0x20 {
		case 'f', 't', 'i', 's':
			return true
		}
	case 2:
		return bytes.EqualFold(name, []byte("To"))
	case 4:
		return bytes.EqualFold(name, []byte("From"))
	case 7:
		return bytes.EqualFold(name, []byte("Call-ID")) || bytes.EqualFold(name, []byte("Subject"))
	case 10:
		return bytes.EqualFold(name, []byte("User-Agent"))
	}
	return false
}

func (s *signatures) in(value []byte) string {
	for i, c := range value {
		if !s.first[c] {
			continue
		}
		for _, w := range s.words {
			if len(value)-i >= len(w) && bytes.EqualFold(value[i:i+len(w)], w) {
				return string(w)
			}
		}
	}
	return ""
}
