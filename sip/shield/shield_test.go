package shield_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/shield"
)

// A bench is a shield with a clock of its own.
type bench struct {
	*shield.Shield
	now time.Time
}

func newBench(cfg shield.Config) *bench {
	b := &bench{now: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)}
	cfg.Now = func() time.Time { return b.now }
	b.Shield = shield.New(cfg)
	return b
}

func (b *bench) sleep(d time.Duration) { b.now = b.now.Add(d) }

var local = netip.MustParseAddrPort("198.51.100.1:5060")

func from(src string) flow.Flow {
	return flow.Flow{Transport: flow.UDP, Local: local, Remote: netip.AddrPortFrom(netip.MustParseAddr(src), 5060)}
}

func over(t flow.Transport, f flow.Flow) flow.Flow {
	f.Transport = t
	return f
}

func prefixes(list ...string) (out []netip.Prefix) {
	for _, p := range list {
		out = append(out, netip.MustParsePrefix(p))
	}
	return out
}

var options = []byte("OPTIONS sip:1@x SIP/2.0\r\nUser-Agent: phone\r\n\r\n")

// passed says how many of n messages get through.
func (b *bench) passed(f flow.Flow, n int) (pass int) {
	for range n {
		if b.Verdict(f, options) == flow.Pass {
			pass++
		}
	}
	return pass
}

func TestRules(t *testing.T) {
	other := netip.MustParseAddrPort("198.51.100.2:5062")
	b := newBench(shield.Config{Loopback: true, Exempt: prefixes("192.0.2.0/24"), Rules: []shield.Rule{
		{Deny: prefixes("203.0.113.66/32", "2001:db8:bad::/48", "192.0.2.66/32")},
		{Listener: local, Allow: prefixes("192.0.2.0/24", "2001:db8::/32", "127.0.0.0/8"), Deny: prefixes("192.0.2.128/25")},
		{Listener: netip.MustParseAddrPort("0.0.0.0:5062"), Allow: prefixes("203.0.113.0/24")},
	}})
	for _, tt := range []struct {
		src  string
		at   netip.AddrPort
		want flow.Verdict
	}{
		{"192.0.2.1", local, flow.Pass},
		{"::ffff:192.0.2.1", local, flow.Pass},
		{"192.0.2.129", local, flow.Drop}, // denied there, though exempt
		{"192.0.2.66", local, flow.Drop},  // denied everywhere
		{"203.0.113.1", local, flow.Drop}, // not among the allowed
		{"127.0.0.1", local, flow.Pass},
		{"2001:db8::1", local, flow.Pass},
		{"2001:db8:bad::1", local, flow.Drop},
		{"203.0.113.1", other, flow.Pass}, // by a rule for all addresses of the port
		{"203.0.113.66", other, flow.Drop},
		{"192.0.2.1", other, flow.Drop},
	} {
		f := from(tt.src)
		f.Local = tt.at
		if got := b.Verdict(f, options); got != tt.want {
			t.Errorf("%s at %v: %v, want %v", tt.src, tt.at, got, tt.want)
		}
		if got := b.Verdict(over(flow.TCP, f), nil); got != tt.want {
			t.Errorf("connection of %s at %v: %v, want %v", tt.src, tt.at, got, tt.want)
		}
	}
	if s := b.Stats(); s.Denied != 12 {
		t.Errorf("stats %+v", s)
	}
}

