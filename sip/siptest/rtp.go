package siptest

import (
	"encoding/binary"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/lineaamica/la2/sip/flow"
)

const (
	frameTime  = 20 * time.Millisecond
	frameBytes = 160 // one frame of G.711
)

// An RTPPacket is a received packet (RFC 3550 5.1).
type RTPPacket struct {
	At        time.Time
	From      netip.AddrPort
	PT        uint8
	Marker    bool
	Seq       uint16
	Timestamp uint32
	SSRC      uint32
	Payload   []byte
}

// An RTP is the audio of a call: one socket. It keeps all that it receives.
type RTP struct {
	pc   flow.PacketConn
	addr netip.AddrPort
	done chan struct{} // closed when the reader ended

	mu       sync.Mutex // guards all below
	closed   bool
	remote   netip.AddrPort
	pt, dtmf uint8
	ssrc     uint32
	seq      uint16
	ts       uint32
	fresh    bool // the next packet has the marker
	timer    *time.Timer
	source   Source
	frame    int
	got      []RTPPacket
	arrived  chan struct{} // one slot: something came
}

func newRTP(pc flow.PacketConn, ssrc uint32) *RTP {
	r := &RTP{
		pc: pc, addr: netip.MustParseAddrPort(pc.LocalAddr().String()), ssrc: ssrc, pt: 8, dtmf: 101,
		fresh: true, done: make(chan struct{}), arrived: make(chan struct{}, 1),
	}
	go r.read() // ends when close closes the socket
	return r
}

// NewRTP makes an RTP end of its own, without a call: an attacker, a recorder.
func NewRTP(tb TB, nw *Network, addr string, ssrc uint32) *RTP {
	tb.Helper()
	s, err := nw.Listen(addr)
	if err != nil {
		tb.Fatalf("%v", err)
		return nil
	}
	r := newRTP(s, ssrc)
	tb.Cleanup(r.close)
	return r
}

// Addr is where packets are received.
func (r *RTP) Addr() netip.AddrPort { return r.addr }

// SSRC returns the source identifier of what is sent.
func (r *RTP) SSRC() uint32 { return r.ssrc }

// SetRemote sends to addr from now on; the SDP of the call does it, too.
func (r *RTP) SetRemote(addr netip.AddrPort) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.remote = addr
}

// Remote is where packets are sent.
func (r *RTP) Remote() netip.AddrPort {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.remote
}

func (r *RTP) describe(s SDP) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.remote = s.Addr
	for _, pt := range s.Payloads {
		if pt == 0 || pt == 8 {
			r.pt = uint8(pt)
			break
		}
	}
	if s.DTMF > 0 {
		r.dtmf = uint8(s.DTMF)
	}
}

// Play sends a frame of src every 20 ms from now until Stop or another Play.
func (r *RTP) Play(src Source) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stop()
	if r.closed {
		return
	}
	r.source, r.frame, r.fresh = src, 0, true
	r.tick()
}

// Stop ends Play.
func (r *RTP) Stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stop()
}

// stop ends the timer. r.mu must be held.
func (r *RTP) stop() {
	r.source = nil
	if r.timer != nil {
		r.timer.Stop()
	}
}

// tick sends one frame and plans the next. r.mu must be held.
func (r *RTP) tick() {
	if r.source == nil || r.closed {
		return
	}
	r.packet(r.pt, r.fresh, r.ts, r.source(r.frame, r.pt))
	r.fresh = false
	r.frame++
	r.ts += frameBytes
	r.timer = time.AfterFunc(frameTime, func() { // ends by itself; stopped by stop
		r.mu.Lock()
		defer r.mu.Unlock()
		r.tick()
	})
}

// Send sends one packet of the stream now.
func (r *RTP) Send(payload []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.packet(r.pt, r.fresh, r.ts, payload)
	r.fresh = false
	r.ts += uint32(len(payload))
}

