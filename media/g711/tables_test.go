package g711

import (
	"fmt"
	"testing"

	"github.com/lineaamica/la2/media"
)

// Values of ITU-T G.711 tables 1a and 2a (first and last of segments), scaled to
// 16 bits.
func TestDecode_G711Golden(t *testing.T) {
	tab := New()
	tests := []struct {
		c    media.Codec
		in   byte
		want int16
	}{
		{media.PCMA, 0xd5, 8}, {media.PCMA, 0x55, -8},
		{media.PCMA, 0xaa, 32256}, {media.PCMA, 0x2a, -32256},
		{media.PCMA, 0x80, 5504}, {media.PCMA, 0x00, -5504},
		{media.PCMU, 0xff, 0}, {media.PCMU, 0x7f, 0},
		{media.PCMU, 0x80, 32124}, {media.PCMU, 0x00, -32124},
		{media.PCMU, 0xfe, 8}, {media.PCMU, 0x7e, -8},
	}
	for _, tt := range tests {
		var got [1]int16
		if n := tab.Decode(tt.c, got[:], []byte{tt.in}); n != 1 || got[0] != tt.want {
			t.Errorf("%v %#02x: got %d, want %d", tt.c, tt.in, got[0], tt.want)
		}
	}
}

func TestEncode_InvertsDecode(t *testing.T) {
	tab := New()
	for _, c := range []media.Codec{media.PCMA, media.PCMU} {
		for i := range 256 {
			var pcm [1]int16
			var out [1]byte
			tab.Decode(c, pcm[:], []byte{byte(i)})
			tab.Encode(c, out[:], pcm[:])
			if c == media.PCMU && i == 0x7f {
				continue // negative zero becomes zero
			}
			if out[0] != byte(i) {
				t.Errorf("%v %#02x: decode, encode gave %#02x", c, i, out[0])
			}
		}
	}
}

// The error of one coding is at most half a step: 3% of the sample, 8 near zero.
func TestEncode_Error(t *testing.T) {
	tab := New()
	for _, c := range []media.Codec{media.PCMA, media.PCMU} {
		for s := -32000; s <= 32000; s += 7 {
			var out [1]byte
			var back [1]int16
			tab.Encode(c, out[:], []int16{int16(s)})
			tab.Decode(c, back[:], out[:])
			if d, lim := abs(int(back[0])-s), abs(s)/25+16; d > lim {
				t.Fatalf("%v %d: came back as %d", c, s, back[0])
			}
		}
	}
}

func abs(i int) int { return max(i, -i) }

func TestTranscode_KeepsLevel(t *testing.T) {
	tab := New()
	for i := range 256 {
		var before, after [1]int16
		b := []byte{byte(i)}
		tab.Decode(media.PCMA, before[:], b)
		tab.Transcode(b, media.PCMA, media.PCMU)
		tab.Decode(media.PCMU, after[:], b)
		if d, lim := abs(int(before[0])-int(after[0])), abs(int(before[0]))/16+16; d > lim {
			t.Errorf("%#02x: %d became %d", i, before[0], after[0])
		}
	}
}

func TestAllocations(t *testing.T) {
	tab := New()
	b, pcm := make([]byte, media.FrameSamples), make([]int16, media.FrameSamples)
	if n := testing.AllocsPerRun(100, func() {
		tab.Decode(media.PCMA, pcm, b)
		tab.Encode(media.PCMU, b, pcm)
		tab.Transcode(b, media.PCMU, media.PCMA)
	}); n != 0 {
		t.Errorf("got %v allocations, want 0", n)
	}
}

func BenchmarkTranscode(b *testing.B) {
	tab := New()
	frame := make([]byte, media.FrameSamples)
	for b.Loop() {
		tab.Transcode(frame, media.PCMA, media.PCMU)
	}
}

func ExampleTables_Transcode() {
	frame := []byte{0xd5, 0xaa}
	New().Transcode(frame, media.PCMA, media.PCMU)
	fmt.Printf("%#x\n", frame)
	// Output: 0xfe80
}
