package relay

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"net/netip"
	"testing"

	"github.com/lineaamica/la2/media"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Known answers: the master key of RFC 3711 B.3 and one of the length of RFC 7714,
// with the packet by which implementations compare themselves.
func TestSeal_KnownAnswers(t *testing.T) {
	tests := []struct {
		suite          media.Suite
		secret, sealed string
	}{
		{media.HMAC, "e1f97a0d3e018be0d64fa32c06de4139" + "0ec675ad498afeebb6960b3aabe6",
			"800f1234decafbadcafebabe" + "4e55dc4ce79978d88ca4d215949d2402" + "b78d6acc99ea179b8dbb"},
		{media.GCM, "000102030405060708090a0b0c0d0e0f" + "a0a1a2a3a4a5a6a7a8a9aaab",
			"800f1234decafbadcafebabe" + "c5002ede04cfdd2eb91159e0880aa06e" + "d2976826f796b201df3131a127e8a392"},
	}
	plain := unhex(t, "800f1234decafbadcafebabe"+"abababababababababababababababab")
	for _, tt := range tests {
		s, ok := media.SecretOf(tt.suite, unhex(t, tt.secret))
		if !ok {
			t.Fatal(tt.suite)
		}
		got, ok := newSealer(s, new(room)).seal(plain)
		if !ok || hex.EncodeToString(got) != tt.sealed {
			t.Errorf("%v: got %x, want %s", tt.suite, got, tt.sealed)
		}
		back, v := newOpener(s).open(new(room), unhex(t, tt.sealed))
		if v != consumed || !bytes.Equal(back, plain) {
			t.Errorf("%v: got %x as %d", tt.suite, back, v)
		}
	}
}

// Every bit of a packet counts, and none of the wrong ones leaves a trace.
func TestOpen_EveryBit(t *testing.T) {
	for _, suite := range media.Suites() {
		s := media.NewSecret(suite)
		sealed, _ := newSealer(s, new(room)).seal(rtp(8, 7, 160, 9, frame(3)))
		o := newOpener(s)
		for i := range 8 * len(sealed) {
			bad := bytes.Clone(sealed)
			bad[i/8] ^= 1 << (i % 8)
			if _, v := o.open(new(room), bad); v != forged {
				t.Fatalf("%v: bit %d changed: got %d", suite, i, v)
			}
		}
		for n := range sealed {
			if _, v := o.open(new(room), sealed[:n]); v != forged {
				t.Fatalf("%v: cut to %d bytes: got %d", suite, n, v)
			}
		}
		if o.known != 0 {
			t.Errorf("%v: forged packets left %d sources", suite, o.known)
		}
		if _, v := o.open(new(room), sealed); v != consumed {
			t.Errorf("%v: the true packet got %d", suite, v)
		}
		if _, v := o.open(new(room), sealed); v != replayed {
			t.Errorf("%v: its copy got %d", suite, v)
		}
	}
}

// Late packets are taken inside the window, once, and across the rollover of the
// sequence number (RFC 3711 3.3.1, 3.3.2).
func TestOpen_WindowAndRollover(t *testing.T) {
	for _, suite := range media.Suites() {
		s := media.NewSecret(suite)
		seal, open := newSealer(s, new(room)), newOpener(s)
		var late [][]byte
		for i := range 3<<16 + 100 {
			b, ok := seal.seal(rtp(8, uint16(i), uint32(i)*160, 9, []byte{byte(i)}))
			if !ok {
				t.Fatal("not sealed")
			}
			if i%(1<<15) == 50 { // held back
				late = append(late, bytes.Clone(b))
				continue
			}
			if _, v := open.open(new(room), b); v != consumed {
				t.Fatalf("%v: packet %d got %d", suite, i, v)
			}
			if i%(1<<15) == 90 {
				last := late[len(late)-1]
				if _, v := open.open(new(room), last); v != consumed {
					t.Fatalf("%v: late packet before %d got %d", suite, i, v)
				}
				if _, v := open.open(new(room), last); v != replayed {
					t.Fatalf("%v: its copy got %d", suite, v)
				}
			}
		}
		for i, b := range late[:len(late)-1] {
			if _, v := open.open(new(room), b); v == consumed {
				t.Errorf("%v: packet %d was taken a rollover later", suite, i)
			}
		}
	}
}

func TestOpen_BoundsSources(t *testing.T) {
	s := media.NewSecret(media.GCM)
	seal, open := newSealer(s, new(room)), newOpener(s)
	for i := range maxSources + 5 {
		b, _ := seal.seal(rtp(8, 1, 160, uint32(i), frame(1)))
		if _, v := open.open(new(room), b); (v == consumed) != (i < maxSources) {
			t.Errorf("source %d got %d", i, v)
		}
	}
}

