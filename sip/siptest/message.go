package siptest

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// A Header is one header field, its name as written.
type Header struct{ Name, Value string }

// A Message is a SIP message read by this package's own parser, or one to be sent.
type Message struct {
	Method, URI string // of a request
	Status      int    // of a response
	Reason      string
	Headers     []Header
	Body        []byte

	From netip.AddrPort // where it came from
	At   time.Time      // when
}

var compact = map[string]string{
	"a": "accept-contact", "b": "referred-by", "c": "content-type", "d": "request-disposition",
	"e": "content-encoding", "f": "from", "i": "call-id", "j": "reject-contact", "k": "supported",
	"l": "content-length", "m": "contact", "o": "event", "r": "refer-to", "s": "subject",
	"t": "to", "u": "allow-events", "v": "via", "x": "session-expires",
}

func fold(name string) string {
	name = strings.ToLower(name)
	if long, ok := compact[name]; ok {
		return long
	}
	return name
}

// ParseMessage reads a message; folded lines are joined, the body ends by Content-Length.
func ParseMessage(b []byte) (*Message, error) {
	head, body, ok := bytes.Cut(b, []byte("\r\n\r\n"))
	if !ok {
		return nil, errors.New("siptest: no empty line")
	}
	text := strings.NewReplacer("\r\n ", " ", "\r\n\t", " ").Replace(string(head))
	lines := strings.Split(text, "\r\n")
	m := &Message{}
	if err := m.startLine(lines[0]); err != nil {
		return nil, err
	}
	for _, line := range lines[1:] {
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return nil, fmt.Errorf("siptest: header line without colon: %q", line)
		}
		m.Headers = append(m.Headers, Header{strings.TrimSpace(name), strings.TrimSpace(value)})
	}
	if v := m.Get("Content-Length"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 0 || n > len(body) {
			return nil, fmt.Errorf("siptest: Content-Length %q with %d octets", v, len(body))
		}
		body = body[:n]
	}
	if len(body) > 0 {
		m.Body = bytes.Clone(body)
	}
	return m, nil
}

func (m *Message) startLine(line string) error {
	f := strings.SplitN(line, " ", 3)
	if len(f) < 2 {
		return fmt.Errorf("siptest: start line %q", line)
	}
	if f[0] != "SIP/2.0" {
		if len(f) != 3 || f[2] != "SIP/2.0" {
			return fmt.Errorf("siptest: request line %q", line)
		}
		m.Method, m.URI = f[0], f[1]
		return nil
	}
	n, err := strconv.Atoi(f[1])
	if err != nil || n < 100 || n > 699 {
		return fmt.Errorf("siptest: status line %q", line)
	}
	m.Status = n
	if len(f) == 3 {
		m.Reason = f[2]
	}
	return nil
}

// IsRequest tells a request from a response.
func (m *Message) IsRequest() bool { return m.Method != "" }

// Get returns the first value of a header field, long or compact; "" when absent.
func (m *Message) Get(name string) string {
	for _, v := range m.All(name) {
		return v
	}
	return ""
}

// All returns the values of a header field, one for each line.
func (m *Message) All(name string) []string {
	var out []string
	for _, h := range m.Headers {
		if fold(h.Name) == fold(name) {
			out = append(out, h.Value)
		}
	}
	return out
}

// List returns the values of a header field with comma lists split.
func (m *Message) List(name string) []string {
	var out []string
	for _, v := range m.All(name) {
		out = append(out, splitList(v)...)
	}
	return out
}

// Add appends a header field.
func (m *Message) Add(name, value string) { m.Headers = append(m.Headers, Header{name, value}) }

// Set replaces the header field, or appends it.
func (m *Message) Set(name, value string) {
	for i, h := range m.Headers {
		if fold(h.Name) == fold(name) {
			m.Headers[i].Value = value
			return
		}
	}
	m.Add(name, value)
}

// Del removes all header fields of the name.
func (m *Message) Del(name string) {
	var kept []Header
	for _, h := range m.Headers {
		if fold(h.Name) != fold(name) {
			kept = append(kept, h)
		}
	}
	m.Headers = kept
}

