// Package tone listens to and makes tones in 8 kHz linear audio: the test phone
// says with it what it hears, and tests know who is speaking to whom. It is pure
// and owns no goroutine.
//
// A Meter looks at blocks of 100 ms with the Goertzel algorithm, every 10 Hz from
// 100 to 3600 Hz. It names one tone; chords and keys (DTMF) read as speech.
package tone

import (
	"fmt"
	"math"

	"github.com/lineaamica/la2/media"
)

// A Kind is what a block sounds like.
type Kind uint8

const (
	// Silence is a level under Floor.
	Silence Kind = iota
	// Tone is one frequency that holds most of the power.
	Tone
	// Speech is any other sound: speech, music, noise.
	Speech
)

// String is for event lines.
func (k Kind) String() string { return [...]string{"silence", "tone", "speech"}[k%3] }

const (
	// Block is the number of samples of one Reading: 100 ms.
	Block = media.ClockRate / 10
	// Floor is the level under which all is silence, in dBFS.
	Floor = -50.0
	// pure is the part of the power in a tone of its own.
	pure = 0.8

	spacing = media.ClockRate / Block // Hz
	lowest  = 100 / spacing           // bins
	highest = 3600 / spacing
)

// A Reading is what one block sounds like.
type Reading struct {
	Kind Kind
	Hz   float64 // of a Tone, within 3 Hz
	DBFS float64 // RMS of the block against a full-scale sine; -100 for nothing
}

// String is like "tone 440 Hz -10 dBFS".
func (r Reading) String() string {
	if r.Kind == Tone {
		return fmt.Sprintf("%v %.0f Hz %.0f dBFS", r.Kind, r.Hz, r.DBFS)
	}
	return fmt.Sprintf("%v %.0f dBFS", r.Kind, r.DBFS)
}

// A Meter reads a stream of audio. Not safe for concurrent use.
type Meter struct {
	block  [Block]float64
	n      int
	window [Block]float64 // Hann
	coeff  [highest + 2]float64
}

// NewMeter makes a Meter.
func NewMeter() *Meter {
	m := &Meter{}
	for i := range m.window {
		m.window[i] = 0.5 - 0.5*math.Cos(2*math.Pi*float64(i)/Block)
	}
	for k := range m.coeff {
		m.coeff[k] = 2 * math.Cos(2*math.Pi*float64(k)/Block)
	}
	return m
}

// Push takes samples, any number, and calls read for each block they complete.
func (m *Meter) Push(pcm []int16, read func(Reading)) {
	for _, s := range pcm {
		m.block[m.n] = float64(s) / 32768
		if m.n++; m.n == Block {
			m.n = 0
			read(m.measure())
		}
	}
}

func (m *Meter) measure() Reading {
	sum := 0.0
	for _, x := range m.block {
		sum += x * x
	}
	r := Reading{DBFS: dB(2 * sum / Block)}
	if r.DBFS < Floor {
		return r
	}
	total := 0.0 // of the windowed block
	for i, x := range m.block {
		x *= m.window[i]
		m.block[i] = x
		total += x * x
	}
	best, power := 0, [highest + 2]float64{}
	for k := lowest - 1; k <= highest+1; k++ {
		power[k] = m.goertzel(m.coeff[k])
		if k >= lowest && k <= highest && power[k] > power[max(best, lowest)] || best == 0 && k == lowest {
			best = k
		}
	}
	near := power[best-1] + power[best] + power[best+1] // where the Hann window spreads a tone
	r.Kind = Speech
	if 2*near/Block >= pure*total {
		r.Kind = Tone
		r.Hz = spacing * (float64(best) + offset(power[best-1], power[best], power[best+1]))
	}
	return r
}

// goertzel is the squared magnitude of one frequency in the windowed block.
func (m *Meter) goertzel(coeff float64) float64 {
	s1, s2 := 0.0, 0.0
	for _, x := range m.block {
		s1, s2 = x+coeff*s1-s2, s1
	}
	return s1*s1 + s2*s2 - coeff*s1*s2
}

// offset is how far, in bins, the true peak lies from the middle of three.
func offset(a, b, c float64) float64 {
	a, b, c = math.Sqrt(max(a, 0)), math.Sqrt(max(b, 0)), math.Sqrt(max(c, 0))
	if c > a { // exact for a Hann window: (2c-b)/(b+c)
		return (2*c - b) / (b + c)
	}
	if b+a == 0 {
		return 0
	}
	return -(2*a - b) / (b + a)
}

func dB(power float64) float64 {
	if power < 1e-10 {
		return -100
	}
	return 10 * math.Log10(power)
}
