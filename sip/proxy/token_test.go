package proxy

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"

	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/wire"
)

func message(t testing.TB, from, to, callID string) *wire.Message {
	t.Helper()
	raw := "INVITE sip:bob@10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.2;branch=z9hG4bKx\r\nMax-Forwards: 70\r\n" +
		"From: <sip:a@h>;tag=" + from + "\r\nTo: <sip:b@h>;tag=" + to + "\r\nCall-ID: " + callID + "\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"
	raw = strings.Replace(raw, ";tag=\r\n", "\r\n", 1)
	m := new(wire.Message)
	if err := m.Parse([]byte(raw)); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestToken(t *testing.T) {
	t.Parallel()
	s := newSigner([]byte("secret"))
	v4, v6 := netip.MustParseAddr("10.0.0.2"), netip.MustParseAddr("2001:db8::3")
	tcp := flow.Flow{Transport: flow.TCP, Local: home, Remote: netip.MustParseAddrPort("10.0.0.2:40000"), ID: 1 << 40}
	wss := flow.Flow{Transport: flow.WSS, Local: netip.MustParseAddrPort("[2001:db8::1]:443"), Remote: netip.MustParseAddrPort("[2001:db8::3]:50000"), ID: 7}
	for _, d := range []Dialog{
		{End{Addr: v4}, End{Addr: netip.MustParseAddr("10.0.0.3")}},
		{End{Addr: v6}, End{Addr: netip.MustParseAddr("2001:db8::2")}},
		{End{Addr: v4}, End{Addr: v6}},
		{End{v4, tcp}, End{Addr: v4}},
		{End{Addr: v4}, End{v6, wss}},
		{End{v4, tcp}, End{v6, wss}},
	} {
		text := s.appendToken(nil, message(t, "far", "", "c1"), d)
		if len(text) > tokenText {
			t.Errorf("%v: %d octets, want at most %d", d, len(text), tokenText)
		}
		for _, tt := range []struct {
			name, from, to, callID string
			want, forth            bool
		}{
			{"of the caller", "far", "near", "c1", true, true},
			{"of the callee", "near", "far", "c1", true, false},
			{"other tags", "far2", "near", "c1", false, false},
			{"other Call-ID", "far", "near", "c2", false, false},
			{"shifted boundary", "ar", "near", "c1f", false, false},
		} {
			got, forth, ok := s.check(text, message(t, tt.from, tt.to, tt.callID))
			if ok != tt.want || forth != tt.forth || ok && got != d {
				t.Errorf("%v, %s: got %v %v %v, want %v %v", d, tt.name, got, forth, ok, tt.want, tt.forth)
			}
		}
		for i := range text {
			forged := bytes.Clone(text)
			forged[i] ^= 1
			if i == len(text)-1 {
				forged[i] = text[i] ^ 0x20 // the last digit has bits that do not count
			}
			if _, _, ok := s.check(forged, message(t, "far", "near", "c1")); ok && i < len(text)-1 {
				t.Errorf("%v: octet %d changed, the token is still good", d, i)
			}
		}
		if _, _, ok := newSigner([]byte("other")).check(text, message(t, "far", "near", "c1")); ok {
			t.Errorf("%v: good under another secret", d)
		}
	}
}

// Two transports have two Record-Route values, and both are popped (RFC 5658).
func TestDoubleRecordRoute(t *testing.T) {
	t.Parallel()
	udp := flow.Flow{Transport: flow.UDP, Local: home, Remote: netip.MustParseAddrPort("10.0.0.2:5060")}
	tcp := flow.Flow{Transport: flow.TCP, Local: netip.MustParseAddrPort("10.0.0.1:40000"), Remote: far, ID: 1}
	p := New(Config{
		Address: func(flow.Flow) netip.AddrPort { return home },
		Dial: func(tr flow.Transport, to netip.AddrPort) (flow.Flow, error) {
			return flow.Flow{Transport: tr, Remote: to}, nil
		},
	}, nil)
	m := message(t, "far", "", "c1")
	h := hop{from: udp, to: tcp, uri: "sip:bob@10.0.0.3:5080"}
	h.token = p.sign.appendToken(nil, m, Dialog{End{Addr: udp.Remote.Addr()}, End{Addr: tcp.Remote.Addr()}})
	w := &work{}
	out := string(p.rewrite(w, m, h, []byte("z9hG4bKb")))
	token := string(h.token)
	want := "INVITE sip:bob@10.0.0.3:5080 SIP/2.0\r\nVia: SIP/2.0/TCP 10.0.0.1:5060;branch=z9hG4bKb\r\n" +
		"Via: SIP/2.0/UDP 10.0.0.2;branch=z9hG4bKx\r\n" +
		"Record-Route: <sip:10.0.0.1:5060;transport=tcp;lr;la2=" + token + ">\r\nRecord-Route: <sip:10.0.0.1:5060;lr;la2=" + token + ">\r\n" +
		"Max-Forwards: 69\r\n"
	if !strings.HasPrefix(out, want) {
		t.Errorf("got\n%s\nwant\n%s", out, want)
	}
	back := strings.NewReplacer("INVITE", "BYE", "sip:bob@10.0.0.1", "sip:a@10.0.0.2:5070", "From: <sip:a@h>;tag=far", "From: <sip:b@h>;tag=near",
		"To: <sip:b@h>", "To: <sip:a@h>;tag=far", "Content-Length: 0\r\n",
		"Route: <sip:10.0.0.1:5060;transport=tcp;lr;la2="+token+">, <sip:10.0.0.1:5060;lr;la2="+token+">\r\n").Replace(string(m.Raw()))
	var bye wire.Message
	if err := bye.Parse([]byte(back)); err != nil {
		t.Fatal(err)
	}
	got, err := p.follow(&bye, tcp)
	if err != nil || got.pop != 2 || got.to.Remote != netip.MustParseAddrPort("10.0.0.2:5070") || got.to.Transport != flow.UDP {
		t.Errorf("follow: %+v, %v", got, err)
	}
}

// Whatever a request says, follow neither panics nor leaves the two hosts of the dialog.
func FuzzFollow(f *testing.F) {
	p := New(Config{
		Dial: func(tr flow.Transport, to netip.AddrPort) (flow.Flow, error) {
			return flow.Flow{Transport: tr, Local: home, Remote: to}, nil
		},
		Secret: []byte("known"),
	}, nil)
	a, b := netip.MustParseAddr("10.0.0.2"), netip.MustParseAddr("10.0.0.3")
	token := string(p.sign.appendToken(nil, message(f, "far", "", "c1"), Dialog{End{Addr: a}, End{Addr: b}}))
	own := "<sip:10.0.0.1;lr;la2=" + token + ">"
	for _, s := range [][2]string{
		{"sip:bob@10.0.0.3", own}, {"sip:10.0.0.9", own}, {"sip:bob@10.0.0.3", own + ", <sip:10.0.0.2:9;lr>"},
		{"sip:bob@10.0.0.3", own + "," + own + "," + own}, {"sip:[::1]", own}, {"sip:10.0.0.3@10.0.0.9", own},
		{"sip:10.0.0.3", "\"<sip:10.0.0.9>\" " + own}, {"sip:10.0.0.3", own + ";x=\"<sip:10.0.0.9>"}, {"sip:10.0.0.3;transport=TCP", own},
	} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, uri, route string) {
		raw := "INFO " + uri + " SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.2;branch=z9hG4bKx\r\nRoute: " + route +
			"\r\nFrom: <sip:a@h>;tag=far\r\nTo: <sip:b@h>;tag=near\r\nCall-ID: c1\r\nCSeq: 1 INFO\r\n\r\n"
		var m wire.Message
		if m.Parse([]byte(raw)) != nil || m.MaxForwards() == 0 || !p.Mine(&m) {
			return
		}
		h, err := p.follow(&m, flow.Flow{Transport: flow.UDP, Local: home})
		if err != nil {
			return
		}
		if ip := h.to.Remote.Addr(); ip != a && ip != b {
			t.Fatalf("%s goes to %v", raw, h.to.Remote)
		}
		var out wire.Message
		if err := out.Parse(p.rewrite(&work{}, &m, h, []byte("z9hG4bKb"))); err != nil {
			t.Fatalf("%v in %s", err, raw)
		}
	})
}
