package relay

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaamica/la2/media"
)

// ear listens on the RTCP port of a phone.
func (w *world) ear(p *phone) *phone {
	w.t.Helper()
	s, err := w.net.listen(netip.AddrPortFrom(p.addr.Addr(), p.addr.Port()+1).String())
	if err != nil {
		w.t.Fatal(err)
	}
	return &phone{fakeSock: s, leg: p.leg, to: netip.AddrPortFrom(p.to.Addr(), p.to.Port()+1), ssrc: p.ssrc}
}

// talk is a second of audio of p.
func talk(p *phone) {
	for range 50 {
		p.say(1)
		tickN(1)
	}
}

// A leg tells its far end twice to six times in 20 s what it sent and heard, and says BYE.
func TestReports(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		a := w.leg(farIP+":4000", nil)
		ear := w.ear(a)
		for range 20 {
			talk(a)
		}
		w.r.Close(a.leg)
		reports := ear.heard()
		if n := len(reports); n < 4 || n > 11 {
			t.Fatalf("%d reports in 20 s", n)
		}
		for i, b := range reports {
			h, ok := parseRTCP(b, a.ssrc)
			if !ok || !h.sends || !h.about || h.packets == 0 || h.block.fraction != 0 || h.block.lost != 0 {
				t.Errorf("report %d: %x reads as %+v", i, b, h)
			}
		}
		last := reports[len(reports)-1]
		if bye := last[len(last)-8:]; bye[1] != typeBYE || binary.BigEndian.Uint32(bye[4:]) != binary.BigEndian.Uint32(last[4:8]) {
			t.Errorf("no BYE at the end: %x", last)
		}
		for _, b := range a.heard() {
			if isRTCP(b) {
				t.Fatal("RTCP on the RTP port of who did not ask for it")
			}
		}
	})
}

func TestReports_CNAMEIsOfOneLeg(t *testing.T) {
	if a, b := newCNAME(), newCNAME(); a == b || a == [cnameLen]byte{} {
		t.Errorf("got %q and %q", a, b)
	}
}

func TestReports_Multiplexed(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		a := w.leg(farIP+":4000", func(r *Remote) { r.Mux = true })
		ear := w.ear(a)
		for range 10 {
			talk(a)
		}
		n := 0
		for _, b := range a.heard() {
			if isRTCP(b) {
				n++
			}
		}
		if n == 0 || len(ear.heard()) > 0 {
			t.Fatalf("%d reports beside the audio", n)
		}
		a.WriteToUDPAddrPort([]byte{0x80, typeRR, 0, 1, 0, 0, 0, 1}, a.to)
		if s := w.stats(a.leg); s.RTCP != 1 || s.BadRTCP != 0 || s.RTCPSent != uint64(n) {
			t.Errorf("got %+v", s)
		}
	})
}

// What the far end says of us gives round trip, loss and jitter there.
func TestReports_WhatTheFarEndHears(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		a := w.leg(farIP+":4000", nil)
		ear := w.ear(a)
		ours := header{}
		for range 400 {
			a.say(1)
			tickN(1)
			for _, b := range ear.heard() {
				h, _ := parseRTCP(b, a.ssrc)
				ours.ssrc = binary.BigEndian.Uint32(b[4:8])
				const held = 250 * time.Millisecond
				time.Sleep(held + 80*time.Millisecond) // 80 ms of it on the way, with up to a tick before it was seen
				back := report{ssrc: a.ssrc, heard: true, cname: cname(),
					block: block{ssrc: ours.ssrc, fraction: 25, lost: 3, jitter: 160, lsr: h.ntp, dlsr: uint32(held << 16 / time.Second)}}
				ear.WriteToUDPAddrPort(back.append(nil), ear.to)
			}
		}
		s := w.stats(a.leg)
		if s.RTT < 79*time.Millisecond || s.RTT > 80*time.Millisecond+tick || s.FarLost != 3 || s.FarFraction != 25 || s.FarJitter != 20*time.Millisecond {
			t.Fatalf("got %+v", s)
		}
		invented := report{ssrc: a.ssrc, heard: true, cname: cname(), block: block{ssrc: ours.ssrc, lsr: 12345}}
		ear.WriteToUDPAddrPort(invented.append(nil), ear.to)
		if again := w.stats(a.leg); again.RTT != s.RTT {
			t.Errorf("a report on nothing that we sent gives a round trip of %v", again.RTT)
		}
	})
}

