package node

import (
	"math"
	"testing"

	"github.com/lineaamica/la2/media"
	"github.com/lineaamica/la2/media/g711"
	"github.com/lineaamica/la2/media/tone"
)

// The clip that is made and not recorded: 425 Hz for 1 s, silence for 4 s, in both
// laws, found by its name as the recorded ones are.
func TestRingbackClip(t *testing.T) {
	n := &Node{ringback: ringback()}
	clip, ok := n.clip("ringback")
	if !ok || clip.Frames() != 250 {
		t.Fatalf("got %v, %d frames", ok, clip.Frames())
	}
	tables := g711.New()
	for _, law := range []media.Codec{media.PCMA, media.PCMU} {
		meter, pcm, i := tone.NewMeter(), make([]int16, media.FrameSamples), 0
		for f := range clip.Frames() {
			tables.Decode(law, pcm, clip.Frame(law, f))
			meter.Push(pcm, func(r tone.Reading) {
				want := tone.Silence
				if i < 10 {
					want = tone.Tone
				}
				if r.Kind != want || want == tone.Tone && math.Abs(r.Hz-425) > 3 {
					t.Errorf("%v at %d ms: got %v, want %v", law, i*100, r, want)
				}
				i++
			})
		}
		if i != 50 {
			t.Errorf("%v: %d readings", law, i)
		}
	}
}
