package relay

import "net/netip"

// learnPackets is how many packets in a row, of the right payload type and one
// SSRC, make an unknown source the far end.
const learnPackets = 5

// A latch decides which source address is the far end of a leg, and keeps to it.
//
//	          SDP address sends            5 packets of one source
//	unlocked ──────────────────► locked ◄───────────────────────── unlocked, learning
//	    ▲                          │                                  ▲
//	    └──── new SDP address ─────┴────────── new SDP, NAT ──────────┘
//
// Only an SDP address that is private or NAT flagged is learnt from others. While
// unlocked nothing is forwarded; once locked nothing else than new SDP unlocks
// (the RTPbleed family of attacks lives from latches that go on listening).
type latch struct {
	sdp    netip.AddrPort
	signal netip.Addr // if valid, the only other address to learn from
	learn  bool
	locked bool
	addr   netip.AddrPort // once locked

	candidates []candidate // of learning: a spoofer must not restart the count of the true one
}

// maxCandidates is how many sources are watched at a time.
const maxCandidates = 4

// A candidate is a source that is showing itself.
type candidate struct {
	addr  netip.AddrPort
	ssrc  uint32
	seq   uint16
	count int
	since int64 // ns
	last  int64 // ns
}

// reset forgets the lock for a new far end.
func (l *latch) reset(sdp netip.AddrPort, learn bool, signal netip.Addr) {
	*l = latch{sdp: sdp, learn: learn, signal: signal}
	if learn {
		l.candidates = make([]candidate, maxCandidates)
	}
}

// admit tells whether a packet from src is the far end's, and locks when that
// became clear with it. wanted says that its payload type is one of the leg's,
// window is the learning time in nanoseconds.
func (l *latch) admit(src netip.AddrPort, h header, wanted bool, now, window int64) bool {
	switch {
	case l.locked:
		return src == l.addr
	case src == l.sdp:
	case !l.learn || !wanted:
		return false
	case l.signal.IsValid() && src.Addr() != l.signal && src.Addr() != l.sdp.Addr():
		return false
	case l.count(src, h, now, window) < learnPackets:
		return false
	}
	l.locked, l.addr, l.candidates = true, src, nil
	return true
}

// possible tells whether a packet from src could ever be the far end's.
func (l *latch) possible(src netip.AddrPort) bool {
	switch {
	case l.locked:
		return src == l.addr
	case src == l.sdp:
		return true
	}
	return l.learn && (!l.signal.IsValid() || src.Addr() == l.signal || src.Addr() == l.sdp.Addr())
}

// count adds one packet to the candidate of src and returns its number in a row.
func (l *latch) count(src netip.AddrPort, h header, now, window int64) int {
	oldest := &l.candidates[0]
	for i := range l.candidates {
		c := &l.candidates[i]
		if c.addr == src {
			oldest = c
			break
		}
		if oldest.count > 0 && (c.count == 0 || c.last < oldest.last) {
			oldest = c
		}
	}
	c := oldest
	step := h.seq - c.seq
	if c.addr != src || c.ssrc != h.ssrc || now-c.since > window || step == 0 || step > 50 {
		*c = candidate{addr: src, ssrc: h.ssrc, since: now}
	}
	c.seq, c.last = h.seq, now
	c.count++
	return c.count
}

// routable tells whether audio may be sent to a before anything came from there:
// a public address, a loopback one when we listen on loopback, or one of the
// networks that the configuration names.
func (c *Config) routable(a netip.Addr) bool {
	switch {
	case !c.allowed(a):
		return false
	case a.IsLoopback():
		return true
	}
	for _, n := range c.Routable {
		if n.Contains(a) {
			return true
		}
	}
	return !a.IsPrivate() && !a.IsLinkLocalUnicast() && !shared(a)
}

// allowed tells whether anything at all may be sent to a, be it silence that opens
// the way for the far end's audio.
func (c *Config) allowed(a netip.Addr) bool {
	if !a.IsValid() || a.IsUnspecified() || a.IsMulticast() || a.IsLoopback() && !c.IP.IsLoopback() {
		return false
	}
	return c.Allow == nil || c.Allow(a)
}

// shared tells 100.64.0.0/10 (RFC 6598), the inside of carrier-grade NAT.
func shared(a netip.Addr) bool {
	if !a.Is4() {
		return false
	}
	b := a.As4()
	return b[0] == 100 && b[1]>>6 == 1
}
