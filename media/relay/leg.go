package relay

import (
	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/media"
	"github.com/lineaamica/la2/media/dtmf"
	"github.com/lineaamica/la2/media/g722"
)

// hears says what a leg is sent.
type hears uint8

const (
	silence hears = iota
	music
	peer
)

// reach says what may be sent to a far end.
type reach uint8

const (
	unreachable reach = iota // no address, or held
	silenceOnly              // private address that has not shown itself
	everything
)

// A leg is the media of one far end. Owned by its shard. What each packet needs
// stands first, so that it shares cache lines.
type leg struct {
	id LegID

	// What goes out, and where it comes from: a row of clips before all, else hears.
	hears  hears
	reach  reach
	clips  []*media.Clip
	peer   *leg // who hears us; whom we hear when hears is peer
	sock   socket
	sealer *sealer // nil: what is sent is not protected
	opener *opener // nil: nor is what comes
	line   timeline
	keys   dtmf.Generator

	// What comes in.
	lastIn    int64 // ns; when the far end last sent, or should have begun to
	expired   bool  // MediaTimeout was reported
	first     bool  // FirstPacket was reported
	far       Remote
	latch     latch
	stats     LegStats
	reception reception
	detector  dtmf.Detector
	former    *opener // of the key before, until the new one is used

	// The rest of what plays.
	frame  int // of clips[0]
	token  uint64
	music  *media.Clip
	at     int   // frame of music
	due    int64 // ns; since when the far end must send; 0: it need not
	oneWay bool  // OneWay was reported
	told   *figures

	paced int // index in core.paced, -1: not paced
	slot  int // index in core.all

	control control

	// Of G.722, from the first packet on that needs them; else nil.
	decoder *g722.Decoder // of what comes, for a peer with another codec
	encoder *g722.Encoder // of what goes, a G.722 peer's apart

	call cti.CallID
	port uint16 // ours, for RTP
}

// needsPace tells whether the pacer has something to send to l.
func (l *leg) needsPace() bool {
	return l.hears != peer || len(l.clips) > 0 || l.reach == silenceOnly || l.keys.Busy()
}

// turn makes l hear h and nothing before it.
func (l *leg) turn(h hears) {
	if l.hears != h || len(l.clips) > 0 {
		l.line.cut()
	}
	l.clips, l.hears = nil, h
}

// refresh recomputes what may be sent, after the far end or the lock changed.
func (l *leg) refresh(c *Config) {
	to := l.latch.addr
	l.reach = everything
	if !l.latch.locked {
		to = l.far.Addr
		if l.far.NAT || !c.routable(to.Addr()) {
			l.reach = silenceOnly
		}
	}
	if !l.far.Send || !l.far.Addr.IsValid() || to.Port() == 0 || !c.allowed(to.Addr()) {
		l.reach = unreachable
	}
	if to.IsValid() && to.Port() != 0 {
		l.sock.aim(to)
	}
	l.aimRTCP(to)
}

// counted is what was counted so far.
func (l *leg) counted() LegStats {
	s := l.stats
	l.reception.fill(&s)
	if l.latch.locked {
		s.Locked = l.latch.addr
	}
	return s
}
