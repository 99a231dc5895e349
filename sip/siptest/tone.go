package siptest

import (
	"bytes"
	"math"
)

// A Source gives the payload of each 20 ms frame, counted from 0, for payload type 8 (PCMA) or
// 0 (PCMU).
type Source func(frame int, pt uint8) []byte

// Pattern fills each frame with one octet, to be found again by Hears.
func Pattern(b byte) Source {
	payload := bytes.Repeat([]byte{b}, frameBytes)
	return func(int, uint8) []byte { return payload }
}

// Tone is a sine of that frequency, 12 dB below full scale.
func Tone(hz float64) Source {
	return func(frame int, pt uint8) []byte {
		out := make([]byte, frameBytes)
		for i := range out {
			t := float64(frame*frameBytes+i) / 8000
			v := int(8192 * math.Sin(2*math.Pi*hz*t))
			if pt == 0 {
				out[i] = ulaw(v)
			} else {
				out[i] = alaw(v)
			}
		}
		return out
	}
}

// Hears counts the received packets that are filled with one octet.
func (r *RTP) Hears(b byte) int {
	n := 0
	for _, p := range r.Received() {
		if len(p.Payload) > 0 && bytes.Count(p.Payload, []byte{b}) == len(p.Payload) {
			n++
		}
	}
	return n
}

// ToneShare returns which part of the energy of the last n received audio packets lies at a
// frequency, 0 to 1; 0 also for silence.
func (r *RTP) ToneShare(hz float64, n int) float64 {
	var samples []float64
	got := r.Received()
	for _, p := range got[max(0, len(got)-n):] {
		if p.PT != 0 && p.PT != 8 {
			continue
		}
		for _, c := range p.Payload {
			if p.PT == 0 {
				samples = append(samples, unUlaw(c))
			} else {
				samples = append(samples, unAlaw(c))
			}
		}
	}
	var re, im, energy float64
	for i, v := range samples {
		phase := 2 * math.Pi * hz * float64(i) / 8000
		re += v * math.Cos(phase)
		im += v * math.Sin(phase)
		energy += v * v
	}
	if energy < float64(len(samples))*64*64 {
		return 0
	}
	return 2 * (re*re + im*im) / (float64(len(samples)) * energy)
}

// alaw encodes a 16-bit sample by ITU-T G.711 A-law.
func alaw(v int) byte {
	sign := byte(0xd5)
	if v < 0 {
		v, sign = -v-1, 0x55
	}
	v = min(v, 32767) >> 4
	seg := 0
	for v > 31 {
		v >>= 1
		seg++
	}
	if v > 15 {
		seg++
	}
	return byte(seg<<4|v&15) ^ sign
}

func unAlaw(c byte) float64 {
	c ^= 0x55
	v, seg := int(c&15)<<4+8, int(c>>4&7)
	if seg > 0 {
		v = (v + 256) << (seg - 1)
	}
	if c&0x80 == 0 {
		v = -v
	}
	return float64(v)
}

// ulaw encodes a 16-bit sample by ITU-T G.711 mu-law.
func ulaw(v int) byte {
	sign := byte(0)
	if v < 0 {
		v, sign = -v, 0x80
	}
	v = min(v, 32635) + 132
	seg := 7
	for mask := 0x4000; seg > 0 && v&mask == 0; mask >>= 1 {
		seg--
	}
	return ^(sign | byte(seg<<4) | byte(v>>(seg+3)&15))
}

func unUlaw(c byte) float64 {
	c = ^c
	v := (int(c&15)<<3+132)<<(c>>4&7) - 132
	if c&0x80 != 0 {
		v = -v
	}
	return float64(v)
}