// A key that makes no context lets nothing pass, in either direction.
func TestGuard_BrokenKeyIsShut(t *testing.T) {
	if _, ok := (&sealer{room: new(room)}).seal(rtp(8, 1, 1, 1, frame(1))); ok {
		t.Error("sent without protection")
	}
	if _, v := (&opener{}).open(new(room), rtp(8, 1, 1, 1, frame(1))); v != forged {
		t.Error("taken without check")
	}
	if newSealer(media.Secret{}, nil) != nil || newOpener(media.Secret{}) != nil {
		t.Error("no key is no guard")
	}
}

// crypt gives leg i of a pair keys, and returns what its far end sends and opens
// with.
func crypt(c *core, l *leg, suite media.Suite) (*sealer, *opener) {
	far := l.far
	far.Seal, far.Open = media.NewSecret(suite), media.NewSecret(suite)
	c.apply(command{op: opRemote, id: l.id, far: far}, 0)
	return newSealer(far.Open, new(room)), newOpener(far.Seal)
}

// Plain and both suites, each to each: what arrives is what was said.
func TestArrive_Matrix(t *testing.T) {
	suites := append(media.Suites(), media.Plain)
	for _, from := range suites {
		for _, to := range suites {
			t.Run(fmt.Sprintf("%v to %v", from, to), func(t *testing.T) {
				c, a, b := pair(Config{})
				seal, _ := crypt(c, a, from)
				_, open := crypt(c, b, to)
				d := b.sock.(*deaf)
				for i := range 200 {
					p := rtp(0, uint16(65400+i), uint32(i)*160, 9, frame(byte(i)))
					if seal != nil {
						p, _ = seal.seal(p)
					}
					if v := c.arrive(a, farOf(0), bytes.Clone(p), int64(i)*tick); v != forwarded {
						t.Fatalf("packet %d got %d", i, v)
					}
					got := d.last
					if open != nil {
						var v verdict
						if got, v = open.open(new(room), got); v != consumed {
							t.Fatalf("packet %d does not open: %d", i, v)
						}
					}
					if h, ok := parse(got); !ok || h.ssrc != 101 || !bytes.Equal(payload(got), frame(byte(i))) {
						t.Fatalf("packet %d came as % x", i, got[:16])
					}
				}
				if a.stats.Received != 200 || b.stats.Sent != 200 || b.stats.SendError != 0 {
					t.Errorf("got %+v and %+v", a.stats, b.stats)
				}
			})
		}
	}
}

// What is not of the far end is dropped and counted, and the latch learns nothing.
func TestArrive_Attacks(t *testing.T) {
	c, a, b := pair(Config{})
	seal, _ := crypt(c, a, media.GCM)
	other := newSealer(media.NewSecret(media.GCM), new(room))
	good := func(seq uint16) []byte {
		p, _ := seal.seal(rtp(0, seq, uint32(seq)*160, 9, frame(1)))
		return bytes.Clone(p)
	}
	bad, _ := other.seal(rtp(0, 1, 160, 9, frame(1)))
	third := netip.MustParseAddrPort("127.0.0.9:9999")
	one := good(1)
	tests := []struct {
		name   string
		src    netip.AddrPort
		in     []byte
		want   verdict
		locked bool
	}{
		{"true packet from elsewhere, before the lock", third, bytes.Clone(one), foreign, false},
		{"wrong key from the right address", farOf(0), bad, forged, false},
		{"plain RTP from the right address", farOf(0), rtp(0, 1, 160, 9, frame(1)), forged, false},
		{"the true packet", farOf(0), bytes.Clone(one), forwarded, true},
		{"its copy", farOf(0), bytes.Clone(one), replayed, true},
		{"its copy from elsewhere", third, bytes.Clone(one), foreign, true},
		{"next one from elsewhere", third, good(2), foreign, true},
		{"plain RTP after the lock", farOf(0), rtp(0, 3, 480, 9, frame(1)), forged, true},
		{"RTCP on the port", farOf(0), append([]byte{0x80, 200, 0, 1}, make([]byte, 40)...), forged, true},
		{"short", farOf(0), []byte{0x80, 0}, malformed, true},
		{"longer than any", farOf(0), append(bytes.Clone(one), make([]byte, maxPacket)...), malformed, true},
		{"the one that was copied elsewhere", farOf(0), good(2), forwarded, true},
	}
	for _, tt := range tests {
		before := b.sock.(*deaf).sent
		if v := c.arrive(a, tt.src, tt.in, tick); v != tt.want || a.latch.locked != tt.locked {
			t.Errorf("%s: got %d, locked %v", tt.name, v, a.latch.locked)
		}
		if sent := b.sock.(*deaf).sent - before; (sent == 1) != (tt.want == forwarded) {
			t.Errorf("%s: %d packets sent", tt.name, sent)
		}
	}
	if a.stats.Forged != 3 || a.stats.Replayed != 1 || a.stats.Foreign != 3 {
		t.Errorf("got %+v", a.stats)
	}
}

