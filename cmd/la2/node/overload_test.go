package node

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaamica/la2/sip/wire"
)

func TestUrgent(t *testing.T) {
	for uri, want := range map[string]bool{
		"sip:112@10.0.0.1": true, "SIP:118@10.0.0.1;user=phone": true, "sips:113@x": true, "tel:115": true, "urn:service:sos": true,
		"sip:1120@10.0.0.1": false, "sip:0112@10.0.0.1": false, "sip:112:pw@10.0.0.1": false, "sip:112;x=y@10.0.0.1": false, "sip:x@112": false,
		"sip:112": false, "sip:%3112@x": false, "tel:112;phone-context=+39": false, "http://112/": false, "sip:803001@10.0.0.1": false,
	} {
		for _, method := range []string{"INVITE", "OPTIONS"} {
			var m wire.Message
			if err := m.Parse([]byte(method + " " + uri + " SIP/2.0\r\nVia: SIP/2.0/UDP x;branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:b@x>\r\nCall-ID: 1\r\nCSeq: 1 " + method +
				"\r\nMax-Forwards: 70\r\n\r\n")); err != nil {
				t.Fatalf("%s: %v", uri, err)
			}
			if got := urgent(&m); got != (want && method == "INVITE") {
				t.Errorf("%s %s: %v", method, uri, got)
			}
		}
	}
}

// A node that has too much to do refuses new work; a call that runs does not notice, nor does
// one to an emergency number.
func TestOverloadedNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		s, err := parseScenario("normal", normal)
		if err != nil {
			t.Fatal(err)
		}
		s.agents = []string{"a1"}
		w.prepare(s)
		o := w.nodes["hub"]
		office := w.raw(brindisiIP + ":5070")
		began := time.Now()
		go func() { // ends 3 s into the call
			time.Sleep(time.Until(began.Add(3500 * time.Millisecond)))
			for range 100 {
				o.load.Step(time.Hour, false)
			}
			shed := 0
			for range 20 {
				if res := office.final(office.request("INVITE", "sip:803001@10.0.0.1")); res.StatusCode == 503 && res.GetHeader("Retry-After") != nil {
					shed++
				}
			}
			for range 20 {
				office.final(office.request("REGISTER", "sip:10.0.0.1", "To: <sip:1001@10.0.0.1>"))
			}
			if n := o.shed.Load(); n < 15 {
				t.Errorf("%d of 20 REGISTER are refused, want nearly all", n)
			}
			if shed < 18 {
				t.Errorf("%d of 20 new calls refused, want nearly all", shed)
			}
			for range 20 {
				if res := office.final(office.request("INVITE", "sip:112@10.0.0.1")); res.StatusCode == 503 {
					t.Errorf("a call to 112 gets 503")
				}
			}
		}()
		w.play(s)
		time.Sleep(settle)
		o.check()
		if o.load.Level() != 1 || o.tx.Stats().Shed == 0 || strings.Contains(o.story(), "overload") {
			t.Errorf("share %v, %+v", o.load.Level(), o.tx.Stats())
		}
		o.stop()
	})
}
