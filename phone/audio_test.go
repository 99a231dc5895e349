package phone

import (
	"bytes"
	"math"
	"testing"

	"github.com/lineaamica/la2/media"
	"github.com/lineaamica/la2/media/g711"
	"github.com/lineaamica/la2/media/g722"
)

func rtp(first byte, rest ...byte) []byte {
	return append([]byte{first, 8, 0, 1, 0, 0, 0, 160, 0, 0, 0, 7}, rest...)
}

func TestPayload_RFC3550_5_1(t *testing.T) {
	tests := []struct {
		name   string
		packet []byte
		want   []byte // nil: no audio
	}{
		{"plain", rtp(0x80, 1, 2), []byte{1, 2}},
		{"one source", rtp(0x81, 9, 9, 9, 9, 1), []byte{1}},
		{"extension", rtp(0x90, 0, 0, 0, 1, 9, 9, 9, 9, 1), []byte{1}},
		{"empty", rtp(0x80), nil},
		{"sources longer than the packet", rtp(0x8f, 1), nil},
		{"extension header cut", rtp(0x90, 0, 0), nil},
		{"extension longer than the packet", rtp(0x90, 0, 0, 0xff, 0xff, 1), nil},
		{"version 0", rtp(0x00, 1), nil},
		{"short", []byte{0x80, 8}, nil},
		{"nothing", nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, pt, ok := payload(tt.packet)
			if ok != (tt.want != nil) || !bytes.Equal(got, tt.want) || ok && pt != 8 {
				t.Errorf("got %v, pt %d, %v; want %v", got, pt, ok, tt.want)
			}
		})
	}
}

func FuzzPayload(f *testing.F) {
	f.Add(rtp(0x80, 1))
	f.Add(rtp(0x9f, 1))
	f.Fuzz(func(t *testing.T, b []byte) {
		body, _, ok := payload(b)
		if ok && (len(body) == 0 || !bytes.HasSuffix(b, body)) {
			t.Errorf("%x: payload %x", b, body)
		}
	})
}

// A call of ours hears its own tone by name.
func TestEar(t *testing.T) {
	e := newEar()
	var heard []Event
	for range 2 {
		if ev, ok := e.push(Tone(440)); ok {
			heard = append(heard, ev)
		}
	}
	if len(heard) != 1 || heard[0].Hears != "tone" || heard[0].Hz != 440 || heard[0].DBFS != -20 {
		t.Errorf("heard %+v, want one tone of 440 Hz at -20 dBFS", heard)
	}
}

// What is said in each codec: in G.722 the wide sound if there is one, else the
// narrow one, over and over.
func TestSay(t *testing.T) {
	sine := func(hz float64, rate, n int) []int16 {
		out := make([]int16, n)
		for i := range out {
			out[i] = int16(8000 * math.Sin(2*math.Pi*hz*float64(i)/float64(rate)))
		}
		return out
	}
	narrow, wide := sine(500, 8000, 800), sine(6000, 16000, 1600)
	for _, tt := range []struct {
		codec media.Codec
		wide  []int16
		hz    float64
	}{{media.PCMA, wide, 500}, {media.PCMU, nil, 500}, {media.G722, nil, 500}, {media.G722, wide, 6000}} {
		a := &audio{p: &Phone{cfg: Config{Sound: narrow, WideSound: tt.wide}}, tables: g711.New()}
		a.far.Codec = tt.codec
		line, d := timeline{coder: g722.NewEncoder()}, g722.NewDecoder()
		body, samples, pcm, rate := make([]byte, media.FrameSamples), make([]int16, 2*media.FrameSamples), []int16(nil), media.ClockRate
		for range 20 {
			if n := a.say(&line, body, samples); n != media.FrameSamples {
				t.Fatalf("%v: %d bytes", tt.codec, n)
			}
			out := make([]int16, 2*media.FrameSamples)
			if tt.codec == media.G722 {
				rate = media.WideRate
				d.Decode(out, body)
			} else {
				out = out[:a.tables.Decode(tt.codec, out, body)]
			}
			pcm = append(pcm, out...)
		}
		turns, from := 0, len(pcm)/2
		for i := from; i < len(pcm); i++ {
			if (pcm[i] < 0) != (pcm[i-1] < 0) {
				turns++
			}
		}
		hz := float64(turns) / 2 * float64(rate) / float64(len(pcm)-from)
		if math.Abs(hz-tt.hz) > tt.hz/20 {
			t.Errorf("%v: %g Hz, want %g", tt.codec, hz, tt.hz)
		}
	}
}
