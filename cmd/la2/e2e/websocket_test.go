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
// updates, sends keys, watches its line and transfers, attended and blind.
func TestWebSocketVerbs(t *testing.T) {
	browser, at := browserOverTLS(t)
	first := answering(t, "--user", "1004", "--after", "1s", "--for", "90s", "--play", toneFile(t, 600, 60))
	second := answering(t, "--user", "1005", "--after", "200ms", "--for", "90s", "--play", toneFile(t, 700, 60))
	givesUp(t, browser, at, first)

	lamp, res := browser.Subscribe("sip:1001@127.0.0.1", "dialog", at, time.Hour)
	if lamp == nil {
		t.Fatalf("SUBSCRIBE: %d", res.Status)
	}
	lamp.Expect(sipWait)
	out := browser.Invite("sip:1004@127.0.0.1", at)
	out.Established(sipWait)
	out.RTP.Play(siptest.Tone(1000))
	first.hears(t, 1000, 5*time.Second)
	if n := lamp.Expect(sipWait); !strings.Contains(string(n.Body), "<state>") {
		t.Errorf("the lamp shows %s", n.Body)
	}
	out.Hold()
	if _, ok := first.match(5*time.Second, func(e phone.Event) bool { return e.Event == "audio" && e.Hears != "tone" }); !ok {
		t.Error("held, the telephone still hears the browser")
	}
	out.Resume()
	first.hears(t, 1000, 5*time.Second)
	out.Send("UPDATE")
	out.Wait(siptest.Response("UPDATE", 200), sipWait)
	out.RTP.SendDTMF("5")
	if e := first.event(t, 5*time.Second, "dtmf"); e.Text != "5" {
		t.Errorf("the telephone got key %q, want 5", e.Text)
	}

	other := browser.Invite("sip:1005@127.0.0.1", at)
	other.Established(sipWait)
	handsOver(t, out, other.Target()+"?Replaces="+url.QueryEscape(other.Replaces()))
	other.Wait(siptest.Request("BYE"), sipWait)
	joined(t, first, 600, second, 700)

	out = browser.Invite("sip:1005@127.0.0.1", at)
	out.Established(sipWait)
	third := answering(t, "--user", "1006", "--after", "200ms", "--for", "60s", "--play", toneFile(t, 800, 60))
	handsOver(t, out, "sip:1006@127.0.0.1")
	joined(t, third, 800, second, 700)
	settled(t, hubURL)
}

// sipWait is how long our user agent in Go waits for a message.
const sipWait = patience * 5 * time.Second

// browserOverTLS serves an office and registers 1001 there over WSS.
func browserOverTLS(t *testing.T) (*siptest.UA, netip.AddrPort) {
	t.Helper()
	ca := siptest.NewAuthority(t)
	cert, key, _ := ca.Files(t.TempDir(), "127.0.0.1")
	office(t, "udp:127.0.0.1:5060, wss:127.0.0.1:8443", fmt.Sprintf("  tls: {certificate: %s, key: %s}\n", cert, key))
	at := netip.MustParseAddrPort("127.0.0.1:8443")
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: ca.Pool()}}
	t.Cleanup(tr.CloseIdleConnections)
	c, _, err := websocket.Dial(t.Context(), "wss://"+at.String()+"/", &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: tr}, Subprotocols: []string{"sip"}, HTTPHeader: http.Header{"Origin": {"https://" + at.String()}}})
	if err != nil {
		t.Fatal(err)
	}
	rtp := func() (flow.PacketConn, error) {
		return net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	}
	local := netip.MustParseAddrPort("127.0.0.1:46100") // of SDP; nobody listens there
	ua := siptest.NewUAOn(t, siptest.NewWebSocket(c, at, local), rtp, siptest.Account("1001", "demo-1001"))
	if res := ua.Register(at, time.Minute); res.Status != 200 {
		t.Fatalf("REGISTER: %d", res.Status)
	}
	return ua, at
}

// givesUp rings 1004 and cancels.
func givesUp(t *testing.T, ua *siptest.UA, at netip.AddrPort, rung *telephone) {
	t.Helper()
	out := ua.Invite("sip:1004@127.0.0.1", at)
	out.Wait(siptest.Status(180), sipWait)
	rung.event(t, 5*time.Second, "incoming")
	out.Cancel()
	if e := rung.event(t, 5*time.Second, "ended"); e.Text != "cancelled" {
		t.Errorf("given up, the telephone's end: %q, want cancelled", e.Text)
	}
	if res := out.Wait(siptest.Final("INVITE"), sipWait); res.Status != 487 {
		t.Errorf("given up: %d, want 487", res.Status)
	}
}

// handsOver sends REFER; the call ends when the target has answered.
func handsOver(t *testing.T, c *siptest.Call, target string) {
	t.Helper()
	if res := c.Refer(target); res.Status != 202 {
		t.Fatalf("REFER: %d", res.Status)
	}
	c.Wait(siptest.Request("BYE"), sipWait)
}

// joined checks that two telephones hear each other's tone; a leaves.
func joined(t *testing.T, a *telephone, aHz int, b *telephone, bHz int) {
	t.Helper()
	a.hears(t, bHz, 5*time.Second)
	b.hears(t, aHz, 5*time.Second)
	a.leave()
	b.event(t, 5*time.Second, "ended")
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
