package proxy

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"

	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/wire"
)

// vias counts the values of a list header, lines and commas alike.
func vias(m *wire.Message) (n int) {
	for _, v := range m.Values("Via") {
		n += bytes.Count(v, []byte("SIP/2.0/"))
	}
	return n
}

// Whatever a request looks like, what leaves is a request with one more Via, one less
// Max-Forwards, no credentials of ours, no Route but the target's, our Record-Route on top of what
// was there, and the same body; and a response to it goes back with exactly our Via less.
func FuzzForward(f *testing.F) {
	p := New(Config{
		Dial: func(tr flow.Transport, to netip.AddrPort) (flow.Flow, error) {
			return flow.Flow{Transport: tr, Remote: to}, nil
		},
		Secret: []byte("known"), Realm: "la2",
	}, nil)
	from := flow.Flow{Transport: flow.UDP, Local: home, Remote: netip.MustParseAddrPort("10.0.0.2:5060")}
	to := flow.Flow{Transport: flow.TCP, Local: netip.MustParseAddrPort("10.0.0.1:40000"), Remote: far, ID: 7}
	for _, head := range []string{
		"Route: <sip:10.0.0.9;lr>\r\nRoute: <sip:a>, <sip:b>\r\n", "Record-Route: <sip:x;lr>, <sip:y;lr>\r\n", "v: SIP/2.0/TCP h;branch=z9hG4bKy\r\n",
		"Authorization: Digest realm=\"la2\"\r\nProxy-Authorization: Digest\r\n realm=la2\r\n", "Max-Forwards: 1\r\n", "Max-Breadth: 7\r\n",
		"Proxy-Require: a\r\nX:\r\n y\r\n", "Via: SIP/2.0/UDP \"h\"\r\n",
	} {
		f.Add("sip:bob@10.0.0.1", head, "hello", false)
		f.Add("sip:bob@10.0.0.1;x=1", head, "", true)
	}
	f.Fuzz(func(t *testing.T, uri, head, body string, forked bool) {
		raw := "INVITE " + uri + " SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.2;branch=z9hG4bKx\r\nFrom: <sip:a@h>;tag=far\r\nTo: <sip:b@h>\r\nCall-ID: c1\r\nCSeq: 1 INVITE\r\n" +
			head + "\r\n" + body
		var m, out wire.Message
		if m.Parse([]byte(raw)) != nil || m.MaxForwards() == 0 || len(m.ToTag()) > 0 {
			return
		}
		target := Target{URI: "sip:bob@10.0.0.3:5080", Flow: to, Keep: forked}
		if forked {
			target.Routes = []string{"<sip:edge;lr>"}
		}
		h := p.hopTo(&m, from, target)
		w := &work{}
		h.token = p.sign.appendToken(nil, &m, Dialog{endOf(from, false), endOf(to, forked)})
		if err := out.Parse(bytes.Clone(p.rewrite(w, &m, h, []byte("z9hG4bKours")))); err != nil {
			t.Fatalf("%v in\n%s\nfrom\n%s", err, w.out, raw)
		}
		if string(out.RequestURI()) != target.URI || !bytes.Equal(out.Body(), m.Body()) {
			t.Fatalf("Request-URI or body of\n%s", out.Raw())
		}
		if string(out.TopVia().Branch) != "z9hG4bKours" || vias(&out) < vias(&m)+1 || !out.MoreVia() {
			t.Fatalf("Via of\n%s\nfrom\n%s", out.Raw(), raw)
		}
		want := m.MaxForwards() - 1
		if m.MaxForwards() < 0 {
			want = 70
		}
		if out.MaxForwards() != want || out.Count("Max-Breadth") != max(1, m.Count("Max-Breadth")) {
			t.Fatalf("Max-Forwards %d, want %d, or Max-Breadth of\n%s", out.MaxForwards(), want, out.Raw())
		}
		routes := 0
		if forked {
			routes = 1
		}
		if n := out.Count("Route"); n != routes {
			t.Fatalf("%d Route fields, want %d, in\n%s", n, routes, out.Raw())
		}
		if n := out.Count("Record-Route"); n != m.Count("Record-Route")+2 { // two transports
			t.Fatalf("%d Record-Route fields in\n%s", n, out.Raw())
		}
		for _, name := range []string{"Authorization", "Proxy-Authorization"} {
			for _, v := range out.Values(name) {
				if forRealm(v, "la2") {
					t.Fatalf("credentials left in\n%s", out.Raw())
				}
			}
		}
		responds(t, &out, &m)
	})
}

