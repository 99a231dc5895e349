package relay

import (
	"testing"
	"time"

	"github.com/lineaamica/la2/media"
)

// Who was to send since it answered and does not is told within 3 s, once; who is held, only
// receives or may suppress silence is not.
func TestOneWay(t *testing.T) {
	answered := func(r *Remote) { r.Answered = true }
	tests := []struct {
		name   string
		change func(*Remote)
		after  time.Duration // of the first packet, 0: none
		report bool          // it says by RTCP that it sent nothing
		within time.Duration // of the event, 0: none
	}{
		{"nothing comes", answered, 0, false, 3 * time.Second},
		{"it comes at once", answered, 100 * time.Millisecond, false, 0},
		{"it comes after 1.9 s", answered, 1900 * time.Millisecond, false, 0},
		{"not answered", nil, 0, false, 0},
		{"receives only", func(r *Remote) { r.Answered, r.Recv = true, false }, 0, false, 0},
		{"knows comfort noise", func(r *Remote) { r.Answered, r.Noise = true, true }, 5 * time.Second, false, 0},
		{"knows comfort noise and never speaks", func(r *Remote) { r.Answered, r.Noise = true, true }, 0, false, 10 * time.Second},
		{"reports that it sent nothing", answered, 5 * time.Second, true, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, Config{}, func(w *world) {
				a := w.leg(farIP+":4000", tt.change)
				ear := w.ear(a)
				if tt.report {
					ear.WriteToUDPAddrPort((&report{ssrc: 1, cname: cname()}).append(nil), ear.to)
				}
				start, at := time.Now(), time.Duration(0)
				for time.Since(start) < 15*time.Second {
					if tt.after != 0 && time.Since(start) >= tt.after {
						a.say(1)
					}
					tickN(1)
					if at == 0 && len(w.of(OneWay)) > 0 {
						at = time.Since(start)
					}
				}
				if n := len(w.of(OneWay)); n > 1 || (n == 1) != (tt.within != 0) || at > tt.within {
					t.Errorf("%d events, the first after %v", n, at)
				}
			})
		})
	}
}

func TestOneWay_NotWhileHeld(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		a := w.leg(farIP+":4000", nil)
		far := Remote{Addr: a.addr, Codec: media.PCMA, PT: 8, SendPT: 8, Send: true, Recv: true, Answered: true}
		w.r.SetRemote(a.leg, far)
		time.Sleep(time.Second)
		far.Recv = false
		w.r.SetRemote(a.leg, far)
		time.Sleep(10 * time.Second)
		if n := len(w.of(OneWay)); n != 0 {
			t.Fatal("told while held")
		}
		far.Recv = true
		w.r.SetRemote(a.leg, far)
		time.Sleep(3 * time.Second)
		if n := len(w.of(OneWay)); n != 1 {
			t.Errorf("%d events after the hold", n)
		}
	})
}

// Comfort noise counts as audio and goes on to who takes it; for others the stream goes on
// without a gap.
func TestComfortNoise_RFC3389(t *testing.T) {
	for _, takes := range []bool{true, false} {
		inWorld(t, Config{}, func(w *world) {
			a := w.leg(farIP+":4000", func(r *Remote) { r.Answered = true })
			b := w.leg(farIP2+":5000", func(r *Remote) { r.Noise = takes })
			w.r.Bridge(a.leg, b.leg)
			tickN(1)
			b.heard()
			for i := range 10 {
				if i%3 == 0 {
					a.WriteToUDPAddrPort(rtp(noisePT, a.seq, a.ts, a.ssrc, []byte{40}), a.to)
					a.seq++
					a.ts += tickTS
				} else {
					a.say(1)
				}
				tickN(1)
			}
			heard, noise := b.heard(), 0
			checkLine(t, heard)
			for _, p := range heard {
				if h, _ := parse(p); h.pt == noisePT {
					noise++
				}
			}
			if want := map[bool]int{true: 4}[takes]; noise != want || len(heard) != 6+want {
				t.Errorf("takes %v: %d packets, %d of noise", takes, len(heard), noise)
			}
			if s := w.stats(a.leg); s.Received != 10 || s.Unwanted != 0 {
				t.Errorf("got %+v", s)
			}
		})
	}
}

// Figures follow within a second without asking the shard, and end with the leg.
func TestFigures(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		a := w.leg(farIP+":4000", nil)
		talk(a)
		time.Sleep(time.Second + tick)
		if f := w.r.Figures(a.leg); f.Received != 50 || f.Expected != 50 || f.Lost != 0 || f.ReceivedBytes != 8000 {
			t.Errorf("got %+v", f)
		}
		w.r.Close(a.leg)
		if f := w.r.Figures(a.leg); f != (LegStats{}) {
			t.Errorf("of a closed leg: %+v", f)
		}
	})
}
