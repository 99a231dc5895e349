package quality_test

import (
	"math"
	"testing"
	"time"

	"github.com/lineaamica/la2/media/quality"
)

func TestR(t *testing.T) {
	const ms = time.Millisecond
	tests := []struct {
		name string
		path quality.Path
		want float64
	}{
		{"perfect but for the packet", quality.Path{}, 93.2 - 0.48},
		{"100 ms there and back", quality.Path{RoundTrip: 100 * ms}, 93.2 - 0.024*70},
		{"jitter", quality.Path{Jitter: 15 * ms}, 93.2 - 0.024*50},
		{"beyond 177.3 ms", quality.Path{RoundTrip: 400 * ms}, 93.2 - 0.024*220 - 0.11*42.7},
		{"1 %", quality.Path{Loss: 0.01}, 93.2 - 0.48 - 95/26.1},
		{"25.1 % take half", quality.Path{Loss: 0.251}, 93.2 - 0.48 - 47.5},
		{"all is lost", quality.Path{Loss: 1}, 93.2 - 0.48 - 9500/125.1},
		{"a loss that cannot be", quality.Path{Loss: -1}, 93.2 - 0.48},
		{"from the moon", quality.Path{RoundTrip: 2600 * ms}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := quality.R(tt.path); math.Abs(got-tt.want) > 1e-9 {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// The values of G.107 table B.1.
func TestMOS(t *testing.T) {
	for r, want := range map[float64]float64{-5: 1, 0: 1, 5: 1, 50: 2.58, 60: 3.10, 70: 3.60, 80: 4.03, 90: 4.34, 93.2: 4.41, 100: 4.5} {
		if got := quality.MOS(r); math.Abs(got-want) > 0.01 {
			t.Errorf("R %v: got %v, want %v", r, got, want)
		}
	}
}