// responds answers out and checks that the answer reaches the sender of m.
func responds(t *testing.T, out, m *wire.Message) {
	t.Helper()
	var res, back wire.Message
	if err := res.Parse(wire.AppendReplyTo(nil, out, netip.AddrPort{}, 200, "OK", "t")); err != nil {
		t.Fatalf("%v in the answer to\n%s", err, out.Raw())
	}
	w := &work{}
	if err := back.Parse(popped(w, &res)); err != nil {
		t.Fatalf("%v in\n%s", err, w.out)
	}
	if !bytes.Equal(back.TopVia().Branch, m.TopVia().Branch) || bytes.Contains(back.Raw(), []byte("z9hG4bKours")) {
		t.Fatalf("the answer goes back as\n%s\nto\n%s", back.Raw(), m.Raw())
	}
}

// Whatever follows our Route in a dialog, strict or loose, the request goes to one of the two ends
// and our own values are gone from the top.
func FuzzStrictRoute(f *testing.F) {
	p := New(Config{
		Dial: func(tr flow.Transport, to netip.AddrPort) (flow.Flow, error) {
			return flow.Flow{Transport: tr, Local: home, Remote: to}, nil
		},
		Secret: []byte("known"),
	}, nil)
	a, b := netip.MustParseAddr("10.0.0.2"), netip.MustParseAddr("10.0.0.3")
	kept := flow.Flow{Transport: flow.WS, Local: home, Remote: netip.MustParseAddrPort("10.0.0.2:40000"), ID: 3}
	text := string(p.sign.appendToken(nil, message(f, "far", "", "c1"), Dialog{End{a, kept}, End{Addr: b}}))
	for _, s := range [][2]string{
		{"sip:10.0.0.1;lr;la2=TOKEN", "<sip:bob@10.0.0.3>"}, {"sip:x.invalid", "<sip:10.0.0.1;lr;la2=TOKEN>"},
		{"sip:10.0.0.1;la2=TOKEN", "<sip:10.0.0.1;lr;la2=TOKEN>, <sip:10.0.0.2>, <sip:z>"}, {"sip:10.0.0.1;la2=TOKEN", ""},
		{"sip:10.0.0.3", "<sip:10.0.0.1;lr;la2=TOKEN>, <sip:10.0.0.3>"}, {"sip:10.0.0.1;la2=", "<sip:10.0.0.9>"},
	} {
		f.Add(s[0], s[1], true)
		f.Add(s[0], s[1], false)
	}
	f.Fuzz(func(t *testing.T, uri, route string, back bool) {
		tags := "From: <sip:a@h>;tag=far\r\nTo: <sip:b@h>;tag=near"
		if back {
			tags = "From: <sip:b@h>;tag=near\r\nTo: <sip:a@h>;tag=far"
		}
		raw := strings.ReplaceAll("INFO "+uri+" SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.2;branch=z9hG4bKx\r\nRoute: "+route+"\r\n", "TOKEN", text) +
			tags + "\r\nCall-ID: c1\r\nCSeq: 1 INFO\r\n\r\n"
		var m, out wire.Message
		if m.Parse([]byte(raw)) != nil || m.MaxForwards() == 0 || !p.Mine(&m) {
			return
		}
		h, err := p.follow(&m, flow.Flow{Transport: flow.UDP, Local: home})
		if err != nil {
			return
		}
		if ip := h.to.Remote.Addr(); ip != a && ip != b || h.to.Transport == flow.WS && (h.to != kept || !back) {
			t.Fatalf("%s goes to %+v", raw, h.to)
		}
		if err := out.Parse(bytes.Clone(p.rewrite(&work{}, &m, h, []byte("z9hG4bKb")))); err != nil {
			t.Fatalf("%v in %s", err, raw)
		}
		if h.rerouted && out.Count("Route") > 1 {
			t.Fatalf("%d Route fields in\n%s", out.Count("Route"), out.Raw())
		}
		if _, own := token(out.TopRoute()); own && h.pop < maxOwn && !h.rerouted {
			t.Fatalf("our Route is still on top of\n%s", out.Raw())
		}
	})
}
