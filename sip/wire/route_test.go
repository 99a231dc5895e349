package wire

import (
	"slices"
	"strings"
	"testing"
)

const bye = "BYE sip:ada@10.0.0.1:5062 SIP/2.0\r\n" +
	"Via: SIP/2.0/UDP 10.0.0.2;branch=z9hG4bKx\r\n" +
	"Route: \"a, <b>\" <sip:p1;lr>;x=\",\" , <sip:p2;lr>\r\n" +
	"From: <sip:b@h>;tag=2\r\nTo: <sip:a@h>;tag=1\r\nCall-ID: c1\r\nCSeq: 7  BYE\r\n" +
	"Route: <sip:p3:5070;lr>\r\n\r\n"

func TestRoutes(t *testing.T) {
	list := func(m *Message) (out []string) {
		for _, uri := range m.Routes {
			out = append(out, string(uri))
		}
		return out
	}
	want := []string{"sip:p1;lr", "sip:p2;lr", "sip:p3:5070;lr"}
	for n := range 5 {
		var e Edit
		e.Reset(parsed(t, bye))
		e.PopRoutes(n)
		out := string(e.Append(nil))
		rest := append(slices.Clone(want[min(n, 3):]), "")
		if top := string(parsed(t, out).TopRoute()); top != rest[0] {
			t.Errorf("%d popped: top Route %q", n, top)
		}
		if got := list(parsed(t, out)); !slices.Equal(got, want[min(n, 3):]) {
			t.Errorf("%d popped: %q in\n%s", n, got, out)
		}
		if n >= 3 && strings.Contains(out, "Route") {
			t.Errorf("an empty Route line is left:\n%s", out)
		}
	}
	for _, bad := range []string{"sip:p1", "<sip:p1", "<>", "\"x <sip:p1>", "a, <sip:p1>"} {
		m := parsed(t, strings.Replace(bye, "<sip:p3:5070;lr>", bad, 1))
		if got := list(m); len(got) != 3 || got[2] != "" {
			t.Errorf("Route %q: %q", bad, got)
		}
	}
}

func TestPushRecordRoute_RFC3261_16_6(t *testing.T) {
	var e Edit
	e.Reset(parsed(t, bye))
	e.PushRecordRoute("<sip:down;lr>")
	e.PushRecordRoute("<sip:up;lr>")
	once := string(e.Append(nil))
	e.Reset(parsed(t, once))
	e.PushRecordRoute("<sip:third;lr>")
	var got []string
	for _, v := range parsed(t, string(e.Append(nil))).Values("Record-Route") {
		got = append(got, string(v))
	}
	if want := []string{"<sip:third;lr>", "<sip:up;lr>", "<sip:down;lr>"}; !slices.Equal(got, want) {
		t.Errorf("Record-Route %q, want %q", got, want)
	}
}

func TestSetStatusAndMoreVia(t *testing.T) {
	m := parsed(t, strings.Replace(bye, "BYE sip:ada@10.0.0.1:5062 SIP/2.0", "SIP/2.0 503 Full up", 1))
	var e Edit
	e.Reset(m)
	e.SetStatus(500, "Server Internal Error")
	if got := string(e.Append(nil)); !strings.HasPrefix(got, "SIP/2.0 500 Server Internal Error\r\nVia: ") {
		t.Errorf("got\n%s", got)
	}
	if m.MoreVia() {
		t.Error("one Via, MoreVia is true")
	}
	for _, more := range []string{"branch=z9hG4bKx, SIP/2.0/UDP h", "branch=z9hG4bKx\r\nv: SIP/2.0/UDP h"} {
		if !parsed(t, strings.Replace(bye, "branch=z9hG4bKx", more, 1)).MoreVia() {
			t.Errorf("MoreVia is false with %q", more)
		}
	}
}

func TestAppendSibling_RFC3261_9_1(t *testing.T) {
	m := parsed(t, strings.NewReplacer("BYE", "INVITE").Replace(bye))
	got := string(AppendSibling(nil, m, "CANCEL", nil, []byte("SIP;cause=200\r\n ;text=\"x\"")))
	want := "CANCEL sip:ada@10.0.0.1:5062 SIP/2.0\r\n" +
		"Via: SIP/2.0/UDP 10.0.0.2;branch=z9hG4bKx\r\nMax-Forwards: 70\r\n" +
		"Route: \"a, <b>\" <sip:p1;lr>;x=\",\" , <sip:p2;lr>\r\nRoute: <sip:p3:5070;lr>\r\n" +
		"From: <sip:b@h>;tag=2\r\nTo: <sip:a@h>;tag=1\r\nCall-ID: c1\r\nCSeq: 7 CANCEL\r\n" +
		"Reason: SIP;cause=200 ;text=\"x\"\r\nContent-Length: 0\r\n\r\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	parsed(t, got)
	if ack := string(AppendSibling(nil, m, "ACK", []byte("<sip:a@h>;tag=9"), nil)); !strings.Contains(ack, "To: <sip:a@h>;tag=9\r\n") {
		t.Errorf("got\n%s", ack)
	}
}

func TestParseURI_RFC3261_19_1(t *testing.T) {
	for _, tt := range []struct{ in, addr, user, d string }{
		{"sip:10.0.0.1", "10.0.0.1:5060", "", "-"},
		{"SIP:ada;x=1?y@10.0.0.1:5070;lr;D=tok;transport=udp", "10.0.0.1:5070", "ada;x=1?y", "tok"},
		{"sips:10.0.0.1;d", "10.0.0.1:5061", "", ""},
		{"sip:a@[2001:db8::1]:5062;d=1?Subject=x", "[2001:db8::1]:5062", "a", "1"},
		{"sip:[::ffff:10.0.0.1]", "10.0.0.1:5060", "", "-"},
		{"sip:host.it", "none", "", "-"},
		{"sip:10.0.0.1:", "", "", ""},
		{"sip:10.0.0.1:0", "", "", ""},
		{"sip:10.0.0.1:65536", "", "", ""},
		{"sip:[::1", "", "", ""},
		{"sip:", "", "", ""},
		{"tel:803001", "", "", ""},
		{"sip:a b@h", "", "", ""},
	} {
		u, ok := ParseURI([]byte(tt.in))
		if ok != (tt.addr != "") {
			t.Errorf("%s: ok is %v", tt.in, ok)
			continue
		}
		if !ok {
			continue
		}
		addr := "none"
		if a, ok := u.Addr(); ok {
			addr = a.String()
		}
		d := "-"
		if v, ok := u.Param("d"); ok {
			d = string(v)
		}
		if addr != tt.addr || string(u.User) != tt.user || d != tt.d {
			t.Errorf("%s: %s %q %q", tt.in, addr, u.User, d)
		}
	}
}