func TestRate(t *testing.T) {
	b := newBench(shield.Config{Rate: 100, Burst: 50, KnownRate: 1000, Network: 3, Points: 1e6, Exempt: prefixes("10.1.0.0/16")})
	b.Trust(netip.MustParseAddr("192.0.2.200"), b.now.Add(2*time.Hour))
	for _, tt := range []struct {
		name, src string
		n, want   int
	}{
		{"burst", "192.0.2.1", 1000, 50},
		{"mapped is the same source", "::ffff:192.0.2.1", 1000, 0},
		{"another source", "192.0.2.2", 1000, 50},
		{"third of the network", "192.0.2.3", 1000, 50},
		{"the network is full", "192.0.2.4", 1000, 0},
		{"a known one of it is not concerned", "192.0.2.200", 5000, 2000},
		{"IPv6", "2001:db8::1", 1000, 50},
		{"same /64", "2001:db8::2", 1000, 0},
		{"other /64", "2001:db8:0:1::2", 1000, 50},
		{"third /64 of the /56", "2001:db8:0:2::2", 1000, 50},
		{"the /56 is full", "2001:db8:0:3::2", 1000, 0},
		{"exempt", "10.1.2.3", 9000, 9000},
		{"loopback", "127.0.0.1", 9000, 9000},
	} {
		if got := b.passed(from(tt.src), tt.n); got != tt.want {
			t.Errorf("%s: %d passed, want %d", tt.name, got, tt.want)
		}
	}
	b.sleep(100 * time.Millisecond)
	if got := b.passed(from("192.0.2.1"), 100); got != 10 {
		t.Errorf("after 100 ms %d passed, want 10", got)
	}
	b.sleep(time.Hour)
	if got := b.passed(from("192.0.2.1"), 100); got != 50 {
		t.Errorf("after an hour %d passed, want the burst of 50", got)
	}
	b.sleep(2 * time.Hour)
	if got := b.passed(from("192.0.2.200"), 1000); got != 50 || b.Known(from("192.0.2.200")) {
		t.Errorf("%d passed of one that was known once", got)
	}
	if l := newBench(shield.Config{Rate: 100, Burst: 50, Loopback: true}); l.passed(from("127.0.0.1"), 100) != 50 {
		t.Error("loopback is not counted, though Loopback is set")
	}
}

func TestSignatures(t *testing.T) {
	invite := func(lines ...string) []byte {
		return []byte("INVITE sip:1@x SIP/2.0\r\nVia: SIP/2.0/UDP h\r\n" + strings.Join(lines, "\r\n") + "\r\n\r\nfriendly-scanner: body\r\n")
	}
	for i, tt := range []struct {
		b    []byte
		want flow.Verdict
	}{
		{invite("User-Agent: friendly-scanner"), flow.Drop},
		{invite("user-agent :  Friendly-SCANNER/1"), flow.Drop},
		{invite("From: \"sipvicious\" <sip:100@1.1.1.1>"), flow.Drop},
		{invite("f: <sip:sipvicious@1.1.1.1>"), flow.Drop},
		{invite("To: <sip:sundayddr@x>"), flow.Drop},
		{invite("i: masscan-1"), flow.Drop},
		{invite("Call-ID: VaxSIPUserAgent"), flow.Drop},
		{[]byte("OPTIONS sip:1@x SIP/2.0\nUser-Agent: pplsip\n\n"), flow.Drop},
		{invite("User-Agent: baresip v4.10"), flow.Pass},
		{invite("Contact: <sip:friendly-scanner@x>", "X-Note: sipvicious"), flow.Pass}, // not where they write it
		{[]byte("OPTIONS sip:friendly-scanner@x SIP/2.0\r\nUser-Agent: y\r\n\r\n"), flow.Pass},
		{invite("X: " + strings.Repeat("x", 1024) + "\r\nUser-Agent: sipcli"), flow.Pass}, // beyond what is searched
		{[]byte("\r\n\r\n"), flow.Pass},
		{[]byte("User-Agent"), flow.Pass},
	} {
		b := newBench(shield.Config{})
		if got := b.Verdict(from("192.0.2.1"), tt.b); got != tt.want {
			t.Errorf("%d: %v for\n%s", i, got, tt.b)
		}
		banned := b.Verdict(from("192.0.2.1"), options) == flow.Drop
		if banned != (tt.want == flow.Drop) {
			t.Errorf("%d: banned %v", i, banned)
		}
		if b.Trust(netip.MustParseAddr("192.0.2.7"), b.now.Add(time.Hour)); b.Verdict(from("192.0.2.7"), tt.b) != flow.Pass {
			t.Errorf("%d: a telephone of ours is called a scanner", i)
		}
	}
	if b := newBench(shield.Config{Signatures: []string{}}); b.Verdict(from("192.0.2.1"), invite("User-Agent: sipcli")) != flow.Pass {
		t.Error("a signature that nobody asked for")
	}
}

