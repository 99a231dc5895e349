package relay

import (
	"net/netip"
	"sync/atomic"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/media"
	"github.com/lineaamica/la2/media/dtmf"
	"github.com/lineaamica/la2/media/g711"
)

// A core is the state of one shard and what may happen to it: a packet (receive),
// a command (apply) or the passing of 20 ms (pace). It knows neither system calls
// nor clocks. Owned by the shard's goroutine.
type core struct {
	cfg    Config
	tables *g711.Tables
	pcm    [maxPacket]int16         // scratch of transcode and coded
	code   [media.FrameSamples]byte // the same
	legs   map[LegID]*leg
	all    []*leg // the same legs, looked at in turn
	paced  []*leg // those to which the pacer has something to send
	ticks  uint64
	frame  [headerLen + media.FrameSamples]byte
	sealed room
	opened room
	forged uint64 // SRTP packets since the last line about them
	rtcp   [reportLen]byte
	quiet  [media.PCMU + 1][media.FrameSamples]byte // silence, by codec; of none as PCMA

	epoch    int64         // ns from 1900, UTC, to the beginning of the shard's clock
	badRTCPs atomic.Uint64 // at most one a second of each leg
}

func newCore(cfg Config, t *g711.Tables) *core {
	c := &core{
		cfg:    cfg,
		tables: t,
		legs:   map[LegID]*leg{},
	}
	for codec := range c.quiet {
		for i := range c.quiet[codec] {
			c.quiet[codec][i] = media.Codec(codec).Silence()
		}
	}
	return c
}

func (c *core) emit(e Event) {
	if c.cfg.OnEvent != nil {
		c.cfg.OnEvent(e)
	}
}

// repace puts l into or out of the pacer's list, as needed.
func (c *core) repace(l *leg) {
	want := l.needsPace()
	switch {
	case want && l.paced < 0:
		l.paced = len(c.paced)
		c.paced = append(c.paced, l)
	case !want && l.paced >= 0:
		last := c.paced[len(c.paced)-1]
		c.paced[l.paced], last.paced = last, l.paced
		c.paced[len(c.paced)-1] = nil
		c.paced = c.paced[:len(c.paced)-1]
		l.paced = -1
	}
}

// An op is what a command does.
type op uint8

const (
	opOpen op = iota
	opRemote
	opPlay
	opMusic
	opSilence
	opBridge
	opUnbridge
	opKeys
	opClose
	opStats
	opAdopt
)

// now tells whether somebody waits for the effect. The other commands begin to
// matter with the answer to our SDP, or at the next tick anyway.
func (o op) now() bool { return o == opBridge || o == opStats }

// A command is one call of the API on its way to the shard.
type command struct {
	op     op
	id     LegID
	leg    *leg // of opOpen
	other  LegID
	far    Remote
	clips  []*media.Clip
	opts   PlayOptions
	digits string
	reply  chan<- LegStats // of opStats, one slot
	call   cti.CallID      // of opAdopt
}

// apply performs cmd. It returns the leg that was opened or closed, so that the
// shell can watch or forget its sockets.
func (c *core) apply(cmd command, now int64) (opened, closed *leg) {
	if cmd.op == opOpen {
		l := cmd.leg
		l.lastIn, l.paced, l.slot = now, -1, len(c.all)
		l.control.next = after(now, true)
		c.legs[l.id] = l
		c.all = append(c.all, l)
		c.repace(l)
		return l, nil
	}
	l := c.legs[cmd.id]
	if l == nil {
		if cmd.op == opStats {
			cmd.reply <- LegStats{}
		}
		return nil, nil
	}
	switch cmd.op {
	case opRemote:
		c.setRemote(l, cmd.far, now)
	case opPlay:
		c.play(l, cmd.clips, cmd.opts)
	case opMusic:
		l.turn(music)
		l.music, l.at = cmd.clips[0], 0
	case opSilence:
		l.turn(silence)
	case opBridge:
		if o := c.legs[cmd.other]; o != nil && o != l {
			c.bridge(l, o)
		}
	case opUnbridge:
		c.unlink(l)
	case opKeys:
		if l.far.SendDTMFPT != 0 {
			l.keys.Add(cmd.digits)
		}
	case opStats:
		cmd.reply <- l.counted()
	case opAdopt:
		l.call = cmd.call
		return nil, nil
	case opClose:
		c.bye(l, now)
		c.remove(l)
		return nil, l
	}
	c.repace(l)
	return nil, nil
}

func (c *core) setRemote(l *leg, far Remote, now int64) {
	if far.SendDTMFPT == 0 {
		far.SendDTMFPT = far.DTMFPT
	}
	far.Addr = unmapped(far.Addr)
	old := l.far
	l.far = far
	if !far.Addr.IsValid() { // held without an address: what we know of it stays
		l.far.Addr = old.Addr
		l.far.Send = false
	}
	moved := l.far.Addr != old.Addr || far.NAT != old.NAT
	if moved {
		learn := far.NAT || !c.cfg.routable(l.far.Addr.Addr())
		l.latch.reset(l.far.Addr, learn, far.Signal.Unmap())
		l.control.from, l.control.opened = netip.AddrPort{}, false
		l.first = false
	}
	if moved || !far.Answered || !far.Recv {
		l.due = 0
	}
	if far.Answered && far.Recv && l.due == 0 {
		l.due = max(now, 1)
	}
	c.rekey(l, far, moved)
	l.lastIn, l.expired = now, false
	l.refresh(&c.cfg)
}

func (c *core) play(l *leg, clips []*media.Clip, opts PlayOptions) {
	after := silence
	if opts.Resume {
		after = l.hears
	}
	l.turn(after)
	if len(clips) == 0 {
		c.emit(Event{Kind: PlayDone, Call: l.call, Leg: l.id, Token: opts.Token})
		return
	}
	l.clips, l.frame, l.token = clips, 0, opts.Token
	l.line.cut()
}

func (c *core) bridge(a, b *leg) {
	if a.peer != b {
		c.unlink(a)
		c.unlink(b)
		a.peer, b.peer = b, a
	}
	a.turn(peer)
	b.turn(peer)
	c.repace(b)
}

// unlink parts l from its peer; who heard the other hears silence.
func (c *core) unlink(l *leg) {
	p := l.peer
	if p == nil {
		return
	}
	l.peer, p.peer = nil, nil
	for _, x := range [2]*leg{l, p} {
		if x.hears == peer {
			x.hears = silence // under a prompt, if one plays
			x.line.cut()
		}
		c.repace(x)
	}
}

func (c *core) remove(l *leg) {
	c.unlink(l)
	delete(c.legs, l.id)
	last := c.all[len(c.all)-1]
	c.all[l.slot], last.slot = last, l.slot
	c.all[len(c.all)-1] = nil
	c.all = c.all[:len(c.all)-1]
	l.clips, l.music, l.hears, l.reach = nil, nil, peer, unreachable
	l.keys = dtmf.Generator{}
	l.sealer, l.opener, l.former = nil, nil, nil
	c.repace(l)
}
