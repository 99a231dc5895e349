package node

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/configs"
	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/numbering"
	"github.com/lineaamica/la2/sip/digest"
	"github.com/lineaamica/la2/sip/location"
	"github.com/lineaamica/la2/sip/siptest"
)

// A raw end sends what it is told, byte by byte, and hears everything.
type raw struct {
	t    *testing.T
	sock *siptest.Socket
	at   netip.AddrPort
	to   netip.AddrPort
	in   chan []byte
	id   int

	patience time.Duration // how long final waits; 0: 2 s
}

// strangers runs f against the hub alone, with the trunk to Brindisi configured.
func strangers(t *testing.T, f func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.began = time.Now()
		o := w.start("hub", "formezpa", hubIP, dataDir(t, "hub"), nil)
		f(w)
		time.Sleep(settle)
		o.stop()
	})
}

func (w *world) raw(addr string) *raw {
	w.t.Helper()
	at := netip.MustParseAddrPort(addr)
	sock, err := w.net.ListenAddrPort(at)
	if err != nil {
		w.t.Fatal(err)
	}
	r := &raw{t: w.t, sock: sock, at: at, to: w.nodes["hub"].addr(), in: make(chan []byte, 4096)}
	w.t.Cleanup(func() { _ = sock.Close() })
	go func() { // ends when the socket is closed
		buf := make([]byte, 65535)
		for {
			n, _, err := sock.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			r.in <- slices.Clone(buf[:n])
		}
	}()
	return r
}

const rawSDP = "v=0\r\no=- 1 1 IN IP4 10.0.9.9\r\ns=-\r\nc=IN IP4 10.0.9.9\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n"

// request writes a request. Each %d of lines is left to the caller; From is the
// first of lines if it begins so.
func (r *raw) request(method, uri string, lines ...string) string {
	r.id++
	from := "From: <sip:mallory@10.0.9.9>;tag=m"
	to := "To: <sip:x@10.0.0.1>"
	for _, l := range lines {
		switch {
		case strings.HasPrefix(l, "From:"):
			from = ""
		case strings.HasPrefix(l, "To:"):
			to = ""
		}
	}
	body := ""
	if method == "INVITE" {
		body = rawSDP
		lines = append(lines, "Content-Type: application/sdp")
	}
	head := []string{method + " " + uri + " SIP/2.0", fmt.Sprintf("Via: SIP/2.0/UDP %s;branch=z9hG4bK-%s-%d;rport", r.at, r.at.Addr(), r.id)}
	for _, l := range append([]string{from, to}, lines...) {
		if l != "" {
			head = append(head, l)
		}
	}
	head = append(head, fmt.Sprintf("Call-ID: %s-%d", r.at.Addr(), r.id), fmt.Sprintf("CSeq: %d %s", r.id, method), "Max-Forwards: 70",
		"Contact: <sip:mallory@"+r.at.String()+">", fmt.Sprintf("Content-Length: %d", len(body)))
	return strings.Join(head, "\r\n") + "\r\n\r\n" + body
}

func (r *raw) send(text string) {
	r.t.Helper()
	if _, err := r.sock.WriteToUDPAddrPort([]byte(text), r.to); err != nil {
		r.t.Fatal(err)
	}
}

// final sends a request, again after T1 as a client does, and returns its final response; none
// within 2 s is a fault.
func (r *raw) final(text string) *sip.Response {
	r.t.Helper()
	for range max(4, int(r.patience/(500*time.Millisecond))) {
		r.send(text)
		for t1 := time.After(500 * time.Millisecond); ; {
			select {
			case b := <-r.in:
				m, err := sip.ParseMessage(b)
				if res, ok := m.(*sip.Response); err == nil && ok && res.StatusCode >= 200 &&
					strings.Contains(text, "Call-ID: "+res.CallID().Value()+"\r\n") {
					return res
				}
				continue
			case <-t1:
			}
			break
		}
	}
	r.t.Fatalf("no answer to\n%s", text)
	return nil
}

