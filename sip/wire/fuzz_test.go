package wire

import (
	"bytes"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
)

func FuzzParse(f *testing.F) {
	f.Add([]byte(invite))
	for _, b := range readTorture(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var m Message
		before := bytes.Clone(raw)
		err := m.Parse(raw)
		if !bytes.Equal(before, raw) {
			t.Fatal("Parse changed the message")
		}
		within(t, raw, &m)
		if m.Answerable() {
			reply := AppendReplyTo(nil, &m, netip.MustParseAddrPort("192.0.2.1:40000"), 400, "Bad Request", "t")
			var r Message
			e := r.Parse(reply)
			if err == nil && e != nil {
				t.Fatalf("reply refused: %v\n%q", e, reply)
			}
			if bytes.Count(reply, []byte("\n")) != bytes.Count(reply, []byte("\r\n")) {
				t.Fatalf("reply with a bare line feed: %q", reply)
			}
		}
		if err != nil {
			return
		}
		var c, again Message
		canonical := AppendCanonical(nil, &m)
		if len(canonical) > MaxMessage {
			return
		}
		if e := c.Parse(canonical); e != nil {
			t.Fatalf("canonical form refused: %v\n%q", e, canonical)
		}
		same(t, &m, &c)
		if e := again.Parse(AppendCanonical(nil, &c)); e != nil || !bytes.Equal(again.Raw(), c.Raw()) {
			t.Fatalf("canonical form changes: %v\n%q\n%q", e, c.Raw(), again.Raw())
		}
		var e Edit
		e.Reset(&m)
		e.PushVia("SIP/2.0/UDP 192.0.2.2;branch=z9hG4bKp")
		e.Stamp(netip.MustParseAddrPort("192.0.2.1:40000"))
		e.Set("Subject", "x")
		e.Delete("Route")
		if out := e.Append(nil); len(out) <= MaxMessage {
			if err := c.Parse(out); err != nil && m.n < MaxHeaders-1 {
				t.Fatalf("edited message refused: %v\n%q", err, out)
			}
		}
	})
}

// within checks that what the index returns lies in the message.
func within(t *testing.T, raw []byte, m *Message) {
	t.Helper()
	v := m.TopVia()
	parts := [][]byte{m.Raw(), m.MethodBytes(), m.RequestURI(), m.CallID(), m.FromTag(), m.ToTag(),
		m.Body(), m.Reason(), v.Raw, v.Host, v.Branch, v.Transport, v.Received, v.MAddr}
	for _, value := range m.Headers {
		parts = append(parts, value)
	}
	for _, p := range parts {
		if len(p) > 0 && !bytes.Contains(raw, p) {
			t.Fatalf("%q is not in the message", p)
		}
	}
}

// same checks that two messages mean the same to transport and transactions.
func same(t *testing.T, a, b *Message) {
	t.Helper()
	an, am := a.CSeq()
	bn, bm := b.CSeq()
	if an != bn || !bytes.Equal(am, bm) || a.Status() != b.Status() || a.Method() != b.Method() ||
		!bytes.Equal(a.CallID(), b.CallID()) || !bytes.Equal(a.FromTag(), b.FromTag()) ||
		!bytes.Equal(a.ToTag(), b.ToTag()) || !bytes.Equal(a.TopVia().Branch, b.TopVia().Branch) ||
		!bytes.Equal(a.TopVia().Host, b.TopVia().Host) || !bytes.Equal(a.Body(), b.Body()) ||
		a.MaxForwards() != b.MaxForwards() || a.n != b.n && a.length >= 0 {
		t.Fatalf("canonical form differs\n%q\n%q", a.Raw(), b.Raw())
	}
}

func FuzzFramer(f *testing.F) {
	f.Add([]byte(invite+invite), uint64(1))
	f.Add([]byte("\r\n\r\n"+invite+"\r\n"), uint64(2))
	f.Add([]byte("A\r\nl\t:\r\n 3\r\n\r\nabc\r\n\r\nB\r\nl: 0\r\n\r\n"), uint64(3))
	f.Fuzz(func(t *testing.T, stream []byte, seed uint64) {
		var whole, split Framer
		a, ap, ae := feed(&whole, stream, func(left int) int { return left })
		rng := rand.New(rand.NewPCG(seed, 1))
		b, bp, be := feed(&split, stream, func(left int) int { return 1 + rng.IntN(left) })
		if !slices.Equal(a, b) || ap != bp || (ae == nil) != (be == nil) {
			t.Fatalf("%d messages, %d pings, %v in one piece; %d, %d, %v in several", len(a), ap, ae, len(b), bp, be)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	raw := []byte(invite)
	var m Message
	b.ReportAllocs()
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		if err := m.Parse(raw); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCanonical(b *testing.B) {
	var m Message
	if err := m.Parse([]byte(invite)); err != nil {
		b.Fatal(err)
	}
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendCanonical(buf[:0], &m)
	}
}

func BenchmarkReply(b *testing.B) {
	var m Message
	if err := m.Parse([]byte(invite)); err != nil {
		b.Fatal(err)
	}
	src := netip.MustParseAddrPort("192.0.2.1:40000")
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendReplyTo(buf[:0], &m, src, 503, "Service Unavailable", "t")
	}
}
