package relay

import (
	"github.com/lineaamica/la2/media"
)

// round is the number of ticks in which each leg is looked at once: 1 s.
const round = 50

// pace moves everything of ours on by 20 ms: each paced leg is sent its next
// frame. Once a second, each at a tick of its own, it looks whether a far end has
// gone silent or is owed a report.
func (c *core) pace(now int64) {
	for i := len(c.paced) - 1; i >= 0; i-- { // backwards: a leg may leave the list
		l := c.paced[i]
		c.sendNext(l, now)
		c.repace(l)
	}
	if c.ticks++; c.ticks%round == 0 {
		c.tell()
	}
	for i := int(c.ticks % round); i < len(c.all); i += round {
		c.tend(c.all[i], now)
	}
}

// Time that a far end has to send its first packet, ns. It is looked at once a second.
const (
	patience      = 2_000_000_000
	patienceNoise = 9_000_000_000 // of who may be silent on purpose
)

// patience is how long l waits for the first packet: longer where silence is suppressed, as
// the far end lets us know by its description or by a report that it sent nothing.
func (l *leg) patience() int64 {
	if l.far.Noise || l.control.mute {
		return patienceNoise
	}
	return patience
}

// tend does what l needs once a second.
func (c *core) tend(l *leg, now int64) {
	if l.far.Recv && !l.expired && c.cfg.Timeout > 0 && now-l.lastIn >= int64(c.cfg.Timeout) {
		l.expired = true
		c.emit(Event{Kind: MediaTimeout, Call: l.call, Leg: l.id})
	}
	if l.due != 0 && !l.first && !l.oneWay && now-l.due >= l.patience() {
		l.oneWay = true
		c.emit(Event{Kind: OneWay, Call: l.call, Leg: l.id})
	}
	if l.told != nil {
		l.told.set(l.counted())
	}
	if now >= l.control.next {
		c.report(l, now, false)
		l.control.next = after(now, false)
	}
}

// sendNext sends what l is due at this tick.
func (c *core) sendNext(l *leg, now int64) {
	stream, clip, i := c.next(l)
	if l.keys.Busy() {
		c.sendKey(l, now)
		return
	}
	if l.reach == unreachable || stream == 0 {
		return
	}
	if l.reach == silenceOnly {
		stream, clip = streamSilence, nil
	}
	h, mark, ok := l.line.own(stream, true, now)
	if !ok {
		return
	}
	h.pt = l.far.SendPT
	c.sendOwn(l, h, mark, c.coded(l, clip, i))
}

// next takes the next frame of what l hears, frame i of clip or, when that is nil,
// silence; stream 0 when the pacer owes nothing.
// Clips go on while a far end is held: time passes for it too.
func (c *core) next(l *leg) (stream uint32, clip *media.Clip, i int) {
	for len(l.clips) > 0 {
		if clip := l.clips[0]; l.frame < clip.Frames() {
			l.frame++
			return streamPlay, clip, l.frame - 1
		}
		l.clips, l.frame = l.clips[1:], 0
		if len(l.clips) == 0 {
			l.clips = nil
			c.emit(Event{Kind: PlayDone, Call: l.call, Leg: l.id, Token: l.token})
		}
	}
	switch {
	case l.hears == music && l.music.Frames() > 0:
		l.at %= l.music.Frames()
		l.at++
		return streamMusic, l.music, l.at - 1
	case l.hears == peer && l.reach != silenceOnly:
		return 0, nil, 0
	}
	return streamSilence, nil, 0
}

// coded is frame i of clip, or of silence, in the codec of l. Of G.722 everything
// that we send to l goes through one coder, so that a change of source is heard as
// nothing else. The result is good until the next call.
func (c *core) coded(l *leg, clip *media.Clip, i int) []byte {
	k := l.far.Codec
	switch {
	case k != media.G722 && clip != nil:
		return clip.Frame(k, i)
	case k != media.G722:
		return c.quiet[k][:]
	case clip == nil:
		pcm := c.pcm[:media.FrameSamples]
		clear(pcm)
		l.coder().EncodeNarrow(c.code[:], pcm)
	case clip.Wide(i) != nil:
		l.coder().Encode(c.code[:], clip.Wide(i))
	default:
		pcm := c.pcm[:media.FrameSamples]
		c.tables.Decode(media.PCMA, pcm, clip.Frame(media.PCMA, i))
		l.coder().EncodeNarrow(c.code[:], pcm)
	}
	return c.code[:]
}

// sendKey sends the next telephone-event packet, in place of audio.
func (c *core) sendKey(l *leg, now int64) {
	p, ok := l.keys.Next()
	if !ok || l.reach != everything {
		return
	}
	h, mark, ok := l.line.own(streamDTMF, p.First, now)
	if !ok {
		return
	}
	h.pt = l.far.SendDTMFPT
	c.sendOwn(l, h, mark || p.First, p.Payload[:])
}

func (c *core) sendOwn(l *leg, h header, mark bool, payload []byte) {
	b := c.frame[:headerLen+copy(c.frame[headerLen:], payload)]
	b[0], b[1] = 2<<6, 0
	h.put(b)
	if mark {
		b[1] |= marker
	}
	l.send(b)
}

// send protects b when l has a key, writes it to the far end and counts.
func (l *leg) send(b []byte) {
	if l.sealer != nil {
		var ok bool
		if b, ok = l.sealer.seal(b); !ok {
			l.stats.SendError++
			return
		}
	}
	if !l.sock.send(b) {
		l.stats.SendError++
		return
	}
	l.stats.Sent++
	l.stats.SentBytes += uint64(len(b) - headerLen)
}