// as sends a request with the credentials of a demo account.
func (r *raw) as(user, method, uri string, lines ...string) *sip.Response {
	r.t.Helper()
	res := r.final(r.request(method, uri, lines...))
	if res.StatusCode != 401 {
		return res
	}
	return r.final(r.answered(res, user, method, uri, lines...))
}

// authorized is a request with the answer to the challenge that it gets first.
func (r *raw) authorized(user, method, uri string, lines ...string) string {
	r.t.Helper()
	return r.answered(r.final(r.request(method, uri, lines...)), user, method, uri, lines...)
}

func (r *raw) answered(res *sip.Response, user, method, uri string, lines ...string) string {
	r.t.Helper()
	c := digest.Client{User: user, Password: "demo-" + user}
	auth, err := c.Answer(method, uri, "", []string{res.GetHeader("WWW-Authenticate").Value()})
	if err != nil {
		r.t.Fatal(err)
	}
	return r.request(method, uri, append(lines, "Authorization: "+auth)...)
}

// What a stranger dials never gets further than the challenge, however it is written.
func TestStrangerReachesNothing(t *testing.T) {
	strangers(t, func(w *world) {
		victim := w.raw("10.0.4.1:5060")
		if res := victim.as("1001", "REGISTER", "sip:10.0.0.1", "To: <sip:1001@10.0.0.1>", "Expires: 3600"); res.StatusCode != 200 {
			t.Fatalf("REGISTER: %d", res.StatusCode)
		}
		brindisi := w.raw(brindisiIP + ":5060")
		r := w.raw("10.0.9.9:5060")
		for _, uri := range []string{
			"sip:1001@10.0.0.1", "sip:1001@10.0.0.1:5060;transport=udp", "SIP:1001@10.0.0.1", "sips:1001@10.0.0.1", "sip:%31001@10.0.0.1",
			"sip:1001;phone-context=x@10.0.0.1", "sip:1001:pw@10.0.0.1", "sip:1001@LOCALHOST", "sip:1001@localhost.", "sip:1001@evil.example",
			"sip:1001@10.0.4.1", "sip:+390831000111@10.0.0.1", "sip:0831000111@10.0.0.1", "sip:+390831000111@10.0.3.1", "tel:+390831000111",
			"tel:0831000111;phone-context=+39", "sip:cittadino@10.0.0.1", "sip:@10.0.0.1", "sip:10.0.0.1", "sip:1001@[::ffff:10.0.0.1]",
			"sip:803001@10.0.0.1", "tel:803001", "sip:1001@10.0.0.1?x", "sip:1001%00@10.0.0.1", "sip:1001@@10.0.0.1", "sip:*@10.0.0.1",
			"http://10.0.0.1/1001", "urn:service:sos",
		} {
			res := r.final(r.request("INVITE", uri, "From: <sip:1001@10.0.0.1>;tag=m", "P-Asserted-Identity: <sip:1001@10.0.0.1>",
				"Route: <sip:10.0.4.1;lr>", "User-to-User: 743d3b693d3b633d7472616e736665723b683d30;encoding=hex;purpose=la2"))
			if s := res.StatusCode; s != 401 && s != 400 && s != 416 {
				t.Errorf("%s: %d", uri, s)
			}
		}
		synctest.Wait()
		for name, end := range map[string]*raw{"1001": victim, "brindisi": brindisi} {
			for len(end.in) > 0 {
				if b := <-end.in; strings.HasPrefix(string(b), "INVITE") {
					t.Errorf("%s was sent\n%s", name, b)
				}
			}
		}
	})
}

// A number of ours under another host is not ours, also for those who have credentials.
func TestForeignHost(t *testing.T) {
	strangers(t, func(w *world) {
		r := w.raw("10.0.9.9:5060")
		for uri, want := range map[string]int{
			"sip:1002@evil.example": 404, "sip:1002@10.0.4.2": 404, "sip:1002@h@evil": 404, "sip:1002@evil.example;maddr=10.0.0.1": 404,
			"sip:1002@10.0.0.1": 480, "sip:1002@LocalHost.": 480, "sip:1002@formezpa.la2.example": 480, "tel:1002": 480, "urn:service:sos": 404, "urn:x": 416,
		} {
			if res := r.as("1001", "INVITE", uri); res.StatusCode != want {
				t.Errorf("%s: %d, want %d", uri, res.StatusCode, want)
			}
		}
		if res := r.as("1001", "REGISTER", "sip:evil.example", "To: <sip:1001@evil.example>"); res.StatusCode != 404 {
			t.Errorf("REGISTER for a foreign domain: %d", res.StatusCode)
		}
	})
}

