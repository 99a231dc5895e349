package node

import (
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/configs"
)

// everything is a carrier that would take any number.
func everything() []configs.Trunk {
	tr := toCarrier("operatore", carrierA)
	tr.Numbers = []string{"00*", "+39*", "8*", "1*", "4*", "7*", "039039039"}
	return []configs.Trunk{tr}
}

func account(cfg *configs.Config, user string, edit func(a *configs.Account)) {
	for i := range cfg.Accounts {
		if cfg.Accounts[i].User == user {
			edit(&cfg.Accounts[i])
		}
	}
}

// What a stolen password of a station may dial, however it is written.
func TestDialPlan(t *testing.T) {
	edit := func(cfg *configs.Config) {
		account(cfg, "1001", func(a *configs.Account) { a.Limits.Calls = -1 })
		account(cfg, "1002", func(a *configs.Account) { a.Dial = []string{"international", "premium"}; a.Limits.Calls = -1 })
		account(cfg, "1003", func(a *configs.Account) { a.Dial = []string{} })
	}
	var c *carrierEnd
	carriers(t, edit, everything(), func(w *world) { c = w.carrier(carrierA) }, func(w *world, o *site) {
		phone := w.raw("10.0.4.1:5060")
		for user, numbers := range map[string]map[int]string{
			"1001": {
				200: "+390612345678 0612345678 06.1234.5678 3381234567 800155300 +39800155300 112",
				403: "+442071838750 00442071838750 +8835100012345 +97912345678 892424 +39892424 899123456 144123456 1254 16612345 848800444 199123456 178123 4855 7021234567 1500 039039039 +394123456",
				404: "5551234 sip:+442071838750@10.0.5.1",
			},
			"1002": {200: "+442071838750 892424 113", 403: "+390612345678 800155300"},
			"1003": {200: "118", 403: "+390612345678 800155300 +442071838750 892424"},
		} {
			for want, list := range numbers {
				for number := range strings.SplitSeq(list, " ") {
					c.heard()
					uri := "sip:" + number + "@10.0.0.1"
					if strings.HasPrefix(number, "sip:") {
						uri = number
					}
					res := phone.as(user, "INVITE", uri, "Route: <sip:10.0.5.1;lr>", "P-Asserted-Identity: <sip:1002@10.0.0.1>")
					if res.StatusCode == 200 {
						phone.send(phone.inDialog(res, "ACK"))
					}
					if heard := strings.Contains(c.heard(), "INVITE"); res.StatusCode != want || heard != (want == 200) {
						t.Errorf("%s dials %s: %d, the carrier was asked: %v", user, number, res.StatusCode, heard)
					}
				}
			}
		}
		if n := o.plan.dial.refused.Load(); n < 20 {
			t.Errorf("%d refusals counted", n)
		}
	})
}

// Nobody from outside comes through to a carrier: no stranger, no carrier, no office,
// no telephone by REFER, no callee by a redirection.
func TestNoWayThrough(t *testing.T) {
	trunks := everything()
	office := toCarrier("brindisi", brindisiIP)
	office.Site, office.Numbers = "c_b180", []string{"+390831000111"}
	var c *carrierEnd
	carriers(t, nil, append(trunks, office), func(w *world) { c = w.carrier(carrierA) }, func(w *world, o *site) {
		c.heard()
		ends := map[string]*raw{"stranger": w.raw("10.0.9.9:5060"), "office": w.raw(brindisiIP + ":5060")}
		for name, end := range ends {
			for _, number := range []string{"+390612345678", "+442071838750", "892424", "112"} {
				res := end.final(end.request("INVITE", "sip:"+number+"@10.0.0.1", "Route: <sip:10.0.5.1;lr>"))
				if s := res.StatusCode; s != 401 && s != 403 {
					t.Errorf("%s dials %s: %d", name, number, s)
				}
			}
		}
		for _, number := range []string{"+390612345678", "892424", "+442071838750"} {
			if d, ok := o.referTarget(number, "1001"); ok {
				t.Errorf("REFER to %s leads to %+v", number, d)
			}
		}
		callee := w.telephone("1002", "10.0.4.2") // sends callers elsewhere
		callee.says(sip.INVITE, 302, "Contact: <sip:892424@10.0.0.1>\r\nContact: <sip:892424@10.0.5.1>")
		caller := w.raw("10.0.4.1:5060")
		caller.patience = 5 * time.Second
		if res := caller.as("1001", "INVITE", "sip:1002@10.0.0.1"); res.StatusCode < 300 {
			t.Errorf("redirected: %d", res.StatusCode)
		}
		if got := c.heard(); strings.Contains(got, "INVITE") {
			t.Errorf("the carrier heard %s", got)
		}
	})
}

// The limits of a station hold whatever it does; those of the trunk for all together.
func TestTollLimits(t *testing.T) {
	edit := func(cfg *configs.Config) {
		cfg.Media.Timeout = 10 * time.Minute // nobody sends audio here
		account(cfg, "1001", func(a *configs.Account) { a.Limits = configs.Limits{Calls: 1, DayMinutes: 10} })
		account(cfg, "1003", func(a *configs.Account) { a.Limits = configs.Limits{DayCalls: 2} })
		account(cfg, "1002", func(a *configs.Account) { a.Limits = configs.Limits{Calls: -1, DayCalls: -1, DayMinutes: -1} })
	}
	trunks := everything()
	trunks[0].Limits.Calls = 3
	carriers(t, edit, trunks, func(w *world) { w.carrier(carrierA) }, func(w *world, o *site) {
		phone := w.raw("10.0.4.1:5060")
		var open []*sip.Response
		call := func(user string, want int) {
			t.Helper()
			res := phone.calls(user, citizen)
			if res.StatusCode != want {
				t.Errorf("%s: %d, want %d", user, res.StatusCode, want)
			}
			if res.StatusCode == 200 {
				open = append(open, res)
			}
		}
		hangUp := func() {
			for _, res := range open {
				phone.final(phone.inDialog(res, "BYE"))
			}
			open = nil
		}
		call("1001", 200)
		call("1001", 503) // one at a time
		call("1002", 200)
		call("1002", 200)
		call("1002", 503) // three on the trunk
		time.Sleep(9 * time.Minute)
		hangUp()
		call("1001", 200)
		time.Sleep(2 * time.Minute)
		hangUp()
		call("1001", 403) // 11 minutes are gone
		call("1002", 200)
		hangUp()
		if res := phone.calls("1001", "803001"); res.StatusCode != 200 {
			t.Errorf("a service: %d", res.StatusCode)
		} else {
			phone.final(phone.inDialog(res, "BYE"))
		}
		for _, want := range []int{200, 200, 403} { // two a day
			call("1003", want)
			hangUp()
		}
		if n := o.plan.dial.refused.Load(); n != 4 {
			t.Errorf("%d refusals counted", n)
		}
	})
}
