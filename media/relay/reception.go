package relay

import "time"

// A reception counts what comes from one far end (RFC 3550 A.1, A.3, A.8): loss and
// reordering by sequence number, and the jitter of its audio. A new SSRC, or a jump of the
// sequence that two packets in a row confirm, begins a new stream; what the old one lost
// stays counted. Times are nanoseconds of the shard's clock.
type reception struct {
	started bool
	timed   bool   // transit is set
	ssrc    uint32 // of the stream
	base    uint32 // its first sequence number
	high    uint32 // its highest one, extended by the cycles
	got     uint32 // its packets, duplicates excluded
	window  uint64 // bit i: high-i came or lies before base
	bad     uint32 // sequence number that would confirm a jump; above 16 bits: none
	transit uint32 // of the last audio packet, timestamp units
	jitter  uint32 // in 16ths of a timestamp unit

	saidWanted, saidGot uint32 // at the last report
	formerLost          uint64 // of earlier streams
	formerWanted        uint64
	reordered           uint64
	duplicates          uint64
}

// noJump is no sequence number.
const noJump = 1 << 16

// arrive counts one packet. audio is false for packets whose timestamp does not go with
// the clock (RFC 4733) or has another rate.
func (r *reception) arrive(h header, audio bool, now int64) {
	step := int16(h.seq - uint16(r.high))
	switch {
	case !r.started || h.ssrc != r.ssrc || uint32(h.seq) == r.bad:
		r.begin(h)
	case step > 0 && step <= maxDropout:
		r.high += uint32(step)
		if step > maxMisorder {
			r.window = 1
		} else {
			r.window = r.window<<uint(step) | 1
		}
		r.got++
		r.bad = noJump
	case step <= 0 && step >= -maxMisorder:
		bit := uint64(1) << uint(-step)
		if r.window&bit != 0 {
			r.duplicates++
			return
		}
		r.window |= bit
		r.got++
		r.reordered++
	default:
		r.bad = uint32(h.seq + 1)
		return
	}
	if audio {
		r.time(h.ts, now)
	}
}

func (r *reception) begin(h header) {
	if r.started {
		r.formerLost += uint64(r.lost())
		r.formerWanted += uint64(r.wanted())
	}
	r.started, r.timed, r.ssrc = true, false, h.ssrc
	r.base, r.high, r.got = uint32(h.seq), uint32(h.seq), 1
	r.window, r.bad = ^uint64(0), noJump
	r.jitter, r.saidWanted, r.saidGot = 0, 0, 0
}

// time moves the jitter by a 16th of the change of the transit time (RFC 3550 A.8). A change
// of more than maxDrift is a new clock of the sender and not jitter.
func (r *reception) time(ts uint32, now int64) {
	transit := uint32(now/perTS) - ts
	d := int32(transit - r.transit)
	r.transit = transit
	if !r.timed {
		r.timed = true
		return
	}
	if d < 0 {
		d = -d
	}
	if d >= 0 && d <= maxDrift {
		r.jitter += uint32(d) - (r.jitter+8)>>4
	}
}

// wanted is how many packets the stream should have brought.
func (r *reception) wanted() uint32 {
	if !r.started {
		return 0
	}
	return r.high - r.base + 1
}

// lost is how many of them did not come; what is late beyond the window counts.
func (r *reception) lost() uint32 { return r.wanted() - r.got }

// block is the report about the stream (RFC 3550 6.4.1), from whose fraction the next one
// begins.
func (r *reception) block() block {
	wanted, lost := r.wanted()-r.saidWanted, int64(r.wanted()-r.saidWanted)-int64(r.got-r.saidGot)
	r.saidWanted, r.saidGot = r.wanted(), r.got
	b := block{ssrc: r.ssrc, lost: int32(min(r.lost(), 1<<23-1)), high: r.high, jitter: r.jitter >> 4}
	if wanted > 0 && lost > 0 {
		b.fraction = uint8(min(lost<<8/int64(wanted), 255))
	}
	return b
}

// fill copies the counters into s.
func (r *reception) fill(s *LegStats) {
	s.Lost = r.formerLost + uint64(r.lost())
	s.Expected = r.formerWanted + uint64(r.wanted())
	s.Reordered, s.Duplicates = r.reordered, r.duplicates
	s.Jitter = time.Duration(r.jitter>>4) * perTS
}
