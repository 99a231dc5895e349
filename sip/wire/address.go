package wire

import "bytes"

// An Address is one value of Contact, Path or another list of name-addr and addr-spec
// (RFC 3261 25.1). Its slices alias the message.
type Address struct {
	Raw    []byte // the whole value
	URI    []byte // without its brackets; holds nothing that a URI may not
	Params []byte // those of the header field, from the first semicolon on
	Star   bool   // the value is "*"; there is no URI then
}

// NextAddress reads the first value of a list and returns what follows its comma, nil at the end.
// ok is false when it cannot be read. An addr-spec without brackets has no parameters of its own:
// all are of the header field (RFC 3261 20.10), and it holds no comma.
func NextAddress(list []byte) (a Address, rest []byte, ok bool) {
	i := skipLWS(list, 0)
	start := i
	if i < len(list) && list[i] == '*' {
		a.Star, i = true, i+1
	} else if i, ok = a.uri(list, i); !ok {
		return Address{}, nil, false
	}
	p := params{b: list, pos: i, end: len(list)}
	for p.next() {
	}
	if p.bad || a.Star && p.pos != skipLWS(list, i) {
		return Address{}, nil, false
	}
	end := p.pos
	if end < len(list) {
		if list[end] != ',' {
			return Address{}, nil, false
		}
		rest = list[skipLWS(list, end+1):]
		if len(rest) == 0 {
			return Address{}, nil, false
		}
	}
	a.Raw = bytes.TrimRight(list[start:end], " \t\r\n")
	a.Params = list[i:end]
	return a, rest, true
}

// uri reads "display <uri>" or "uri" at i and returns where it ends.
func (a *Address) uri(b []byte, i int) (int, bool) {
	for k := i; k < len(b) && b[k] != ',' && b[k] != ';'; k++ {
		switch b[k] {
		case '"':
			if k = quotedEnd(b, k, len(b)); k < 0 {
				return 0, false
			}
		case '<':
			n := bytes.IndexByte(b[k:], '>')
			if n < 0 || !only(b[k+1:k+n], clURI) {
				return 0, false
			}
			a.URI = b[k+1 : k+n]
			return k + n + 1, true
		}
	}
	end := i
	for end < len(b) && b[end] != ',' && b[end] != ';' && b[end] != '?' && !lws(b[end]) {
		end++
	}
	a.URI = b[i:end]
	return end, only(a.URI, clURI)
}

// Param returns the value of a parameter, as written with its quotes, empty when it has none; ok
// is false when it is absent.
func (a Address) Param(name string) (value []byte, ok bool) {
	p := params{b: a.Params, end: len(a.Params)}
	for p.next() {
		if equalFold(name, p.name.of(a.Params)) {
			return p.value.of(a.Params), true
		}
	}
	return nil, false
}

func skipLWS(b []byte, i int) int {
	for i < len(b) && lws(b[i]) {
		i++
	}
	return i
}
