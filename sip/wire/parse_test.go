package wire

import (
	"fmt"
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"
)

const invite = "INVITE sip:803001@127.0.0.1:5060 SIP/2.0\r\n" +
	"Via: SIP/2.0/UDP 10.0.0.1:5062;branch=z9hG4bKnashds8;rport, SIP/2.0/TCP far.example.it;branch=z9hG4bKb\r\n" +
	"v: SIP/2.0/UDP [2001:db8::1]:5060;branch=z9hG4bKc;received=192.0.2.9\r\n" +
	"Max-Forwards: 70\r\n" +
	"From: \"Rossi; \\\"Ada\\\", <x>\" <sip:ada@10.0.0.1;tag=no>;tag=1928301774\r\n" +
	"To: <sip:803001@127.0.0.1>\r\n" +
	"Call-ID: a84b4c76e66710@10.0.0.1\r\n" +
	"CSeq: 314159 INVITE\r\n" +
	"m: <sip:ada@10.0.0.1:5062>\r\n" +
	"k: 100rel\r\n" +
	" , timer\r\n" +
	"X-Bypass : yes\r\n" +
	"Content-Type: application/sdp\r\n" +
	"l: 4\r\n" +
	"\r\nv=0\n"

func parsed(t testing.TB, s string) *Message {
	t.Helper()
	m := new(Message)
	if err := m.Parse([]byte(s)); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestIndex(t *testing.T) {
	m := parsed(t, invite+"trailing octets of the datagram")
	num, method := m.CSeq()
	for _, tt := range []struct{ name, got, want string }{
		{"method", string(m.MethodBytes()), "INVITE"},
		{"uri", string(m.RequestURI()), "sip:803001@127.0.0.1:5060"},
		{"call-id", string(m.CallID()), "a84b4c76e66710@10.0.0.1"},
		{"cseq", fmt.Sprint(num, " ", string(method)), "314159 INVITE"},
		{"from tag", string(m.FromTag()), "1928301774"},
		{"to tag", string(m.ToTag()), ""},
		{"compact by long name", string(m.Header("contact")), "<sip:ada@10.0.0.1:5062>"},
		{"long by compact name", string(m.Header("C")), "application/sdp"},
		{"fold", string(m.Header("Supported")), "100rel\r\n , timer"},
		{"space before colon", string(m.Header("x-bypass")), "yes"},
		{"body", string(m.Body()), "v=0\n"},
		{"raw ends with the body", string(m.Raw()), invite},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, tt.got, tt.want)
		}
	}
	if m.Method() != Invite || m.CSeqMethod() != Invite || !m.IsRequest() || m.MaxForwards() != 70 || m.ContentLength() != 4 {
		t.Errorf("method %v, max-forwards %d, length %d", m.Method(), m.MaxForwards(), m.ContentLength())
	}
	v := m.TopVia()
	if string(v.Transport) != "UDP" || string(v.Host) != "10.0.0.1" || v.Port != 5062 || !v.RPort || !v.Magic() ||
		string(v.Raw) != "SIP/2.0/UDP 10.0.0.1:5062;branch=z9hG4bKnashds8;rport" {
		t.Errorf("top Via %+v", v)
	}
	var seen []string
	for name, value := range m.Headers {
		seen = append(seen, string(name))
		_ = value
	}
	want := "Via Via Max-Forwards From To Call-ID CSeq Contact Supported X-Bypass Content-Type Content-Length"
	if got := strings.Join(seen, " "); got != want {
		t.Errorf("names %s, want %s", got, want)
	}
	if m.Header("Nothing") != nil || m.Header("Route") != nil {
		t.Error("an absent header field has a value")
	}
}

func TestResponse(t *testing.T) {
	for _, line := range []string{"SIP/2.0 200 OK", "SIP/2.0 200 ", "SIP/2.0 200", "sip/2.0 200 OK"} {
		m := parsed(t, line+"\r\nVia: SIP/2.0/TCP [::1]:5060;rport=77;received=::1\r\nFrom: <sip:a>;tag=1\r\nTo: <sip:b>;tag=2\r\nCall-ID: x\r\nCSeq: 1 BYE\r\n\r\n")
		if m.IsRequest() || m.Status() != 200 || m.CSeqMethod() != Bye || string(m.ToTag()) != "2" || m.Answerable() {
			t.Errorf("%q: status %d, to tag %q", line, m.Status(), m.ToTag())
		}
		if v := m.TopVia(); string(v.Host) != "::1" || v.RPortNum != 77 || string(v.Received) != "::1" {
			t.Errorf("%q: Via %+v", line, v)
		}
		if _, err := sip.NewParser().ParseSIP(AppendCanonical(nil, m)); err != nil {
			t.Errorf("%q: typed parse: %v", line, err)
		}
	}
}

