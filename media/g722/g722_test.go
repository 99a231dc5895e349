package g722

import (
	"encoding/binary"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/lineaamica/la2/media"
)

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func samples(b []byte) []int16 {
	out := make([]int16, len(b)/2)
	for i := range out {
		out[i] = int16(binary.LittleEndian.Uint16(b[2*i:]))
	}
	return out
}

func sine(hz, amplitude float64, rate, n int) []int16 {
	out := make([]int16, n)
	for i := range out {
		out[i] = int16(math.Round(amplitude * math.Sin(2*math.Pi*hz*float64(i)/float64(rate))))
	}
	return out
}

// snr is the signal to noise ratio of got against want in dB, at the delay (in
// samples, up to 40) that fits best.
func snr(want, got []int16) float64 {
	best := math.Inf(-1)
	for delay := range 40 {
		var signal, noise float64
		for i := 400; i+delay < len(got) && i < len(want); i++ {
			s, n := float64(want[i]), float64(want[i])-float64(got[i+delay])
			signal, noise = signal+s*s, noise+n*n
		}
		best = max(best, 10*math.Log10(signal/noise))
	}
	return best
}

// power is the power of hz in x, relative to a full-scale sine, in dB (Goertzel).
func power(x []int16, hz float64, rate int) float64 {
	c := 2 * math.Cos(2*math.Pi*hz/float64(rate))
	var a, b float64
	for _, v := range x {
		a, b = float64(v)+c*a-b, a
	}
	n := float64(len(x))
	return 10 * math.Log10((a*a+b*b-c*a*b)*4/(n*n)/(32767*32767)+1e-12)
}

func TestEncodesAsFFmpeg(t *testing.T) {
	in, want := samples(fixture(t, "sweep.s16")), fixture(t, "sweep.g722")
	got := make([]byte, len(want))
	if n := NewEncoder().Encode(got, in); n != len(want) {
		t.Fatalf("%d bytes, want %d", n, len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("byte %d is %#02x, ffmpeg has %#02x", i, got[i], want[i])
		}
	}
}

func TestDecodesAsFFmpeg(t *testing.T) {
	code, want := fixture(t, "sweep.g722"), samples(fixture(t, "sweep_decoded.s16"))
	got := make([]int16, 2*len(code))
	NewDecoder().Decode(got, code)
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("sample %d is %d, ffmpeg has %d", i, got[i], want[i])
		}
	}
}

func TestSweepKeepsItsQuality(t *testing.T) {
	for _, tt := range []struct{ hz, want float64 }{
		{100, 30}, {300, 30}, {1000, 30}, {2000, 30}, {3000, 24}, {3500, 24}, {5000, 16}, {6000, 14}, {6800, 10},
	} {
		in := sine(tt.hz, 8000, 16000, 8000)
		code, out := make([]byte, 4000), make([]int16, 8000)
		NewEncoder().Encode(code, in)
		NewDecoder().Decode(out, code)
		if got := snr(in, out); got < tt.want {
			t.Errorf("%g Hz: %.1f dB, want at least %g", tt.hz, got, tt.want)
		}
	}
}

// A state is the same whatever pieces the stream comes in.
func TestPiecesMakeTheWhole(t *testing.T) {
	in := samples(fixture(t, "sweep.s16"))
	whole := make([]byte, len(in)/2)
	NewEncoder().Encode(whole, in)
	var pieces []byte
	e := NewEncoder()
	for piece := range slices.Chunk(in, 322) {
		b := make([]byte, 200)
		pieces = append(pieces, b[:e.Encode(b, piece)]...)
	}
	if !slices.Equal(pieces, whole) {
		t.Error("the pieces differ from the whole")
	}
}

func TestSizes(t *testing.T) {
	e, d := NewEncoder(), NewDecoder()
	for _, tt := range []struct{ got, want int }{
		{e.Encode(make([]byte, 3), make([]int16, 10)), 3},
		{e.Encode(make([]byte, 9), make([]int16, 5)), 2},
		{e.Encode(nil, nil), 0},
		{e.EncodeNarrow(make([]byte, 3), make([]int16, 10)), 3},
		{d.Decode(make([]int16, 7), make([]byte, 9)), 6},
		{d.Decode(make([]int16, 70), make([]byte, 9)), 18},
		{d.DecodeNarrow(make([]int16, 7), make([]byte, 9)), 7},
	} {
		if tt.got != tt.want {
			t.Errorf("%d, want %d", tt.got, tt.want)
		}
	}
}

// What comes from a telephone of 8 kHz is heard at its level by a wide-band one,
// and its image above 4 kHz is as weak as the slope of the filter makes it.
func TestNarrowToWide(t *testing.T) {
	for _, tt := range []struct{ hz, below float64 }{{300, 60}, {1000, 60}, {2000, 60}, {3000, 20}, {3400, 10}} {
		hz := tt.hz
		code, out := make([]byte, 4000), make([]int16, 8000)
		NewEncoder().EncodeNarrow(code, sine(hz, 8000, 8000, 4000))
		NewDecoder().Decode(out, code)
		tone, image := power(out[800:], hz, 16000), power(out[800:], 8000-hz, 16000)
		if level := 20 * math.Log10(8000./32767); math.Abs(tone-level) > 1.5 {
			t.Errorf("%g Hz comes at %.1f dB, want %.1f", hz, tone, level)
		}
		if tone-image < tt.below {
			t.Errorf("%g Hz: the image is only %.1f dB below", hz, tone-image)
		}
	}
}

