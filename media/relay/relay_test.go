package relay

import (
	"errors"
	"math/rand/v2"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/media"
)

func TestBridge_BothHear(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		a, b := w.leg(farIP+":4000", nil), w.leg(farIP2+":5000", nil)
		w.r.Bridge(a.leg, b.leg)
		synctest.Wait()
		a.heard()
		b.heard()
		for range 50 {
			a.say(1)
			b.say(2)
			tickN(1)
		}
		ha, hb := a.heard(), b.heard()
		if len(ha) != 50 || len(hb) != 50 || ha[9][20] != 2 || hb[9][20] != 1 {
			t.Fatalf("a heard %d, b heard %d packets", len(ha), len(hb))
		}
		checkLine(t, ha)
		checkLine(t, hb)
		if s := w.stats(a.leg); s.Received != 50 || s.Locked != a.addr || s.Foreign != 0 {
			t.Errorf("got %+v", s)
		}
		if n := len(w.of(FirstPacket)); n != 2 {
			t.Errorf("got %d FirstPacket, want 2", n)
		}
	})
}

// Sources change 50 times a second while a third party sprays packets at both
// ports: the far end sees one stream and nothing of the spray.
func TestSourceSwaps_UnderSpoofing(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		a, b := w.leg(farIP+":4000", nil), w.leg(farIP2+":5000", nil)
		third, _ := w.net.listen(farIP + ":4002")
		rnd := rand.New(rand.NewPCG(7, 7))
		melody, speech := clip("music", 3, 1000), clip("prompt", 4, 1000)
		a.heard()
		seen := map[byte]int{}
		var all [][]byte
		for i := range 1000 {
			switch i % 4 {
			case 0:
				w.r.Music(a.leg, melody)
			case 1:
				w.r.Bridge(a.leg, b.leg)
			case 2:
				w.r.Play(a.leg, []*media.Clip{speech}, PlayOptions{})
			case 3:
				w.r.Bridge(b.leg, a.leg)
			}
			b.say(2)
			a.say(1)
			for _, to := range []netip.AddrPort{a.to, b.to} {
				third.WriteToUDPAddrPort(rtp(8, uint16(rnd.Uint32()), rnd.Uint32(), b.ssrc, frame(66)), to)
			}
			time.Sleep(time.Duration(rnd.IntN(2 * tick)))
			for _, p := range a.heard() {
				all = append(all, p)
				seen[p[30]]++
			}
		}
		checkLine(t, all)
		if seen[66] != 0 || seen[2] == 0 || seen[3] == 0 || seen[4] == 0 {
			t.Errorf("heard by source: %v; want peer 2, music 3, prompt 4 and no 66", seen)
		}
		for _, p := range b.heard() {
			if p[30] == 66 {
				t.Fatal("the peer heard the third party")
			}
		}
		if s := w.stats(b.leg); s.Foreign != 1000 || s.Locked != b.addr {
			t.Errorf("got %+v, want 1000 foreign packets", s)
		}
	})
}

func TestPlay_ThenSilence_OneEvent(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		a := w.leg(farIP+":4000", nil)
		a.heard()
		w.r.Play(a.leg, []*media.Clip{clip("x", 1, 10), clip("y", 2, 5)}, PlayOptions{Token: 77})
		tickN(20)
		h := a.heard()
		checkLine(t, h)
		got := ""
		for _, p := range h {
			got += map[byte]string{1: "x", 2: "y", media.PCMA.Silence(): "."}[p[50]]
		}
		if got != "xxxxxxxxxxyyyyy....." {
			t.Errorf("heard %s", got)
		}
		done := w.of(PlayDone)
		if len(done) != 1 || done[0].Token != 77 || done[0].Leg != a.leg || done[0].Call != "call" {
			t.Errorf("got %+v", done)
		}
	})
}

func TestPlay_ResumesMusic(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		a := w.leg(farIP+":4000", nil)
		w.r.Music(a.leg, clip("m", 3, 4))
		tickN(6)
		a.heard()
		w.r.Play(a.leg, []*media.Clip{clip("x", 1, 2)}, PlayOptions{Resume: true})
		tickN(5)
		got := []byte{}
		for _, p := range a.heard() {
			got = append(got, p[50])
		}
		if string(got) != "\x01\x01\x03\x03\x03" {
			t.Errorf("heard %v", got)
		}
	})
}