func TestSanity(t *testing.T) {
	sub := func(old, new string) string { return strings.Replace(invite, old, new, 1) }
	tests := []struct {
		name, in   string
		status     int
		answerable bool
	}{
		{"second Content-Length", sub("k: ", "Content-Length: 4\r\nk: "), 400, true},
		{"second CSeq with a space before the colon", sub("k: ", "CSEQ : 314159 INVITE\r\nk: "), 400, true},
		{"second Call-ID in compact form", sub("k: ", "i: other\r\nk: "), 400, true},
		{"second From", sub("k: ", "f: <sip:x>;tag=1\r\nk: "), 400, true},
		{"second To", sub("k: ", "t: <sip:x>\r\nk: "), 400, true},
		{"second Max-Forwards", sub("k: ", "Max-Forwards: 0\r\nk: "), 400, true},
		{"CSeq of another method", sub("314159 INVITE", "314159 BYE"), 400, true},
		{"CSeq of 2^31", sub("314159", "2147483648"), 400, true},
		{"negative CSeq", sub("314159", "-1"), 400, true},
		{"CSeq without number", sub("314159 ", ""), 400, true},
		{"no Call-ID", sub("Call-ID: a84b4c76e66710@10.0.0.1\r\n", ""), 400, true},
		{"no Via", strings.ReplaceAll(sub("v: SIP", "x: SIP"), "Via: SIP", "x: SIP"), 400, false},
		{"no From", sub("From:", "Form:"), 400, true},
		{"no To", sub("To:", "Too:"), 400, true},
		{"no CSeq", sub("CSeq:", "CSec:"), 400, false},
		{"empty To tag (CVE-2018-14767)", sub("<sip:803001@127.0.0.1>", "<sip:803001@127.0.0.1>;tag="), 400, true},
		{"two To tags", sub("<sip:803001@127.0.0.1>", "<sip:803001@127.0.0.1>;tag=a;tag=b"), 400, true},
		{"To with an open quote", sub("To: <", "To: \"x <"), 400, true},
		{"To with an open bracket", sub("127.0.0.1>", "127.0.0.1"), 400, true},
		{"bare line feed", sub("k: 100rel\r\n", "k: 100rel\n"), 400, false},
		{"bare carriage return", sub("100rel", "100\rrel"), 400, false},
		{"NUL", sub("100rel", "100\x00rel"), 400, false},
		{"NUL in a quoted string, not escaped", sub("Rossi;", "Rossi\x00;"), 400, false},
		{"negative Content-Length", sub("l: 4", "l: -4"), 400, true},
		{"Content-Length with sign", sub("l: 4", "l: +4"), 400, true},
		{"Content-Length of 2^32+4", sub("l: 4", "l: 4294967300"), 400, true},
		{"Content-Length beyond the datagram", sub("l: 4", "l: 5"), 400, true},
		{"Max-Forwards above 255", sub(": 70", ": 256"), 400, true},
		{"Max-Forwards below 0", sub(": 70", ": -1"), 400, true},
		{"version 3", sub("SIP/2.0\r\n", "SIP/3.0\r\n"), 505, true},
		{"no version", sub(" SIP/2.0\r\n", "\r\n"), 400, true},
		{"URI too long", sub("803001@", strings.Repeat("8", MaxURI)+"@"), 414, true},
		{"URI without scheme", sub("sip:803001@127.0.0.1:5060", "803001"), 400, true},
		{"header fields in the URI", sub(":5060 SIP", "?Route=x SIP"), 400, true},
		{"method that is no token", sub("INVITE sip", "INV\"ITE sip"), 400, false},
		{"header line without colon", sub("k: 100rel", "k 100rel"), 400, true},
		{"name that is no token", sub("X-Bypass", "X(Bypass"), 400, true},
		{"folded start line", sub("Via: SIP", " x\r\nVia: SIP"), 400, true},
		{"port 0 in Via", sub(":5062;branch", ":0;branch"), 400, true},
		{"port 65536 in Via", sub(":5062;branch", ":65536;branch"), 400, true},
		{"empty branch", sub("branch=z9hG4bKnashds8", "branch="), 400, true},
		{"Via of another version", sub("SIP/2.0/UDP", "SIP/3.0/UDP"), 400, true},
		{"Via without host", sub("10.0.0.1:5062;branch", ";branch"), 400, false},
		{"header without end", invite[:200], 400, false},
		{"nothing", "", 400, false},
		{"one octet", "I", 400, false},
		{"status of four digits", "SIP/2.0 2000 OK\r\n\r\n", 400, false},
		{"status 99", "SIP/2.0 099 OK\r\n\r\n", 400, false},
		{"long Call-ID", sub("a84b", strings.Repeat("a", MaxToken)), 400, true},
		{"257 header fields", sub("k: ", strings.Repeat("X: y\r\n", MaxHeaders)+"k: "), 400, false},
		{"more than 65535 octets", sub("l: 4", "X: "+strings.Repeat("y", MaxMessage)), 513, false},
		{"malformed ACK", strings.ReplaceAll(sub("l: 4", "l: x"), "INVITE", "ACK"), 400, false},
	}
	for _, tt := range tests {
		var m Message
		err := m.Parse([]byte(tt.in))
		if err == nil {
			t.Errorf("%s: accepted", tt.name)
			continue
		}
		if status, _ := ParseStatusFor(err); status != tt.status {
			t.Errorf("%s: got %v (%d), want %d", tt.name, err, status, tt.status)
		}
		if m.Answerable() != tt.answerable {
			t.Errorf("%s: Answerable is %v (%v)", tt.name, m.Answerable(), err)
		}
	}
}

