package tone

import (
	"math"

	"github.com/lineaamica/la2/media"
)

// A Generator makes one steady tone. Not safe for concurrent use.
type Generator struct {
	step, phase, amplitude float64
}

// NewGenerator makes a tone of hz (0 to 4000) at dbfs (0 or less; 0 is a
// full-scale sine).
func NewGenerator(hz, dbfs float64) *Generator {
	return &Generator{step: 2 * math.Pi * hz / media.ClockRate, amplitude: 32767 * math.Pow(10, min(dbfs, 0)/20)}
}

// Read fills pcm with the next samples.
func (g *Generator) Read(pcm []int16) {
	for i := range pcm {
		pcm[i] = int16(math.Round(g.amplitude * math.Sin(g.phase)))
		if g.phase += g.step; g.phase > 2*math.Pi {
			g.phase -= 2 * math.Pi
		}
	}
}

// Ringback is one period of the Italian ringing tone: 425 Hz, 1 s on, 4 s off.
func Ringback() []int16 {
	pcm := make([]int16, 5*media.ClockRate)
	NewGenerator(425, -16).Read(pcm[:media.ClockRate])
	return pcm
}
