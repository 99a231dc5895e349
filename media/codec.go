package media

import "time"

// Ptime is the packet time of everything that we make ourselves: 20 ms, which
// are FrameSamples samples at ClockRate.
const (
	Ptime        = 20 * time.Millisecond
	ClockRate    = 8000 // Hz, of G.711 and of telephone-event beside it
	FrameSamples = 160  // samples, and bytes of G.711, in one Ptime
)

// A Codec is an audio encoding that LA2 can play and relay. The zero Codec is
// none.
type Codec uint8

const (
	// PCMA is G.711 A-law, static payload type 8 (RFC 3551 4.5.14).
	PCMA Codec = iota + 1
	// PCMU is G.711 mu-law, static payload type 0 (RFC 3551 4.5.14).
	PCMU
)

// String is the encoding name of the codec in SDP, "none" for the zero Codec.
func (c Codec) String() string {
	switch c {
	case PCMA:
		return "PCMA"
	case PCMU:
		return "PCMU"
	}
	return "none"
}

// PT is the static RTP payload type of c (RFC 3551 table 4): 8 or 0; 127 for
// anything else.
func (c Codec) PT() uint8 {
	switch c {
	case PCMA:
		return 8
	case PCMU:
		return 0
	}
	return 127
}

// Silence is the byte that codes a zero sample.
func (c Codec) Silence() byte {
	if c == PCMU {
		return 0xff
	}
	return 0xd5
}