// A carrier's account calls services; it can neither register nor ring telephones or offices.
func TestCarrierIsKeptOut(t *testing.T) {
	strangers(t, func(w *world) {
		r := w.raw("10.0.9.9:5060")
		if res := r.as("cittadino", "REGISTER", "sip:10.0.0.1", "To: <sip:cittadino@10.0.0.1>"); res.StatusCode != 403 {
			t.Errorf("REGISTER: %d", res.StatusCode)
		}
		if res := r.as("cittadino", "REGISTER", "sip:10.0.0.1", "To: <sip:1001@10.0.0.1>"); res.StatusCode != 403 {
			t.Errorf("REGISTER of another: %d", res.StatusCode)
		}
		if b := w.nodes["hub"].location.Lookup(location.AOR("cittadino")); len(b) > 0 {
			t.Errorf("bindings %v", b)
		}
		for _, uri := range []string{"sip:1001@10.0.0.1", "sip:+390831000111@10.0.0.1"} {
			if res := r.as("cittadino", "INVITE", uri); res.StatusCode != 403 {
				t.Errorf("%s: %d", uri, res.StatusCode)
			}
		}
	})
}

// The identity that counts is the asserted one, as a telephone number too, and what is
// shown of it holds nothing that a screen or a terminal obeys.
func TestPartyOf(t *testing.T) {
	for _, tt := range []struct {
		lines   string
		trusted bool
		want    cti.Party
	}{
		{"From: <sip:+393330000001@x>;tag=1\r\nP-Asserted-Identity: <tel:+390612345678>", true, cti.Party{Number: "+390612345678", Verified: true}},
		{"From: <tel:+393330000001>;tag=1", true, cti.Party{Number: "+393330000001", Verified: true}},
		{"From: <sip:+393330000001@x>;tag=1\r\nP-Asserted-Identity: <tel:+390612345678>", false, cti.Party{Number: "+393330000001"}},
		{"From: \"a\x1b[2Jb\u202ec\" <sip:+393330000001@x>;tag=1", false, cti.Party{Number: "+393330000001", Display: "a[2Jbc"}},
		{"From: <sip:x%0d%0aEvil%1b@x>;tag=1", false, cti.Party{Display: "x%0d%0aEvil%1b"}},
		{"From: \"Mario\" <sip:+393330000001@x>;tag=1\r\nPrivacy: id", true, cti.Party{Withheld: true, Verified: true}},
	} {
		msg, err := sip.ParseMessage([]byte("INVITE sip:1@x SIP/2.0\r\nVia: SIP/2.0/UDP x;branch=z9hG4bK1\r\nTo: <sip:1@x>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n" +
			tt.lines + "\r\nContent-Length: 0\r\n\r\n"))
		if err != nil {
			t.Fatal(err)
		}
		if got := party(msg.(*sip.Request), tt.trusted, numbering.Canonical); got != tt.want {
			t.Errorf("%q, trusted %v: got %+v, want %+v", tt.lines, tt.trusted, got, tt.want)
		}
	}
}

// Only a telephone of ours moves a caller by REFER.
func TestReferByStrangers(t *testing.T) {
	strangers(t, func(w *world) {
		n := w.nodes["hub"].Node
		if d, ok := n.referTarget("1002", ""); ok {
			t.Errorf("the far end of a trunk may refer to %+v", d)
		}
		if _, ok := n.referTarget("1002", "1001"); !ok {
			t.Error("a telephone may not refer")
		}
	})
}

