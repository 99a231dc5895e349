package relay

import (
	"encoding/binary"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaamica/la2/media"
)

// world is a relay on a fake network, inside a synctest bubble.
type world struct {
	t   *testing.T
	net *fakeNet
	r   *Relay

	mu     sync.Mutex
	events []Event
}

const (
	ourIP  = "198.51.100.1"
	farIP  = "203.0.113.7"
	farIP2 = "203.0.113.8"
)

func inWorld(t *testing.T, cfg Config, f func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, net: newFakeNet()}
		cfg.Net, cfg.OnEvent = w.net, w.record
		if !cfg.IP.IsValid() {
			cfg.IP = netip.MustParseAddr(ourIP)
		}
		var err error
		if w.r, err = New(cfg); err != nil {
			t.Fatal(err)
		}
		defer w.r.Shutdown()
		f(w)
	})
}

func (w *world) record(e Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events = append(w.events, e)
}

// of returns the events of one kind so far.
func (w *world) of(k Kind) (out []Event) {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.events {
		if e.Kind == k {
			out = append(out, e)
		}
	}
	return out
}

// phone is a far end.
type phone struct {
	*fakeSock
	leg  LegID
	to   netip.AddrPort
	seq  uint16
	ts   uint32
	ssrc uint32
}

// leg opens a leg whose far end is a phone on addr and PCMA both ways.
func (w *world) leg(addr string, change func(*Remote)) *phone {
	w.t.Helper()
	s, err := w.net.listen(addr)
	if err != nil {
		w.t.Fatal(err)
	}
	id, local, err := w.r.Open("call")
	if err != nil {
		w.t.Fatal(err)
	}
	far := Remote{Addr: s.addr, Codec: media.PCMA, PT: 8, SendPT: 8, DTMFPT: 101, Send: true, Recv: true}
	if change != nil {
		change(&far)
	}
	w.r.SetRemote(id, far)
	synctest.Wait()
	return &phone{fakeSock: s, leg: id, to: local, seq: 65530, ts: 0xffffff00, ssrc: binary.BigEndian.Uint32([]byte(addr[len(addr)-4:]))}
}

func rtp(pt uint8, seq uint16, ts, ssrc uint32, payload []byte) []byte {
	b := make([]byte, headerLen, headerLen+len(payload))
	b[0] = 2 << 6
	header{pt: pt, seq: seq, ts: ts, ssrc: ssrc}.put(b)
	return append(b, payload...)
}

func frame(fill byte) []byte {
	b := make([]byte, media.FrameSamples)
	for i := range b {
		b[i] = fill
	}
	return b
}

// say sends one audio frame filled with fill.
func (p *phone) say(fill byte) {
	p.WriteToUDPAddrPort(rtp(8, p.seq, p.ts, p.ssrc, frame(fill)), p.to)
	p.seq++
	p.ts += tickTS
}

// heard takes all packets that arrived.
func (p *phone) heard() (out [][]byte) {
	synctest.Wait()
	for {
		select {
		case d := <-p.in:
			out = append(out, d.b)
		default:
			return out
		}
	}
}

func clip(name string, fill byte, frames int) *media.Clip {
	b := make([]byte, frames*media.FrameSamples)
	for i := range b {
		b[i] = fill
	}
	return media.NewClip(name, b, b, nil)
}

// checkLine fails unless packets are one SSRC with rising sequence (by exactly
// one) and rising timestamps.
func checkLine(t *testing.T, packets [][]byte) {
	t.Helper()
	for i := 1; i < len(packets); i++ {
		a, _ := parse(packets[i-1])
		b, ok := parse(packets[i])
		if !ok || a.ssrc != b.ssrc || b.seq-a.seq != 1 || int32(b.ts-a.ts) <= 0 {
			t.Fatalf("packet %d: %+v after %+v", i, b, a)
		}
	}
}

func tickN(n int) { time.Sleep(time.Duration(n) * tick) }

// stats are the counters once everything sent has arrived.
func (w *world) stats(l LegID) LegStats {
	synctest.Wait()
	return w.r.Stats(l)
}
