package node

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/configs"
	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/sip/siptest"
	"github.com/lineaamica/la2/sip/trunk"
)

// A carrier that wants credentials for everything gets them: registration, health,
// a call and its end. The node takes its registration back when it stops.
func TestCarrierWantsCredentials(t *testing.T) {
	tr := toCarrier("operatore", carrierA)
	tr.Account = configs.TrunkAccount{User: "formez", Password: "geheim12", Realm: "carrier"}
	tr.Register.Expires = time.Hour
	var c *carrierEnd
	carriers(t, nil, []configs.Trunk{tr}, func(w *world) {
		c = w.carrier(carrierA)
		c.wants("formez", "geheim12", "carrier")
	}, func(w *world, o *site) {
		if got := c.heard(); strings.Count(got, "OPTIONS 407, ") != 1 || strings.Count(got, "REGISTER 407") != 1 || strings.Count(got, "200") != 2 {
			t.Errorf("at the start the carrier heard %s", got)
		}
		if s, _ := o.trunks.Status("operatore"); s.State != trunk.Up || s.Registration != trunk.Registered {
			t.Errorf("status %+v", s)
		}
		if v := o.registrations(); len(v) != 1 || v[0].Labels["trunk"] != "operatore" || v[0].Func() != 1 {
			t.Errorf("metrics %+v", v)
		}
		reg := c.last(sip.REGISTER)
		if reg.To().Address.String() != "sip:formez@"+carrierA || reg.Contact().Address.String() != "sip:formez@10.0.0.1:5060" {
			t.Errorf("registered\n%s", reg)
		}
		phone := w.raw("10.0.4.1:5060")
		res := phone.calls("1001", citizen)
		time.Sleep(time.Second)
		phone.final(phone.inDialog(res, "BYE"))
		time.Sleep(time.Second)
		if got, want := c.heard(), "INVITE 407, INVITE 200, BYE 407, BYE 200"; got != want {
			t.Errorf("the carrier heard %s, want %s", got, want)
		}
		time.Sleep(8 * time.Minute)
		if got := c.heard(); !strings.Contains(got, "REGISTER 200") {
			t.Errorf("no refresh: %s", got)
		}
		o.stop()
		if h := c.last(sip.REGISTER).GetHeader("Expires"); h == nil || h.Value() != "0" {
			t.Errorf("the last REGISTER\n%s", c.last(sip.REGISTER))
		}
		var states []string
		for _, ev := range o.events() {
			if ev.Type == cti.EvTrunkRegistration {
				states = append(states, ev.Value)
			}
		}
		if strings.Join(states, " ") != "registered" {
			t.Errorf("events %q", states)
		}
	})
}

// Who asks for credentials of another realm gets none, nor does a telephone of ours.
func TestCredentialsStayHome(t *testing.T) {
	tr := toCarrier("operatore", carrierA)
	tr.Account = configs.TrunkAccount{User: "formez", Password: "geheim12", Realm: "carrier"}
	var c *carrierEnd
	carriers(t, nil, []configs.Trunk{tr}, func(w *world) {
		c = w.carrier(carrierA)
		c.wants("formez", "geheim12", "evil")
	}, func(w *world, o *site) {
		caller := w.raw("10.0.4.1:5060")
		if res := caller.calls("1001", citizen); res.StatusCode != 403 {
			t.Errorf("got %d", res.StatusCode)
		}
		if got := c.heard(); strings.Contains(got, "200") || strings.Count(got, "INVITE") != 1 {
			t.Errorf("the carrier heard %s", got)
		}
		phone := w.telephone("1002", "10.0.4.2")
		phone.wants("formez", "geheim12", "carrier") // the right realm at the wrong place
		if res := caller.calls("1001", "1002"); res.StatusCode == 200 {
			t.Error("the call went through")
		}
		if got := phone.heard(); got != "INVITE 407" {
			t.Errorf("the telephone heard %s", got)
		}
	})
}

