package dtmf

import "strings"

// PayloadLen is the length of the payload of one event packet, in bytes.
const PayloadLen = 4

// keys has the key of each event number (RFC 4733 table 3).
const keys = "0123456789*#ABCD"

// Key is the key of an event number, ok for 0 to 15.
func Key(event byte) (key byte, ok bool) {
	if int(event) >= len(keys) {
		return 0, false
	}
	return keys[event], true
}

// Event is the event number of a key (0-9 * # A-D, also a-d).
func Event(key byte) (event byte, ok bool) {
	if key >= 'a' && key <= 'd' {
		key -= 'a' - 'A'
	}
	i := strings.IndexByte(keys, key)
	return byte(i), i >= 0
}

// A Detector finds keys in the event packets of one far end. The zero Detector is
// ready. Not safe for concurrent use.
type Detector struct {
	ssrc, timestamp uint32
	event           byte
	seen            bool
}

// Push takes the payload of one event packet with its RTP SSRC and timestamp. It
// returns the key at the first packet of it that arrives. A packet of an earlier
// key that comes late (a timestamp before the last one) is no key.
func (d *Detector) Push(ssrc, timestamp uint32, payload []byte) (key byte, ok bool) {
	if len(payload) < PayloadLen {
		return 0, false
	}
	key, ok = Key(payload[0])
	if !ok {
		return 0, false
	}
	if d.seen && ssrc == d.ssrc {
		behind := int32(timestamp - d.timestamp)
		if behind < 0 || behind == 0 && payload[0] == d.event {
			return 0, false
		}
	}
	d.ssrc, d.timestamp, d.event, d.seen = ssrc, timestamp, payload[0], true
	return key, true
}

// Shape of the keys that Generator makes, in 20 ms packets.
const (
	press   = 5 // 100 ms down
	repeats = 2 // the end is sent three times (RFC 4733 2.5.1.4)
	pause   = 1 // together with the repeats 60 ms between keys
	ticks   = press + repeats + pause
	samples = 160 // per packet
	volume  = 10  // dBm0, negated
)

// A Packet is what Generator wants sent now.
type Packet struct {
	Payload [PayloadLen]byte
	First   bool // take a new timestamp and set the marker; else keep both
}

// A Generator makes the packets of a row of keys, one a tick of 20 ms. The zero
// Generator is idle. Not safe for concurrent use.
type Generator struct {
	queue string
	tick  int // of the first key of queue
}

// MaxQueue is how many keys a Generator holds.
const MaxQueue = 64

// Add appends keys; what is not a key is left out, and what exceeds MaxQueue.
func (g *Generator) Add(digits string) {
	for _, k := range []byte(digits) {
		if _, ok := Event(k); ok && len(g.queue) < MaxQueue {
			g.queue += string(rune(k))
		}
	}
}

// Busy tells whether keys are left. While it is, no audio is to be sent.
func (g *Generator) Busy() bool { return g.queue != "" }

// Next moves 20 ms on and returns the packet to send, ok false in the pause after
// a key and when idle.
func (g *Generator) Next() (p Packet, ok bool) {
	if g.queue == "" {
		return Packet{}, false
	}
	event, _ := Event(g.queue[0])
	i := g.tick
	if g.tick++; g.tick == ticks {
		g.tick, g.queue = 0, g.queue[1:]
	}
	if i >= press+repeats {
		return Packet{}, false
	}
	duration := min(i+1, press) * samples
	p = Packet{First: i == 0, Payload: [PayloadLen]byte{event, volume, byte(duration >> 8), byte(duration)}}
	if i >= press-1 {
		p.Payload[1] |= 0x80
	}
	return p, true
}