// packet writes one packet. r.mu must be held.
func (r *RTP) packet(pt uint8, marker bool, ts uint32, payload []byte) {
	if !r.remote.IsValid() || r.remote.Port() == 0 || r.remote.Addr().IsUnspecified() {
		return
	}
	b := make([]byte, 12, 12+len(payload))
	b[0], b[1] = 0x80, pt
	if marker {
		b[1] |= 0x80
	}
	binary.BigEndian.PutUint16(b[2:], r.seq)
	binary.BigEndian.PutUint32(b[4:], ts)
	binary.BigEndian.PutUint32(b[8:], r.ssrc)
	r.seq++
	if !r.closed {
		_, _ = r.pc.WriteToUDPAddrPort(append(b, payload...), r.remote) // a datagram may get lost
	}
}

// SendDTMF sends digits as telephone events (RFC 4733 2.5): five packets of 20 ms each, the end
// three times, 60 ms between digits. It returns when the last one is sent.
func (r *RTP) SendDTMF(digits string) {
	for _, d := range digits {
		event := strings.IndexRune("0123456789*#ABCD", d)
		if event < 0 {
			continue
		}
		r.mu.Lock()
		start := r.ts
		r.mu.Unlock()
		for i := 1; i <= 8; i++ {
			payload := []byte{byte(event), 10, 0, 0}
			binary.BigEndian.PutUint16(payload[2:], uint16(min(i, 6)*frameBytes))
			if i >= 6 {
				payload[1] |= 0x80
			}
			r.mu.Lock()
			r.packet(r.dtmf, i == 1, start, payload)
			if i < 6 && r.source == nil {
				r.ts += frameBytes
			}
			r.mu.Unlock()
			if i < 6 {
				<-time.After(frameTime)
			}
		}
		<-time.After(3 * frameTime)
	}
}

// Received returns the packets since the start or Clear.
func (r *RTP) Received() []RTPPacket {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]RTPPacket(nil), r.got...)
}

// Clear forgets what was received.
func (r *RTP) Clear() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got = nil
}

// WaitPackets waits until n packets were received since the start or Clear; false when they
// were not within that time.
func (r *RTP) WaitPackets(n int, within time.Duration) bool {
	t := time.NewTimer(within)
	defer t.Stop()
	for {
		r.mu.Lock()
		have := len(r.got)
		r.mu.Unlock()
		if have >= n {
			return true
		}
		select {
		case <-r.arrived:
		case <-t.C:
			return false
		case <-r.done:
			return false
		}
	}
}

func (r *RTP) read() {
	defer close(r.done)
	b := make([]byte, 2048)
	for {
		n, from, err := r.pc.ReadFromUDPAddrPort(b)
		if err != nil {
			return
		}
		p, ok := parseRTP(b[:n])
		if !ok {
			continue
		}
		p.At, p.From = time.Now(), from
		r.mu.Lock()
		r.got = append(r.got, p)
		r.mu.Unlock()
		select {
		case r.arrived <- struct{}{}:
		default:
		}
	}
}

// parseRTP passes over RTCP (RFC 5761 4): the calls of a telephone have ports side by
// side, so that the reports about one arrive at the next.
func parseRTP(b []byte) (RTPPacket, bool) {
	if len(b) < 12 || b[0]>>6 != 2 || b[1] >= 192 && b[1] <= 223 {
		return RTPPacket{}, false
	}
	head := 12 + 4*int(b[0]&15)
	if len(b) < head || b[0]&0x30 != 0 {
		return RTPPacket{}, false
	}
	return RTPPacket{
		PT: b[1] & 127, Marker: b[1]&128 != 0, Seq: binary.BigEndian.Uint16(b[2:]),
		Timestamp: binary.BigEndian.Uint32(b[4:]), SSRC: binary.BigEndian.Uint32(b[8:]),
		Payload: append([]byte(nil), b[head:]...),
	}, true
}

func (r *RTP) close() {
	r.mu.Lock()
	r.stop()
	closed := r.closed
	r.closed = true
	r.mu.Unlock()
	if !closed {
		_ = r.pc.Close() // the socket is gone either way
	}
	<-r.done
}