// What each offence costs, and who is spared.
func TestOffences(t *testing.T) {
	for o, most := range map[shield.Offence]int{shield.Junk: 40, shield.Malformed: 20, shield.Unasked: 40,
		shield.Challenged: 80, shield.Password: 20, shield.Flood: 1000, shield.Scanner: 0} {
		b := newBench(shield.Config{Exempt: prefixes("192.0.2.3/32")})
		b.Trust(netip.MustParseAddr("192.0.2.2"), b.now.Add(time.Hour))
		f := from("192.0.2.1")
		for range most {
			b.Report(f, o)
		}
		if s := b.Stats(); s.Bans != 0 {
			t.Errorf("%v: banned after %d", o, most)
		}
		if b.Report(f, o); b.Stats().Bans != 1 || b.Bans(9)[0].Reason != o.String() {
			t.Errorf("%v: %+v after %d", o, b.Bans(9), most+1)
		}
		for range 5000 {
			b.Report(from("192.0.2.2"), o)
			b.Report(from("192.0.2.3"), o)
			b.Report(from("127.0.0.1"), o)
		}
		if s := b.Stats(); s.Bans != 1 {
			t.Errorf("%v: %+v: somebody who is spared", o, b.Bans(9))
		}
	}
	slow := newBench(shield.Config{})
	for range 1000 { // a telephone behind a bad line, a malformed message every 4 s
		slow.Report(from("192.0.2.1"), shield.Malformed)
		slow.sleep(4 * time.Second)
	}
	if slow.Stats().Bans != 0 {
		t.Error("offences do not run out")
	}
}

func TestBan(t *testing.T) {
	b := newBench(shield.Config{Ban: time.Minute, MaxBan: 10 * time.Minute})
	bad, tcp := from("192.0.2.1"), over(flow.TCP, from("192.0.2.9"))
	for i, want := range []time.Duration{1, 4, 10, 10} {
		b.Report(bad, shield.Scanner)
		if got := b.passed(bad, 10); got != 0 {
			t.Fatalf("%d passed", got)
		}
		list := b.Bans(10)
		if len(list) != 1 || list[0].Until.Sub(list[0].Since) != want*time.Minute || list[0].Times != i+1 || list[0].Dropped != 10 ||
			list[0].Source != netip.MustParsePrefix("192.0.2.1/32") || list[0].Proved {
			t.Fatalf("ban %d: %+v", i, list)
		}
		b.Report(bad, shield.Scanner) // a running ban is not made longer
		b.sleep(want*time.Minute - 1)
		if b.passed(bad, 1) != 0 {
			t.Fatal("over too early")
		}
		if b.sleep(1); b.passed(bad, 1) != 1 || b.Stats().Bans != 0 {
			t.Fatal("not over")
		}
	}
	if b.passed(from("192.0.2.2"), 1) != 1 {
		t.Error("the neighbour is banned")
	}
	b.Report(tcp, shield.Scanner)
	if !b.Bans(1)[0].Proved || b.Verdict(tcp, nil) != flow.Drop {
		t.Errorf("%+v", b.Bans(1))
	}
	if !b.Unban(netip.MustParseAddr("::ffff:192.0.2.9")) || b.Unban(netip.MustParseAddr("192.0.2.9")) || b.Verdict(tcp, nil) != flow.Pass {
		t.Error("not unbanned")
	}
	if b.Report(tcp, shield.Scanner); b.Bans(1)[0].Times != 1 {
		t.Error("what was unbanned is remembered")
	}
}

// Somebody forges datagrams of a telephone that is not registered: it is banned, and comes back
// by its password. Who spoke over a connection does not.
func TestForgedBan(t *testing.T) {
	register := []byte("REGISTER sip:x SIP/2.0\r\n\r\n")
	b := newBench(shield.Config{})
	phone := from("192.0.2.1")
	b.Report(phone, shield.Scanner)
	got := 0
	for range 100 { // 10 s, ten a second
		if b.Verdict(phone, register) == flow.Pass {
			got++
		}
		b.sleep(100 * time.Millisecond)
	}
	if got != 10 {
		t.Errorf("%d REGISTER in 10 s, want one a second", got)
	}
	if b.passed(phone, 10) != 0 {
		t.Error("anything else passes, too")
	}
	b.Trust(netip.MustParseAddr("192.0.2.1"), b.now.Add(time.Hour))
	if b.passed(phone, 10) != 10 || len(b.Bans(9)) != 0 {
		t.Error("a password does not end the ban")
	}
	real := over(flow.TCP, from("192.0.2.5"))
	b.Report(real, shield.Scanner)
	if b.Verdict(real, register) != flow.Drop {
		t.Error("a REGISTER of who is banned for good")
	}
	if b.Trust(netip.MustParseAddr("192.0.2.5"), b.now.Add(time.Hour)); len(b.Bans(9)) != 1 {
		t.Error("a ban that was proved ended")
	}
}