func TestReplacedPlay_HasNoEvent(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		a := w.leg(farIP+":4000", nil)
		w.r.Play(a.leg, []*media.Clip{clip("x", 1, 100)}, PlayOptions{Token: 1})
		tickN(3)
		w.r.Play(a.leg, []*media.Clip{clip("y", 1, 3)}, PlayOptions{Token: 2})
		tickN(200)
		if d := w.of(PlayDone); len(d) != 1 || d[0].Token != 2 {
			t.Errorf("got %+v, want token 2 only", d)
		}
	})
}

// A private SDP address is sent silence until it has shown itself from somewhere;
// then audio goes to where it came from.
func TestNAT_LearnsAndLocks(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		a := w.leg(farIP+":4000", func(r *Remote) { r.Addr = netip.MustParseAddrPort("192.168.1.7:4000") })
		private, _ := w.net.listen("192.168.1.7:4000")
		w.r.Music(a.leg, clip("m", 3, 100))
		tickN(10)
		for d := range drain(private) {
			if d.b[50] != media.PCMA.Silence() {
				t.Fatal("a private address heard music before the lock")
			}
		}
		for range learnPackets {
			a.say(1)
			tickN(1)
		}
		a.heard()
		tickN(10)
		if h := a.heard(); len(h) != 10 || h[3][50] != 3 {
			t.Fatalf("after the lock the phone heard %d packets, want 10 of music", len(h))
		}
		late, _ := w.net.listen(farIP + ":4444")
		for i := range 20 {
			late.WriteToUDPAddrPort(rtp(8, uint16(i), uint32(i)*160, 5, frame(9)), a.to)
			tickN(1)
		}
		if s := w.stats(a.leg); s.Locked != a.addr || s.Foreign != 24 {
			t.Errorf("got %+v, want the lock of the first source", s)
		}
	})
}

func drain(s *fakeSock) func(func(fakePacket) bool) {
	return func(yield func(fakePacket) bool) {
		for {
			select {
			case d := <-s.in:
				if !yield(d) {
					return
				}
			default:
				return
			}
		}
	}
}

// A spoofer beside a phone behind NAT cannot restart its count nor win from
// another address than the signalling's.
func TestNAT_SignalAddressWins(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		a := w.leg(farIP+":4000", func(r *Remote) {
			r.Addr, r.NAT, r.Signal = netip.MustParseAddrPort("198.51.100.99:4000"), true, netip.MustParseAddr(farIP)
		})
		spoofer, _ := w.net.listen("203.0.113.200:4000")
		for i := range 10 {
			spoofer.WriteToUDPAddrPort(rtp(8, uint16(i), uint32(i)*160, 5, frame(9)), a.to)
			a.say(1)
			tickN(1)
		}
		if s := w.stats(a.leg); s.Locked != a.addr {
			t.Errorf("locked on %v, want %v", s.Locked, a.addr)
		}
	})
}

func TestNewSDP_ReopensTheLatch(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		a := w.leg(farIP+":4000", nil)
		a.say(1)
		synctest.Wait()
		moved, _ := w.net.listen(farIP + ":4800")
		far := Remote{Addr: moved.addr, Codec: media.PCMA, PT: 8, SendPT: 8, Send: true, Recv: true}
		w.r.SetRemote(a.leg, far)
		a.say(1)
		moved.WriteToUDPAddrPort(rtp(8, 1, 1, 2, frame(1)), a.to)
		if s := w.stats(a.leg); s.Locked != moved.addr || s.Foreign != 1 {
			t.Errorf("got %+v", s)
		}
		w.r.SetRemote(a.leg, far) // a refresh keeps the lock
		far.Addr, far.Send = netip.AddrPort{}, false
		w.r.SetRemote(a.leg, far) // so does hold without address
		if s := w.stats(a.leg); s.Locked != moved.addr {
			t.Errorf("got %+v after refresh", s)
		}
	})
}

func TestHold(t *testing.T) {
	inWorld(t, Config{Timeout: time.Second}, func(w *world) {
		a, b := w.leg(farIP+":4000", nil), w.leg(farIP2+":5000", nil)
		w.r.Bridge(a.leg, b.leg)
		far := Remote{Addr: a.addr, Codec: media.PCMA, PT: 8, SendPT: 8, DTMFPT: 101}
		w.r.SetRemote(a.leg, far) // inactive
		synctest.Wait()
		a.heard()
		b.heard()
		for range 200 {
			a.say(1)
			b.say(2)
			tickN(1)
		}
		if na, nb := len(a.heard()), len(b.heard()); na != 0 || nb != 0 {
			t.Errorf("held: a heard %d, b heard %d packets, want none", na, nb)
		}
		if n := len(w.of(MediaTimeout)); n != 0 {
			t.Errorf("got %d media timeouts while held", n)
		}
		far.Send, far.Recv = true, true
		w.r.SetRemote(a.leg, far)
		for range 10 {
			a.say(1)
			b.say(2)
			tickN(1)
		}
		if na, nb := len(a.heard()), len(b.heard()); na != 10 || nb != 10 {
			t.Errorf("retrieved: a heard %d, b heard %d packets, want 10 each", na, nb)
		}
	})
}

