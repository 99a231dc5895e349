package relay

import (
	"encoding/binary"
	"errors"
	"net/netip"

	pion "github.com/pion/rtp"
	"github.com/pion/srtp/v3"

	"github.com/lineaamica/la2/media"
)

// replayWindow is how many packets behind the newest a late one may be: 64 is the
// least (RFC 3711 3.3.2), this is 2.5 s of audio.
const replayWindow = 128

// maxOverhead is what SRTP adds to a packet, in bytes: the tag of GCM (RFC 7714),
// longer than that of HMAC (RFC 3711 5.2).
const maxOverhead = 16

// maxSources is how many SSRCs one key of a far end may send with. Each costs
// memory for as long as the key lives.
const maxSources = 16

// A room is where a packet is sealed or opened, so that it neither needs space
// behind it nor is spoilt when its tag is wrong. A core has one for each.
type room [maxPacket + maxOverhead]byte

// A sealer protects what is sent to a far end with one key (RFC 3711 3.3). It
// lives as long as the key: to begin anew with the same one would code different
// audio with one key stream. Owned by its shard.
type sealer struct {
	secret  media.Secret
	context *srtp.Context // nil: nothing may be sent
	header  pion.Header   // kept for its memory
	room    *room
}

// newSealer is nil for a secret that protects nothing.
func newSealer(s media.Secret, room *room) *sealer {
	if s.Suite() == media.Plain {
		return nil
	}
	return &sealer{secret: s, context: contextOf(s), room: room}
}

// seal returns the protected packet, valid until the next is sealed; false when b
// is no RTP or the key has protected as many packets as one may (RFC 3711 9.2).
func (s *sealer) seal(b []byte) ([]byte, bool) {
	if s.context == nil || len(b) > maxPacket {
		return nil, false
	}
	out, err := s.context.EncryptRTP(s.room[:0], b, &s.header)
	return out, err == nil
}

// sealRTCP is seal for RTCP (RFC 3711 3.4).
func (s *sealer) sealRTCP(b []byte) ([]byte, bool) {
	if s.context == nil {
		return nil, false
	}
	out, err := s.context.EncryptRTCP(s.room[:0], b, nil)
	return out, err == nil
}

// An opener checks and opens what a far end sends with one key. Owned by its shard.
type opener struct {
	secret  media.Secret
	context *srtp.Context // nil: nothing is accepted
	header  pion.Header
	sources [maxSources]uint32 // that have authenticated
	known   int                // how many of them
}

func newOpener(s media.Secret) *opener {
	if s.Suite() == media.Plain {
		return nil
	}
	return &opener{secret: s, context: contextOf(s)}
}

// open writes the packet in b without its protection into dst and returns it, with
// verdict consumed. forged: its tag is wrong; replayed: it came before, or is older
// than the window. Then nothing is remembered of it.
func (o *opener) open(dst *room, b []byte) ([]byte, verdict) {
	h, ok := parse(b)
	if !ok || o.context == nil {
		return nil, forged
	}
	fresh := !o.knows(h.ssrc)
	if fresh && o.known == maxSources {
		return nil, forged
	}
	out, err := o.context.DecryptRTP(dst[:0], b, &o.header)
	switch {
	case err == nil:
	case errors.Is(err, srtp.ErrFailedToVerifyAuthTag) || fresh:
		return nil, forged
	default:
		return nil, replayed
	}
	if fresh {
		o.sources[o.known] = h.ssrc
		o.known++
	}
	return out, consumed
}

// openRTCP is open for RTCP (RFC 3711 3.4) of a source whose audio has authenticated.
func (o *opener) openRTCP(dst *room, b []byte) ([]byte, bool) {
	if o.context == nil || len(b) < 8 || !o.knows(binary.BigEndian.Uint32(b[4:8])) {
		return nil, false
	}
	out, err := o.context.DecryptRTCP(dst[:0], b, nil)
	return out, err == nil
}

func (o *opener) knows(ssrc uint32) bool {
	for _, s := range o.sources[:o.known] {
		if s == ssrc {
			return true
		}
	}
	return false
}

// contextOf makes the state of one direction; nil never happens with a secret of
// package media, and would let nothing pass.
func contextOf(s media.Secret) *srtp.Context {
	profile := srtp.ProtectionProfileAeadAes128Gcm
	if s.Suite() == media.HMAC {
		profile = srtp.ProtectionProfileAes128CmHmacSha1_80
	}
	c, err := srtp.CreateContext(s.Key(), s.Salt(), profile, srtp.SRTPReplayProtection(replayWindow), srtp.SRTCPReplayProtection(replayWindow))
	if err != nil {
		return nil
	}
	return c
}

// rekey takes the keys of a new description. An unchanged one goes on, with its
// rollover counter and replay window (RFC 4568 7.1.4). What the far end had sent
// with its former key until it heard of the new one is still taken, until it sends
// the first packet with that.
func (c *core) rekey(l *leg, far Remote, moved bool) {
	if l.sealer == nil || l.sealer.secret != far.Seal {
		l.sealer = newSealer(far.Seal, &c.sealed)
	}
	if l.opener == nil || l.opener.secret != far.Open {
		l.former, l.opener = l.opener, newOpener(far.Open)
	}
	if moved || l.opener == nil {
		l.former = nil
	}
}

// arrive takes what came to the RTP port of l: it opens it when it is protected,
// decides, and sends it on.
func (c *core) arrive(l *leg, src netip.AddrPort, pkt []byte, now int64) verdict {
	if l.opener != nil && !isRTCP(pkt) {
		var v verdict
		if pkt, v = c.open(l, src, pkt); v != consumed {
			return v
		}
	}
	to, v := c.receive(l, src, pkt, now)
	if to != nil {
		to.send(pkt)
	}
	return v
}

// open authenticates pkt before anything is learnt from it. A source that the latch
// would never take is not looked at: its copy of a true packet would else make that
// one a replay.
func (c *core) open(l *leg, src netip.AddrPort, pkt []byte) ([]byte, verdict) {
	switch _, ok := parse(pkt); {
	case !ok || len(pkt) >= maxPacket:
		l.stats.Malformed++
		return nil, malformed
	case !l.latch.possible(src):
		l.stats.Foreign++
		return nil, foreign
	}
	out, v := l.opener.open(&c.opened, pkt)
	if v == consumed {
		l.former = nil
		return out, v
	}
	if l.former != nil {
		if out, ok := l.former.open(&c.opened, pkt); ok == consumed {
			return out, ok
		}
	}
	if v == replayed {
		l.stats.Replayed++
		return nil, v
	}
	l.stats.Forged++
	c.forged++
	return nil, v
}

// tell logs what was forged since it was last called, in one line.
func (c *core) tell() {
	if c.forged > 0 {
		c.cfg.Logger.Warn("relay: SRTP packets that do not authenticate were dropped", "packets", c.forged)
		c.forged = 0
	}
}
