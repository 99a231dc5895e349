package registrar

import (
	"bytes"
	"strings"

	"github.com/lineaamica/la2/sip/wire"
)

// An outboundState is what RFC 5626 6 says of a REGISTER.
type outboundState uint8

const (
	unasked outboundState = iota // reg-id counts for nothing
	applied                      // the binding is a flow of an instance
	lacking                      // the first proxy does not do its part: 439
)

// outboundOf tells whether outbound applies: the phone asks for it with a reg-id, an instance and
// the option tag, and the node that has its connection is us or a proxy whose Path says ob.
func outboundOf(m *wire.Message) outboundState {
	if !lists(m, "Supported", "outbound") || !hasFlow(m) {
		return unasked
	}
	if m.MoreVia() && !firstHopDoes(m) {
		return lacking
	}
	return applied
}

// hasFlow tells whether a contact has both reg-id and instance; one without the other is as
// nothing.
func hasFlow(m *wire.Message) bool {
	for _, v := range m.Values("Contact") {
		for v != nil {
			a, rest, ok := wire.NextAddress(v)
			if !ok {
				return false
			}
			if regID(a) > 0 && instance(a) != "" {
				return true
			}
			v = rest
		}
	}
	return false
}

// firstHopDoes tells whether a Path value has the parameter ob in its URI. Section 6 speaks of the
// first URI, whichever end that is; only the proxy next to the phone may write ob (5.1), so that
// any will do.
func firstHopDoes(m *wire.Message) bool {
	for _, v := range m.Values("Path") {
		for v != nil {
			a, rest, ok := wire.NextAddress(v)
			if !ok {
				return false
			}
			if u, ok := wire.ParseURI(a.URI); ok {
				if _, ob := u.Param("ob"); ob {
					return true
				}
			}
			v = rest
		}
	}
	return false
}

// maxPath bounds the Path of a binding, in octets.
const maxPath = 2048

// pathOf is the Path of a request as one value; empty: there is none.
func pathOf(m *wire.Message) string {
	var b strings.Builder
	for i, v := range m.Values("Path") {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(unfolded(v))
	}
	return b.String()
}

// pathFault refuses a Path that no request could follow.
func pathFault(m *wire.Message) *fault {
	n := 0
	for _, v := range m.Values("Path") {
		n += len(v)
		for rest := v; rest != nil; {
			a, next, ok := wire.NextAddress(rest)
			if !ok || a.Star || !ascii(a.URI) || n > maxPath {
				return &fault{status: 400, reason: "Bad Path"}
			}
			if _, ok := wire.ParseURI(a.URI); !ok {
				return &fault{status: 400, reason: "Bad Path"}
			}
			rest = next
		}
	}
	return nil
}

// unsupported lists the option tags of Require that we do not know, with commas.
func unsupported(m *wire.Message) string {
	var tags []string
	for _, v := range m.Values("Require") {
		for tag := range bytes.SplitSeq(v, []byte{','}) {
			switch tag := strings.TrimSpace(string(tag)); strings.ToLower(tag) {
			case "", "path", "outbound":
			default:
				tags = append(tags, tag)
			}
		}
	}
	return strings.Join(tags, ", ")
}

// lists tells whether a header field of option tags names one.
func lists(m *wire.Message, field, tag string) bool {
	for _, v := range m.Values(field) {
		for len(v) > 0 {
			one, rest, _ := bytes.Cut(v, []byte{','})
			if one = bytes.TrimSpace(one); len(one) == len(tag) && strings.EqualFold(string(one), tag) {
				return true
			}
			v = rest
		}
	}
	return false
}

// unfolded is a value on one line.
func unfolded(v []byte) string {
	if bytes.IndexByte(v, '\n') < 0 && bytes.IndexByte(v, '\r') < 0 {
		return string(v)
	}
	return strings.Join(strings.Fields(string(v)), " ")
}

func ascii(b []byte) bool {
	for _, c := range b {
		if c >= 0x80 {
			return false
		}
	}
	return true
}