func TestMediaTimeout_OnceUntilHeard(t *testing.T) {
	inWorld(t, Config{Timeout: 5 * time.Second}, func(w *world) {
		a := w.leg(farIP+":4000", nil)
		time.Sleep(20 * time.Second)
		if n := len(w.of(MediaTimeout)); n != 1 {
			t.Fatalf("got %d, want 1", n)
		}
		a.say(1)
		time.Sleep(4 * time.Second)
		if n := len(w.of(MediaTimeout)); n != 1 {
			t.Fatalf("got %d 4 s after a packet, want 1", n)
		}
		time.Sleep(3 * time.Second)
		if n := len(w.of(MediaTimeout)); n != 2 {
			t.Fatalf("got %d, want 2", n)
		}
	})
}

func TestDTMF_EventsAndRelay(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		a := w.leg(farIP+":4000", nil)
		b := w.leg(farIP2+":5000", func(r *Remote) { r.DTMFPT, r.SendDTMFPT = 96, 97 })
		w.r.Bridge(a.leg, b.leg)
		synctest.Wait()
		b.heard()
		for _, key := range []byte{1, 1, 11} {
			for i := range 7 {
				payload := []byte{key, 10, 0, byte(160 * (i + 1))}
				if i >= 4 {
					payload[1] |= 0x80
				}
				a.WriteToUDPAddrPort(rtp(101, a.seq, a.ts, a.ssrc, payload), a.to)
				a.seq++
				tickN(1)
			}
			a.ts += 8 * tickTS
		}
		got := ""
		for _, e := range w.of(Digit) {
			got += string(rune(e.Digit))
		}
		if got != "11#" {
			t.Errorf("got keys %q, want 11#", got)
		}
		h := b.heard()
		if len(h) != 21 {
			t.Fatalf("the peer got %d packets, want 21", len(h))
		}
		for i, p := range h {
			x, _ := parse(p)
			if x.pt != 97 || i%7 > 0 && x.ts != must(parse(h[i-1])).ts {
				t.Errorf("packet %d: %+v", i, x)
			}
		}
	})
}

func must(h header, _ bool) header { return h }

func TestSendDTMF_IsHeard(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		a, b := w.leg(farIP+":4000", nil), w.leg(farIP2+":5000", nil)
		w.r.SendDTMF(a.leg, "42")
		tickN(16)
		events := 0
		var all [][]byte
		for _, p := range a.heard() {
			if h, _ := parse(p); h.pt == 101 {
				events++

				b.WriteToUDPAddrPort(p, b.to)
			}
			all = append(all, p)
		}
		if events != 14 {
			t.Errorf("got %d event packets, want 14", events)
		}
		got := ""
		for _, e := range w.of(Digit) {
			got += string(rune(e.Digit))
		}
		if got != "42" || len(all) == 0 {
			t.Errorf("heard back %q", got)
		}
	})
}

func TestTranscode(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		a := w.leg(farIP+":4000", nil)
		b := w.leg(farIP2+":5000", func(r *Remote) { r.Codec, r.PT, r.SendPT = media.PCMU, 0, 0 })
		w.r.Bridge(a.leg, b.leg)
		synctest.Wait()
		a.heard()
		b.heard()
		a.say(0xaa)
		b.WriteToUDPAddrPort(rtp(0, 1, 160, 9, frame(0x80)), b.to)
		hb, ha := b.heard(), a.heard()
		if len(hb) != 1 || hb[0][1]&0x7f != 0 || hb[0][12] != 0x80 || hb[0][171] != 0x80 {
			t.Errorf("PCMA to PCMU: got % x", hb)
		}
		if len(ha) != 1 || ha[0][1]&0x7f != 8 || ha[0][12] != 0xaa {
			t.Errorf("PCMU to PCMA: got % x", ha)
		}
	})
}

