package relay

import (
	crand "crypto/rand"
	"encoding/base64"
	"math/rand/v2"
	"net/netip"
	"time"
)

// Limits of RTCP.
const (
	// reportEvery is the least mean interval of reports (RFC 3550 6.2): at 64 kbit/s and two
	// participants the share of 5% allows more.
	reportEvery = 5 * int64(time.Second)
	// compensation makes the mean of what timer reconsideration converges to the interval
	// (RFC 3550 6.3.1): e - 3/2.
	compensation = 1.21828
	// maxRTCP is how many RTCP packets of a leg are read in a second; no honest far end sends
	// as many.
	maxRTCP = 10
	// maxRTT is the longest round trip that is believed.
	maxRTT = 30 << 16 // 65536ths of a second
)

// control is the RTCP side of a leg.
type control struct {
	cname  [cnameLen]byte
	to     netip.AddrPort // where reports go
	from   netip.AddrPort // on a port of its own, once it showed itself
	opened bool           // we may send there: audio may, or might once
	next   int64          // ns; when the next report is due
	said   bool           // a report of ours left
	sent   [2]uint64      // LegStats.Sent at the last two reports, newest first

	lsr   [2]uint32 // middle bits of our last two sender reports, newest first
	heard uint32    // middle bits of theirs
	at    int64     // ns; when it came

	second int64 // ns; begin of the second in which
	count  int   // so many RTCP packets came
	fault  int64 // ns; when a bad one was counted
	mute   bool  // the far end says that it sent nothing so far
}

// unixNTP is the beginning of 1970 in the time of NTP (RFC 5905 6), ns.
const unixNTP = 2_208_988_800 * int64(time.Second)

// newCNAME names a leg by chance: reports of two calls tell nobody that they are of the same
// host, let alone person (RFC 7022 4.2).
func newCNAME() (name [cnameLen]byte) {
	var b [cnameLen * 3 / 4]byte
	crand.Read(b[:]) // never fails
	base64.StdEncoding.Encode(name[:], b[:])
	return name
}

// aimRTCP says where the reports of l go: where its audio goes when they are multiplexed (RFC
// 5761), else where its own came from, or the port beside that of its audio unless the
// description names another (RFC 3605). audio is where RTP goes.
func (l *leg) aimRTCP(audio netip.AddrPort) {
	k := &l.control
	k.opened = k.opened || l.reach == everything
	port := l.far.RTCP
	if port == 0 || l.latch.locked && audio != l.far.Addr {
		port = audio.Port() + 1
	}
	switch {
	case !audio.IsValid() || l.far.Mux:
		k.to = audio
	case k.from.IsValid():
		k.to = k.from
	default:
		k.to = netip.AddrPortFrom(audio.Addr(), port)
	}
}

// after is when the report after one at now is due: spread by half to one and a half, lest
// the reports of many calls meet (RFC 3550 6.3.1). The first one comes in half the time.
func after(now int64, first bool) int64 {
	every := reportEvery
	if first {
		every /= 2
	}
	return now + int64((0.5+rand.Float64())*float64(every)/compensation)
}

// ntp is the time of day at now.
func (c *core) ntp(now int64) uint64 {
	t := c.epoch + now
	return uint64(t/1e9)<<32 | uint64(t%1e9)<<32/1e9
}

