package node

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/configs"
	"github.com/lineaamica/la2/cti"
)

func rescueConfig(cfg *configs.Config) {
	cfg.Emergency = configs.Emergency{Trunks: []string{"b", "a"}, CLI: "+390612300000", Location: "Formez, viale Marx 15, Roma"}
}

func abTrunks() []configs.Trunk {
	trunks := []configs.Trunk{toCarrier("a", carrierA), toCarrier("b", carrierB)}
	for i := range trunks {
		trunks[i].Group, trunks[i].Priority = "pstn", i
	}
	return trunks
}

// A station reaches the rescuers however the number is written: by the site's ways
// out in order, with the site's number and place, and nobody else's rules.
func TestEmergency(t *testing.T) {
	var a, b *carrierEnd
	carriers(t, rescueConfig, abTrunks(), func(w *world) { a, b = w.carrier(carrierA), w.carrier(carrierB) }, func(w *world, o *site) {
		a.heard()
		b.heard()
		phone := w.raw("10.0.4.1:5060")
		for _, uri := range []string{"112", "113", "115", "118", "+39112"} {
			if res := phone.calls("1001", uri, "Privacy: id"); res.StatusCode != 200 {
				t.Errorf("%s: %d", uri, res.StatusCode)
			}
			m := b.last(sip.INVITE)
			if m == nil || m.Recipient.User != strings.TrimPrefix(uri, "+39") {
				t.Fatalf("%s: the first way out got\n%v", uri, m)
			}
			for _, want := range []string{"Priority: emergency\r\n", "P-Asserted-Identity: <sip:+390612300000@10.0.0.1>\r\n", `From: "Formez, viale Marx 15, Roma" <sip:+390612300000@10.0.0.1:5060>`} {
				if !strings.Contains(m.String(), want) {
					t.Errorf("%s: %q is missing in\n%s", uri, want, m)
				}
			}
			if strings.Contains(m.String(), "1001") {
				t.Errorf("%s: the extension is shown\n%s", uri, m)
			}
		}
		for urn, want := range map[string]string{"urn:service:sos": "112", "urn:service:sos.fire": "115"} { // RFC 5031
			if res := phone.as("1001", "INVITE", urn); res.StatusCode != 200 || b.last(sip.INVITE).Recipient.User != want {
				t.Errorf("%s: %d, %s", urn, res.StatusCode, b.last(sip.INVITE).Recipient.User)
			}
		}
		if got := a.heard(); got != "" {
			t.Errorf("the second way out heard %s", got)
		}
	})
}

// Any failure of one way out leads to the next, dead ones are tried, too.
func TestEmergencyFailover(t *testing.T) {
	for _, status := range []int{404, 486, 503, 603, -1} {
		var a, b *carrierEnd
		carriers(t, rescueConfig, abTrunks(), func(w *world) {
			a, b = w.carrier(carrierA), w.carrier(carrierB)
			a.says(sip.OPTIONS, 503, "") // the way that works seems down
		}, func(w *world, o *site) {
			b.says(sip.INVITE, status, "")
			phone := w.raw("10.0.4.1:5060")
			phone.patience = 10 * time.Second
			began := time.Now()
			if res := phone.calls("1001", "112"); res.StatusCode != 200 || time.Since(began) > 4*time.Second {
				t.Errorf("after %d: %d in %v", status, res.StatusCode, time.Since(began))
			}
			if a.last(sip.INVITE) == nil {
				t.Errorf("after %d: the second was not tried", status)
			}
		})
	}
}

// Nothing that stops other calls stops a call for help: no call allowed, all lines
// taken, a rate used up, a journal that does not write, a node that drains.
func TestEmergencyWithEverythingFull(t *testing.T) {
	edit := func(cfg *configs.Config) {
		rescueConfig(cfg)
		cfg.SIP.MaxCalls = 1
		for i := range cfg.Trunks {
			cfg.Trunks[i].MaxCalls, cfg.Trunks[i].MaxRate = 1, 1
		}
	}
	var b *carrierEnd
	carriers(t, edit, abTrunks(), func(w *world) { w.carrier(carrierA); b = w.carrier(carrierB) }, func(w *world, o *site) {
		phone := w.raw("10.0.4.1:5060")
		if res := phone.calls("1001", citizen); res.StatusCode != 200 {
			t.Fatalf("the one call: %d", res.StatusCode)
		}
		refused := func(why string) {
			t.Helper()
			if res := phone.calls("1002", citizen); res.StatusCode != 503 {
				t.Errorf("%s: an ordinary call got %d", why, res.StatusCode)
			}
			for range 2 {
				if res := phone.calls("1002", "112"); res.StatusCode != 200 {
					t.Errorf("%s: 112 got %d", why, res.StatusCode)
				}
			}
		}
		refused("all calls taken")
		o.cfg.SIP.MaxCalls = 100
		refused("all lines taken")
		if err := o.store.Close(); err != nil {
			t.Fatal(err)
		}
		o.stream.Publish(cti.Event{Type: cti.EvStage})
		_ = o.stream.Sync(w.t.Context()) // returns when the write has failed
		refused("no journal")
		o.draining.Store(true)
		go o.sw.Drain(w.t.Context()) // ends with the calls
		synctest.Wait()
		refused("draining")
		if n := strings.Count(b.heard(), "INVITE"); n != 9 && n != 8 {
			t.Errorf("%d INVITEs at the first way out", n)
		}
	})
}

// Who is no station of ours gets no way out by asking for help: a stranger is asked
// who it is, the far end of a trunk and a carrier's account are refused.
func TestEmergencyIsNoDoor(t *testing.T) {
	var a, b *carrierEnd
	carriers(t, rescueConfig, abTrunks(), func(w *world) { a, b = w.carrier(carrierA), w.carrier(carrierB) }, func(w *world, o *site) {
		a.heard()
		b.heard()
		r := w.raw("10.0.9.9:5060")
		for _, uri := range []string{"sip:112@10.0.0.1", "tel:112", "sip:118@10.0.0.1"} {
			if res := r.final(r.request("INVITE", uri)); res.StatusCode != 401 {
				t.Errorf("%s from a stranger: %d", uri, res.StatusCode)
			}
			if res := r.as("cittadino", "INVITE", uri); res.StatusCode < 400 {
				t.Errorf("%s from a carrier's account: %d", uri, res.StatusCode)
			}
		}
		if got := a.heard() + b.heard(); got != "" {
			t.Errorf("heard %s", got)
		}
	})
}

// Without carriers there is no way out, and the check says so.
func TestEmergencyWithoutEgress(t *testing.T) {
	strangers(t, func(w *world) {
		r := w.raw("10.0.4.1:5060")
		if res := r.as("1001", "INVITE", "sip:112@10.0.0.1"); res.StatusCode != 404 {
			t.Errorf("got %d", res.StatusCode)
		}
		if got := configs.Warnings(w.nodes["hub"].cfg); len(got) != 1 || !strings.Contains(got[0], "112") {
			t.Errorf("warnings %q", got)
		}
	})
	cfg := &configs.Config{Trunks: abTrunks()}
	if got := configs.Warnings(cfg); len(got) != 1 || !strings.Contains(got[0], "emergency.cli") {
		t.Errorf("warnings %q", got)
	}
	if rescueConfig(cfg); len(configs.Warnings(cfg)) != 0 {
		t.Errorf("warnings %q", configs.Warnings(cfg))
	}
}
