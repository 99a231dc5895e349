package proxy

import (
	"bytes"
	"iter"
)

// contacts ranges over the URIs of a Contact value: "name" <uri>;q=1, uri;q=0.5 (RFC 3261 20.10).
// It stops at what it cannot read.
func contacts(v []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for v = bytes.TrimSpace(v); len(v) > 0; {
			uri, rest, ok := address(v)
			if !ok || !yield(uri) {
				return
			}
			v = bytes.TrimSpace(rest)
		}
	}
}

// address reads one address and what follows its comma.
func address(v []byte) (uri, rest []byte, ok bool) {
	quoted, open, bare := false, -1, true
	for i := 0; i < len(v); i++ {
		switch c := v[i]; {
		case c == '\\' && quoted:
			i++
		case c == '"' && open < 0:
			quoted = !quoted
		case quoted:
		case c == '<' && bare:
			open, bare = i+1, false
		case c == '>' && open >= 0:
			uri, open = v[open:i], -1
		case c == ';' && bare && uri == nil:
			uri, bare = bytes.TrimSpace(v[:i]), false
		case c == ',' && open < 0:
			if bare {
				uri = bytes.TrimSpace(v[:i])
			}
			return uri, v[i+1:], len(uri) > 0
		}
	}
	if bare && uri == nil {
		uri = bytes.TrimSpace(v)
	}
	return uri, nil, len(uri) > 0 && !quoted && open < 0
}