// report sends the far end of l what we sent and how it is heard. Nothing leaves towards an
// address that audio may not be sent to, holds aside (RFC 3550 6.1, 6.3).
func (c *core) report(l *leg, now int64, bye bool) {
	k := &l.control
	if !k.opened || !k.to.IsValid() || k.to.Port() == 0 || !c.cfg.allowed(k.to.Addr()) {
		return
	}
	r := report{ssrc: l.line.ssrc, cname: k.cname, bye: bye}
	r.sent = l.stats.Sent != k.sent[1]
	k.sent = [2]uint64{l.stats.Sent, k.sent[0]}
	if r.sent {
		r.ntp = c.ntp(now)
		r.ts = l.line.ts + uint32((now-l.line.at)/perTS)
		r.packets, r.octets = uint32(l.stats.Sent), uint32(l.stats.SentBytes)
		k.lsr = [2]uint32{uint32(r.ntp >> 16), k.lsr[0]}
	}
	if r.heard = l.reception.started; r.heard {
		r.block = l.reception.block()
		if k.heard != 0 {
			r.block.lsr, r.block.dlsr = k.heard, uint32((now-k.at)<<16/int64(time.Second))
		}
	}
	b := r.append(c.rtcp[:0])
	if l.sealer != nil {
		var ok bool
		if b, ok = l.sealer.sealRTCP(b); !ok {
			return
		}
	}
	if l.sock.report(b, k.to, l.far.Mux) {
		k.said = true
		l.stats.RTCPSent++
	}
}

// receiveRTCP reads an RTCP packet that came from src to the port of l; muxed: to that of
// RTP. Nothing of it goes further than this leg.
func (c *core) receiveRTCP(l *leg, src netip.AddrPort, b []byte, muxed bool, now int64) verdict {
	k := &l.control
	if !l.reports(src, muxed) {
		return c.badRTCP(l, foreign, now)
	}
	if now-k.second >= int64(time.Second) {
		k.second, k.count = now, 0
	}
	if k.count++; k.count > maxRTCP {
		return c.badRTCP(l, unwanted, now)
	}
	if l.opener != nil {
		var ok bool
		if b, ok = l.opener.openRTCP(&c.opened, b); !ok {
			return c.badRTCP(l, forged, now)
		}
	}
	h, ok := parseRTCP(b, l.line.ssrc)
	if !ok || len(b) >= maxPacket {
		return c.badRTCP(l, malformed, now)
	}
	if !muxed && k.from != src {
		k.from = src
		l.refresh(&c.cfg)
	}
	l.stats.RTCP++
	l.lastIn, l.expired = now, false
	if k.mute = !h.sends || h.packets == 0; !k.mute {
		k.heard, k.at = h.ntp, now
	}
	if h.about {
		l.stats.FarLost = uint64(max(h.block.lost, 0))
		l.stats.FarFraction = h.block.fraction
		l.stats.FarJitter = time.Duration(h.block.jitter) * perTS
		k.roundTrip(&l.stats, h.block, uint32(c.ntp(now)>>16))
	}
	return consumed
}

// reports tells whether RTCP from src is of the far end: beside the audio only from where
// that comes; on the port of its own from the address that the description names or, before
// anybody was heard there, from the host that sends the audio.
func (l *leg) reports(src netip.AddrPort, muxed bool) bool {
	switch k := &l.control; {
	case muxed:
		return l.latch.locked && src == l.latch.addr
	case k.from.IsValid():
		return src == k.from
	default:
		return src == k.to || l.latch.locked && src.Addr() == l.latch.addr.Addr()
	}
}

// roundTrip measures by a report on one of our last two sender reports (RFC 3550 6.4.1); what
// names no such report is not believed.
func (k *control) roundTrip(s *LegStats, b block, now uint32) {
	if b.lsr == 0 || b.lsr != k.lsr[0] && b.lsr != k.lsr[1] {
		return
	}
	if rtt := now - b.lsr - b.dlsr; rtt < maxRTT {
		s.RTT = time.Duration(rtt) * time.Second >> 16
	}
}

// badRTCP drops a packet. It counts one a second: who floods us does not move the figures.
func (c *core) badRTCP(l *leg, v verdict, now int64) verdict {
	if l.control.fault == 0 || now-l.control.fault >= int64(time.Second) {
		l.control.fault = max(now, 1)
		l.stats.BadRTCP++
		c.badRTCPs.Add(1)
	}
	return v
}

// bye tells the far end that l is over, if it ever heard from us (RFC 3550 6.3.7).
func (c *core) bye(l *leg, now int64) {
	if l.control.said || l.stats.Sent > 0 {
		c.report(l, now, true)
	}
}
