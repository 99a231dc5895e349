//go:build e2e

package e2e

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/lineaamica/la2/phone"
	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/siptest"
)

// A client of SIP over WSS, whose Via and Contact lead nowhere, calls a baresip and
// is called by it; tones both ways. Pages of strangers get no further than the door.
func TestWebSocket(t *testing.T) {
	ca := siptest.NewAuthority(t)
	cert, key, _ := ca.Files(t.TempDir(), "127.0.0.1")
	office(t, "udp:127.0.0.1:5060, wss:127.0.0.1:8443", fmt.Sprintf("  tls: {certificate: %s, key: %s}\n", cert, key))
	at := netip.MustParseAddrPort("127.0.0.1:8443")
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: ca.Pool()}}
	defer tr.CloseIdleConnections()
	dial := func(origin string) (*websocket.Conn, error) {
		h := http.Header{"Origin": {origin}}
		c, _, err := websocket.Dial(t.Context(), "wss://"+at.String()+"/", &websocket.DialOptions{
			HTTPClient: &http.Client{Transport: tr}, Subprotocols: []string{"sip"}, HTTPHeader: h})
		return c, err
	}
	if _, err := dial("https://evil.example"); err == nil {
		t.Error("a page of a stranger may connect")
	}
	c, err := dial("https://" + at.String())
	if err != nil {
		t.Fatal(err)
	}
	local := netip.MustParseAddrPort("127.0.0.1:46000") // of SDP; nobody listens there
	rtp := func() (flow.PacketConn, error) {
		return net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	}
	browser := siptest.NewUAOn(t, siptest.NewWebSocket(c, at, local), rtp, siptest.Account("1001", "demo-1001"))
	if res := browser.Register(at, time.Minute); res.Status != 200 {
		t.Fatalf("REGISTER: %d", res.Status)
	}
	desk := baresip(t, "1002", 60, toneFile(t, 700, 20))
	if _, _, ok := desk.until(0, 5*time.Second, func(l string) bool { return strings.Contains(l, "200 OK") }); !ok {
		t.Fatal("baresip did not register")
	}
	talk := func(call *siptest.Call) {
		t.Helper()
		call.RTP.Play(siptest.Tone(1000))
		if !call.RTP.WaitPackets(100, 5*time.Second) {
			t.Fatal("no audio")
		}
		time.Sleep(time.Second)
		if got := call.RTP.ToneShare(700, 40); got < 0.9 {
			t.Errorf("the browser hears 700 Hz with share %.2f", got)
		}
	}
	out := browser.Invite("sip:1002@127.0.0.1", at)
	desk.event(t, 5*time.Second, "CALL_INCOMING")
	desk.command(t, "accept", "")
	out.Established(5 * time.Second)
	talk(out)
	out.Hangup()
	desk.event(t, 5*time.Second, "CALL_CLOSED")

	desk.command(t, "dial", "sip:1001@127.0.0.1:5060")
	in := browser.ExpectInvite(5 * time.Second)
	in.Respond(180)
	in.Answer()
	desk.event(t, 5*time.Second, "CALL_ESTABLISHED")
	talk(in)
	desk.command(t, "hangup", "")
	in.Expect(siptest.Request("BYE"), 5*time.Second)
	desk.command(t, "quit", "")
	desk.exit(t, 5*time.Second)
	if n := tones(desk.heard(t), 1000); n < 15 {
		t.Errorf("baresip heard 1000 Hz for %d00 ms, want 1.5 s", n)
	}
}

