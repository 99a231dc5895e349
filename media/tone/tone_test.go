package tone

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/lineaamica/la2/media"
	"github.com/lineaamica/la2/media/g711"
	"github.com/lineaamica/la2/media/wav"
)

func readings(pcm []int16) (out []Reading) {
	NewMeter().Push(pcm, func(r Reading) { out = append(out, r) })
	return out
}

func TestMeter_NamesTones(t *testing.T) {
	tab := g711.New()
	for _, hz := range []float64{200, 425, 440, 444.4, 697, 1000, 1235, 2000, 3000, 3400} {
		for _, db := range []float64{-3, -20, -35} {
			pcm, law := make([]int16, 2*Block), make([]byte, 2*Block)
			NewGenerator(hz, db).Read(pcm)
			tab.Encode(media.PCMA, law, pcm) // as it comes over the telephone
			tab.Decode(media.PCMA, pcm, law)
			got := readings(pcm)
			if len(got) != 2 {
				t.Fatalf("got %d readings, want 2", len(got))
			}
			for _, r := range got {
				if r.Kind != Tone || math.Abs(r.Hz-hz) > 3 || math.Abs(r.DBFS-db) > 0.5 {
					t.Errorf("%v Hz %v dBFS: got %v", hz, db, r)
				}
			}
		}
	}
}

func TestMeter_Silence(t *testing.T) {
	for _, r := range readings(make([]int16, Block)) {
		if r.Kind != Silence || r.DBFS != -100 {
			t.Errorf("got %v", r)
		}
	}
	pcm := make([]int16, Block)
	for i := range pcm {
		pcm[i] = 8 // the zero of A-law
	}
	if r := readings(pcm)[0]; r.Kind != Silence {
		t.Errorf("A-law zero: got %v", r)
	}
}

func TestMeter_NoiseIsNoTone(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	pcm := make([]int16, 20*Block)
	for i := range pcm {
		pcm[i] = int16(rnd.IntN(8000) - 4000)
	}
	for _, r := range readings(pcm) {
		if r.Kind != Speech {
			t.Errorf("got %v", r)
		}
	}
}

// A spoken prompt is mostly speech, with pauses and at most a few whistled sounds.
func TestMeter_Speech(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "..", "configs", "prompts", "it", "greeting.wav"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := wav.Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	n := map[Kind]int{}
	all := readings(s.Samples)
	for _, r := range all {
		n[r.Kind]++
	}
	if n[Speech] < len(all)*6/10 || n[Tone] > len(all)/5 {
		t.Errorf("got %d speech, %d tone, %d silence of %d", n[Speech], n[Tone], n[Silence], len(all))
	}
}

func TestRingback(t *testing.T) {
	for i, r := range readings(Ringback()) {
		if want := map[bool]Kind{true: Tone, false: Silence}[i < 10]; r.Kind != want || want == Tone && math.Abs(r.Hz-425) > 3 {
			t.Errorf("at %d ms: got %v, want %v", i*100, r, want)
		}
	}
}

func BenchmarkMeter(b *testing.B) {
	m, pcm := NewMeter(), make([]int16, Block)
	NewGenerator(440, -10).Read(pcm)
	for b.Loop() {
		m.Push(pcm, func(Reading) {})
	}
}

func ExampleMeter() {
	pcm := make([]int16, Block)
	NewGenerator(440, -10).Read(pcm)
	NewMeter().Push(pcm, func(r Reading) { fmt.Println(r) })
	// Output: tone 440 Hz -10 dBFS
}