func TestLeniency(t *testing.T) {
	for name, in := range map[string]string{
		"empty lines before (RFC 3261 7.5)":      "\r\n\r\n" + invite,
		"no Max-Forwards (RFC 2543)":             strings.Replace(invite, "Max-Forwards: 70\r\n", "", 1),
		"no Content-Length in a datagram":        strings.Replace(invite, "l: 4\r\n", "", 1),
		"NUL escaped in a quoted string":         strings.Replace(invite, "Rossi;", "Rossi\\\x00", 1),
		"spaces around separators of Via":        strings.Replace(invite, "SIP/2.0/UDP 10.0.0.1:5062;branch=", "SIP / 2.0 / UDP  10.0.0.1 : 5062 ; branch =\r\n ", 1),
		"question mark in the user part":         strings.Replace(invite, "sip:803001@", "sip:8?3001@", 1),
		"method of no RFC":                       strings.ReplaceAll(invite, "INVITE", "L'INVITO!"),
		"addr-spec with header tag (section 20)": strings.Replace(invite, "<sip:803001@127.0.0.1>", "sip:803001@127.0.0.1;tag=x", 1),
	} {
		var m Message
		if err := m.Parse([]byte(in)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNoAllocation(t *testing.T) {
	raw := []byte(invite)
	buf := make([]byte, 0, 4096)
	var m Message
	var e Edit
	var f Framer
	framed := []byte("\r\n\r\n" + invite)
	for name, run := range map[string]func(){
		"Parse": func() {
			if m.Parse(raw) != nil {
				t.Fatal("refused")
			}
		},
		"Header":      func() { _, _ = m.Header("User-to-User"), m.Header("x-bypass") },
		"Headers":     func() { m.Headers(func(_, _ []byte) bool { return true }) },
		"AppendReply": func() { buf = AppendReply(buf[:0], &m, 503, "Service Unavailable", "t", Field{"Retry-After", "5"}) },
		"Canonical":   func() { buf = AppendCanonical(buf[:0], &m) },
		"Edit": func() {
			e.Reset(&m)
			e.PushVia("SIP/2.0/UDP 10.0.0.9;branch=z9hG4bKx")
			e.Set("Max-Forwards", "69")
			buf = e.Append(buf[:0])
		},
		"Framer": func() {
			f.Filled(copy(f.Space(), framed))
			if b, err := f.Next(); b == nil || err != nil {
				t.Fatal(err)
			}
		},
	} {
		_ = m.Parse(raw)
		if n := testing.AllocsPerRun(100, run); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}