// Over UDP nobody unknown gets more than he sent; a request that is sent again pays again.
func TestOutgoing(t *testing.T) {
	b := newBench(shield.Config{Exempt: prefixes("192.0.2.3/32")})
	b.Trust(netip.MustParseAddr("192.0.2.2"), b.now.Add(time.Hour))
	answer := func(n int) []byte { return fmt.Appendf(nil, "SIP/2.0 403 %*s", n-12, "") }
	f := from("192.0.2.1")
	for _, tt := range []struct {
		name    string
		f       flow.Flow
		in, out int
		want    bool
	}{
		{"nothing came", f, 0, 100, false},
		{"too short", f, 60, 100, false},
		{"again", f, 60, 100, true},
		{"too short again", f, 60, 100, false},
		{"what was left counts", f, 20, 100, true},
		{"once only", f, 0, 12, false},
		{"another has nothing of it", from("192.0.2.8"), 0, 12, false},
		{"known", from("192.0.2.2"), 0, 1000, true},
		{"exempt", from("192.0.2.3"), 0, 1000, true},
		{"loopback", from("127.0.0.1"), 0, 1000, true},
		{"a connection cannot be forged", over(flow.TCP, f), 0, 1000, true},
	} {
		if tt.in > 0 {
			b.Verdict(tt.f, append(slices.Clone(options), make([]byte, tt.in-len(options)%tt.in)...)[:tt.in])
		}
		if got := b.Outgoing(tt.f, answer(tt.out)) != nil; got != tt.want {
			t.Errorf("%s: sent %v, want %v", tt.name, got, tt.want)
		}
	}
	if b.Outgoing(f, []byte("BYE sip:x SIP/2.0\r\n\r\n")) == nil {
		t.Error("a request is no answer")
	}
	trying := []byte("SIP/2.0 100 Trying    ")
	b.Lend(f.Remote.Addr(), 4*len(trying)-1)
	if b.Outgoing(f, trying) != nil {
		t.Error("100 uses up what the answer needs")
	}
	b.Lend(f.Remote.Addr(), 1)
	if b.Outgoing(f, trying) == nil || b.Outgoing(f, answer(3*len(trying))) == nil {
		t.Error("100 with enough left")
	}
	b.Lend(f.Remote.Addr(), 500)
	if b.Outgoing(f, answer(500)) == nil || b.Outgoing(f, answer(12)) != nil {
		t.Error("what was lent")
	}
	if s := b.Stats(); s.Withheld != 7 {
		t.Errorf("stats %+v", s)
	}
}

// Whoever we call is known for a while: its answers are neither limited nor offences.
func TestWhoIsCalledIsKnown(t *testing.T) {
	b := newBench(shield.Config{Rate: 10, Burst: 10})
	f := from("192.0.2.1")
	invite := []byte("INVITE sip:x SIP/2.0\r\n\r\n")
	if got := b.Outgoing(f, invite); string(got) != string(invite) || !b.Known(f) {
		t.Errorf("sent %q, known %v", got, b.Known(f))
	}
	if n := b.passed(f, 100); n != 100 {
		t.Errorf("%d passed", n)
	}
	if b.sleep(2 * time.Minute); b.Known(f) {
		t.Error("known for ever")
	}
	b.Outgoing(from("192.0.2.2"), []byte("BYE sip:x SIP/2.0\r\n\r\n")) // may end a call that somebody forged
	b.Outgoing(from("192.0.2.3"), []byte("OPTIONS sip:x SIP/2.0\r\n\r\n"))
	if b.Known(from("192.0.2.2")) || b.Known(from("192.0.2.3")) {
		t.Error("other requests make known")
	}
}

