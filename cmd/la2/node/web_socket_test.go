package node

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/lineaamica/la2/configs"
	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/location"
	"github.com/lineaamica/la2/sip/siptest"
)

// browserUA is a station that speaks SIP over WebSocket.
func browserUA(t *testing.T, w *world, at netip.AddrPort, ip, user string) *siptest.UA {
	t.Helper()
	addr := netip.AddrPortFrom(netip.MustParseAddr(ip), 5060)
	tr := &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		return w.net.Dialer(addr.Addr())(ctx, network, address)
	}}
	t.Cleanup(tr.CloseIdleConnections)
	c, _, err := websocket.Dial(t.Context(), "ws://"+at.String()+"/", &websocket.DialOptions{HTTPClient: &http.Client{Transport: tr}, Subprotocols: []string{"sip"}})
	if err != nil {
		t.Fatal(err)
	}
	rtp := func() (flow.PacketConn, error) { return w.net.ListenAddrPort(netip.AddrPortFrom(addr.Addr(), 0)) }
	return siptest.NewUAOn(t, siptest.NewWebSocket(c, at, addr), rtp, siptest.Account(user, "demo-"+user))
}

// A browser registers, calls a telephone and is called by it, over the connection
// that it made. When it dies, its binding is lost at once and soon gone: nobody rings for a ghost.
func TestWebSocketStation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.began = time.Now()
		cfg := demoConfig(t, "formezpa", hubIP)
		cfg.Trunks = nil
		at := netip.AddrPortFrom(netip.MustParseAddr(hubIP), 8088)
		cfg.SIP.Listen = append(cfg.SIP.Listen, configs.Listen{Transport: "ws", Address: at})
		o := w.run(&site{w: w, name: "hub", ip: hubIP, data: t.TempDir()}, cfg)

		browser := browserUA(t, w, at, "10.0.9.1", "1001")
		desk := siptest.NewUA(t, w.net, "10.0.9.2:5060", siptest.Account("1002", "demo-1002"))
		for _, ua := range []struct {
			*siptest.UA
			to netip.AddrPort
		}{{browser, at}, {desk, o.addr()}} {
			if res := ua.Register(ua.to, time.Hour); res.Status != 200 {
				t.Fatalf("REGISTER: %d", res.Status)
			}
		}
		talk := func(from, to *siptest.UA, number string, via netip.AddrPort) {
			t.Helper()
			out := from.Invite("sip:"+number+"@"+hubIP, via)
			in := to.ExpectInvite(3 * time.Second)
			if to == browser {
				if c := in.Target(); !strings.Contains(c, ";transport=ws") {
					t.Errorf("our Contact is %s, want transport=ws", c)
				}
			}
			in.Respond(180)
			in.Answer()
			out.Established(3 * time.Second)
			out.RTP.Play(siptest.Tone(700))
			in.RTP.Play(siptest.Tone(1000))
			time.Sleep(2 * time.Second)
			if got := in.RTP.ToneShare(700, 40); got < 0.9 {
				t.Errorf("the callee hears 700 Hz with share %.2f", got)
			}
			if got := out.RTP.ToneShare(1000, 40); got < 0.9 {
				t.Errorf("the caller hears 1000 Hz with share %.2f", got)
			}
			in.Hangup()
			out.Expect(siptest.Request("BYE"), time.Second)
			time.Sleep(time.Second)
		}
		talk(browser, desk, "1002", at)
		talk(desk, browser, "1001", o.addr())

		browser.Close()
		time.Sleep(time.Second)
		if bs := o.location.Lookup(location.AOR("1001")); len(bs) != 1 || !bs[0].Lost {
			t.Errorf("the browser is dead and bound: %+v", bs)
		}
		out := desk.Invite("sip:1001@"+hubIP, o.addr())
		if res := out.Wait(siptest.Final("INVITE"), time.Second); res.Status != 480 {
			t.Errorf("a call to it gets %d, want 480", res.Status)
		}
		time.Sleep(15 * time.Second)
		if bs := o.location.Lookup(location.AOR("1001")); len(bs) != 0 {
			t.Errorf("the browser did not come back and is bound: %+v", bs)
		}
		o.stop()
	})
}
