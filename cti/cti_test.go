package cti

import (
	"testing"
	"time"
)

func TestTicketID(t *testing.T) {
	id := NewTicketID("C_B180", time.Unix(1_750_000_000, 0))
	if !id.Valid() || id.Creator() != "c_b180" {
		t.Fatalf("got %q creator %q", id, id.Creator())
	}
	for _, bad := range []TicketID{"", "c_b180", "c_b180.", "c b.01JZ8Q4W7N5T3X9V2R6K1M0HDC", "c_b180.01JZ8Q4W7N5T3X9V2R6K1M0HD", "c_b180.81JZ8Q4W7N5T3X9V2R6K1M0HDC"} {
		if bad.Valid() {
			t.Errorf("%q must not be valid", bad)
		}
	}
}

func TestPosition(t *testing.T) {
	for _, p := range []Position{{}, {Epoch: "01JZ", Seq: 7}} {
		got, err := ParsePosition(p.String())
		if err != nil || got != p {
			t.Errorf("%v: got %v, %v", p, got, err)
		}
	}
	for _, bad := range []string{".", "x", "x.", ".3", "x.-1"} {
		if _, err := ParsePosition(bad); err == nil {
			t.Errorf("%q must not parse", bad)
		}
	}
}

func TestMask(t *testing.T) {
	for in, want := range map[string]string{"": "", "12": "••••••", "1001": "••••••01", "+390831000111": "+390••••••11"} {
		if got := Mask(in); got != want {
			t.Errorf("Mask(%q) = %q, want %q", in, got, want)
		}
	}
}
