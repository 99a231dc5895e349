package shield_test

import (
	"bytes"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/shield"
)

func anybody(rng *rand.Rand) netip.Addr {
	v := rng.Uint32()
	return netip.AddrFrom4([4]byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)})
}

// Whoever floods from forged sources, however many: nothing grows without bound, and who is
// known goes on.
func TestBounded(t *testing.T) {
	b := newBench(shield.Config{Size: 500})
	phone := netip.MustParseAddr("192.0.2.1")
	b.Trust(phone, b.now.Add(time.Hour))
	rng := rand.New(rand.NewPCG(1, 2))
	f := from("192.0.2.1")
	for i := range 200_000 {
		f.Remote = netip.AddrPortFrom(anybody(rng), 5060)
		b.Verdict(f, options)
		b.Report(f, shield.Scanner)
		b.Lend(f.Remote.Addr(), 100)
		if i%1000 == 0 && b.passed(from("192.0.2.1"), 1) != 1 {
			t.Fatal("the telephone is stopped")
		}
	}
	if n := b.Stats().Bans; n > 500 {
		t.Errorf("%d bans", n)
	}
	if n := len(b.Bans(100)); n != 100 {
		t.Errorf("a list of %d", n)
	}
	for range 300_000 {
		b.Trust(anybody(rng), b.now.Add(time.Hour))
	}
	if n := b.Stats().Known; n > 16*8192 || !b.Known(from("192.0.2.1")) {
		t.Errorf("%d known, the first one: %v", n, b.Known(from("192.0.2.1")))
	}
	b.sleep(2 * time.Hour)
	if b.Trust(phone, b.now.Add(time.Hour)); !b.Known(from("192.0.2.1")) {
		t.Error("those who went leave no room")
	}
}

// The packet path allocates nothing.
func TestNoAllocations(t *testing.T) {
	b := newBench(shield.Config{Exempt: prefixes("10.0.0.0/8"), Rules: []shield.Rule{{Deny: prefixes("203.0.113.0/24")}}, Points: 1e6, Rate: 1e6, KnownRate: 1e6})
	b.Trust(netip.MustParseAddr("192.0.2.2"), b.now.Add(time.Hour))
	banned := from("192.0.2.9")
	answer := []byte("SIP/2.0 200 OK\r\n\r\n")
	rng := rand.New(rand.NewPCG(1, 2))
	for name, f := range map[string]flow.Flow{"unknown": from("192.0.2.1"), "IPv6": from("2001:db8::1"), "known": from("192.0.2.2"),
		"exempt": from("10.0.0.1"), "denied": from("203.0.113.1"), "loopback": from("127.0.0.1"), "banned": banned} {
		if name == "banned" {
			b.Report(f, shield.Scanner)
		}
		if n := testing.AllocsPerRun(100, func() {
			if b.Verdict(f, options) == flow.Pass {
				b.Outgoing(f, answer)
			}
			b.Report(f, shield.Flood)
		}); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	f := from("192.0.2.1")
	if n := testing.AllocsPerRun(1000, func() {
		f.Remote = netip.AddrPortFrom(anybody(rng), 5060)
		b.Verdict(f, options)
		b.Outgoing(f, answer)
	}); n != 0 {
		t.Errorf("new sources: %v allocations", n)
	}
}

// FuzzShield: whatever comes and is answered, no address is sent more octets than came from it,
// a source gets no more through than its rate, and a signature found is there.
func FuzzShield(f *testing.F) {
	f.Add([]byte("OPTIONS sip:x SIP/2.0\r\nUser-Agent: sipcli\r\n\r\n"), uint64(1))
	f.Add([]byte("\r\n\r\nfrom:friendly-scanner\nTo\n:x"), uint64(2))
	f.Fuzz(func(t *testing.T, msg []byte, seed uint64) {
		b := newBench(shield.Config{Rate: 20, Burst: 40, Signatures: []string{"sipcli", "friendly-scanner"}})
		rng := rand.New(rand.NewPCG(seed, 7))
		flows := []flow.Flow{from("192.0.2.1"), from("192.0.2.2"), from("2001:db8::1")}
		var in, out, passed [3]int
		lower := bytes.ToLower(msg)
		named := bytes.Contains(lower, []byte("sipcli")) || bytes.Contains(lower, []byte("friendly-scanner"))
		for range 200 {
			i := rng.IntN(3)
			in[i] += len(msg)
			if b.Verdict(flows[i], msg) == flow.Pass {
				passed[i]++
			}
			if res := []byte("SIP/2.0 200 OK" + strings.Repeat(" ", rng.IntN(2*len(msg)+1))); b.Outgoing(flows[i], res) != nil {
				out[i] += len(res)
			}
			b.sleep(time.Duration(rng.IntN(5)) * time.Millisecond)
		}
		for i := range flows {
			if out[i] > in[i] {
				t.Errorf("%v: %d octets in, %d out", flows[i].Remote, in[i], out[i])
			}
			if passed[i] > 40+20 { // the burst and a second
				t.Errorf("%v: %d passed", flows[i].Remote, passed[i])
			}
		}
		if s := b.Stats(); s.Scanners > 0 && !named {
			t.Errorf("a scanner in %q", msg)
		}
	})
}

func BenchmarkVerdict(b *testing.B) {
	for name, src := range map[string]string{"unknown": "192.0.2.1", "known": "192.0.2.2", "loopback": "127.0.0.1"} {
		b.Run(name, func(b *testing.B) {
			s := shield.New(shield.Config{Rate: 1e9, KnownRate: 1e9, Network: 100})
			s.Trust(netip.MustParseAddr("192.0.2.2"), time.Now().Add(time.Hour))
			f := from(src)
			for b.Loop() {
				s.Verdict(f, options)
			}
		})
	}
}
