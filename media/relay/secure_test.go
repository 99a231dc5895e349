package relay

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaamica/la2/media"
)

// guarded is a phone that speaks SRTP.
type guarded struct {
	*phone
	seal *sealer
	open *opener
}

func (w *world) guarded(addr string, suite media.Suite) *guarded {
	ours, theirs := media.NewSecret(suite), media.NewSecret(suite)
	p := w.leg(addr, func(r *Remote) { r.Seal, r.Open = ours, theirs })
	return &guarded{p, newSealer(theirs, new(room)), newOpener(ours)}
}

// say sends one protected audio frame filled with fill.
func (g *guarded) say(fill byte) {
	b, _ := g.seal.seal(rtp(8, g.seq, g.ts, g.ssrc, frame(fill)))
	g.WriteToUDPAddrPort(b, g.to)
	g.seq++
	g.ts += tickTS
}

// heard opens all that arrived; what does not open fails the test.
func (g *guarded) heard(t *testing.T) (out [][]byte) {
	t.Helper()
	for _, b := range g.phone.heard() {
		p, v := g.open.open(new(room), b)
		if v != consumed {
			t.Fatalf("verdict %d on what we were sent: % x", v, b)
		}
		out = append(out, p)
	}
	return out
}

// Music, a prompt, a peer and keys reach a far end under one key and one timeline.
func TestSecure_EverySource(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		a, b := w.guarded(farIP+":4000", media.GCM), w.guarded(farIP2+":4000", media.HMAC)
		w.r.Music(a.leg, clip("music", 1, 5))
		tickN(10)
		w.r.Play(a.leg, []*media.Clip{clip("prompt", 2, 5)}, PlayOptions{})
		tickN(7)
		if err := w.r.Bridge(a.leg, b.leg); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		for range 5 {
			a.say(3)
			b.say(4)
			tickN(1)
		}
		w.r.SendDTMF(a.leg, "7")
		tickN(10)
		packets := a.heard(t)
		seen := map[byte]int{}
		for _, p := range packets {
			h, _ := parse(p)
			if h.pt == 101 {
				seen['7'] += int(p[headerLen]) / 7
				continue
			}
			seen[p[headerLen]]++
		}
		if seen[1] < 8 || seen[2] != 5 || seen[4] != 5 || seen['7'] < 5 {
			t.Errorf("a heard %v", seen)
		}
		n := 0
		for _, p := range b.heard(t) {
			if p[headerLen] == 3 {
				n++
			}
		}
		if n != 5 {
			t.Errorf("b heard %d frames of a, want 5", n)
		}
	})
}

// 10,000 packets with a wrong tag from the far end's own address change nothing
// but a counter and one line a second.
func TestSecure_Flood(t *testing.T) {
	var log bytes.Buffer
	var mu sync.Mutex
	logger := slog.New(slog.NewTextHandler(lockedWriter{&mu, &log}, nil))
	inWorld(t, Config{Logger: logger}, func(w *world) {
		a, b := w.guarded(farIP+":4000", media.GCM), w.leg(farIP2+":4000", nil)
		if err := w.r.Bridge(a.leg, b.leg); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		a.say(1)
		b.say(1)
		tickN(1)
		for i := range 10_000 {
			bad := rtp(8, uint16(i), uint32(i)*160, uint32(i%3)*a.ssrc, frame(9))
			a.WriteToUDPAddrPort(bad, a.to)
			if i%500 == 0 {
				a.say(2)
				tickN(1)
			}
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		spoken := 0
		for _, p := range b.heard() {
			switch p[headerLen] {
			case 9:
				t.Fatal("a forged packet was forwarded")
			case 2:
				spoken++
			}
		}
		if st := w.stats(a.leg); st.Forged != 10_000 || spoken != 20 || st.Received != 21 {
			t.Errorf("got %+v and %d frames of 20", st, spoken)
		}
		if len(w.of(MediaTimeout)) != 0 {
			t.Error("the call was given up")
		}
	})
	mu.Lock()
	defer mu.Unlock()
	if n := strings.Count(log.String(), "do not authenticate"); n < 1 || n > 3 {
		t.Errorf("got %d lines in less than 3 s:\n%s", n, log.String())
	}
}

type lockedWriter struct {
	mu *sync.Mutex
	to *bytes.Buffer
}

func (w lockedWriter) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.to.Write(b)
}

// A held far end is held under its key, and goes on with it.
func TestSecure_HoldKeepsKey(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		ours, theirs := media.NewSecret(media.GCM), media.NewSecret(media.GCM)
		var far Remote
		p := w.leg(farIP+":4000", func(r *Remote) { r.Seal, r.Open = ours, theirs; far = *r })
		g := &guarded{p, newSealer(theirs, new(room)), newOpener(ours)}
		g.say(1)
		w.r.Music(g.leg, clip("music", 1, 5))
		tickN(5)
		held := far
		held.Send, held.Recv = false, false
		w.r.SetRemote(g.leg, held)
		tickN(5)
		w.r.SetRemote(g.leg, far)
		tickN(1)
		g.say(2)
		tickN(5)
		packets := g.heard(t) // one opener throughout: a new stream under the key would replay
		checkLine(t, packets)
		if st := w.stats(g.leg); st.Received != 2 || len(packets) < 8 {
			t.Errorf("got %+v and %d packets", st, len(packets))
		}
	})
}