// CSeq returns number and method of CSeq.
func (m *Message) CSeq() (int, string) {
	f := strings.Fields(m.Get("CSeq"))
	if len(f) != 2 {
		return 0, ""
	}
	n, _ := strconv.Atoi(f[0]) // 0 is as good as an error in a test
	return n, f[1]
}

// Tag returns the tag of From or To.
func (m *Message) Tag(name string) string { return param(afterURI(m.Get(name)), "tag") }

// Branch returns the branch of the top Via.
func (m *Message) Branch() string { return param(m.topVia(), "branch") }

func (m *Message) topVia() string {
	for _, v := range m.List("Via") {
		return v
	}
	return ""
}

// SDP returns what the body says of audio; ok is false when there is none.
func (m *Message) SDP() (s SDP, ok bool) {
	if len(m.Body) == 0 {
		return SDP{}, false
	}
	return ParseSDP(m.Body)
}

// Bytes writes the message with a true Content-Length.
func (m *Message) Bytes() []byte {
	var b bytes.Buffer
	if m.IsRequest() {
		fmt.Fprintf(&b, "%s %s SIP/2.0\r\n", m.Method, m.URI)
	} else {
		fmt.Fprintf(&b, "SIP/2.0 %d %s\r\n", m.Status, m.Reason)
	}
	for _, h := range m.Headers {
		if fold(h.Name) != "content-length" {
			fmt.Fprintf(&b, "%s: %s\r\n", h.Name, h.Value)
		}
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n", len(m.Body))
	b.Write(m.Body)
	return b.Bytes()
}

// String names the message on one line, for traces.
func (m *Message) String() string {
	n, method := m.CSeq()
	if m.IsRequest() {
		return fmt.Sprintf("%s %s (CSeq %d)", m.Method, m.URI, n)
	}
	return fmt.Sprintf("%d %s (CSeq %d %s)", m.Status, m.Reason, n, method)
}

// splitList splits at commas outside quotes and angle brackets.
func splitList(s string) []string {
	var out []string
	start, quoted, angled := 0, false, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '<' || c == '>':
			angled = c == '<'
		case c == ',' && !angled:
			out = append(out, strings.TrimSpace(s[start:i]))
			start = i + 1
		}
	}
	return append(out, strings.TrimSpace(s[start:]))
}

// afterURI returns the header parameters of a name-addr or addr-spec, from the first semicolon.
func afterURI(s string) string {
	if i := strings.LastIndexByte(s, '>'); i >= 0 {
		return s[i+1:]
	}
	if i := strings.IndexByte(s, ';'); i >= 0 {
		return s[i:]
	}
	return ""
}

// uriOf returns the URI of a name-addr or addr-spec.
func uriOf(s string) string {
	if i := strings.LastIndexByte(s, '<'); i >= 0 {
		uri, _, _ := strings.Cut(s[i+1:], ">")
		return uri
	}
	uri, _, _ := strings.Cut(s, ";")
	return strings.TrimSpace(uri)
}

// param returns the value of a parameter in ";a=b;c".
func param(s, name string) string {
	for _, p := range strings.Split(s, ";") {
		k, v, _ := strings.Cut(p, "=")
		if strings.EqualFold(strings.TrimSpace(k), name) {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// hostPort returns the address of a URI whose host is numeric.
func hostPort(uri string) (netip.AddrPort, bool) {
	_, rest, ok := strings.Cut(uri, ":")
	if !ok {
		return netip.AddrPort{}, false
	}
	rest, _, _ = strings.Cut(rest, ";")
	rest, _, _ = strings.Cut(rest, "?")
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		rest = rest[i+1:]
	}
	if ap, err := netip.ParseAddrPort(rest); err == nil {
		return ap, true
	}
	a, err := netip.ParseAddr(strings.Trim(rest, "[]"))
	return netip.AddrPortFrom(a, 5060), err == nil
}
