package phone

import (
	"encoding/binary"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/lineaamica/la2/media"
	"github.com/lineaamica/la2/media/dtmf"
	"github.com/lineaamica/la2/media/g711"
	"github.com/lineaamica/la2/media/g722"
	"github.com/lineaamica/la2/media/sdp"
)

// audio is the media of one call: a socket, a sender on a 20 ms ticker and a
// reader. Both goroutines end at close.
type audio struct {
	p      *Phone
	c      *Call
	conn   *net.UDPConn
	addr   netip.AddrPort
	tables *g711.Tables
	stop   chan struct{}

	mu       sync.Mutex // guards what follows
	far      sdp.Negotiated
	sending  bool
	dtmf     dtmf.Generator
	recorded []int16
	wide     []int16 // the part in G.722, at 16 kHz
	closed   bool
}

func newAudio(p *Phone, c *Call) (*audio, error) {
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(p.local.Addr(), 0)))
	if err != nil {
		return nil, err
	}
	a := &audio{p: p, c: c, conn: conn, addr: conn.LocalAddr().(*net.UDPAddr).AddrPort(), tables: p.tables, stop: make(chan struct{})}
	go a.read() // ends when the socket closes
	go a.send() // ends when stop closes
	return a, nil
}

// remote says where to send and how.
func (a *audio) remote(n sdp.Negotiated) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.far, a.sending = n, n.Remote.IsValid() && n.Direction.Send()
}

func (a *audio) keys(digits string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.dtmf.Add(digits)
}

func (a *audio) heard() []int16 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]int16(nil), a.recorded...)
}

func (a *audio) heardWide() []int16 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]int16(nil), a.wide...)
}

func (a *audio) close() {
	a.mu.Lock()
	first := !a.closed
	a.closed = true
	a.mu.Unlock()
	if first {
		close(a.stop)
		a.conn.Close()
	}
}

// A sender's timeline (RFC 3550 5.1).
type timeline struct {
	seq      uint16
	ts, ssrc uint32
	eventTS  uint32
	pos      int // next sample of the sound
	coder    *g722.Encoder
}

func (a *audio) send() {
	tick := time.NewTicker(media.Ptime)
	defer tick.Stop()
	t := timeline{seq: uint16(rand.Uint32()), ts: rand.Uint32(), ssrc: rand.Uint32(), coder: g722.NewEncoder()}
	packet := make([]byte, 12+media.FrameSamples)
	samples := make([]int16, 2*media.FrameSamples)
	for {
		select {
		case <-a.stop:
			return
		case <-tick.C:
		}
		t.ts += media.FrameSamples
		if n, to, ok := a.frame(&t, packet, samples); ok {
			_, _ = a.conn.WriteToUDPAddrPort(packet[:n], to)
		}
	}
}

// frame fills the next packet: a key if one is being pressed, else the sound.
func (a *audio) frame(t *timeline, packet []byte, samples []int16) (int, netip.AddrPort, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.sending {
		return 0, netip.AddrPort{}, false
	}
	if a.dtmf.Busy() && a.far.SendDTMFPT != 0 {
		ev, ok := a.dtmf.Next()
		if !ok {
			return 0, netip.AddrPort{}, false
		}
		pt := a.far.SendDTMFPT
		if ev.First {
			t.eventTS, pt = t.ts, pt|0x80
		}
		header(packet, pt, t, t.eventTS)
		return 12 + copy(packet[12:], ev.Payload[:]), a.far.Remote, true
	}
	header(packet, a.far.SendPT, t, t.ts)
	return 12 + a.say(t, packet[12:], samples), a.far.Remote, true
}

// say codes the next 20 ms of our sound into body. samples has room for 16 kHz.
func (a *audio) say(t *timeline, body []byte, samples []int16) int {
	if a.far.Codec == media.G722 && len(a.p.cfg.WideSound) > 0 {
		t.next(samples, a.p.cfg.WideSound)
		return t.coder.Encode(body, samples)
	}
	samples = samples[:media.FrameSamples]
	t.next(samples, a.p.cfg.Sound)
	if a.far.Codec == media.G722 {
		return t.coder.EncodeNarrow(body, samples)
	}
	return a.tables.Encode(a.far.Codec, body, samples)
}

// next fills samples with sound from where it stopped, or with silence.
func (t *timeline) next(samples, sound []int16) {
	clear(samples)
	for i := range samples {
		if len(sound) > 0 {
			t.pos %= len(sound)
			samples[i] = sound[t.pos]
			t.pos++
		}
	}
}

func header(b []byte, pt byte, t *timeline, ts uint32) {
	b[0], b[1] = 0x80, pt
	binary.BigEndian.PutUint16(b[2:], t.seq)
	binary.BigEndian.PutUint32(b[4:], ts)
	binary.BigEndian.PutUint32(b[8:], t.ssrc)
	t.seq++
}

func (a *audio) read() {
	var (
		buf     = make([]byte, 2048)
		samples = make([]int16, 2048)
		ear     = newEar()
		keys    dtmf.Detector
		low     = g722.NewDecoder()
		full    = g722.NewDecoder()
		wide    = make([]int16, 4096)
	)
	for {
		n, _, err := a.conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		body, pt, ok := payload(buf[:n])
		if !ok {
			continue
		}
		a.mu.Lock()
		far, record := a.far, a.p.cfg.Record
		a.mu.Unlock()
		if pt == far.DTMFPT && far.DTMFPT != 0 {
			if k, ok := keys.Push(binary.BigEndian.Uint32(buf[8:]), binary.BigEndian.Uint32(buf[4:]), body); ok {
				a.tell(Event{Event: "dtmf", Text: string(rune(k))})
			}
			continue
		}
		var got, wideGot []int16
		switch pt {
		case media.PCMA.PT():
			got = samples[:a.tables.Decode(media.PCMA, samples, body)]
		case media.PCMU.PT():
			got = samples[:a.tables.Decode(media.PCMU, samples, body)]
		case media.G722.PT():
			got = samples[:low.DecodeNarrow(samples, body)]
			wideGot = wide[:full.Decode(wide, body)]
		default:
			continue
		}
		if record {
			a.mu.Lock()
			a.recorded = append(a.recorded, got...)
			a.wide = append(a.wide, wideGot...)
			a.mu.Unlock()
		}
		if v, changed := ear.push(got); changed {
			a.tell(v)
		}
	}
}

// payload is what an RTP packet carries behind its header, sources and header
// extension (RFC 3550 5.1); false for anything else, and for an empty one.
func payload(b []byte) (body []byte, pt uint8, ok bool) {
	if len(b) < 12 || b[0]>>6 != 2 {
		return nil, 0, false
	}
	at := 12 + 4*int(b[0]&0x0f)
	if b[0]&0x10 != 0 {
		if len(b) < at+4 {
			return nil, 0, false
		}
		at += 4 + 4*int(binary.BigEndian.Uint16(b[at+2:]))
	}
	if at >= len(b) {
		return nil, 0, false
	}
	return b[at:], b[1] & 0x7f, true
}

func (a *audio) tell(e Event) {
	e.Peer = a.c.Peer
	a.p.inbox.put(func() { a.p.tell(e) })
}
