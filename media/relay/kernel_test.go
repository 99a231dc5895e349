//go:build linux

package relay

import (
	"encoding/binary"
	"net"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/lineaamica/la2/media"
)

// onKernel is a relay on loopback and a socket of our own to be both far ends.
func onKernel(t testing.TB, cfg Config) *Relay {
	t.Helper()
	cfg.IP = netip.MustParseAddr("127.0.0.1")
	cfg.PortMin, cfg.PortMax = 42000, 44999 // away from the demonstration's
	r, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func farEnd(t testing.TB) (*net.UDPConn, netip.AddrPort) {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetReadDeadline(time.Now().Add(10 * time.Second))
	return c, c.LocalAddr().(*net.UDPAddr).AddrPort()
}

// openPair opens two bridged legs with far ends of their own.
func openPair(t testing.TB, r *Relay) (ca, cb *net.UDPConn, a, b LegID, pa, pb netip.AddrPort) {
	t.Helper()
	ca, aa := farEnd(t)
	cb, ab := farEnd(t)
	var err error
	if a, pa, err = r.Open("call"); err != nil {
		t.Fatal(err)
	}
	if b, pb, err = r.Open("call"); err != nil {
		t.Fatal(err)
	}
	far := Remote{Codec: media.PCMA, PT: 8, SendPT: 8, DTMFPT: 101, Send: true, Recv: true}
	r.Bridge(a, b)
	far.Addr = aa
	r.SetRemote(a, far)
	far.Addr = ab
	r.SetRemote(b, far)
	r.Stats(b) // all of this has been applied
	return ca, cb, a, b, pa, pb
}

func TestKernel_RelaysInOrder(t *testing.T) {
	defer goleak.VerifyNone(t)
	farEnd(t) // the runtime's own files are open after this
	before := openFiles(t)
	r := onKernel(t, Config{})
	ca, cb, a, b, pa, pb := openPair(t, r)
	buf := make([]byte, 2000)
	var atB, atA [][]byte
	rtcp := netip.AddrPortFrom(pa.Addr(), pa.Port()+1)
	for i := range 200 {
		if i == 1 { // now it is known who sends
			ca.WriteToUDPAddrPort([]byte{0x80, 201, 0, 1, 0, 0, 0, 1}, rtcp)
		}
		ca.WriteToUDPAddrPort(rtp(8, uint16(i), uint32(i)*160, 1, frame(1)), pa)
		cb.WriteToUDPAddrPort(rtp(8, uint16(i), uint32(i)*160, 2, frame(2)), pb)
		n, from, err := cb.ReadFromUDPAddrPort(buf)
		if err != nil || from != pb {
			t.Fatalf("packet %d: from %v, %v", i, from, err)
		}
		atB = append(atB, slices.Clone(buf[:n]))
		if n, _, err = ca.ReadFromUDPAddrPort(buf); err != nil {
			t.Fatalf("packet %d: %v", i, err)
		}
		atA = append(atA, slices.Clone(buf[:n]))
	}
	checkLine(t, atA)
	checkLine(t, atB)
	s := r.Stats(a)
	if s.Received != 200 || s.Sent != 200 || s.Foreign != 0 || s.RTCP != 1 {
		t.Errorf("got %+v", s)
	}
	r.Close(a)
	r.Close(b)
	if s := r.Stats(a); s != (LegStats{}) {
		t.Errorf("closed leg still counts: %+v", s)
	}
	r.Shutdown()
	r.Shutdown()
	if n := openFiles(t) - before; n != 2 { // ca and cb
		t.Errorf("%d files are left open", n-2)
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	e, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("no /proc")
	}
	return len(e)
}

func TestKernel_ManyLegs(t *testing.T) {
	defer goleak.VerifyNone(t)
	r := onKernel(t, Config{Shards: 2})
	free, before := r.FreePorts(), openFiles(t)
	for range 10 {
		var legs []LegID
		for range 50 {
			l, _, err := r.Open("call")
			if err != nil {
				t.Fatal(err)
			}
			legs = append(legs, l)
		}
		for _, l := range legs {
			r.Close(l)
		}
		r.Stats(legs[0])
	}
	if got := r.FreePorts(); got != free {
		t.Errorf("%d ports are missing", free-got)
	}
	if got := openFiles(t); got > before {
		t.Errorf("%d files are left open", got-before)
	}
	r.Shutdown()
}

func TestKernel_PacesMusic(t *testing.T) {
	r := onKernel(t, Config{})
	defer r.Shutdown()
	ca, _, a, _, _, _ := openPair(t, r)
	r.Music(a, clip("m", 3, 5))
	var got [][]byte
	buf := make([]byte, 2000)
	began := time.Now()
	for range 26 {
		n, _, err := ca.ReadFromUDPAddrPort(buf)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, slices.Clone(buf[:n]))
	}
	if d := time.Since(began); d < 450*time.Millisecond || d > 3*time.Second {
		t.Errorf("26 frames took %v, want about 500 ms", d)
	}
	first, _ := parse(got[0])
	last, _ := parse(got[25])
	if got[0][1]&marker == 0 || last.seq-first.seq != 25 || got[20][100] != 3 {
		t.Errorf("got %+v to %+v", first, last)
	}
}