// A far end whose address is not known is learnt by packets that authenticate only.
func TestArrive_LearnsAuthenticOnly(t *testing.T) {
	c, a, _ := pair(Config{})
	far := a.far
	far.NAT, far.Seal, far.Open = true, media.NewSecret(media.GCM), media.NewSecret(media.GCM)
	c.apply(command{op: opRemote, id: a.id, far: far}, 0)
	seal := newSealer(far.Open, new(room))
	thief, true1 := netip.MustParseAddrPort("192.0.2.66:6000"), netip.MustParseAddrPort("192.0.2.1:6000")
	for i := range uint16(20) {
		c.arrive(a, thief, rtp(8, i, uint32(i)*160, 66, frame(1)), int64(i)*tick)
	}
	if a.latch.locked || a.stats.Forged != 20 {
		t.Fatalf("plain RTP was learnt: %+v", a.stats)
	}
	for i := range uint16(learnPackets) {
		p, _ := seal.seal(rtp(8, i, uint32(i)*160, 9, frame(1)))
		c.arrive(a, true1, p, int64(i)*tick)
	}
	if !a.latch.locked || a.latch.addr != true1 {
		t.Errorf("the far end was not learnt: %+v", a.latch)
	}
}

// The key of a new description: the same goes on, a new one begins anew, and the
// one before counts until the new one is used.
func TestRekey(t *testing.T) {
	c, a, b := pair(Config{})
	seal, open := crypt(c, a, media.GCM)
	say := func(s *sealer, seq uint16) verdict {
		p, _ := s.seal(rtp(8, seq, uint32(seq)*160, 9, frame(1)))
		return c.arrive(a, farOf(0), bytes.Clone(p), int64(seq)*tick)
	}
	if say(seal, 1) != forwarded {
		t.Fatal("first key")
	}
	was := a.sealer
	c.apply(command{op: opRemote, id: a.id, far: a.far}, 0)
	if a.sealer != was || a.former != nil || say(seal, 2) != forwarded {
		t.Error("an unchanged key began anew")
	}
	again, openNew := crypt(c, a, media.HMAC)
	if a.sealer == was || say(seal, 3) != forwarded {
		t.Error("the former key is refused at once")
	}
	if say(again, 4) != forwarded {
		t.Error("the new key is refused")
	}
	if say(seal, 5) != forged {
		t.Error("the former key is taken after the new one was used")
	}
	c.arrive(b, farOf(1), rtp(0, 1, 160, 7, frame(1)), tick)
	last := a.sock.(*deaf).last
	if _, v := open.open(new(room), last); v != forged {
		t.Error("still sealed with the former key")
	}
	if _, v := openNew.open(new(room), last); v != consumed {
		t.Error("not sealed with the new key")
	}
	crypt(c, a, media.GCM)
	far := a.far
	far.Addr = netip.AddrPortFrom(far.Addr.Addr(), 4999)
	far.Open = media.NewSecret(media.GCM)
	c.apply(command{op: opRemote, id: a.id, far: far}, 0)
	if a.former != nil {
		t.Error("the former key counts at a new address")
	}
}

// What a sealed packet may be, whatever is relayed: opened again it is the same.
func FuzzArrive_Secure(f *testing.F) {
	s := media.NewSecret(media.GCM)
	sealed, _ := newSealer(s, new(room)).seal(rtp(8, 1, 160, 9, frame(1)))
	f.Add(bytes.Clone(sealed), rtp(8, 1, 160, 9, frame(1)))
	f.Add([]byte{0x80}, []byte{0xbf, 8, 0, 1, 0, 0, 0, 1, 0, 0, 0, 9, 1})
	f.Fuzz(func(t *testing.T, raw, plain []byte) {
		c, a, b := pair(Config{})
		seal, _ := crypt(c, a, media.GCM)
		_, open := crypt(c, b, media.HMAC)
		if v := c.arrive(a, farOf(0), bytes.Clone(raw), tick); v == forwarded {
			t.Fatalf("a packet without the key was forwarded: % x", raw)
		}
		if len(plain) > maxPacket-100 {
			return
		}
		p, ok := seal.seal(plain)
		if !ok {
			return
		}
		if v := c.arrive(a, farOf(0), bytes.Clone(p), 2*tick); v != forwarded {
			return
		}
		d := b.sock.(*deaf)
		if d.sent == 0 && b.stats.SendError == 1 {
			return // lengths that contradict each other
		}
		if got, v := open.open(new(room), d.last); v != consumed || len(got) != len(plain) {
			t.Fatalf("% x was forwarded as % x", plain, d.last)
		}
	})
}

// What one packet costs: both directions are protected.
func BenchmarkArrive(b *testing.B) {
	for _, suite := range append([]media.Suite{media.Plain}, media.Suites()...) {
		b.Run(suite.String(), func(b *testing.B) {
			c, a, to := pair(Config{})
			seal, _ := crypt(c, a, suite)
			crypt(c, to, suite)
			p, h := rtp(8, 0, 0, 9, frame(1)), header{pt: 8, ssrc: 9}
			now := int64(0)
			b.ReportAllocs()
			for b.Loop() {
				h.seq++
				h.ts += tickTS
				now += tick
				h.put(p)
				in := p
				if seal != nil {
					in, _ = seal.seal(p)
				}
				c.arrive(a, farOf(0), in, now)
			}
		})
	}
}
