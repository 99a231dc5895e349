package node

import (
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaamica/la2/configs"
	"github.com/lineaamica/la2/sip/siptest"
)

// A node that only has IPv6: telephones register, call each other over UDP and TCP
// and hear each other; what we write puts addresses in brackets.
func TestIPv6(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.began = time.Now()
		const ip = "2001:db8::1"
		cfg := demoConfig(t, "formezpa", ip)
		cfg.Trunks = nil
		at := netip.AddrPortFrom(netip.MustParseAddr(ip), 5060)
		cfg.SIP.Listen = []configs.Listen{{Transport: "udp", Address: at}, {Transport: "tcp", Address: at}}
		o := w.run(&site{w: w, name: "hub", ip: ip, data: t.TempDir()}, cfg)
		one := siptest.NewUA(t, w.net, "[2001:db8::9:1]:5060", siptest.Account("1001", "demo-1001"))
		two := siptest.NewTCPUA(t, w.net, "[2001:db8::9:2]:5060", siptest.Account("1002", "demo-1002"))
		for _, ua := range []*siptest.UA{one, two} {
			if res := ua.Register(o.addr(), time.Hour); res.Status != 200 {
				t.Fatalf("REGISTER: %d", res.Status)
			}
		}
		talk := func(from, to *siptest.UA, number string) {
			t.Helper()
			out := from.Invite("sip:"+number+"@["+ip+"]", o.addr())
			in := to.ExpectInvite(time.Second)
			if got := in.Target(); !strings.HasPrefix(got, "sip:la2@["+ip+"]:5060") {
				t.Errorf("our Contact is %s", got)
			}
			in.Respond(180)
			in.Answer()
			out.Established(time.Second)
			out.RTP.Play(siptest.Tone(700))
			in.RTP.Play(siptest.Tone(1000))
			time.Sleep(2 * time.Second)
			if got := in.RTP.ToneShare(700, 40); got < 0.9 {
				t.Errorf("the callee hears 700 Hz with share %.2f", got)
			}
			if got := out.RTP.ToneShare(1000, 40); got < 0.9 {
				t.Errorf("the caller hears 1000 Hz with share %.2f", got)
			}
			out.Hangup()
			in.Expect(siptest.Request("BYE"), time.Second)
			time.Sleep(time.Second)
		}
		talk(one, two, "1002")
		talk(two, one, "1001")
		o.stop()
	})
}
