package relay

import (
	"bytes"
	"encoding/hex"
	"testing"
)

func cname() (n [cnameLen]byte) { copy(n[:], "abcdefghijklmnop"); return n }

// The bytes of a sender report with block, SDES and BYE, field by field as in RFC 3550 6.4.1,
// 6.5 and 6.6.
func TestReport_Bytes(t *testing.T) {
	full := report{ssrc: 0x01020304, sent: true, ntp: 0x1111111122222222, ts: 0x33333333, packets: 5, octets: 800,
		heard: true, block: block{ssrc: 0x0a0b0c0d, fraction: 0x40, lost: -2, high: 0x00010203, jitter: 9, lsr: 7, dlsr: 8}, cname: cname(), bye: true}
	empty := report{ssrc: 0x01020304, cname: cname()}
	sdes := "81ca0006" + "01020304" + "0110" + hex.EncodeToString([]byte("abcdefghijklmnop")) + "0000"
	tests := []struct {
		name string
		r    report
		want string
	}{
		{"SR, SDES, BYE", full, "81c8000c" + "01020304" + "1111111122222222" + "33333333" + "00000005" + "00000320" +
			"0a0b0c0d" + "40fffffe" + "00010203" + "00000009" + "00000007" + "00000008" + sdes + "81cb0001" + "01020304"},
		{"empty RR, SDES", empty, "80c90001" + "01020304" + sdes},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := tt.r.append(nil)
			if hex.EncodeToString(got) != tt.want || len(got) > reportLen {
				t.Errorf("got  %x\nwant %s", got, tt.want)
			}
			if _, ok := parseRTCP(got, 1); !ok {
				t.Error("we do not read what we write")
			}
		})
	}
}

func TestParseRTCP(t *testing.T) {
	sr := (&report{ssrc: 9, sent: true, ntp: 0x1111222233334444, packets: 77, heard: true, block: block{ssrc: 5, fraction: 3, lost: -1, jitter: 4, lsr: 6, dlsr: 7}, cname: cname()}).append(nil)
	change := func(f func(b []byte) []byte) []byte { return f(bytes.Clone(sr)) }
	tests := []struct {
		name string
		in   []byte
		ok   bool
	}{
		{"ours", sr, true},
		{"SR alone", sr[:52], true},
		{"with a packet of an unknown type", append(bytes.Clone(sr), 0x80, 207, 0, 0), true},
		{"padding on the last", append(bytes.Clone(sr), 0xa0, 207, 0, 1, 0, 0, 0, 4), true},
		{"nothing", nil, false},
		{"short", sr[:7], false},
		{"cut", sr[:50], false},
		{"begins with SDES", sr[52:], false},
		{"version 1", change(func(b []byte) []byte { b[0] = 1<<6 | 1; return b }), false},
		{"version 1 later", change(func(b []byte) []byte { b[52] = 1<<6 | 1; return b }), false},
		{"padding on the first", change(func(b []byte) []byte { b[0] |= 0x20; return b }), false},
		{"longer than it is", change(func(b []byte) []byte { b[2] = 0xff; return b }), false},
		{"31 blocks announced", change(func(b []byte) []byte { b[0] = 2<<6 | 31; return b }), false},
		{"SR too short for its sender", []byte{0x80, 200, 0, 1, 0, 0, 0, 9}, false},
		{"rest of three bytes", append(bytes.Clone(sr), 1, 2, 3), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, ok := parseRTCP(tt.in, 5)
			if ok != tt.ok {
				t.Fatalf("read: %v", ok)
			}
			want := heardRTCP{sends: true, ntp: 0x22223333, packets: 77, about: true, block: block{ssrc: 5, fraction: 3, lost: -1, jitter: 4, lsr: 6, dlsr: 7}}
			if ok && h != want {
				t.Errorf("got %+v, want %+v", h, want)
			}
		})
	}
	if h, ok := parseRTCP(sr, 6); !ok || h.about {
		t.Errorf("a report on somebody else is taken for ours: %+v", h)
	}
}

// What is accepted divides into packets whose lengths add up, and reading it again says the same.
func FuzzParseRTCP(f *testing.F) {
	f.Add((&report{ssrc: 9, sent: true, heard: true, block: block{ssrc: 5}, cname: cname(), bye: true}).append(nil))
	f.Add([]byte{0x80, 201, 0, 1, 0, 0, 0, 1})
	f.Add([]byte{0xa0, 200, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		h, ok := parseRTCP(b, 5)
		if !ok {
			return
		}
		if len(b)%4 != 0 || b[0]>>6 != 2 {
			t.Fatalf("accepted %x", b)
		}
		if h.about && h.block.ssrc != 5 || !h.sends && (h.ntp != 0 || h.packets != 0) {
			t.Fatalf("%x is read as %+v", b, h)
		}
		if again, ok := parseRTCP(b, 5); !ok || again != h {
			t.Fatalf("read as %+v and %+v", h, again)
		}
	})
}
