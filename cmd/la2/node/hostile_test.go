package node

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

const (
	mutants     = 30000
	hostileUDP  = 400 // sources
	hostileTCP  = 200 // connections
	hostileSeed = 20260101
)

// normal is a call through everything, before and after the storm.
const normal = `# A call.
at 0s    caller > INVITE 803001
         caller < 200
at 1s    caller # dtmf 0
at 2s    a1 < INVITE
         a1 > 180
         a1 > 200
         a1 < ACK
at 3s    a1 > HOLD
at 4s    a1 > RESUME
         expect audio caller hears a1
at 5s    a1 # transfer brindisi
         brindisi < INVITE
         brindisi > 486
at 6s    caller > BYE
         a1 < BYE
at 60s   expect agent a1 ready
`

// An accountant counts what goes in and out at a node, for each far end.
type accountant struct {
	node netip.AddrPort

	mu      sync.Mutex // guards all below
	in, out map[netip.Addr]int
	seen    map[string][]byte // one message of each start
}

func (a *accountant) tap(from, to netip.AddrPort, b []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch a.node {
	case to:
		a.in[from.Addr()] += len(b)
	case from:
		a.out[to.Addr()] += len(b)
	default:
		return
	}
	if line, _, ok := strings.Cut(string(b), "\r\n"); ok && strings.Contains(line, "SIP/2.0") && a.seen != nil {
		kind, _, _ := strings.Cut(strings.TrimPrefix(line, "SIP/2.0 "), " ")
		if _, cseq, ok := strings.Cut(string(b), "CSeq: "); ok && a.seen[kind+cseq[:4]] == nil {
			a.seen[kind+cseq[:4]] = slices.Clone(b)
		}
	}
}

// TestHostile throws damaged SIP at a whole node, from strangers and, spoofed, from
// a trunk and a station: nothing panics, leaks or answers more than it was asked, and
// a call goes through as before.
func TestHostile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		s, err := parseScenario("normal", normal)
		if err != nil {
			t.Fatal(err)
		}
		s.agents = []string{"a1"}
		w.prepare(s)
		o := w.nodes["hub"]
		acc := &accountant{node: o.addr(), in: map[netip.Addr]int{}, out: map[netip.Addr]int{}, seen: map[string][]byte{}}
		w.net.Tap(acc.tap)
		w.play(s)
		time.Sleep(settle)
		seeds := acc.seeds()
		if len(seeds) < 15 {
			t.Fatalf("only %d messages to damage", len(seeds))
		}
		calls := w.calls()
		goroutines, heap := runtime.NumGoroutine(), heapNow()
		rng := rand.New(rand.NewPCG(hostileSeed, 1))
		acc.datagrams(w, rng, seeds)
		acc.streams(t, w, rng, seeds)
		acc.spoofed(w, rng, seeds)
		time.Sleep(3 * time.Minute)
		w.play(s)
		time.Sleep(settle)
		synctest.Wait()
		o.check()
		acc.check(t)
		if n := runtime.NumGoroutine(); n > goroutines+w.calls()-calls { // each call of an actor keeps a socket
			stacks := make([]byte, 1<<20)
			t.Errorf("%d goroutines, %d before\n%s", n, goroutines, stacks[:runtime.Stack(stacks, true)])
		}
		if now := heapNow(); now > heap+16<<20 {
			t.Errorf("heap %d KB, %d KB before", now>>10, heap>>10)
		}
		t.Logf("%+v", o.flows.Stats())
		t.Logf("%+v", o.tx.Stats())
		o.stop()
	})
}

func (w *world) play(s *scenario) {
	w.t.Helper()
	w.began = time.Now()
	for _, b := range s.order(0) {
		time.Sleep(time.Until(w.began.Add(b.at)))
		for _, l := range b.lines {
			w.step(l)
		}
	}
}

func (w *world) calls() (n int) {
	for _, a := range w.actors {
		n += len(a.calls)
	}
	return n
}

func heapNow() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// seeds are the messages to damage, always in the same order.
func (a *accountant) seeds() (out [][]byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var names []string
	for name := range a.seen {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		out = append(out, a.seen[name])
	}
	a.seen = nil
	a.in, a.out = map[netip.Addr]int{}, map[netip.Addr]int{}
	return out
}

func hostileAddr(net byte, i int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, net, byte(i >> 8), byte(i)}), 5060)
}