func TestClose_PortsRest(t *testing.T) {
	inWorld(t, Config{PortMin: 20000, PortMax: 20003, Rest: 2 * time.Second}, func(w *world) {
		one, _, err1 := w.r.Open("a")
		_, addr, err2 := w.r.Open("a")
		_, _, err3 := w.r.Open("a")
		if err1 != nil || err2 != nil || !errors.Is(err3, ErrNoPorts) {
			t.Fatalf("got %v, %v, %v", err1, err2, err3)
		}
		w.r.Close(one)
		time.Sleep(1900 * time.Millisecond)
		if _, _, err := w.r.Open("b"); !errors.Is(err, ErrNoPorts) {
			t.Errorf("a port was given out again after 1.9 s: %v", err)
		}
		time.Sleep(200 * time.Millisecond)
		_, again, err := w.r.Open("b")
		if err != nil || again == addr || again.Port()%2 != 0 {
			t.Errorf("got %v, %v", again, err)
		}
	})
}

func TestThousandLegs_LeakNothing(t *testing.T) {
	inWorld(t, Config{PortMin: 20000, PortMax: 22999, Shards: 3}, func(w *world) {
		free := w.r.FreePorts()
		for i := range 1000 {
			call := cti.CallID(string(rune('a' + i%26)))
			a, _, err := w.r.Open(call)
			if err != nil {
				t.Fatal(err)
			}
			b, _, err := w.r.Open(call)
			if err != nil {
				t.Fatal(err)
			}
			w.r.Music(a, clip("m", 1, 3))
			if err := w.r.Bridge(a, b); err != nil {
				t.Fatal(err)
			}
			w.r.Close(a)
			w.r.Close(b)
			w.r.Close(b)
			w.r.Bridge(a, b)
			if i%100 == 0 {
				time.Sleep(time.Second)
			}
		}
		synctest.Wait()
		if got := w.r.FreePorts(); got != free {
			t.Errorf("%d ports are missing", free-got)
		}
		if n := w.net.count(); n != 0 {
			t.Errorf("%d sockets are still open", n)
		}
		for _, s := range w.r.shards {
			if len(s.core.legs) != 0 || len(s.core.paced) != 0 {
				t.Errorf("a shard still has %d legs, %d paced", len(s.core.legs), len(s.core.paced))
			}
		}
	})
}

func TestBridge_OtherShard(t *testing.T) {
	inWorld(t, Config{Shards: 2}, func(w *world) {
		a, _, _ := w.r.Open("a")
		for _, call := range []cti.CallID{"b", "c", "d", "e", "f"} {
			b, _, _ := w.r.Open(call)
			if (a^b)&63 != 0 {
				if err := w.r.Bridge(a, b); !errors.Is(err, ErrShards) {
					t.Errorf("got %v", err)
				}
				return
			}
		}
		t.Fatal("all calls on one shard")
	})
}

// An adopted leg tells its events to its new call, and is bridged with its legs.
func TestAdopt(t *testing.T) {
	inWorld(t, Config{Shards: 2, Timeout: time.Minute}, func(w *world) {
		a := w.leg(farIP+":4000", nil) // of "call"
		here, there := cti.CallID(""), cti.CallID("")
		for _, call := range []cti.CallID{"b", "c", "d", "e", "f"} {
			if w.r.shardOf(call) == w.r.shardOf("call") {
				here = call
			} else {
				there = call
			}
		}
		if err := w.r.Adopt(a.leg, there); !errors.Is(err, ErrShards) {
			t.Errorf("another shard: got %v", err)
		}
		if err := w.r.Adopt(a.leg, here); err != nil {
			t.Errorf("the same shard: got %v", err)
		}
		b, _, err := w.r.Open(here)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.r.Bridge(a.leg, b); err != nil {
			t.Errorf("bridge: %v", err)
		}
		time.Sleep(2 * time.Minute)
		for _, ev := range w.of(MediaTimeout) {
			if ev.Leg == a.leg && ev.Call != here {
				t.Errorf("got %+v", ev)
			}
		}
		if len(w.of(MediaTimeout)) == 0 {
			t.Error("no event")
		}
	})
}

func TestShutdown_ThenNothing(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		a := w.leg(farIP+":4000", nil)
		w.r.Shutdown()
		if _, _, err := w.r.Open("x"); !errors.Is(err, ErrClosed) {
			t.Errorf("got %v, want ErrClosed", err)
		}
		w.r.Music(a.leg, clip("m", 1, 1))
		if s := w.stats(a.leg); s != (LegStats{}) {
			t.Errorf("got %+v", s)
		}
		if n := w.net.count(); n != 1 { // the phone's own
			t.Errorf("%d sockets are open", n)
		}
	})
}