// RTCP of a stranger, garbage and floods change nothing but one count a second, and reach
// nobody.
func TestReports_Hostile(t *testing.T) {
	good := (&report{ssrc: 1, sent: true, packets: 1, cname: cname()}).append(nil)
	bomb := append([]byte{0x80 | 31, typeRR, 0xff, 0xff}, make([]byte, 1400)...)
	tests := []struct {
		name string
		from string
		b    []byte
		muxd bool
		want uint64 // believed, of 100 in a second
	}{
		{"stranger", farIP2 + ":9001", good, false, 0},
		{"stranger on the RTP port", farIP2 + ":9001", good, true, 0},
		{"the peer's far end", farIP2 + ":5000", good, false, 0},
		{"bomb of the far end", farIP + ":4001", bomb, false, 0},
		{"flood of the far end", farIP + ":4001", good, false, maxRTCP},
		{"another port once the far end's is known", farIP + ":4003", good, false, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, Config{}, func(w *world) {
				a, b := w.leg(farIP+":4000", nil), w.leg(farIP2+":5000", nil)
				w.r.Bridge(a.leg, b.leg)
				ear := w.ear(a)
				talk(a)
				ear.WriteToUDPAddrPort(good, ear.to)
				before := w.stats(a.leg)
				b.heard()
				src := b.fakeSock
				switch netip.MustParseAddrPort(tt.from) {
				case b.addr:
				case ear.addr:
					src = ear.fakeSock
				default:
					var err error
					if src, err = w.net.listen(tt.from); err != nil {
						t.Fatal(err)
					}
				}
				to := ear.to
				if tt.muxd {
					to = a.to
				}
				time.Sleep(2 * time.Second)
				for range 100 {
					src.WriteToUDPAddrPort(tt.b, to)
					time.Sleep(5 * time.Millisecond)
				}
				s := w.stats(a.leg)
				if s.RTCP != before.RTCP+tt.want || s.BadRTCP != before.BadRTCP+1 || w.r.BadRTCP() != s.BadRTCP {
					t.Errorf("got %+v after %+v", s, before)
				}
				if s.Received != before.Received || len(b.heard()) > 0 {
					t.Error("it went on to the peer")
				}
			})
		})
	}
}

// Nothing leaves towards who may not be sent audio yet; a held far end goes on hearing reports.
func TestReports_OnlyWhereAudioMayGo(t *testing.T) {
	hold := func(p *phone, send bool) Remote {
		return Remote{Addr: p.addr, Codec: 8, PT: 8, SendPT: 8, Send: send, Recv: true}
	}
	inWorld(t, Config{}, func(w *world) {
		unproven := w.leg(farIP+":4000", func(r *Remote) { r.Send = false })
		inside := w.leg("10.1.1.1:4000", nil)
		held := w.leg(farIP2+":4000", nil)
		ears := []*phone{w.ear(unproven), w.ear(inside), w.ear(held)}
		time.Sleep(time.Second)
		w.r.SetRemote(held.leg, hold(held, false))
		time.Sleep(20 * time.Second)
		if a, b := len(ears[0].heard()), len(ears[1].heard()); a > 0 || b > 0 {
			t.Errorf("%d reports to who has not proved himself, %d to a private address", a, b)
		}
		if n := len(ears[2].heard()); n < 3 {
			t.Errorf("%d reports to who is held", n)
		}
	})
}

