package wire

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
)

// feed gives the stream in pieces and returns messages joined by "|", pings and the error.
func feed(f *Framer, stream []byte, piece func(left int) int) (out []string, pings int, err error) {
	for len(stream) > 0 {
		space := f.Space()
		n := copy(space[:min(len(space), piece(len(stream)))], stream)
		stream = stream[n:]
		f.Filled(n)
		for {
			b, e := f.Next()
			if e != nil {
				return out, pings + f.Pings(), e
			}
			if b == nil {
				break
			}
			out = append(out, string(b))
		}
		pings += f.Pings()
	}
	return out, pings, nil
}

func TestFramer(t *testing.T) {
	long := strings.Replace(invite, "l: 4\r\n\r\nv=0\n", "Content-Length  :\r\n  20000\r\n\r\n"+strings.Repeat("x", 20000), 1)
	stream := "\r\n" + invite + "\r\n\r\n" + invite + long + "\r\n\r\n\r\n" + invite + "\r\n\r\n\r\n\r\n"
	want := []string{invite, invite, long, invite}
	rng := rand.New(rand.NewPCG(1, 2))
	for name, piece := range map[string]func(int) int{
		"whole":      func(left int) int { return left },
		"one octet":  func(int) int { return 1 },
		"random":     func(left int) int { return 1 + rng.IntN(min(left, 700)) },
		"two octets": func(int) int { return 2 },
	} {
		var f Framer
		got, pings, err := feed(&f, []byte(stream), piece)
		if err != nil || len(got) != len(want) || f.Pending() {
			t.Fatalf("%s: %d messages, %v, pending %v", name, len(got), err, f.Pending())
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("%s: message %d differs", name, i)
			}
		}
		if pings != 4 {
			t.Errorf("%s: %d keep-alives, want 4", name, pings)
		}
	}
}

func TestFramerRefuses(t *testing.T) {
	sub := func(old, new string) string { return strings.Replace(invite, old, new, 1) }
	for _, tt := range []struct {
		name, in string
		status   int
		header   bool // is there for an answer
	}{
		{"no Content-Length", sub("l: 4", "x: 4"), 400, true},
		{"two, the same", sub("l: 4", "l: 4\r\nContent-Length: 4"), 400, true},
		{"negative", sub("l: 4", "l: -1"), 400, true},
		{"4 GiB claimed (GHSA-pg59-5vwg-4jxq)", sub("l: 4", "l: 4294967295"), 513, true},
		{"2^64 claimed", sub("l: 4", "l: 18446744073709551620"), 513, true},
		{"header without end", strings.Repeat("x: y\r\n", 20000), 513, false},
		{"TLS hello", "\x16\x03\x01\x02\x00", 400, false},
	} {
		var f Framer
		_, _, err := feed(&f, []byte(tt.in), func(left int) int { return min(left, 1000) })
		if status, _ := ParseStatusFor(err); err == nil || status != tt.status {
			t.Errorf("%s: %v, want %d", tt.name, err, tt.status)
		}
		if len(f.buf) > 1<<16 {
			t.Errorf("%s: buffer of %d octets", tt.name, len(f.buf))
		}
		var g Framer
		g.Filled(copy(g.Space(), tt.in))
		if head, err := g.Next(); tt.header && (err == nil || !bytes.HasSuffix(head, []byte("\r\n\r\n"))) {
			t.Errorf("%s: header %q with %v", tt.name, head, err)
		}
	}
}

// A claim costs nothing: the buffer stays small until octets come.
func TestFramerBelievesOctetsOnly(t *testing.T) {
	var f Framer
	f.Filled(copy(f.Space(), strings.Replace(invite, "l: 4", "l: 60000", 1)))
	if b, err := f.Next(); b != nil || err != nil {
		t.Fatalf("got %q, %v, want to wait", b, err)
	}
	if f.Space(); len(f.buf) != firstBuffer || !f.Pending() {
		t.Errorf("buffer of %d octets, pending %v", len(f.buf), f.Pending())
	}
}

// Header octets one by one must not be searched from the start each time.
func TestFramerSlowSenderIsLinear(t *testing.T) {
	var f Framer
	for range 60000 {
		f.Space()[0] = 'x'
		f.Filled(1)
		if b, err := f.Next(); b != nil || err != nil {
			t.Fatal(err)
		}
		if f.end-f.scan > 4 {
			t.Fatalf("%d octets are searched again", f.end-f.scan)
		}
	}
}

func TestFramerGivesMemoryBack(t *testing.T) {
	var f Framer
	large := strings.Replace(invite, "l: 4\r\n\r\nv=0\n", "l: 60000\r\n\r\n"+strings.Repeat("x", 60000), 1)
	got, _, err := feed(&f, []byte(large), func(left int) int { return left })
	if len(got) != 1 || err != nil {
		t.Fatalf("%d messages, %v", len(got), err)
	}
	if f.Space(); len(f.buf) != firstBuffer {
		t.Errorf("an idle framer keeps %d octets", len(f.buf))
	}
}
