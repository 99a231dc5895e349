package wire

// Character classes of RFC 3261 25.1.
const (
	clToken uint8 = 1 << iota // alphanum and -.!%*_+`'~
	clHost                    // alphanum and -._
	clURI                     // what a URI may hold: no white space, control, <, >, "
)

var class = makeClasses()

func makeClasses() (t [256]uint8) {
	for c := range t {
		b := byte(c)
		alnum := b >= '0' && b <= '9' || b|0x20 >= 'a' && b|0x20 <= 'z'
		switch {
		case alnum || b == '-' || b == '.' || b == '_':
			t[c] |= clToken | clHost
		case b == '!' || b == '%' || b == '*' || b == '+' || b == '`' || b == '\'' || b == '~':
			t[c] |= clToken
		}
		if b > ' ' && b != 0x7f && b != '<' && b != '>' && b != '"' {
			t[c] |= clURI
		}
	}
	return t
}

// only reports whether b is not empty and all of one class.
func only(b []byte, cl uint8) bool {
	for _, c := range b {
		if class[c]&cl == 0 {
			return false
		}
	}
	return len(b) > 0
}

func blank(c byte) bool { return c == ' ' || c == '\t' }

// lws is white space inside a value that may be folded.
func lws(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c | 0x20
	}
	return c
}

// equalFold compares ASCII without case.
func equalFold[T string | []byte](a T, b []byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range b {
		if a[i] != b[i] && lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func hasPrefixFold(b []byte, prefix string) bool {
	return len(b) >= len(prefix) && equalFold(prefix, b[:len(prefix)])
}

// number reads digits alone; what is above limit gives limit+1. ok is false for anything else.
func number(b []byte, limit int) (n int, ok bool) {
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		if n <= limit {
			n = n*10 + int(c-'0')
		}
	}
	return min(n, limit+1), len(b) > 0
}