// RTCP alone keeps a leg: silence suppression may last (RFC 3550 6.2 wants reports all the same).
func TestMediaTimeout_NotWhileReportsCome(t *testing.T) {
	inWorld(t, Config{Timeout: 10 * time.Second}, func(w *world) {
		a := w.leg(farIP+":4000", nil)
		ear := w.ear(a)
		talk(a)
		for range 8 {
			ear.WriteToUDPAddrPort((&report{ssrc: a.ssrc, cname: cname()}).append(nil), ear.to)
			time.Sleep(5 * time.Second)
		}
		if n := len(w.of(MediaTimeout)); n > 0 {
			t.Fatal("timed out while reports came")
		}
		time.Sleep(12 * time.Second)
		if n := len(w.of(MediaTimeout)); n != 1 {
			t.Errorf("%d timeouts once all is silent", n)
		}
		synctest.Wait()
	})
}

// A leg with keys says nothing in the clear and believes nothing that does not authenticate
// (RFC 3711 3.4).
func TestReports_Protected(t *testing.T) {
	for _, suite := range media.Suites() {
		c, a, _ := pair(Config{})
		far := a.far
		far.Seal, far.Open = media.NewSecret(suite), media.NewSecret(suite)
		c.apply(command{op: opRemote, id: a.id, far: far}, 0)
		seal, open := newSealer(far.Open, new(room)), newOpener(far.Seal)
		audio, _ := seal.seal(rtp(8, 1, 160, 9, frame(1)))
		c.arrive(a, farOf(0), audio, tick)
		a.stats.Sent++
		c.report(a, tick, false)
		sent := a.sock.(*deaf).reports
		if len(sent) != 1 {
			t.Fatalf("%v: %d reports", suite, len(sent))
		}
		open.sources[0], open.known = a.line.ssrc, 1
		clear, ok := open.openRTCP(new(room), sent[0].b)
		if h, read := parseRTCP(clear, 9); !ok || !read || !h.sends || !h.about || bytes.Contains(sent[0].b, a.control.cname[:]) {
			t.Errorf("%v: sent %x, opened %x", suite, sent[0].b, clear)
		}
		plain := (&report{ssrc: 9, sent: true, packets: 1, cname: cname()}).append(nil)
		sealed, _ := seal.sealRTCP(plain)
		sealed = bytes.Clone(sealed) // the room of the next
		strange, _ := seal.sealRTCP((&report{ssrc: 10, cname: cname()}).append(nil))
		for i, tt := range []struct {
			name string
			in   []byte
			want verdict
		}{
			{"in the clear", plain, forged},
			{"a bit changed", append(bytes.Clone(sealed[:40]), append([]byte{sealed[40] ^ 1}, sealed[41:]...)...), forged},
			{"of an SSRC without audio", strange, forged},
			{"true", sealed, consumed},
			{"again", sealed, forged},
		} {
			if v := c.receiveRTCP(a, sent[0].to, bytes.Clone(tt.in), false, int64(i+2)*tick); v != tt.want {
				t.Errorf("%v, %s: verdict %d, want %d", suite, tt.name, v, tt.want)
			}
		}
	}
}

func TestReport_NoAllocation(t *testing.T) {
	c, a, _ := pair(Config{})
	a.sock = mute{}
	in := (&report{ssrc: 9, sent: true, packets: 1, heard: true, block: block{ssrc: a.line.ssrc}, cname: cname()}).append(nil)
	src, now := netip.AddrPortFrom(farOf(0).Addr(), farOf(0).Port()+1), int64(0)
	if n := testing.AllocsPerRun(100, func() {
		now += tick * round
		a.stats.Sent++
		c.report(a, now, false)
		if v := c.receiveRTCP(a, src, in, false, now); v != consumed {
			t.Fatalf("verdict %d", v)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// mute is a socket that takes everything.
type mute struct{}

func (mute) aim(netip.AddrPort)                       {}
func (mute) send([]byte) bool                         { return true }
func (mute) report([]byte, netip.AddrPort, bool) bool { return true }
func (mute) close()                                   {}
