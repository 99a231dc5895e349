package dtmf

import (
	"fmt"
	"testing"
)

type packet struct {
	ssrc, ts  uint32
	event     byte
	end       bool
	duration  uint16
	truncated bool
}

func (p packet) payload() []byte {
	b := []byte{p.event, 10, byte(p.duration >> 8), byte(p.duration)}
	if p.end {
		b[1] |= 0x80
	}
	if p.truncated {
		return b[:3]
	}
	return b
}

func TestDetector_RFC4733(t *testing.T) {
	tests := []struct {
		name string
		in   []packet
		want string
	}{
		{"one key, whole", []packet{{1, 100, 5, false, 160, false}, {1, 100, 5, false, 320, false}, {1, 100, 5, true, 320, false}, {1, 100, 5, true, 320, false}}, "5"},
		{"first packets lost: only ends arrive", []packet{{1, 100, 10, true, 800, false}, {1, 100, 10, true, 800, false}}, "*"},
		{"ends lost, next key", []packet{{1, 100, 1, false, 160, false}, {1, 900, 2, false, 160, false}}, "12"},
		{"same key twice has two timestamps", []packet{{1, 100, 7, false, 160, false}, {1, 100, 7, true, 800, false}, {1, 2000, 7, false, 160, false}}, "77"},
		{"late packet of the former key", []packet{{1, 100, 7, false, 160, false}, {1, 2000, 8, false, 160, false}, {1, 100, 7, true, 800, false}}, "78"},
		{"two events at one timestamp (sender restarts the clock)", []packet{{1, 100, 7, false, 160, false}, {1, 100, 8, false, 160, false}}, "78"},
		{"new SSRC starts anew", []packet{{1, 100, 7, false, 160, false}, {2, 50, 7, false, 160, false}}, "77"},
		{"timestamp wraps", []packet{{1, 0xffffff00, 1, false, 160, false}, {1, 0x100, 1, false, 160, false}}, "11"},
		{"flash (16) is no key", []packet{{1, 100, 16, false, 160, false}}, ""},
		{"short payload", []packet{{1, 100, 1, false, 160, true}}, ""},
		{"letters", []packet{{1, 100, 12, false, 160, false}, {1, 900, 15, false, 160, false}, {1, 1900, 11, false, 160, false}}, "AD#"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var d Detector
			got := ""
			for _, p := range tt.in {
				if k, ok := d.Push(p.ssrc, p.ts, p.payload()); ok {
					got += string(rune(k))
				}
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestGenerator_IsHeardByDetector(t *testing.T) {
	var g Generator
	var d Detector
	const all = "0123456789*#ABCD11"
	g.Add(all + "x ")
	got, ts, n := "", uint32(0), 0
	for g.Busy() {
		p, ok := g.Next()
		n++
		if p.First {
			ts += 1280
		}
		if !ok {
			continue
		}
		if k, ok := d.Push(9, ts, p.Payload[:]); ok {
			got += string(rune(k))
		}
	}
	if got != all {
		t.Errorf("got %q, want %q", got, all)
	}
	if want := len(all) * 8; n != want {
		t.Errorf("took %d ticks, want %d (160 ms a key)", n, want)
	}
}

func TestGenerator_Shape(t *testing.T) {
	var g Generator
	g.Add("5")
	type step struct {
		ok, first, end bool
		duration       int
	}
	want := []step{{true, true, false, 160}, {true, false, false, 320}, {true, false, false, 480}, {true, false, false, 640}, {true, false, true, 800}, {true, false, true, 800}, {true, false, true, 800}, {}, {}}
	for i, w := range want {
		p, ok := g.Next()
		got := step{ok, p.First, p.Payload[1]&0x80 != 0, int(p.Payload[2])<<8 | int(p.Payload[3])}
		if got != w {
			t.Errorf("packet %d: got %+v, want %+v", i, got, w)
		}
	}
}

func TestGenerator_Bounded(t *testing.T) {
	var g Generator
	for range 100 {
		g.Add("123")
	}
	n := 0
	for g.Busy() {
		g.Next()
		n++
	}
	if n != MaxQueue*ticks {
		t.Errorf("got %d ticks, want %d", n, MaxQueue*ticks)
	}
}

func FuzzDetector(f *testing.F) {
	f.Add(uint32(1), uint32(100), []byte{5, 10, 0, 160})
	f.Add(uint32(1), uint32(100), []byte{})
	f.Fuzz(func(t *testing.T, ssrc, ts uint32, payload []byte) {
		var d Detector
		k, ok := d.Push(ssrc, ts, payload)
		if _, again := d.Push(ssrc, ts, payload); again {
			t.Fatalf("one key reported twice")
		}
		if ok {
			if e, valid := Event(k); !valid || e != payload[0] {
				t.Fatalf("key %q does not go back to event %d", k, payload[0])
			}
		}
	})
}

func ExampleDetector() {
	var d Detector
	for range 3 { // the same key, sent three times
		if key, ok := d.Push(0xcafe, 4000, []byte{11, 0x8a, 3, 32}); ok {
			fmt.Printf("key %c\n", key)
		}
	}
	// Output: key #
}
