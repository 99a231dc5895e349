package media

import (
	"fmt"
	"testing"
	"time"
)

func TestClip_FillsTheLastFrame(t *testing.T) {
	a := make([]byte, FrameSamples+1)
	c := NewClip("x", a, a[:FrameSamples], []int16{3})
	if c.Frames() != 2 || c.Duration() != 40*time.Millisecond || c.Name() != "x" {
		t.Fatalf("got %d frames, %v, %q", c.Frames(), c.Duration(), c.Name())
	}
	last := c.Frame(PCMA, 1)
	if len(last) != FrameSamples || last[0] != 0 || last[1] != PCMA.Silence() {
		t.Errorf("A-law: got % x", last[:2])
	}
	if got := c.Frame(PCMU, 1)[0]; got != PCMU.Silence() {
		t.Errorf("mu-law: got %#x", got)
	}
	if got := c.Wide(0); len(got) != 320 || got[0] != 3 || len(c.Wide(1)) != 320 {
		t.Errorf("wide: %d samples", len(got))
	}
	if NewClip("x", a, a, nil).Wide(0) != nil {
		t.Error("a narrow clip is wide")
	}
	a[0] = 9
	if c.Frame(PCMA, 0)[0] != 0 {
		t.Error("the clip keeps the caller's slice")
	}
}

func TestCodec_RFC3551(t *testing.T) {
	for _, tt := range []struct {
		c    Codec
		name string
		pt   uint8
	}{{PCMA, "PCMA", 8}, {PCMU, "PCMU", 0}, {G722, "G722", 9}, {0, "none", 127}} {
		if tt.c.String() != tt.name || tt.c.PT() != tt.pt {
			t.Errorf("got %v, %d; want %s, %d", tt.c, tt.c.PT(), tt.name, tt.pt)
		}
	}
}

func ExampleNewClip() {
	second := make([]byte, ClockRate)
	fmt.Println(NewClip("beep", second, second, nil).Frames())
	// Output: 50
}
