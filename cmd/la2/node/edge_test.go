package node

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaamica/la2/sip/siptest"
)

// A telephone has a connection to each of two edge proxies, which register it with Path. A call
// goes to the latest with that Path as its route; when the proxy has lost the connection, to the
// other, and never to both at once.
func TestEdgeProxies_RFC5626(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.began = time.Now()
		cfg := demoConfig(t, "formezpa", hubIP)
		cfg.Trunks = nil
		o := w.run(&site{w: w, name: "hub", ip: hubIP, data: t.TempDir()}, cfg)
		edges := map[string]*siptest.UA{}
		for i, ip := range []string{"10.0.7.1", "10.0.7.2"} {
			edge := siptest.NewUA(t, w.net, ip+":5060", siptest.Account("1001", "demo-1001"))
			edges[ip] = edge
			res := edge.Register(o.addr(), time.Hour,
				siptest.With("Contact", `<sip:1001@192.168.1.5:5060>;+sip.instance="<urn:uuid:7>";reg-id=`+string(rune('1'+i))),
				siptest.With("Supported", "path, outbound"), siptest.With("Path", "<sip:tok"+ip[7:]+"@"+ip+":5060;lr;ob>"),
				func(m *siptest.Message) { m.Add("Via", "SIP/2.0/TCP 192.168.1.5:5060;branch=z9hG4bKphone") })
			if res.Status != 200 || res.Get("Require") != "outbound" || !strings.Contains(res.Get("Path"), ip) {
				t.Fatalf("REGISTER: %v", res)
			}
			time.Sleep(time.Second)
		}
		caller := siptest.NewUA(t, w.net, "10.0.9.2:5060", siptest.Account("1002", "demo-1002"))
		out := caller.Invite("sip:1001@"+hubIP, o.addr())
		late := edges["10.0.7.2"].ExpectInvite(3 * time.Second)
		if got := late.Invite.Get("Route"); !strings.Contains(got, "tok2@10.0.7.2") || late.Invite.URI != "sip:1001@192.168.1.5:5060" {
			t.Errorf("Route %q, URI %q", got, late.Invite.URI)
		}
		edges["10.0.7.1"].ExpectNoInvite(2 * time.Second)
		late.Respond(430)
		early := edges["10.0.7.1"].ExpectInvite(3 * time.Second)
		if got := early.Invite.Get("Route"); !strings.Contains(got, "tok1@10.0.7.1") {
			t.Errorf("Route %q", got)
		}
		early.Respond(180)
		early.Answer()
		out.Established(3 * time.Second)
		out.Hangup()
		early.Expect(siptest.Request("BYE"), time.Second)
		time.Sleep(settle)
		o.stop()
	})
}

// A phone whose connection broke counts as registered for the grace, and is called over its new
// one as soon as it has it.
func TestReconnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.began = time.Now()
		cfg := demoConfig(t, "formezpa", hubIP)
		cfg.Trunks, cfg.SIP.Registrar.Grace = nil, 5*time.Second
		o := w.run(&site{w: w, name: "hub", ip: hubIP, data: t.TempDir()}, cfg)
		phone := func(port string) (*siptest.UA, *siptest.StreamSocket) {
			s, err := w.net.ListenStream("10.0.8.1:" + port)
			if err != nil {
				t.Fatal(err)
			}
			ua := siptest.NewUAOn(t, s, nil, siptest.Account("1001", "demo-1001"), siptest.NoRTP())
			res := ua.Register(o.addr(), time.Hour, siptest.With("Contact", "<sip:1001@192.168.1.5:5060;transport=tcp>"))
			if res.Status != 200 {
				t.Fatalf("REGISTER: %v", res)
			}
			return ua, s
		}
		lost := func(want int, reachable bool) {
			t.Helper()
			bs := o.location.Lookup("1001")
			if len(bs) != want || want > 0 && bs[0].Lost == reachable {
				t.Errorf("got %+v", bs)
			}
		}
		first, _ := phone("5070")
		lost(1, true)
		first.Close()
		time.Sleep(2 * time.Second)
		lost(1, false)
		caller := siptest.NewUA(t, w.net, "10.0.9.2:5060", siptest.Account("1002", "demo-1002"))
		if res := caller.Invite("sip:1001@"+hubIP, o.addr()).Wait(siptest.Final("INVITE"), time.Second); res.Status != 480 {
			t.Errorf("lost: %d", res.Status)
		}
		second, _ := phone("5071")
		lost(1, true)
		out := caller.Invite("sip:1001@"+hubIP, o.addr())
		second.ExpectInvite(3 * time.Second).Respond(486)
		out.Wait(siptest.Status(486), 3*time.Second)
		second.Close()
		time.Sleep(6 * time.Second)
		lost(0, false)
		time.Sleep(settle)
		o.stop()
	})
}
