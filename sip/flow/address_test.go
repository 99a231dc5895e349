package flow_test

import (
	"net/netip"
	"testing"
	"testing/synctest"

	"github.com/lineaamica/la2/sip/flow"
)

func TestTransportNames(t *testing.T) {
	for _, tt := range []struct {
		t          flow.Transport
		via, param string
	}{
		{flow.UDP, "UDP", ""}, {flow.TCP, "TCP", "tcp"}, {flow.TLS, "TLS", "tls"}, {flow.WS, "WS", "ws"}, {flow.WSS, "WSS", "ws"}, {0, "", ""},
	} {
		if tt.t.String() != tt.via || tt.t.Param() != tt.param {
			t.Errorf("%d: %q and %q, want %q and %q", tt.t, tt.t.String(), tt.t.Param(), tt.via, tt.param)
		}
		if got, ok := flow.ParseTransport(tt.t.String()); tt.t != 0 && (got != tt.t || !ok) {
			t.Errorf("parse %q: %v, %v", tt.t.String(), got, ok)
		}
	}
	for s, want := range map[string]bool{"": true, "udp": true, "tCp": true, "sctp": false, "tls ": false} {
		if _, ok := flow.ParseTransport(s); ok != want {
			t.Errorf("parse %q: %v, want %v", s, ok, want)
		}
	}
}

// What peers are told: the socket they reached, its address outside a NAT, and for connections
// that we made the listener next to them.
func TestAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ap := netip.MustParseAddrPort
		inside, outside := ap("10.0.0.9:5064"), ap("203.0.113.9:5060")
		n := newNode(t, flow.Config{Advertise: map[flow.Endpoint]netip.AddrPort{{Transport: flow.UDP, Addr: inside}: outside, {Transport: flow.TCP, Addr: inside}: outside}})
		for _, at := range []string{"10.0.0.9:5064", "[2001:db8::9]:5060", "[::]:5066"} {
			ln, err := n.net.ListenTCP(at)
			if err != nil {
				t.Fatal(err)
			}
			n.OpenTCP(ln)
		}
		for _, tt := range []struct {
			about       string
			t           flow.Transport
			local, want string
		}{
			{"a datagram", flow.UDP, "10.0.0.9:5060", "10.0.0.9:5060"},
			{"a datagram through a NAT", flow.UDP, "10.0.0.9:5064", "203.0.113.9:5060"},
			{"accepted", flow.TCP, "10.0.0.9:5060", "10.0.0.9:5060"},
			{"accepted through a NAT", flow.TCP, "10.0.0.9:5064", "203.0.113.9:5060"},
			{"dialled", flow.TCP, "10.0.0.9:49999", "10.0.0.9:5060"},
			{"accepted over IPv6", flow.TCP, "[2001:db8::9]:5060", "[2001:db8::9]:5060"},
			{"dialled over IPv6", flow.TCP, "[2001:db8::9]:49999", "[2001:db8::9]:5060"},
			{"accepted by a listener of all addresses", flow.TCP, "[2001:db8::7]:5066", "[2001:db8::7]:5066"},
			{"dialled without a listener", flow.TLS, "10.0.0.9:49999", "10.0.0.9:49999"},
		} {
			if got := n.Address(flow.Flow{Transport: tt.t, Local: ap(tt.local)}); got != ap(tt.want) {
				t.Errorf("%s: %v, want %v", tt.about, got, tt.want)
			}
		}
	})
}
