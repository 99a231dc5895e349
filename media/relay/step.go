package relay

import (
	"net/netip"

	"github.com/lineaamica/la2/media"
)

// A verdict is what became of a packet.
type verdict uint8

const (
	forwarded verdict = iota // to the peer
	consumed                 // accepted, nobody to hear it
	malformed                // not RTP version 2
	foreign                  // not from the far end
	unwanted                 // payload type not negotiated, or held
	late                     // too old, or a duplicate, for the peer's timeline
	forged                   // SRTP with a wrong tag
	replayed                 // SRTP that came before
)

// receive takes a packet that arrived at l from src and decides. When it is to be
// forwarded, pkt has been fixed up in place and the returned leg must send it.
// It does not allocate.
func (c *core) receive(l *leg, src netip.AddrPort, pkt []byte, now int64) (*leg, verdict) {
	if isRTCP(pkt) {
		return nil, c.receiveRTCP(l, src, pkt, true, now)
	}
	h, ok := parse(pkt)
	if !ok || len(pkt) >= maxPacket {
		l.stats.Malformed++
		return nil, malformed
	}
	event, codec := l.classify(h.pt)
	wanted := event || codec != 0 || h.pt == noisePT
	if !l.latch.locked || src != l.latch.addr {
		if !l.latch.admit(src, h, wanted, now, int64(c.cfg.Learn)) {
			l.stats.Foreign++
			return nil, foreign
		}
		l.refresh(&c.cfg)
		c.repace(l)
	}
	l.reception.arrive(h, codec != 0, now)
	if !wanted || !l.far.Recv {
		l.stats.Unwanted++
		return nil, unwanted
	}
	l.stats.Received++
	l.stats.ReceivedBytes += uint64(len(pkt) - headerLen)
	l.lastIn, l.expired = now, false
	if !l.first {
		l.first = true
		c.emit(Event{Kind: FirstPacket, Call: l.call, Leg: l.id})
	}
	if event {
		if key, ok := l.detector.Push(h.ssrc, h.ts, payload(pkt)); ok {
			c.emit(Event{Kind: Digit, Call: l.call, Leg: l.id, Digit: key})
		}
	}
	to := l.peer
	if to == nil || to.hears != peer || len(to.clips) > 0 || to.reach != everything || to.keys.Busy() {
		c.follow(l, codec, pkt)
		return nil, consumed
	}
	return c.forward(l, to, pkt, h, codec, now)
}

// classify names the use of a payload type. All codecs are accepted on their
// static types beside what was negotiated, as far ends switch between them.
func (l *leg) classify(pt uint8) (event bool, codec media.Codec) {
	switch {
	case pt == l.far.PT && l.far.Codec != 0:
		return false, l.far.Codec
	case pt == l.far.DTMFPT && pt != 0:
		return true, 0
	case pt == 8:
		return false, media.PCMA
	case pt == 0:
		return false, media.PCMU
	case pt == 9:
		return false, media.G722
	}
	return false, 0
}

// noisePT is the static payload type of comfort noise (RFC 3389 4). Nobody is asked for it,
// as it comes with the suppression of silence; who sends it all the same is understood.
const noisePT = 13

// forward fixes pkt up for the far end of to. codec is zero for an event and for noise.
// Noise goes to who takes it; for others the stream begins anew after it, without a gap.
func (c *core) forward(l, to *leg, pkt []byte, h header, codec media.Codec, now int64) (*leg, verdict) {
	pt := to.far.SendPT
	switch {
	case codec != 0:
	case h.pt == noisePT && h.pt != l.far.DTMFPT:
		if pt = noisePT; !to.far.Noise {
			to.line.cut()
			return nil, consumed
		}
	default:
		if pt = to.far.SendDTMFPT; pt == 0 {
			return nil, consumed
		}
	}
	out, mark, ok := to.line.relay(l.id, h, codec == 0, now)
	if !ok {
		l.stats.Late++
		return nil, late
	}
	out.pt = pt
	out.put(pkt)
	if mark {
		pkt[1] |= marker
	}
	if codec != 0 && (codec != to.far.Codec || codec == media.G722 && to.line.run < settled) {
		c.transcode(l, to, codec, payload(pkt))
	}
	return to, forwarded
}
