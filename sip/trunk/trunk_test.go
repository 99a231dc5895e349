package trunk

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/lineaamica/la2/sip/flow"
)

func addr(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

func newTable(t *testing.T, peers ...Peer) *Table {
	t.Helper()
	tab, err := New(peers, HealthConfig{})
	if err != nil {
		t.Fatal(err)
	}
	return tab
}

func TestAdmit(t *testing.T) {
	tab := newTable(t,
		Peer{Name: "hub", Address: addr("127.0.0.1:5060")},
		Peer{Name: "napoli", Address: addr("127.0.0.1:5260")},
		Peer{Name: "wide", Address: addr("192.0.2.1:5060"), Sources: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}},
		Peer{Name: "narrow", Address: addr("192.0.2.1:5060"), Sources: []netip.Prefix{netip.MustParsePrefix("192.0.2.128/25")}},
		Peer{Name: "tcp", Address: addr("198.51.100.1:5060"), Transport: flow.TCP},
	)
	for src, want := range map[string]string{
		"127.0.0.1:5060":          "hub",
		"[::ffff:127.0.0.1]:5260": "napoli",
		"127.0.0.1:5070":          "",
		"192.0.2.7:1":             "wide",
		"192.0.2.200:1":           "narrow",
		"198.51.100.1:40000":      "tcp",
		"203.0.113.1:5060":        "",
		"[2001:db8::1]:5060":      "",
	} {
		got := ""
		if p, ok := tab.Admit(addr(src)); ok {
			got = p.Name
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", src, got, want)
		}
	}
}

func TestNew_faults(t *testing.T) {
	ok := addr("192.0.2.1:5060")
	net24 := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	for want, peers := range map[string][]Peer{
		"name is required": {{Address: ok}},
		"have this name":   {{Name: "a", Address: ok}, {Name: "a", Address: addr("192.0.2.2:5060")}},
		"want IP:PORT":     {{Name: "a"}},
		"max calls -1":     {{Name: "a", Address: ok, MaxCalls: -1}},
		"geographic":       {{Name: "a", Address: ok, CLI: "803001"}},
		"also that of a":   {{Name: "a", Address: ok}, {Name: "b", Address: ok}},
		"is also that":     {{Name: "a", Address: ok, Sources: net24}, {Name: "b", Address: ok, Sources: net24}},
	} {
		if _, err := New(peers, HealthConfig{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestRewrite(t *testing.T) {
	p := Peer{
		In:  []Rule{{Match: "0039", Strip: 4, Add: "+39"}, {Match: "00", Strip: 2, Add: "+"}, {Match: "0", Strip: 0, Add: "+39"}},
		Out: []Rule{{Match: "+39", Strip: 3}, {Match: "+", Strip: 1, Add: "00"}, {Match: "803", Strip: 99, Add: "x"}},
	}
	for in, want := range map[string]string{"003906": "+3906", "0044": "+44", "06": "+3906", "803001": "803001", "": ""} {
		if got := p.Inward(in); got != want {
			t.Errorf("in %q: got %q", in, got)
		}
	}
	for out, want := range map[string]string{"+3906": "06", "+44": "0044", "803001": "x", "1": "1"} {
		if got := p.Outward(out); got != want {
			t.Errorf("out %q: got %q", out, got)
		}
	}
}

// 803 and 800 are never shown as the calling number.
func TestIdentity(t *testing.T) {
	carrier := Peer{CLI: "+3906828881"}
	site := Peer{Site: "cmna", CLI: "+3906828881"}
	for _, tc := range []struct{ caller, carrier, site string }{
		{"803001", carrier.CLI, site.CLI},
		{"800840840", carrier.CLI, site.CLI},
		{"+39803001", carrier.CLI, site.CLI},
		{"112", carrier.CLI, site.CLI},
		{"1001", carrier.CLI, "1001"},
		{"+390831000111", "+390831000111", "+390831000111"},
		{"+393331234567", "+393331234567", "+393331234567"},
		{"+441632960961", "+441632960961", "+441632960961"},
		{"039039039", carrier.CLI, "039039039"},
		{"+3955512345", carrier.CLI, "+3955512345"},
		{"", "", ""},
	} {
		if got := carrier.Identity(tc.caller); got != tc.carrier {
			t.Errorf("carrier %q: got %q", tc.caller, got)
		}
		if got := site.Identity(tc.caller); got != tc.site {
			t.Errorf("site %q: got %q", tc.caller, got)
		}
	}
	if got := (&Peer{}).Identity("803001"); got != "" {
		t.Errorf("without CLI: got %q", got)
	}
}

func ExampleTable_Admit() {
	t, err := New([]Peer{{Name: "napoli", Site: "cmna", Address: netip.MustParseAddrPort("192.0.2.20:5060")}}, HealthConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	p, ok := t.Admit(netip.MustParseAddrPort("192.0.2.20:5060"))
	fmt.Println(ok, p.Site)
	// Output: true cmna
}

// A peer with a certificate is known by it alone, wherever it calls from.
func TestAdmitName(t *testing.T) {
	tab := newTable(t,
		Peer{Name: "plain", Address: addr("192.0.2.1:5061"), Transport: flow.TLS},
		Peer{Name: "sbc", Address: addr("192.0.2.2:5061"), Transport: flow.TLS, Certificate: "sbc.example"},
		Peer{Name: "named", HostName: "sip.example", Certificate: "sip.example"},
	)
	for name, want := range map[string]string{"sbc.example": "sbc", "sip.example": "named", "other.example": "", "": ""} {
		got := ""
		if p, ok := tab.AdmitName(addr("203.0.113.1:40000"), func(n string) bool { return n == name }); ok {
			got = p.Name
		}
		if got != want {
			t.Errorf("%q: got %q", name, got)
		}
	}
	for src, want := range map[string]bool{"192.0.2.1:40000": true, "192.0.2.2:40000": false, "192.0.2.2:5061": false} {
		if _, ok := tab.Admit(addr(src)); ok != want {
			t.Errorf("%s without a certificate: %v", src, ok)
		}
	}
}

// With sources and a certificate a peer needs both: an address, which a datagram can forge, is no
// certificate.
func TestAdmitName_withSources(t *testing.T) {
	tab := newTable(t, Peer{Name: "sbc", Address: addr("192.0.2.2:5061"), Transport: flow.TLS, Certificate: "sbc.example",
		Sources: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, Endpoints: []netip.AddrPort{addr("198.51.100.1:5061")}})
	for src, want := range map[string]bool{"192.0.2.9:40000": true, "198.51.100.1:5061": true, "198.51.100.1:40000": false, "203.0.113.1:5061": false} {
		if _, ok := tab.AdmitName(addr(src), func(n string) bool { return n == "sbc.example" }); ok != want {
			t.Errorf("%s with the certificate: %v", src, ok)
		}
		if _, ok := tab.Admit(addr(src)); ok {
			t.Errorf("%s is admitted without a certificate", src)
		}
	}
}
