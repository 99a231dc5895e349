package relay

import (
	"bytes"
	"fmt"
	"math"
	"net/netip"
	"testing"

	"github.com/lineaamica/la2/media"
	"github.com/lineaamica/la2/media/g722"
	"github.com/lineaamica/la2/media/tone"
)

var allCodecs = []media.Codec{media.PCMA, media.PCMU, media.G722}

// spoken is n frames of a tone of hz at -20 dBFS in codec.
func spoken(codec media.Codec, hz float64, n int) (frames [][]byte) {
	wide, narrow := make([]int16, 2*media.FrameSamples), make([]int16, media.FrameSamples)
	gen, enc := tone.NewGenerator(hz, -20), g722.NewEncoder()
	at := 0
	for range n {
		b := make([]byte, media.FrameSamples)
		if codec == media.G722 {
			for i := range wide {
				wide[i] = int16(3277 * math.Sin(2*math.Pi*hz*float64(at)/media.WideRate))
				at++
			}
			enc.Encode(b, wide)
		} else {
			gen.Read(narrow)
			tables().Encode(codec, b, narrow)
		}
		frames = append(frames, b)
	}
	return frames
}

// level is the power of hz in frames of codec, in dB of a full-scale sine.
func level(codec media.Codec, frames [][]byte, hz float64) float64 {
	rate, pcm := float64(media.ClockRate), []int16(nil)
	d := g722.NewDecoder()
	for _, f := range frames {
		out := make([]int16, len(f))
		if codec == media.G722 {
			rate, out = media.WideRate, make([]int16, 2*len(f))
			d.Decode(out, f)
		} else {
			tables().Decode(codec, out, f)
		}
		pcm = append(pcm, out...)
	}
	pcm = pcm[len(pcm)/4:]
	c := 2 * math.Cos(2*math.Pi*hz/rate)
	var a, b float64
	for _, v := range pcm {
		a, b = float64(v)+c*a-b, a
	}
	n := float64(len(pcm))
	return 10 * math.Log10((a*a+b*b-c*a*b)*4/(n*n)/(32767*32767)+1e-12)
}

// codecPair is a core with two bridged legs that speak ca and cb.
func codecPair(ca, cb media.Codec) (c *core, a, b *leg) {
	c, a, b = pair(Config{OnEvent: func(Event) {}})
	for i, codec := range []media.Codec{ca, cb} {
		c.apply(command{op: opRemote, id: LegID(i + 1), far: Remote{Addr: farOf(i), Codec: codec, PT: codec.PT(), SendPT: codec.PT(), DTMFPT: 101, Send: true, Recv: true}}, 0)
	}
	return c, a, b
}

// through sends frames from a (PT pt) and returns what b was to be sent.
func through(t *testing.T, c *core, from, to *leg, src netip.AddrPort, pt uint8, frames [][]byte) (out [][]byte) {
	t.Helper()
	for i, f := range frames {
		p := rtp(pt, uint16(i), uint32(i*tickTS), 9, f)
		got, v := c.receive(from, src, p, int64(i)*tick)
		if got != to || v != forwarded {
			t.Fatalf("frame %d: verdict %v", i, v)
		}
		h, _ := parse(p)
		if h.pt != to.far.SendPT || len(p) != headerLen+media.FrameSamples {
			t.Fatalf("frame %d: payload type %d, %d bytes", i, h.pt, len(p))
		}
		out = append(out, p[headerLen:])
	}
	return out
}

// Whatever the two ends speak, a tone of one is heard by the other at its level.
func TestTranscode_EachPair(t *testing.T) {
	for _, ca := range allCodecs {
		for _, cb := range allCodecs {
			t.Run(fmt.Sprintf("%v to %v", ca, cb), func(t *testing.T) {
				c, a, b := codecPair(ca, cb)
				in := spoken(ca, 1000, 50)
				out := through(t, c, a, b, farOf(0), ca.PT(), in)
				if got := level(cb, out, 1000); math.Abs(got+20) > 1 {
					t.Errorf("heard at %.1f dB, want -20", got)
				}
				if same := bytes.Equal(out[30], in[30]); same != (ca == cb) {
					t.Errorf("passed untouched: %v", same)
				}
			})
		}
	}
}

// Sound above 4 kHz passes when both ends are wide-band, and no ghost of it is
// heard when one is not.
func TestTranscode_WideBandSurvives(t *testing.T) {
	in := spoken(media.G722, 5500, 50)
	c, a, b := codecPair(media.G722, media.G722)
	if got := level(media.G722, through(t, c, a, b, farOf(0), 9, in), 5500); math.Abs(got+20) > 1.5 {
		t.Errorf("heard at %.1f dB, want -20", got)
	}
	c, a, b = codecPair(media.G722, media.PCMA)
	if got := level(media.PCMA, through(t, c, a, b, farOf(0), 9, in), 2500); got > -55 {
		t.Errorf("5,500 Hz are heard at 2,500 Hz with %.1f dB", got)
	}
}

// A far end may go over to another codec of its answer at any time: it is heard
// on, and a codec's state left behind does no harm.
func TestTranscode_FarEndChangesCodec(t *testing.T) {
	c, a, b := codecPair(media.G722, media.PCMU)
	n := 0
	for _, codec := range []media.Codec{media.G722, media.PCMA, media.PCMU, media.G722} {
		var out [][]byte
		for _, f := range spoken(codec, 700, 30) {
			p := rtp(codec.PT(), uint16(n), uint32(n*tickTS), 9, f)
			if to, v := c.receive(a, farOf(0), p, int64(n)*tick); to != b {
				t.Fatalf("%v: verdict %v", codec, v)
			}
			n++
			out = append(out, p[headerLen:])
		}
		if got := level(media.PCMU, out, 700); math.Abs(got+20) > 1 {
			t.Errorf("%v is heard at %.1f dB, want -20", codec, got)
		}
	}
}

