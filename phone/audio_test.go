package phone

import (
	"bytes"
	"testing"
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
