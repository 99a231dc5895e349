package wire

import (
	"net/netip"
	"strings"
	"testing"
)

var source = netip.MustParseAddrPort("192.0.2.1:40000")

func TestAppendReplyTo(t *testing.T) {
	m := parsed(t, invite)
	got := string(AppendReplyTo(nil, m, source, 503, "Busy\r\nX: y", "tt", Field{"Retry-After", "5\r\nEvil: 1"}))
	want := "SIP/2.0 503 Busy  X: y\r\n" +
		"Via: SIP/2.0/UDP 10.0.0.1:5062;branch=z9hG4bKnashds8;rport=40000;received=192.0.2.1, SIP/2.0/TCP far.example.it;branch=z9hG4bKb\r\n" +
		"Via: SIP/2.0/UDP [2001:db8::1]:5060;branch=z9hG4bKc;received=192.0.2.9\r\n" +
		"From: \"Rossi; \\\"Ada\\\", <x>\" <sip:ada@10.0.0.1;tag=no>;tag=1928301774\r\n" +
		"To: <sip:803001@127.0.0.1>;tag=tt\r\n" +
		"Call-ID: a84b4c76e66710@10.0.0.1\r\n" +
		"CSeq: 314159 INVITE\r\n" +
		"Retry-After: 5  Evil: 1\r\n" +
		"Content-Length: 0\r\n\r\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := string(AppendReply(nil, m, 100, "Trying", "tt")); strings.Contains(got, "tag=tt") {
		t.Error("100 has a To tag (RFC 3261 8.2.6.2)")
	}
	in := parsed(t, strings.Replace(invite, "To: <sip:803001@127.0.0.1>", "To: <sip:803001@127.0.0.1> ; tag=old", 1))
	if got := string(AppendReply(nil, in, 481, "x", "tt")); strings.Contains(got, "tag=tt") {
		t.Error("a response has two To tags")
	}
}