// What a browser's SIP stack does over WSS with two telephones: it gives up, holds and resumes,
// sends keys in both ways, updates, watches its line and transfers, blind and attended.
func TestWebSocketVerbs(t *testing.T) {
	ca := siptest.NewAuthority(t)
	cert, key, _ := ca.Files(t.TempDir(), "127.0.0.1")
	office(t, "udp:127.0.0.1:5060, wss:127.0.0.1:8443", fmt.Sprintf("  tls: {certificate: %s, key: %s}\n", cert, key))
	at := netip.MustParseAddrPort("127.0.0.1:8443")
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: ca.Pool()}}
	defer tr.CloseIdleConnections()
	c, _, err := websocket.Dial(t.Context(), "wss://"+at.String()+"/", &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: tr}, Subprotocols: []string{"sip"}, HTTPHeader: http.Header{"Origin": {"https://" + at.String()}}})
	if err != nil {
		t.Fatal(err)
	}
	rtp := func() (flow.PacketConn, error) {
		return net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	}
	browser := siptest.NewUAOn(t, siptest.NewWebSocket(c, at, netip.MustParseAddrPort("127.0.0.1:46100")), rtp, siptest.Account("1001", "demo-1001"))
	if res := browser.Register(at, time.Minute); res.Status != 200 {
		t.Fatalf("REGISTER: %d", res.Status)
	}
	lamp, res := browser.Subscribe("sip:1001@127.0.0.1", "dialog", at, time.Hour)
	if lamp == nil {
		t.Fatalf("SUBSCRIBE: %d", res.Status)
	}
	lamp.Expect(5 * time.Second)
	const wait = patience * 5 * time.Second
	first := answering(t, "--user", "1004", "--after", "1s", "--for", "90s", "--play", toneFile(t, 600, 60))
	second := answering(t, "--user", "1005", "--after", "200ms", "--for", "90s", "--play", toneFile(t, 700, 60))

	out := browser.Invite("sip:1004@127.0.0.1", at)
	out.Wait(siptest.Status(180), wait)
	first.event(t, 5*time.Second, "incoming")
	out.Cancel()
	if e := first.event(t, 5*time.Second, "ended"); e.Text != "cancelled" || out.Wait(siptest.Final("INVITE"), wait).Status != 487 {
		t.Errorf("given up, the telephone's end: %q, want cancelled", e.Text)
	}

	out = browser.Invite("sip:1004@127.0.0.1", at)
	out.Established(wait)
	out.RTP.Play(siptest.Tone(1000))
	first.hears(t, 1000, 5*time.Second)
	if n := lamp.Expect(wait); !strings.Contains(string(n.Body), "<state>") {
		t.Errorf("the lamp shows %s", n.Body)
	}
	out.Hold()
	if _, ok := first.match(5*time.Second, func(e phone.Event) bool { return e.Event == "audio" && e.Hears != "tone" }); !ok {
		t.Error("held, the telephone still hears the browser")
	}
	out.Resume()
	first.hears(t, 1000, 5*time.Second)
	out.Send("UPDATE")
	out.Wait(siptest.Response("UPDATE", 200), wait)
	out.RTP.SendDTMF("5")
	if e := first.event(t, 5*time.Second, "dtmf"); e.Text != "5" {
		t.Errorf("the telephone got key %q, want 5", e.Text)
	}

	other := browser.Invite("sip:1005@127.0.0.1", at)
	other.Established(wait)
	if res := out.Refer(other.Target() + "?Replaces=" + url.QueryEscape(other.Replaces())); res.Status != 202 {
		t.Fatalf("REFER: %d", res.Status)
	}
	out.Wait(siptest.Request("BYE"), wait)
	other.Wait(siptest.Request("BYE"), wait)
	first.hears(t, 700, 5*time.Second) // joined, attended
	second.hears(t, 600, 5*time.Second)
	first.leave()
	second.event(t, 5*time.Second, "ended")

	out = browser.Invite("sip:1005@127.0.0.1", at)
	out.Established(wait)
	third := answering(t, "--user", "1006", "--after", "200ms", "--for", "60s", "--play", toneFile(t, 800, 60))
	if res := out.Refer("sip:1006@127.0.0.1"); res.Status != 202 {
		t.Fatalf("REFER: %d", res.Status)
	}
	out.Wait(siptest.Request("BYE"), wait)
	second.hears(t, 800, 5*time.Second) // joined, blind
	third.hears(t, 700, 5*time.Second)
	third.leave()
	second.event(t, 5*time.Second, "ended")
	settled(t, hubURL)
}

// The browser of a logged-in agent speaks SIP at the desktop's own port, for its
// station and for no other, though it knows another one's password; without a log-in
// nobody gets in.
func TestDesktopWebSocket(t *testing.T) {
	office(t, "udp:127.0.0.1:5060", "  websocket: {desktop: true}\n")
	d := logIn(t, hubURL, "1001")
	at := netip.MustParseAddrPort(strings.TrimPrefix(hubURL, "http://"))
	path := "ws://" + at.String() + "/cti/v1/sip"
	dial := func(client *http.Client, origin string) (*websocket.Conn, int) {
		c, res, err := websocket.Dial(t.Context(), path, &websocket.DialOptions{HTTPClient: client, Subprotocols: []string{"sip"}, HTTPHeader: http.Header{"Origin": {origin}}})
		if res == nil {
			t.Fatal(err)
		}
		return c, res.StatusCode
	}
	agent := &http.Client{Jar: d.client.Jar}
	if _, status := dial(http.DefaultClient, hubURL); status != http.StatusUnauthorized {
		t.Errorf("without a log-in: %d", status)
	}
	if _, status := dial(agent, "https://evil.example"); status != http.StatusForbidden {
		t.Errorf("from a page of a stranger: %d", status)
	}
	for i, tt := range []struct {
		user   string
		status int
	}{{"1001", 200}, {"1002", 403}} {
		c, _ := dial(agent, hubURL)
		local := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(46000+2*i)) // of SDP; nobody listens there
		ua := siptest.NewUAOn(t, siptest.NewWebSocket(c, at, local), nil, siptest.Account(tt.user, "demo-"+tt.user))
		if res := ua.Register(at, time.Minute); res.Status != tt.status {
			t.Errorf("REGISTER of %s: %d, want %d", tt.user, res.Status, tt.status)
		}
		if tt.status == 403 {
			call := ua.Invite("sip:1001@127.0.0.1", at)
			if res := call.Wait(siptest.Final("INVITE"), 5*time.Second); res.Status != 403 {
				t.Errorf("INVITE of %s: %d, want 403", tt.user, res.Status)
			}
		}
		ua.Close()
	}
}