// Of a group the best living one is called; the next one within 4 s of silence, at
// once after a refusal of its own; busy stands.
func TestCarrierFailover(t *testing.T) {
	trunks := []configs.Trunk{toCarrier("a", carrierA), toCarrier("b", carrierB), toCarrier("c", carrierC)}
	for i := range trunks {
		trunks[i].Group, trunks[i].Priority = "pstn", i
	}
	var a, b, c *carrierEnd
	carriers(t, nil, trunks, func(w *world) {
		a, b, c = w.carrier(carrierA), w.carrier(carrierB), w.carrier(carrierC)
	}, func(w *world, o *site) {
		phone := w.raw("10.0.4.1:5060")
		call := func() (status int, took time.Duration, heard [3]bool) {
			a.heard()
			b.heard()
			c.heard()
			began := time.Now()
			res := phone.as("1001", "INVITE", "sip:"+citizen+"@10.0.0.1")
			took = time.Since(began)
			if res.StatusCode == 200 {
				phone.send(phone.inDialog(res, "ACK"))
				time.Sleep(100 * time.Millisecond)
				phone.final(phone.inDialog(res, "BYE"))
			}
			return res.StatusCode, took, [3]bool{strings.Contains(a.heard(), "INVITE"), strings.Contains(b.heard(), "INVITE"), strings.Contains(c.heard(), "INVITE")}
		}
		for _, tt := range []struct {
			name   string
			a, b   int
			extra  string
			status int
			heard  [3]bool
		}{
			{"the first", 200, 200, "", 200, [3]bool{true, false, false}},
			{"refused", 503, 200, "", 200, [3]bool{true, true, false}},
			{"both refuse", 500, 403, "", 200, [3]bool{true, true, true}},
			{"busy", 486, 200, "", 486, [3]bool{true, false, false}},
			{"unknown number", 404, 200, "", 404, [3]bool{true, false, false}},
			{"asks for a pause", 503, 200, "Retry-After: 20", 200, [3]bool{true, true, false}},
			{"and gets it", 503, 200, "", 200, [3]bool{false, true, false}},
		} {
			a.says(sip.INVITE, tt.a, tt.extra)
			b.says(sip.INVITE, tt.b, "")
			status, took, heard := call()
			if status != tt.status || heard != tt.heard || took > time.Second {
				t.Errorf("%s: %d after %v, heard %v", tt.name, status, took, heard)
			}
		}
		time.Sleep(30 * time.Second)
		a.says(sip.INVITE, -1, "")
		b.says(sip.INVITE, -1, "")
		phone.patience = 10 * time.Second
		for i := range 3 {
			status, took, _ := call()
			if status != 200 || took > 4*time.Second {
				t.Errorf("silent %d: %d after %v", i, status, took)
			}
		}
		if o.trunks.State("a") != trunk.Down || o.trunks.State("b") != trunk.Down {
			t.Error("three silent calls leave a trunk up")
		}
		if status, took, heard := call(); status != 200 || took > time.Second || heard != [3]bool{false, false, true} {
			t.Errorf("with both down: %d after %v, heard %v", status, took, heard)
		}
		var down int
		synctest.Wait()
		for _, ev := range o.events() {
			if ev.Type == cti.EvTrunkDown {
				down++
			}
		}
		if s, _ := o.trunks.Status("a"); down != 2 || s.Fault.What != "no answer to INVITE" {
			t.Errorf("%d TrunkDown, status %+v", down, s)
		}
	})
}

// Calls above the rate take the next trunk; coming in they are asked to wait.
func TestCarrierRate(t *testing.T) {
	trunks := []configs.Trunk{toCarrier("a", carrierA), toCarrier("b", carrierB)}
	for i := range trunks {
		trunks[i].Group, trunks[i].Priority, trunks[i].MaxRate = "pstn", i, 1
	}
	var a, b *carrierEnd
	carriers(t, nil, trunks, func(w *world) { a, b = w.carrier(carrierA), w.carrier(carrierB) }, func(w *world, o *site) {
		a.heard()
		b.heard()
		phone := w.raw("10.0.4.1:5060")
		for i, want := range []int{200, 200, 503} {
			if res := phone.calls("1001", citizen); res.StatusCode != want {
				t.Errorf("call %d: %d", i, res.StatusCode)
			}
		}
		if got := a.heard() + "|" + b.heard(); got != "INVITE 200|INVITE 200" {
			t.Errorf("heard %s", got)
		}
	})
}

// A carrier may be a name: its servers are tried in order for calls, probes and the
// registration, and its calls are known by where they come from.
func TestCarrierByName_RFC3263(t *testing.T) {
	tr := toCarrier("operatore", carrierA)
	tr.Address, tr.URI, tr.Sources = configs.Listen{}, "sip:sip.operatore.example", []string{"10.0.5.0/24"}
	tr.Account = configs.TrunkAccount{User: "formez", Password: "geheim12", Realm: "carrier"}
	tr.Register.Expires = time.Hour
	var a, b *carrierEnd
	carriers(t, func(cfg *configs.Config) { cfg.SIP.NameServers = []string{"10.0.0.53"} }, []configs.Trunk{tr}, func(w *world) {
		w.dns = siptest.NewDNS(t, "_sip._udp.sip.operatore.example. IN SRV 0 0 5060 a.operatore.example.\n_sip._udp.sip.operatore.example. IN SRV 1 0 5060 b.operatore.example.\n"+
			"a.operatore.example. IN A "+carrierA+"\nb.operatore.example. IN A "+carrierB+"\n")
		a, b = w.carrier(carrierA), w.carrier(carrierB)
		for _, m := range []sip.RequestMethod{sip.INVITE, sip.OPTIONS, sip.REGISTER} {
			a.says(m, -1, "") // dead
		}
	}, func(w *world, o *site) {
		time.Sleep(5 * time.Second)
		if s, _ := o.trunks.Status("operatore"); s.State != trunk.Up || s.Registration != trunk.Registered {
			t.Errorf("status %+v", s)
		}
		if to := b.last(sip.REGISTER).To().Address.String(); to != "sip:formez@sip.operatore.example" {
			t.Errorf("registered as %s", to)
		}
		phone := w.raw("10.0.4.1:5060")
		phone.patience = 5 * time.Second
		began := time.Now()
		if res := phone.calls("1001", citizen); res.StatusCode != 200 || time.Since(began) > 4*time.Second {
			t.Errorf("%d after %v", res.StatusCode, time.Since(began))
		}
		if got := b.last(sip.INVITE).Recipient.String(); got != "sip:"+citizen+"@sip.operatore.example" {
			t.Errorf("the Request-URI is %s", got)
		}
		in := w.raw("10.0.5.9:5060")
		if res := in.final(in.request("INVITE", "sip:formez@10.0.0.1", "To: <sip:803001@sip.operatore.example>")); res.StatusCode != 200 {
			t.Errorf("a call by our registration: %d", res.StatusCode)
		}
	})
}
