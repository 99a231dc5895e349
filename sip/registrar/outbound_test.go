package registrar

import (
	"net/netip"
	"testing"
	"time"

	"github.com/lineaamica/la2/sip/flow"
)

// certifyAll takes everybody for who he says he is.
func certifyAll(flow.Flow, string) bool { return true }

const edgeVia = "\r\nVia: SIP/2.0/UDP 10.0.0.7;branch=z9hG4bKphone"

// The Path of the proxies is kept with the binding and said in the 200 to who knows of it.
func TestPath_RFC3327_5_3(t *testing.T) {
	b := newBench(t, Config{})
	b.via = edgeVia
	res := b.register("Contact: <sip:1001@10.0.0.7>", "Supported: path", "Path: <sip:p2.example;lr>, <sip:p1.example;lr>", "Path: <sip:edge.example;lr>")
	const want = "<sip:p2.example;lr>, <sip:p1.example;lr>, <sip:edge.example;lr>"
	if got := values(res, "Path"); len(got) != 1 || got[0] != want {
		t.Errorf("got %q", got)
	}
	if got := b.table.Lookup("1001"); len(got) != 1 || got[0].Path != want {
		t.Errorf("got %+v", got)
	}
	b.id = "c2"
	res = b.register("Contact: <sip:1001@10.0.0.7>", "Path: <sip:edge.example;lr>")
	if got := b.table.Lookup("1001"); len(values(res, "Path")) != 0 || len(got) != 1 || got[0].Path != "<sip:edge.example;lr>" {
		t.Errorf("without Supported: %q, %+v", values(res, "Path"), got)
	}
	for _, bad := range []string{"sip:", "*", "<tel:1>", "<sip:a@h", "<sip:a@\xffh>"} {
		b.id += "x"
		if res := b.register("Contact: <sip:1001@10.0.0.8>", "Path: "+bad); res.StatusCode != 400 {
			t.Errorf("%q: got %d", bad, res.StatusCode)
		}
	}
}

const (
	phoneFlow1 = `Contact: <sip:1001@10.0.0.7>;+sip.instance="<urn:uuid:1>";reg-id=1`
	phoneFlow2 = `Contact: <sip:1001@10.0.0.7>;+sip.instance="<urn:uuid:1>";reg-id=2`
)

func TestOutbound_RFC5626_6(t *testing.T) {
	tests := []struct {
		name    string
		via     string
		headers []string
		status  int
		regID   int
		require bool
	}{
		{"we are the first hop", "", []string{phoneFlow1, "Supported: path, outbound"}, 200, 1, true},
		{"the phone does not say outbound", "", []string{phoneFlow1}, 200, 0, false},
		{"reg-id without instance", "", []string{"Contact: <sip:1001@10.0.0.7>;reg-id=1", "Supported: outbound"}, 200, 0, false},
		{"instance without reg-id", "", []string{`Contact: <sip:1001@10.0.0.7>;+sip.instance="<urn:uuid:1>"`, "Supported: outbound"}, 200, 0, false},
		{"reg-id 0", "", []string{`Contact: <sip:1001@10.0.0.7>;+sip.instance="<urn:uuid:1>";reg-id=0`, "Supported: outbound"}, 200, 0, false},
		{"the proxy does its part", edgeVia, []string{phoneFlow1, "Supported: outbound, path", "Path: <sip:far.example;lr>, <sip:edge.example;lr;ob>"}, 200, 1, true},
		{"it is the first in the list", edgeVia, []string{phoneFlow1, "Supported: outbound, path", "Path: <sip:edge.example;lr;ob>, <sip:far.example;lr>"}, 200, 1, true},
		{"no proxy does", edgeVia, []string{phoneFlow1, "Supported: outbound, path", "Path: <sip:far.example;lr>, <sip:edge.example;lr>"}, 439, 0, false},
		{"no Path", edgeVia, []string{phoneFlow1, "Supported: outbound"}, 439, 0, false},
		{"no Path, nothing asked", edgeVia, []string{phoneFlow1}, 200, 0, false},
		{"two flows in one", "", []string{phoneFlow1, phoneFlow2, "Supported: outbound"}, 400, 0, false},
		{"one comes, one goes", "", []string{phoneFlow1, "Contact: <sip:1001@10.0.0.8>;expires=0", "Supported: outbound"}, 200, 1, true},
		{"Require is known", "", []string{phoneFlow1, "Supported: outbound", "Require: outbound"}, 200, 1, true},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			b := newBench(t, Config{})
			b.via = tc.via
			res := b.register(tc.headers...)
			if res.StatusCode != tc.status {
				t.Fatalf("got %d %s", res.StatusCode, res.Reason)
			}
			if got := res.GetHeader("Require") != nil; got != tc.require {
				t.Errorf("Require: %v", got)
			}
			got := b.table.Lookup("1001")
			if tc.status != 200 {
				if len(got) != 0 {
					t.Errorf("bound: %+v", got)
				}
				return
			}
			if len(got) != 1 || got[0].RegID != tc.regID {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// Each flow of an instance is a binding; the same flow again takes its place (RFC 5626 6).
func TestFlowsOfAnInstance(t *testing.T) {
	b := newBench(t, Config{FlowTimer: 90 * time.Second})
	b.f = flow.Flow{Transport: flow.TCP, Remote: netip.MustParseAddrPort("192.0.2.7:40000"), ID: 1}
	res := b.register(phoneFlow1+";expires=600", "Supported: outbound")
	b.want(res, 200, `<sip:1001@10.0.0.7>;expires=600;+sip.instance="<urn:uuid:1>";reg-id=1`)
	if got := values(res, "Flow-Timer"); len(got) != 1 || got[0] != "90" {
		t.Errorf("Flow-Timer %q", got)
	}
	b.f.Remote, b.f.ID, b.id = netip.MustParseAddrPort("192.0.2.7:40001"), 2, "c2"
	b.register(phoneFlow2, "Supported: outbound")
	b.f.Remote, b.f.ID, b.id = netip.MustParseAddrPort("192.0.2.7:40002"), 3, "c3"
	b.register(phoneFlow2, "Supported: outbound")
	got := b.table.Lookup("1001")
	if len(got) != 2 || got[0].Flow.ID != 3 || got[0].RegID != 2 || got[1].Flow.ID != 1 {
		t.Errorf("got %+v", got)
	}
}
