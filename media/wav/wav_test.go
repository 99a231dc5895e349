package wav

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"testing"
	"time"
)

func sine(rate, hz, n int) []int16 {
	out := make([]int16, n)
	for i := range out {
		out[i] = int16(10000 * math.Sin(2*math.Pi*float64(hz)*float64(i)/float64(rate)))
	}
	return out
}

// file builds a WAVE file by hand, with a chunk to skip before the data.
func file(code, channels, bits uint16, rate uint32, data []byte) []byte {
	le := binary.LittleEndian
	b := append([]byte("RIFF\x00\x00\x00\x00WAVEfmt "), 16, 0, 0, 0)
	b = le.AppendUint16(le.AppendUint16(b, code), channels)
	b = le.AppendUint32(le.AppendUint32(b, rate), 0)
	b = le.AppendUint16(le.AppendUint16(b, 0), bits)
	b = append(b, "LIST\x03\x00\x00\x00abc\x00"...)
	b = le.AppendUint32(append(b, "data"...), uint32(len(data)))
	return append(b, data...)
}

func TestDecode(t *testing.T) {
	data := []byte{1, 0, 3, 0, 0xff, 0xff, 0xfd, 0xff}
	tests := []struct {
		name string
		in   []byte
		want []int16
		err  error
	}{
		{"mono, odd chunk skipped", file(1, 1, 16, 8000, data), []int16{1, 3, -1, -3}, nil},
		{"stereo is mixed", file(1, 2, 16, 44100, data), []int16{2, -2}, nil},
		{"data shorter than it claims", file(1, 1, 16, 8000, data)[:60], []int16{1, 3}, nil},
		{"A-law", file(6, 1, 8, 8000, data), nil, ErrUnsupported},
		{"8 bit", file(1, 1, 8, 8000, data), nil, ErrUnsupported},
		{"no channels", file(1, 0, 16, 8000, data), nil, ErrUnsupported},
		{"192 kHz", file(1, 1, 16, 192000, data), nil, ErrUnsupported},
		{"empty", nil, nil, ErrFormat},
		{"other RIFF", []byte("RIFF\x00\x00\x00\x00AVI LIST\x00\x00\x00\x00"), nil, ErrFormat},
		{"no data", file(1, 1, 16, 8000, nil)[:44], nil, ErrFormat},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.name == "data shorter than it claims" {
				tt.in = file(1, 1, 16, 8000, data)
				tt.in = tt.in[:len(tt.in)-4]
			}
			s, err := Decode(tt.in)
			if !errors.Is(err, tt.err) || !slices.Equal(s.Samples, tt.want) {
				t.Errorf("got %v, %v; want %v, %v", s.Samples, err, tt.want, tt.err)
			}
		})
	}
}

func TestEncode_Decode(t *testing.T) {
	in := sine(8000, 440, 801)
	s, err := Decode(Encode(in))
	if err != nil || s.Rate != 8000 || !slices.Equal(s.Samples, in) {
		t.Fatalf("got %d samples at %d Hz, %v", len(s.Samples), s.Rate, err)
	}
}

func TestResample_KeepsToneAndLength(t *testing.T) {
	for _, rate := range []int{16000, 44100, 48000, 11025} {
		in := Sound{Rate: rate, Samples: sine(rate, 440, rate)}
		out := in.Resample(8000)
		if got := out.Duration(); got < 999*time.Millisecond || got > time.Second {
			t.Errorf("%d Hz: lasts %v, want 1s", rate, got)
		}
		crossings := 0
		for i := 1; i < len(out.Samples); i++ {
			if out.Samples[i-1] < 0 && out.Samples[i] >= 0 {
				crossings++
			}
		}
		if crossings < 438 || crossings > 441 {
			t.Errorf("%d Hz: %d periods, want 440", rate, crossings)
		}
		if top := slices.Max(out.Samples); top < 9500 || top > 10001 {
			t.Errorf("%d Hz: peak %d, want about 10000", rate, top)
		}
	}
}

func TestWriter_IsWhatEncodeMakes(t *testing.T) {
	f, err := os.CreateTemp(t.TempDir(), "*.wav")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w, err := NewWriter(f)
	if err != nil {
		t.Fatal(err)
	}
	in := sine(8000, 300, 1600)
	for part := range slices.Chunk(in, 160) {
		if err := w.Write(part); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(f.Name())
	if err != nil || !bytes.Equal(got, Encode(in)) {
		t.Errorf("got %d bytes, %v; want those of Encode", len(got), err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(Encode([]int16{1, 2, 3}))
	f.Add(file(1, 2, 16, 44100, []byte{1, 2, 3, 4}))
	f.Add([]byte("RIFF\xff\xff\xff\xffWAVEdata\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := Decode(b)
		if err != nil {
			return
		}
		if 2*len(s.Samples) > len(b) {
			t.Fatalf("%d samples out of %d bytes", len(s.Samples), len(b))
		}
		again, err := Decode(Encode(s.Samples))
		if err != nil || !slices.Equal(again.Samples, s.Samples) {
			t.Fatalf("does not survive encoding: %v", err)
		}
		s.Resample(8000)
	})
}

func ExampleDecode() {
	s, err := Decode(Encode(make([]int16, 4000)))
	fmt.Println(s.Rate, s.Duration(), err)
	// Output: 8000 500ms <nil>
}

func TestEncodeAt(t *testing.T) {
	for _, rate := range []int{8000, 16000, 48000} {
		if s, err := Decode(EncodeAt(rate, []int16{1, -2, 3})); err != nil || s.Rate != rate || !slices.Equal(s.Samples, []int16{1, -2, 3}) {
			t.Errorf("%d Hz: got %+v, %v", rate, s, err)
		}
	}
}