// What a wide-band telephone sends is heard by one of 8 kHz in its band alone.
func TestWideToNarrow(t *testing.T) {
	for _, tt := range []struct{ hz, alias, loss float64 }{
		{300, 0, 1.5}, {1000, 0, 1.5}, {3000, 0, 1.5}, {3400, 0, 1.5},
		{4600, 3400, -10}, {5000, 3000, -20}, {6000, 2000, -60},
	} {
		code, out := make([]byte, 4000), make([]int16, 4000)
		NewEncoder().Encode(code, sine(tt.hz, 8000, 16000, 8000))
		NewDecoder().DecodeNarrow(out, code)
		level := 20 * math.Log10(8000./32767)
		if tt.alias == 0 {
			if got := power(out[400:], tt.hz, 8000); math.Abs(got-level) > tt.loss {
				t.Errorf("%g Hz comes at %.1f dB, want %.1f", tt.hz, got, level)
			}
			continue
		}
		if got := power(out[400:], tt.alias, 8000); got-level > tt.loss {
			t.Errorf("%g Hz is heard at %g Hz with %.1f dB, want %.1f less than %.1f", tt.hz, tt.alias, got, tt.loss, level)
		}
	}
}

// A decoder that joins a stream in its middle, or lost a part, finds in again.
func TestDecoderConverges(t *testing.T) {
	in := sine(700, 8000, 16000, 16000)
	code := make([]byte, 8000)
	NewEncoder().Encode(code, in)
	whole, late := make([]int16, 16000), make([]int16, 8000)
	NewDecoder().Decode(whole, code)
	NewDecoder().Decode(late, code[4000:])
	if got := snr(whole[12000:], late[4000:]); got < 25 {
		t.Errorf("a quarter of a second later the late decoder is at %.1f dB", got)
	}
}

// The byte that media.Codec calls silence is silence: at once on a fresh decoder,
// and soon after a loud sound that broke off.
func TestSilence(t *testing.T) {
	quiet := slices.Repeat([]byte{media.G722.Silence()}, 800)
	out := make([]int16, 1600)
	d := NewDecoder()
	d.Decode(out, quiet)
	if slices.Max(out) != 0 || slices.Min(out) != 0 {
		t.Error("a fresh decoder is not silent")
	}
	code := make([]byte, 4000)
	NewEncoder().Encode(code, sine(900, 20000, 16000, 8000))
	d.Decode(make([]int16, 8000), code)
	d.Decode(out, quiet)
	if late := out[800:]; slices.Max(late) > 64 || slices.Min(late) < -64 {
		t.Errorf("50 ms after the sound: %d to %d", slices.Min(late), slices.Max(late))
	}
	if early := out[32:]; slices.Max(early) > 12000 || slices.Min(early) < -12000 {
		t.Errorf("a click after the sound: %d to %d", slices.Min(early), slices.Max(early))
	}
}

func TestNothingAllocates(t *testing.T) {
	e, d := NewEncoder(), NewDecoder()
	pcm, code := make([]int16, 320), make([]byte, 160)
	if n := testing.AllocsPerRun(100, func() {
		e.Encode(code, pcm)
		d.Decode(pcm, code)
		e.EncodeNarrow(code, pcm)
		d.DecodeNarrow(pcm, code)
	}); n != 0 {
		t.Errorf("%v allocations a frame, want 0", n)
	}
}

// FuzzDecode: any bytes decode to as many samples as they should, the narrow
// decoder is the lower band of the wide one, and no state leaves its range.
func FuzzDecode(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0x00, 0xff, 0x3f, 0xc0})
	f.Add(fixture(f, "sweep.g722")[:320])
	f.Fuzz(func(t *testing.T, code []byte) {
		wide, narrow := NewDecoder(), NewDecoder()
		out, low := make([]int16, 2*len(code)), make([]int16, len(code))
		if n := wide.Decode(out, code); n != len(out) {
			t.Fatalf("%d samples of %d bytes", n, len(code))
		}
		narrow.DecodeNarrow(low, code)
		if wide.low != narrow.low {
			t.Fatal("the lower bands differ")
		}
		for _, b := range []band{wide.low, wide.high} {
			if b.nb < 0 || b.nb > 22528 || b.det < 1 || b.det > 32767 || b.a[1] < -12288 || b.a[1] > 12288 {
				t.Fatalf("state out of range: %+v", b)
			}
		}
	})
}

func BenchmarkG722(b *testing.B) {
	in := samples(fixture(b, "sweep.s16"))[:320]
	code, out := make([]byte, 160), make([]int16, 320)
	for name, frame := range map[string]func(*Encoder, *Decoder){
		"encode":        func(e *Encoder, _ *Decoder) { e.Encode(code, in) },
		"decode":        func(_ *Encoder, d *Decoder) { d.Decode(out, code) },
		"encode_narrow": func(e *Encoder, _ *Decoder) { e.EncodeNarrow(code, in[:160]) },
		"decode_narrow": func(_ *Encoder, d *Decoder) { d.DecodeNarrow(out, code) },
	} {
		b.Run(name, func(b *testing.B) {
			e, d := NewEncoder(), NewDecoder()
			b.ReportAllocs()
			for b.Loop() {
				frame(e, d)
			}
		})
	}
}