func TestStamp_RFC3261_18_2_1(t *testing.T) {
	src := netip.MustParseAddrPort("[::ffff:192.0.2.1]:40000")
	for _, tt := range []struct{ name, via, want string }{
		{"sent-by is the source", "SIP/2.0/UDP 192.0.2.1;branch=b", "SIP/2.0/UDP 192.0.2.1;branch=b"},
		{"sent-by differs", "SIP/2.0/UDP 10.0.0.1;branch=b", "SIP/2.0/UDP 10.0.0.1;branch=b;received=192.0.2.1"},
		{"sent-by is a name", "SIP/2.0/UDP host.it;branch=b", "SIP/2.0/UDP host.it;branch=b;received=192.0.2.1"},
		{"rport asked (RFC 3581 4)", "SIP/2.0/UDP 192.0.2.1;rport;branch=b", "SIP/2.0/UDP 192.0.2.1;rport=40000;branch=b;received=192.0.2.1"},
		{"forged received", "SIP/2.0/UDP 10.0.0.1;received=9.9.9.9;branch=b", "SIP/2.0/UDP 10.0.0.1;branch=b;received=192.0.2.1"},
		{"forged both", "SIP/2.0/UDP 10.0.0.1;received=9.9.9.9;branch=b;rport=9", "SIP/2.0/UDP 10.0.0.1;branch=b;rport=40000;received=192.0.2.1"},
		{"forged in the other order", "SIP/2.0/UDP 10.0.0.1 ;rport=9; received=9.9.9.9", "SIP/2.0/UDP 10.0.0.1 ;rport=40000;received=192.0.2.1"},
	} {
		m := parsed(t, "OPTIONS sip:x SIP/2.0\r\nv: "+tt.via+"\r\nf: <sip:a>\r\nt: <sip:b>\r\ni: 1\r\nCSeq: 1 OPTIONS\r\n\r\n")
		var e Edit
		e.Reset(m)
		e.Stamp(src)
		out := parsed(t, string(e.Append(nil)))
		if got := string(out.TopVia().Raw); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestEdit(t *testing.T) {
	m := parsed(t, invite)
	var e Edit
	e.Reset(m)
	e.Stamp(source)
	e.PushVia("SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bKmine")
	e.SetRequestURI("sip:1001@10.0.0.3:5070")
	e.Set("Max-Forwards", "70")
	e.Set("Max-Forwards", "69")
	e.Set("P-Asserted-Identity", "<sip:x>\r\nEvil: 1")
	e.Set("Subject", "new")
	e.Delete("X-Bypass")
	e.Delete("Supported")
	got := string(e.Append(nil))
	if again := string(e.Append(nil)); again != got {
		t.Error("Append twice gave two messages")
	}
	want := strings.NewReplacer(
		"sip:803001@127.0.0.1:5060 SIP", "sip:1001@10.0.0.3:5070 SIP",
		"Via: SIP/2.0/UDP 10.0.0.1:5062;branch=z9hG4bKnashds8;rport,",
		"Via: SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bKmine\r\nVia: SIP/2.0/UDP 10.0.0.1:5062;branch=z9hG4bKnashds8;rport=40000;received=192.0.2.1,",
		"Max-Forwards: 70", "Max-Forwards: 69",
		"X-Bypass : yes\r\n", "", "k: 100rel\r\n , timer\r\n", "",
		"\r\nl: 4\r\n", "\r\nl: 4\r\nP-Asserted-Identity: <sip:x>  Evil: 1\r\nSubject: new\r\n",
	).Replace(invite)
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if string(m.Raw()) != invite {
		t.Error("the message changed under the Edit")
	}
}

func TestDeleteIf(t *testing.T) {
	raw := strings.Replace(invite, "Max-Forwards", "X-A: one\r\nx-a : two\r\n three\r\nX-A: four\r\nMax-Forwards", 1)
	var e Edit
	e.Reset(parsed(t, raw))
	e.DeleteIf("X-A", func(v []byte) bool { return strings.Contains(string(v), "three") })
	got, want := string(e.Append(nil)), strings.Replace(raw, "x-a : two\r\n three\r\n", "", 1)
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestPopVia(t *testing.T) {
	in := strings.Replace(invite, "INVITE sip:803001@127.0.0.1:5060 SIP/2.0", "SIP/2.0 200 OK", 1)
	hosts := []string{"far.example.it", "2001:db8::1"}
	for _, want := range hosts {
		m := parsed(t, in)
		var e Edit
		e.Reset(m)
		e.PopVia()
		in = string(e.Append(nil))
		if got := string(parsed(t, in).TopVia().Host); got != want {
			t.Fatalf("top Via is of %q, want %q", got, want)
		}
	}
	var e Edit
	e.Reset(parsed(t, in))
	e.PopVia()
	if strings.Contains(string(e.Append(nil)), "Via") {
		t.Error("a Via is left after the last was popped")
	}
}

// Add leaves the fields that are there, and those that Set and Delete change.
func TestEditAdd(t *testing.T) {
	t.Parallel()
	m := parsed(t, "SIP/2.0 401 Unauthorized\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nWWW-Authenticate: one\r\nFrom: <sip:a@h>;tag=1\r\n"+
		"To: <sip:b@h>;tag=2\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n")
	for name, tt := range map[string]struct {
		change func(*Edit)
		want   string
	}{
		"kept":    {func(e *Edit) {}, "WWW-Authenticate: one\r\n"},
		"deleted": {func(e *Edit) { e.Delete("WWW-Authenticate") }, ""},
	} {
		var e Edit
		e.Reset(m)
		tt.change(&e)
		e.Add("WWW-Authenticate", "two")
		e.Add("WWW-Authenticate", "three\r\nEvil: 1")
		want := strings.Replace(string(m.Raw()), "WWW-Authenticate: one\r\n", tt.want, 1)
		want = strings.Replace(want, "\r\n\r\n", "\r\nWWW-Authenticate: two\r\nWWW-Authenticate: three  Evil: 1\r\n\r\n", 1)
		if got := string(e.Append(nil)); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
		}
	}
}
