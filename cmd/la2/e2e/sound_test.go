//go:build e2e

package e2e

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/lineaamica/la2/media"
	"github.com/lineaamica/la2/media/tone"
	"github.com/lineaamica/la2/media/wav"
)

// toneFile writes seconds of a tone at -20 dBFS.
func toneFile(t *testing.T, hz float64, seconds int) string {
	t.Helper()
	pcm := make([]int16, seconds*media.ClockRate)
	tone.NewGenerator(hz, -20).Read(pcm)
	file := filepath.Join(t.TempDir(), fmt.Sprintf("tone%.0f.wav", hz))
	if err := os.WriteFile(file, wav.Encode(pcm), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// samples reads a WAV at telephone rate.
func samples(t *testing.T, file string) []int16 {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s, err := wav.Decode(raw)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return s.Resample(media.ClockRate).Samples
}

func prompt(t *testing.T, name string) []int16 {
	t.Helper()
	return samples(t, filepath.Join(world.root, "configs", "prompts", "it", name+".wav"))
}

func readings(pcm []int16) (out []tone.Reading) {
	tone.NewMeter().Push(pcm, func(r tone.Reading) { out = append(out, r) })
	return out
}

// longestSilence and where it begins.
func longestSilence(pcm []int16) (length, at time.Duration) {
	const block = 100 * time.Millisecond
	run := time.Duration(0)
	for i, r := range readings(pcm) {
		if r.Kind != tone.Silence {
			run = 0
			continue
		}
		if run += block; run > length {
			length, at = run, time.Duration(i+1)*block-run
		}
	}
	return length, at
}

// tones is how many blocks of 100 ms are a tone of hz.
func tones(pcm []int16, hz float64) (n int) {
	for _, r := range readings(pcm) {
		if r.Kind == tone.Tone && math.Abs(r.Hz-hz) <= 15 {
			n++
		}
	}
	return n
}

const frame = media.ClockRate / 100 // 10 ms

// find looks for a part of a known recording in what was heard: first by its
// loudness over time, then by the waveform. score 1 is the same waveform.
func find(heard, part []int16) (at time.Duration, score float64) {
	h, p := envelope(heard), envelope(part)
	best, where := -1.0, 0
	for i := 0; i+len(p) <= len(h); i++ {
		if s := correlation(h[i:i+len(p)], p); s > best {
			best, where = s, i
		}
	}
	p = float(part)
	for i := max(0, (where-1)*frame); i <= (where+1)*frame && i+len(part) <= len(heard); i++ {
		if s := correlation(float(heard[i:i+len(part)]), p); s > score {
			score, at = s, time.Duration(i)*time.Second/media.ClockRate
		}
	}
	return at, score
}

func envelope(pcm []int16) []float64 {
	out := make([]float64, len(pcm)/frame)
	for i := range out {
		for _, s := range pcm[i*frame : (i+1)*frame] {
			out[i] += math.Abs(float64(s))
		}
	}
	return out
}

func float(pcm []int16) []float64 {
	out := make([]float64, len(pcm))
	for i, s := range pcm {
		out[i] = float64(s)
	}
	return out
}

// correlation of two series of one length, from -1 to 1.
func correlation(a, b []float64) float64 {
	var ma, mb, ab, aa, bb float64
	for i := range a {
		ma += a[i]
		mb += b[i]
	}
	ma, mb = ma/float64(len(a)), mb/float64(len(b))
	for i := range a {
		x, y := a[i]-ma, b[i]-mb
		ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
	}
	if aa == 0 || bb == 0 {
		return 0
	}
	return ab / math.Sqrt(aa*bb)
}