// Whoever has shown nothing costs one answer and no memory, and so does a forged source.
func TestStrangerCostsNothing(t *testing.T) {
	strangers(t, func(w *world) {
		time.Sleep(10 * time.Second) // the probe of the trunk is over
		tx := w.nodes["hub"].tx
		before := tx.Stats().Servers
		r := w.raw("10.0.9.9:5060")
		bad := `Authorization: Digest username="1001", realm="la2", nonce="x", uri="sip:1001@10.0.0.1", response="00000000000000000000000000000000", algorithm=MD5, qop=auth, nc=00000001, cnonce="x"`
		for _, text := range []string{
			r.request("INVITE", "sip:1001@10.0.0.1"), r.request("INVITE", "sip:1001@10.0.0.1", bad), r.request("INVITE", "urn:service:sos"),
			r.request("INVITE", "sip:1001@10.0.0.1", "To: <sip:1001@10.0.0.1>;tag=guess"), r.request("BYE", "sip:1001@10.0.0.1", "To: <sip:1001@10.0.0.1>;tag=guess"),
			r.request("REFER", "sip:1001@10.0.0.1", "To: <sip:1001@10.0.0.1>;tag=guess", "Refer-To: <sip:1002@10.0.0.1>"),
			r.request("BYE", "sip:1001@10.0.0.1"), r.request("INVITE", "sip:1001@10.0.4.1", "To: <sip:1001@10.0.0.1>;tag=guess", "Route: <sip:10.0.0.1;lr;la2=AAAA>"),
			r.request("REGISTER", "sip:10.0.0.1", "To: <sip:1001@10.0.0.1>"), r.request("REGISTER", "sip:10.0.0.1", "To: <sip:1001@10.0.0.1>", bad),
			r.request("REGISTER", "sip:evil.example"), r.request("REGISTER", "sip:10.0.0.1", "Require: x"),
			r.request("OPTIONS", "sip:10.0.0.1"), r.request("MESSAGE", "sip:1001@10.0.0.1"), r.request("SUBSCRIBE", "sip:1001@10.0.0.1"),
			r.request("PUBLISH", "sip:1001@10.0.0.1"), r.request("FOO", "sip:1001@10.0.0.1"),
		} {
			res := r.final(text)
			if n := tx.Stats().Servers - before; n != 0 {
				t.Errorf("%d transactions are left after %d to\n%s", n, res.StatusCode, text)
			}
			time.Sleep(40 * time.Second)
			if n := len(r.in); n > 0 {
				t.Errorf("%d more packets after %d to\n%s", n, res.StatusCode, text)
			}
			for len(r.in) > 0 {
				<-r.in
			}
		}
	})
}

// A trunk carries no more calls than trunks.max_calls, both ways together.
func TestTrunkMaxCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		cfg := demoConfig(t, "formezpa", hubIP)
		cfg.Trunks = slices.DeleteFunc(cfg.Trunks, func(tr configs.Trunk) bool { return tr.Name != "brindisi" })
		cfg.Trunks[0].MaxCalls = 1
		o := w.run(&site{w: w, name: "hub", ip: hubIP, data: dataDir(t, "hub")}, cfg)
		office, phone := w.raw(brindisiIP+":5060"), w.raw("10.0.4.1:5060")
		invite := func() int { return office.final(office.request("INVITE", "sip:803001@10.0.0.1")).StatusCode }
		if s := invite(); s != 200 {
			t.Fatalf("first call: %d", s)
		}
		if s := invite(); s != 503 {
			t.Errorf("second call: %d", s)
		}
		if res := phone.as("1001", "INVITE", "sip:+390831000111@10.0.0.1"); res.StatusCode != 503 {
			t.Errorf("call out: %d", res.StatusCode)
		}
		time.Sleep(40 * time.Second) // the first was never acknowledged
		if s := invite(); s != 200 || o.sw.Lines("brindisi") != 1 {
			t.Errorf("after it: %d, %d lines", s, o.sw.Lines("brindisi"))
		}
		time.Sleep(settle)
		if n := o.sw.Lines("brindisi"); n != 0 {
			t.Errorf("%d lines are left", n)
		}
		o.stop()
	})
}