// datagrams sends damaged messages, each time a new dialog or a running one, and noise.
func (a *accountant) datagrams(w *world, rng *rand.Rand, seeds [][]byte) {
	spoofed := []netip.AddrPort{w.actor("brindisi").ua.Addr(), w.actor("a1").ua.Addr(), w.actor("caller").ua.Addr()}
	for i := range mutants {
		from := hostileAddr(200, rng.IntN(hostileUDP))
		if i%10 == 0 {
			from = spoofed[rng.IntN(len(spoofed))]
		}
		b := mutate(rng, seeds[rng.IntN(len(seeds))])
		if i%20 == 1 { // noise that is no SIP: nobody may answer it
			from = hostileAddr(201, rng.IntN(hostileUDP))
			b = make([]byte, 1+rng.IntN(300))
			for j := range b {
				b[j] = byte(rng.Uint32())
			}
		}
		w.net.Inject(from, a.node, b)
		time.Sleep(4 * time.Millisecond)
	}
}

// spoofed sends one whole INVITE in the name of each of many victims, who will not
// acknowledge what they get.
func (a *accountant) spoofed(w *world, rng *rand.Rand, seeds [][]byte) {
	for i := range 100 {
		b := seeds[slices.IndexFunc(seeds, func(b []byte) bool {
			return strings.HasPrefix(string(b), "INVITE") && !strings.Contains(string(b), "Authorization")
		})]
		w.net.Inject(hostileAddr(203, i), a.node, renew(rng, b))
		time.Sleep(50 * time.Millisecond)
	}
}

// streams sends damaged messages over TCP, in pieces.
func (a *accountant) streams(t *testing.T, w *world, rng *rand.Rand, seeds [][]byte) {
	for i := range hostileTCP {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		c, err := w.net.Dialer(hostileAddr(202, i).Addr())(ctx, "tcp", a.node.String())
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		go func() { // ends with the connection
			buf := make([]byte, 4096)
			for {
				if _, err := c.Read(buf); err != nil {
					return
				}
			}
		}()
		var b []byte
		for range 1 + rng.IntN(4) {
			b = append(b, mutate(rng, seeds[rng.IntN(len(seeds))])...)
		}
		for len(b) > 0 {
			n := min(len(b), 1+rng.IntN(800))
			if _, err := c.Write(b[:n]); err != nil {
				break
			}
			b = b[n:]
			time.Sleep(time.Millisecond)
		}
		if rng.IntN(2) == 0 {
			_ = c.Close()
			continue
		}
		time.AfterFunc(20*time.Second, func() { _ = c.Close() })
	}
}

// mutate damages a message in up to three places, and renews its branch and Call-ID.
func mutate(rng *rand.Rand, in []byte) []byte {
	b := slices.Clone(in)
	if rng.IntN(3) > 0 {
		b = renew(rng, b)
	}
	for range rng.IntN(4) {
		i := rng.IntN(len(b))
		switch rng.IntN(6) {
		case 0:
			b[i] = byte(rng.Uint32())
		case 1:
			b = slices.Delete(b, i, min(len(b), i+1+rng.IntN(20)))
		case 2:
			j := rng.IntN(len(b))
			b = slices.Insert(b, i, slices.Clone(b[min(i, j):max(i, j)])...)
		case 3:
			b[i] = "\r\n:;,<>\"\\ \t\x00/="[rng.IntN(14)]
		case 4:
			b = slices.Insert(b, i, []byte("99999999999")...)
		case 5:
			b = b[:max(1, i)]
		}
		if len(b) == 0 {
			return []byte("INVITE")
		}
	}
	return b[:min(len(b), 60000)]
}

// renew makes b another transaction of another call.
func renew(rng *rand.Rand, b []byte) []byte {
	s := string(b)
	for _, mark := range []string{"branch=z9hG4bK", "Call-ID: ", "Call-Id: "} {
		if i := strings.Index(s, mark); i >= 0 {
			i += len(mark)
			s = s[:i] + "x" + string(rune('a'+rng.IntN(26))) + string(rune('a'+rng.IntN(26))) + string(rune('a'+rng.IntN(26))) + s[i:]
		}
	}
	return []byte(s)
}

// check: nothing answers noise, and no stranger gets more than twice what it sent.
func (a *accountant) check(t *testing.T) {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	worst, who := 0.0, netip.Addr{}
	for to, n := range a.out {
		switch to.As4()[1] {
		case 201:
			t.Errorf("%d octets to %v, which sent no SIP", n, to)
		case 200, 203:
			if r := float64(n) / float64(max(1, a.in[to])); r > worst {
				worst, who = r, to
			}
		}
	}
	t.Logf("at most %.2f octets out for one in (%v: %d in, %d out)", worst, who, a.in[who], a.out[who])
	if worst > 2 {
		t.Errorf("%v got %.1f times what it sent", who, worst)
	}
}