// While there is no leg the timer stands still; the next call has its music all the same.
func TestKernel_RestsWithoutLegs(t *testing.T) {
	r := onKernel(t, Config{Shards: 1})
	defer r.Shutdown()
	k := r.shards[0].shell.(*kernel)
	still := func() bool {
		var at unix.ItimerSpec
		if err := unix.TimerfdGettime(k.timerfd, &at); err != nil {
			t.Fatal(err)
		}
		return at.Interval.Nano() == 0
	}
	for range 3 {
		ca, _, a, b, _, _ := openPair(t, r)
		r.Music(a, clip("m", 3, 5))
		if _, _, err := ca.ReadFromUDPAddrPort(make([]byte, 2000)); err != nil {
			t.Fatal(err)
		}
		if still() {
			t.Error("the timer stands still during a call")
		}
		r.Close(a)
		r.Close(b)
		for deadline := time.Now().Add(10 * time.Second); !still(); runtime.Gosched() {
			if time.Now().After(deadline) {
				t.Fatal("the timer goes on without calls")
			}
		}
	}
}

// No allocation on the whole path of a packet, system calls included.
func TestKernel_NoAllocation(t *testing.T) {
	r := onKernel(t, Config{})
	defer r.Shutdown()
	ca, cb, _, _, pa, _ := openPair(t, r)
	p, buf := rtp(8, 0, 0, 1, frame(1)), make([]byte, 2000)
	send := func(n int) {
		for range n {
			h, _ := parse(p)
			h.seq++
			h.ts += tickTS
			h.put(p)
			ca.WriteToUDPAddrPort(p, pa)
			if _, _, err := cb.ReadFromUDPAddrPort(buf); err != nil {
				t.Fatal(err)
			}
		}
	}
	send(100)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	send(5000)
	runtime.ReadMemStats(&after)
	if n := after.Mallocs - before.Mallocs; n > 500 { // the test's own and the runtime's
		t.Errorf("%d allocations in 5000 packets", n)
	}
}

// A relay adds microseconds. The limit is wide for busy machines; the median is
// what a systematic delay (a sleep, a batch) would move.
func TestKernel_Latency(t *testing.T) {
	r := onKernel(t, Config{})
	defer r.Shutdown()
	ca, cb, _, _, pa, _ := openPair(t, r)
	buf := make([]byte, 2000)
	var took []time.Duration
	for i := range 200 {
		began := time.Now()
		ca.WriteToUDPAddrPort(rtp(8, uint16(i), uint32(i)*160, 1, frame(1)), pa)
		if _, _, err := cb.ReadFromUDPAddrPort(buf); err != nil {
			t.Fatal(err)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	t.Logf("round of one packet: median %v, 95%% %v", took[100], took[190])
	if took[100] > 10*time.Millisecond {
		t.Errorf("median %v, want well under 10 ms", took[100])
	}
}

// A panic in the packet path costs one leg and is reported, not the process.
func TestKernel_PanicEndsOneLeg(t *testing.T) {
	gone := make(chan Event, 8)
	var armed LegID
	ready := make(chan struct{})
	r := onKernel(t, Config{OnEvent: func(e Event) {
		<-ready
		if e.Kind == FirstPacket && e.Leg == armed {
			panic("boom")
		}
		gone <- e
	}})
	defer r.Shutdown()
	ca, _, a, b, pa, pb := openPair(t, r)
	armed = a
	close(ready)
	ca.WriteToUDPAddrPort(rtp(8, 1, 1, 1, frame(1)), pa)
	select {
	case e := <-gone:
		if e.Kind != MediaTimeout || e.Leg != a {
			t.Errorf("got %+v", e)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("no event")
	}
	ca.WriteToUDPAddrPort(rtp(8, 1, 1, 1, frame(1)), pb)
	deadline := time.Now().Add(10 * time.Second)
	for r.Stats(b).Foreign == 0 && time.Now().Before(deadline) {
		runtime.Gosched()
	}
	if s := r.Stats(b); s.Foreign != 1 {
		t.Errorf("the other leg is dead: %+v", s)
	}
}

func BenchmarkKernel_Packet(b *testing.B) {
	r := onKernel(b, Config{})
	defer r.Shutdown()
	ca, cb, _, _, pa, _ := openPair(b, r)
	ca.SetReadDeadline(time.Time{})
	cb.SetReadDeadline(time.Time{})
	p, buf := rtp(8, 0, 0, 1, frame(1)), make([]byte, 2000)
	b.ReportAllocs()
	seq := uint16(0)
	for b.Loop() {
		seq++
		binary.BigEndian.PutUint16(p[2:], seq)
		ca.WriteToUDPAddrPort(p, pa)
		cb.ReadFromUDPAddrPort(buf)
	}
}
