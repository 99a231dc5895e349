package node

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaamica/la2/configs"
	"github.com/lineaamica/la2/sip/siptest"
)

// A contact of the configuration may be a name. What its zone says about our own machine is not
// believed, and its silence costs the caller no more than some seconds.
func TestContactByName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.began = time.Now()
		w.dns = siptest.NewDNS(t, `
_sip._udp.sede.example.it. IN SRV 0 0 5090 tel.sede.example.it.
tel.sede.example.it. IN A 10.0.5.1
trap.example.it. IN A 127.0.0.1
`)
		o := &site{w: w, name: "hub", ip: hubIP, data: dataDir(t, "hub")}
		cfg := demoConfig(t, "formezpa", hubIP)
		cfg.Trunks = nil
		cfg.SIP.NameServers = []string{"10.0.0.53"}
		for user, host := range map[string]string{"sede": "sede.example.it", "trap": "trap.example.it", "nowhere": "nowhere.example.it"} {
			cfg.Routes = append(cfg.Routes, configs.Route{User: user, Contact: "sip:" + user + "@" + host, Mode: "b2bua", Open: true})
		}
		w.run(o, cfg)
		callee := siptest.NewUA(t, w.net, "10.0.5.1:5090")
		caller := siptest.NewUA(t, w.net, "10.0.9.9:5060")
		out := caller.Invite("sip:sede@"+hubIP, o.addr())
		in := callee.ExpectInvite(5 * time.Second)
		in.Respond(200)
		out.Established(5 * time.Second)
		out.Hangup()
		for _, user := range []string{"trap", "nowhere"} {
			start := time.Now()
			res := caller.Invite("sip:"+user+"@"+hubIP, o.addr()).Wait(siptest.Final("INVITE"), 10*time.Second)
			if res.Status < 400 || time.Since(start) > 4*time.Second {
				t.Errorf("%s: %d after %v", user, res.Status, time.Since(start))
			}
		}
		time.Sleep(settle)
		o.stop()
	})
}
