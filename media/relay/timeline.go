package relay

// tick is the packet time in nanoseconds, tickTS in timestamp units.
const (
	tick   = 20_000_000
	tickTS = 160
	perTS  = tick / tickTS // nanoseconds of one timestamp unit
)

// Limits of one source's stream, in packets or timestamp units.
const (
	maxDropout  = 3000       // forward jump of seq that is still loss (RFC 3550 A.1)
	maxMisorder = 63         // backward jump that is still reordering: the width of window
	maxDrift    = 2 * 8000   // timestamp against the clock before a jump is taken for a new stream
	maxLate     = 5 * tick   // pause of our own frames that the timestamp must show, ns
	maxLead     = 2 * tickTS // how far rapid source changes may run ahead of the clock
	settled     = 10         // packets after which a source sets the clock of the timeline
)

// A source is what flows in a timeline: the sender (a leg, or 0 for ourselves)
// and its stream (its SSRC, or what we play).
type source struct {
	leg    LegID
	stream uint32
}

// Our own streams.
const (
	streamSilence = iota + 1
	streamMusic
	streamPlay
	streamDTMF
)

// A timeline numbers the packets towards one far end, so that it sees one SSRC
// with rising sequence numbers and timestamps whatever the source is:
//
//	source   music  music  music │ peer   peer  (lost)  peer │ prompt
//	in seq                       │ 9001   9002          9004 │
//	seq        7      8      9   │  10     11            13  │  14
//	ts       1120   1280   1440  │ 1600   1760          2080 │ 2240
//	marker     .      .      .   │   1      .             .  │   1
//
// At a change the sequence goes on by one and the timestamp by the time that has
// passed, in steps of 160 (20 ms) and at least one step. Inside a source its own
// gaps stay, since they are real. Times are nanoseconds of the shard's clock.
type timeline struct {
	ssrc    uint32
	started bool
	src     source
	seq     uint16 // highest sent
	ts      uint32 // highest sent
	at      int64  // when ts was sent
	window  uint64 // bit i: seq-i was sent or lies before the source
	run     int    // packets since the source changed, at most settled

	seqOff uint16 // out = in + offset, of src
	tsOff  uint32

	baseTS uint32 // the clock of the timeline: baseTS at baseAt
	baseAt int64
}

// start sets the random beginning of the timeline (RFC 3550 5.1).
func (t *timeline) start(ssrc uint32, seq uint16, ts uint32) {
	*t = timeline{ssrc: ssrc, seq: seq, ts: ts}
}

// change makes src the source with its first packet now. It reports false when
// the timeline has run too far ahead of the clock by earlier changes: then the
// packet is to be dropped and the old source stays.
func (t *timeline) change(src source, now int64) bool {
	if !t.started {
		t.started = true
		t.baseTS, t.baseAt = t.ts, now
	} else {
		steps := (now - t.baseAt + tick/2) / tick
		clock := t.baseTS + uint32(steps)*tickTS
		next := t.ts + tickTS
		switch lead := int32(next - clock); {
		case lead > maxLead:
			return false
		case lead < 0:
			next = clock
		}
		t.ts = next
	}
	t.src, t.run = src, 0
	t.seq++
	t.window = ^uint64(0)
	t.at = now
	return true
}

// cut makes the next packet the first of a new source even when it comes from the
// same one: what was left out in between must not look like loss.
func (t *timeline) cut() { t.src = source{} }

// settle lets a source that flows set the clock.
func (t *timeline) settle() {
	if t.run < settled {
		t.run++
		return
	}
	t.baseTS, t.baseAt = t.ts, t.at
}

// own numbers a packet of ours. fresh is false for a packet that repeats the
// timestamp of the one before (RFC 4733). ok is false when it must not be sent.
func (t *timeline) own(stream uint32, fresh bool, now int64) (h header, mark, ok bool) {
	src := source{stream: stream}
	late := fresh && now-t.at > maxLate
	switch {
	case t.src != src || !t.started || late:
		if !t.change(src, now) {
			return header{}, false, false
		}
		mark = true
	default:
		t.seq++
		t.window = t.window<<1 | 1
		if fresh {
			t.ts += tickTS
			t.at = now
			t.settle()
		}
	}
	return header{seq: t.seq, ts: t.ts, ssrc: t.ssrc}, mark, true
}

// relay numbers a packet of a peer whose header is in. event marks RFC 4733
// packets, which repeat their timestamp. ok is false when the packet is too old,
// a duplicate, or would run ahead of the clock.
func (t *timeline) relay(from LegID, in header, event bool, now int64) (h header, mark, ok bool) {
	src := source{leg: from, stream: in.ssrc}
	if t.src == src && t.started {
		seq, ts := in.seq+t.seqOff, in.ts+t.tsOff
		ahead := int16(seq - t.seq)
		switch {
		case ahead > 0 && ahead <= maxDropout && t.continues(ts, event, now):
			t.advance(uint(ahead))
			t.seq = seq
			if int32(ts-t.ts) > 0 {
				t.ts, t.at = ts, now
			}
			t.settle()
			return header{seq: seq, ts: ts, ssrc: t.ssrc}, false, true
		case ahead <= 0 && ahead >= -maxMisorder:
			bit := uint64(1) << uint(-ahead)
			if t.window&bit != 0 {
				return header{}, false, false
			}
			t.window |= bit
			return header{seq: seq, ts: ts, ssrc: t.ssrc}, false, true
		}
	}
	if !t.change(src, now) {
		return header{}, false, false
	}
	t.seqOff, t.tsOff = t.seq-in.seq, t.ts-in.ts
	return header{seq: t.seq, ts: t.ts, ssrc: t.ssrc}, true, true
}

// continues tells whether ts goes on from the timeline: forward and near the
// clock. An event may lie behind the audio sent beside it.
func (t *timeline) continues(ts uint32, event bool, now int64) bool {
	step := int32(ts - t.ts)
	if event {
		return step > -maxDrift && step < maxDrift
	}
	drift := int64(step) - (now-t.at)/perTS
	return step > 0 && drift < maxDrift && drift > -maxDrift
}

func (t *timeline) advance(by uint) {
	if by > maxMisorder {
		t.window = 1
		return
	}
	t.window = t.window<<by | 1
}
