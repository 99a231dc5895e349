package wire

import "net/netip"

// A URI is a SIP or SIPS URI taken apart (RFC 3261 19.1). Its slices alias the text.
type URI struct {
	Secure bool   // sips
	User   []byte // with its password, without the @; nil when absent
	Host   []byte // an IPv6 address without its brackets
	Port   uint16 // 0 when absent
	Params []byte // from the first semicolon on; headers after ? are left out
}

// ParseURI reads a SIP or SIPS URI; ok is false for any other scheme and for what is none.
func ParseURI(b []byte) (u URI, ok bool) {
	switch {
	case hasPrefixFold(b, "sip:"):
		b = b[4:]
	case hasPrefixFold(b, "sips:"):
		u.Secure, b = true, b[5:]
	default:
		return URI{}, false
	}
	if !only(b, clURI) {
		return URI{}, false
	}
	for i := len(b) - 1; i >= 0; i-- { // a user part may hold ; and ?
		if b[i] == '@' {
			u.User, b = b[:i], b[i+1:]
			break
		}
	}
	for i, c := range b {
		if c == '?' {
			b = b[:i]
			break
		}
	}
	for i, c := range b {
		if c == ';' {
			u.Params, b = b[i:], b[:i]
			break
		}
	}
	return u, u.hostport(b)
}

func (u *URI) hostport(b []byte) bool {
	end := len(b)
	if end > 0 && b[0] == '[' {
		for end = 1; end < len(b) && b[end] != ']'; end++ {
		}
		if end == len(b) || !ipv6(b[1:end]) {
			return false
		}
		u.Host, b = b[1:end], b[end+1:]
	} else {
		for end = 0; end < len(b) && b[end] != ':'; end++ {
		}
		u.Host, b = b[:end], b[end:]
		if !only(u.Host, clHost) {
			return false
		}
	}
	if len(b) == 0 {
		return true
	}
	n, ok := number(b[1:], 65535)
	u.Port = uint16(n)
	return b[0] == ':' && ok && n > 0 && n <= 65535
}

// Param returns the value of a URI parameter, empty when it has none; ok is false when it is absent.
func (u URI) Param(name string) (value []byte, ok bool) {
	for rest := u.Params; len(rest) > 0; {
		p := rest[1:]
		end := 0
		for end < len(p) && p[end] != ';' {
			end++
		}
		p, rest = p[:end], p[end:]
		eq := 0
		for eq < len(p) && p[eq] != '=' {
			eq++
		}
		if equalFold(name, p[:eq]) {
			return p[min(eq+1, len(p)):], true
		}
	}
	return nil, false
}

// Addr returns host and port when the host is a literal address, port 5060 when none is given
// (5061 for SIPS). No name is ever asked for.
func (u URI) Addr() (netip.AddrPort, bool) {
	ip, err := netip.ParseAddr(string(u.Host))
	if err != nil {
		return netip.AddrPort{}, false
	}
	port := u.Port
	switch {
	case port != 0:
	case u.Secure:
		port = 5061
	default:
		port = 5060
	}
	return netip.AddrPortFrom(ip.Unmap(), port), true
}
