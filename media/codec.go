package media

import "time"

// Ptime is the packet time of everything that we make ourselves: 20 ms, which
// are FrameSamples samples at ClockRate.
const (
	Ptime        = 20 * time.Millisecond
	ClockRate    = 8000  // Hz, of the RTP timestamps of all codecs and of telephone-event
	FrameSamples = 160   // timestamp units, and bytes of each codec, in one Ptime
	WideRate     = 16000 // Hz, at which G.722 samples
)

// A Codec is an audio encoding that LA2 can play and relay. The zero Codec is
// none.
type Codec uint8

const (
	// PCMA is G.711 A-law, static payload type 8 (RFC 3551 4.5.14).
	PCMA Codec = iota + 1
	// PCMU is G.711 mu-law, static payload type 0 (RFC 3551 4.5.14).
	PCMU
	// G722 is G.722 at 64 kbit/s, static payload type 9. It samples at 16 kHz and its
	// RTP clock says 8 kHz, by a mistake that stays (RFC 3551 4.5.2).
	G722
)

// String is the encoding name of the codec in SDP, "none" for the zero Codec.
func (c Codec) String() string {
	switch c {
	case PCMA:
		return "PCMA"
	case PCMU:
		return "PCMU"
	case G722:
		return "G722"
	}
	return "none"
}

// PT is the static RTP payload type of c (RFC 3551 table 4): 8, 0 or 9; 127 for
// anything else.
func (c Codec) PT() uint8 {
	switch c {
	case PCMA:
		return 8
	case PCMU:
		return 0
	case G722:
		return 9
	}
	return 127
}

// Silence is the byte that, repeated, is silence.
func (c Codec) Silence() byte {
	switch c {
	case PCMU:
		return 0xff
	case G722:
		return 0xfd // no difference from the prediction, in both bands
	}
	return 0xd5
}