// A trunk that shows a certificate is a peer on that connection, wherever it comes from.
func TestPeerByFlow(t *testing.T) {
	tls := over(flow.TLS, from("192.0.2.1"))
	b := newBench(shield.Config{Rate: 10, Burst: 10, Peer: func(f flow.Flow) bool { return f == tls }})
	for range 100 {
		b.Report(tls, shield.Malformed)
	}
	if n := b.passed(tls, 100); n != 100 || !b.Known(tls) {
		t.Errorf("%d of a peer's passed", n)
	}
	if n := b.passed(from("192.0.2.1"), 100); n != 10 || b.Known(from("192.0.2.1")) {
		t.Errorf("%d of its address passed", n)
	}
}

// What a stranger can do without is left out before nothing is sent at all.
func TestShorten(t *testing.T) {
	long := "SIP/2.0 401 Unauthorized\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=2\r\nCall-ID: 1\r\nCSeq: 1 REGISTER\r\n" +
		"WWW-Authenticate: Digest realm=\"x, y\", nonce=\"n\", algorithm=MD5, qop=\"auth\", stale=true\r\nAllow: INVITE\r\nServer: x\r\nContent-Length: 0\r\n\r\n"
	bare := "SIP/2.0 401 Unauthorized\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=2\r\nCall-ID: 1\r\nCSeq: 1 REGISTER\r\n" +
		"WWW-Authenticate: Digest realm=\"x, y\", nonce=\"n\", algorithm=MD5, qop=\"auth\", stale=true\r\n\r\n"
	compact := "SIP/2.0 401 Unauthorized\r\nv:SIP/2.0/UDP h;branch=z9hG4bK1\r\nf:<sip:a@b>;tag=1\r\nt:<sip:a@b>;tag=2\r\ni:1\r\nCSeq: 1 REGISTER\r\n" +
		"WWW-Authenticate: Digest realm=\"x, y\", nonce=\"n\", algorithm=MD5, qop=\"auth\", stale=true\r\n\r\n"
	short := "SIP/2.0 401 -\r\nv:SIP/2.0/UDP h;branch=z9hG4bK1\r\nf:<sip:a@b>;tag=1\r\nt:<sip:a@b>;tag=2\r\ni:1\r\nCSeq: 1 REGISTER\r\n" +
		"WWW-Authenticate: Digest realm=\"x, y\",nonce=\"n\",qop=\"auth\",stale=true\r\n\r\n"
	for _, tt := range []struct {
		res       string
		paid      int
		want      string
		remaining int
	}{
		{long, len(long), long, 0},
		{long, len(long) - 1, bare, len(long) - 1 - len(bare)},
		{long, len(bare) - 1, compact, len(bare) - 1 - len(compact)},
		{long, len(compact) - 1, short, len(compact) - 1 - len(short)},
		{long, len(short), short, 0},
		{long, len(short) - 1, "", len(short) - 1},
		{long + "body", len(long), "", len(long)},
		{strings.Replace(long, "Server: x", " folded: x", 1), len(short), "", len(short)},
	} {
		b := newBench(shield.Config{})
		f := from("192.0.2.1")
		b.Lend(f.Remote.Addr(), tt.paid)
		if got := string(b.Outgoing(f, []byte(tt.res))); got != tt.want {
			t.Errorf("%d octets paid: got\n%q, want\n%q", tt.paid, got, tt.want)
		}
		if rest := b.Outgoing(f, []byte("SIP/2.0 200 "+strings.Repeat("x", max(0, tt.remaining+1-12)))); rest != nil {
			t.Errorf("%d octets paid: more than %d are left", tt.paid, tt.remaining)
		}
	}
}

// Challenges that lead to nothing are an offence.
func TestChallengesAreCounted(t *testing.T) {
	b := newBench(shield.Config{})
	f := from("192.0.2.1")
	for range 81 {
		b.Verdict(f, options)
		b.Outgoing(f, []byte("SIP/2.0 401 Unauthorized"))
		b.Outgoing(f, []byte("SIP/2.0 404 Not Found"))
	}
	if l := b.Bans(9); len(l) != 1 || l[0].Reason != "no credentials" {
		t.Errorf("%+v", l)
	}
}