// The past of a G.722 stream lives in its decoder. The changes from one source to
// the next are no louder than what plays.
func TestG722_ChangesOfSourceDoNotClick(t *testing.T) {
	c, a, b := codecPair(media.PCMA, media.G722)
	narrow := func(hz float64, n int) *media.Clip {
		return media.NewClip("narrow", bytes.Join(spoken(media.PCMA, hz, n), nil), nil, nil)
	}
	wide := func(hz float64, n int) *media.Clip {
		pcm := make([]int16, n*320)
		for i := range pcm {
			pcm[i] = int16(3277 * math.Sin(2*math.Pi*hz*float64(i)/media.WideRate))
		}
		return media.NewClip("wide", bytes.Join(spoken(media.PCMA, hz, n), nil), nil, pcm)
	}
	d, pcm := g722.NewDecoder(), make([]int16, 2*media.FrameSamples)
	peak, now := 0, int64(0)
	said := spoken(media.PCMA, 800, 31)
	run := func(ticks int, bridged bool) {
		for i := range ticks {
			now += tick
			c.pace(now)
			p := b.sock.(*deaf).last
			if bridged {
				p = rtp(8, uint16(now/tick), uint32(now/tick*tickTS), 9, said[i])
				if to, v := c.receive(a, farOf(0), p, now); to != b {
					t.Fatalf("verdict %v", v)
				}
			}
			if h, _ := parse(p); h.pt != 9 {
				t.Fatalf("payload type %d", h.pt)
			}
			d.Decode(pcm, p[headerLen:])
			for _, v := range pcm {
				peak = max(peak, int(v), -int(v))
			}
		}
	}
	for _, prompt := range []*media.Clip{narrow(1200, 25), wide(2500, 25), narrow(200, 25), wide(440, 25)} {
		music := narrow(440, 40)
		c.apply(command{op: opMusic, id: b.id, clips: []*media.Clip{music}}, now)
		run(63, false) // over the end of the loop
		c.apply(command{op: opPlay, id: b.id, clips: []*media.Clip{prompt}, opts: PlayOptions{Resume: true}}, now)
		run(47, false)
		c.apply(command{op: opSilence, id: b.id}, now)
		run(9, false)
		c.apply(command{op: opBridge, id: a.id, other: b.id}, now)
		run(31, true)
	}
	if peak < 3000 || peak > 2*3277 {
		t.Errorf("peak %d of tones of 3,277", peak)
	}
}

// A wide-band peer that is in the middle of a word when it is joined to a wide-band
// leg with music is heard without a burst, and after 200 ms untouched.
func TestG722_PeerInMidSpeechDoesNotClick(t *testing.T) {
	c, a, b := codecPair(media.G722, media.G722)
	c.apply(command{op: opMusic, id: b.id, clips: []*media.Clip{media.NewClip("m", bytes.Join(spoken(media.PCMA, 440, 40), nil), nil, nil)}}, 0)
	d, pcm := g722.NewDecoder(), make([]int16, 2*media.FrameSamples)
	peak, now := 0, int64(0)
	for i, f := range spoken(media.G722, 900, 100) {
		now += tick
		if i == 50 {
			c.apply(command{op: opBridge, id: a.id, other: b.id}, now)
		}
		c.pace(now)
		was := bytes.Clone(f)
		p := rtp(9, uint16(i), uint32(i*tickTS), 9, f)
		to, _ := c.receive(a, farOf(0), p, now)
		switch {
		case i < 50:
			p = b.sock.(*deaf).last
		case to != b:
			t.Fatalf("frame %d is not forwarded", i)
		case bytes.Equal(p[headerLen:], was) != (i >= 50+settled):
			t.Errorf("frame %d: untouched is %v", i, i < 50+settled)
		}
		d.Decode(pcm, p[headerLen:])
		for _, v := range pcm {
			peak = max(peak, int(v), -int(v))
		}
	}
	if peak > 2*3277 {
		t.Errorf("peak %d of tones of 3,277", peak)
	}
}

func TestTranscode_NoAllocation(t *testing.T) {
	for _, ca := range allCodecs {
		for _, cb := range allCodecs {
			c, a, _ := codecPair(ca, cb)
			p, h, now := rtp(ca.PT(), 0, 0, 9, frame(1)), header{pt: ca.PT(), ssrc: 9}, int64(0)
			if n := testing.AllocsPerRun(200, func() {
				h.seq, h.ts, now, h.pt = h.seq+1, h.ts+tickTS, now+tick, ca.PT()
				h.put(p)
				c.receive(a, farOf(0), p, now)
			}); n != 0 {
				t.Errorf("%v to %v: %v allocations a packet, want 0", ca, cb, n)
			}
		}
	}
}

func BenchmarkTranscode(b *testing.B) {
	for _, cc := range [][2]media.Codec{{media.PCMA, media.PCMU}, {media.G722, media.G722}, {media.G722, media.PCMA}, {media.PCMA, media.G722}} {
		b.Run(fmt.Sprintf("%v_%v", cc[0], cc[1]), func(b *testing.B) {
			c, a, _ := codecPair(cc[0], cc[1])
			in := spoken(cc[0], 1000, 1)[0]
			p, h, now := rtp(cc[0].PT(), 0, 0, 9, in), header{ssrc: 9}, int64(0)
			b.ReportAllocs()
			for b.Loop() {
				copy(p[headerLen:], in)
				h.seq, h.ts, now, h.pt = h.seq+1, h.ts+tickTS, now+tick, cc[0].PT()
				h.put(p)
				c.receive(a, farOf(0), p, now)
			}
		})
	}
}
