package registrar

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/lineaamica/la2/sip/wire"
)

// signed is a REGISTER with credentials for the challenge of a first one.
func (b *bench) signed(headers ...string) string {
	b.t.Helper()
	res := b.send(headers...)
	auth, err := b.phone.Answer("REGISTER", b.uri, "", values(res, "WWW-Authenticate"))
	if err != nil {
		b.t.Fatal(err)
	}
	b.cseq++
	return b.text(append(headers, "Authorization: "+auth)...)
}

// A REGISTER that comes again, its 200 being lost, gets the same answer and changes nothing; its
// credentials open nothing else.
func TestRepeated_RFC3261_8_2_7(t *testing.T) {
	b := newBench(t, Config{})
	raw := b.signed("Contact: <sip:1001@192.0.2.7>;expires=600")
	first := b.raw(raw)
	b.want(first, 200, "<sip:1001@192.0.2.7>;expires=600")
	b.now = b.now.Add(4 * time.Second)
	again := b.raw(raw)
	b.want(again, 200, "<sip:1001@192.0.2.7>;expires=596")
	one, _ := first.To().Params.Get("tag")
	two, _ := again.To().Params.Get("tag")
	if one == "" || one != two {
		t.Errorf("tags %q and %q", one, two)
	}
	if s := b.reg.Stats(); s.Accepted != 2 || s.Repeated != 1 {
		t.Errorf("got %+v", s)
	}
	for name, forged := range map[string]string{
		"another contact":  strings.Replace(raw, "<sip:1001@192.0.2.7>", "<sip:1001@192.0.2.66>", 1),
		"another lifetime": strings.Replace(raw, "expires=600", "expires=700", 1),
		"another Call-ID":  strings.Replace(raw, "Call-ID: c1", "Call-ID: c9", 1),
	} {
		res := b.raw(forged)
		if res.StatusCode != 401 || !strings.Contains(values(res, "WWW-Authenticate")[0], "stale=true") {
			t.Errorf("%s: got %d", name, res.StatusCode)
		}
	}
	home := b.f
	b.f.Remote = netip.AddrPortFrom(b.f.Remote.Addr().Next(), b.f.Remote.Port())
	if res := b.raw(raw); res.StatusCode != 401 {
		t.Errorf("from another address: got %d", res.StatusCode)
	}
	b.f = home
	if got := b.table.Lookup("1001"); len(got) != 1 || got[0].Contact != "sip:1001@192.0.2.7" {
		t.Errorf("got %+v", got)
	}
}

// A late copy of a registration that was taken back does not bring it back, nor does one that was
// refused look carried out.
func TestRepeated_late(t *testing.T) {
	b := newBench(t, Config{})
	raw := b.signed("Contact: <sip:1001@192.0.2.7>;expires=600")
	b.raw(raw)
	b.want(b.register("Contact: <sip:1001@192.0.2.7>;expires=0"), 200)
	if res := b.raw(raw); res.StatusCode != 500 || b.table.Len() != 0 {
		t.Errorf("got %d, %d bound", res.StatusCode, b.table.Len())
	}
	gone := b.signed("Contact: <sip:1001@192.0.2.7>;expires=0")
	b.want(b.raw(gone), 200)
	b.want(b.raw(gone), 200)
	for i := range 3 {
		b.id = fmt.Sprint("c", 10+i)
		b.register(fmt.Sprintf("Contact: <sip:1001@192.0.2.%d>", 10+i))
	}
	full := b.signed("Contact: <sip:1001@192.0.2.99>")
	for range 2 {
		if res := b.raw(full); res.StatusCode < 300 {
			t.Errorf("got %d", res.StatusCode)
		}
	}
	star := b.signed("Contact: *", "Expires: 0")
	b.want(b.raw(star), 200)
	b.want(b.raw(star), 200)
}

// A nonce count that arrives out of order is accepted once (RFC 7616 3.4).
func TestNonceCounts_RFC7616_3_4(t *testing.T) {
	b := newBench(t, Config{})
	b.register("Contact: <sip:1001@192.0.2.7>")
	second, _ := b.phone.Again("REGISTER", b.uri)
	third, _ := b.phone.Again("REGISTER", b.uri)
	for i, step := range []struct {
		auth string
		want int
	}{{third, 200}, {second, 200}, {second, 401}, {third, 401}} {
		if res := b.send("Authorization: " + step.auth); res.StatusCode != step.want {
			t.Errorf("step %d: got %d, want %d", i, res.StatusCode, step.want)
		}
	}
}

// A REGISTER costs little more than its bytes.
func TestAnswer_allocations(t *testing.T) {
	b := newBench(t, Config{})
	var first, signed wire.Message
	raw := b.signed("Contact: <sip:1001@192.0.2.7>;expires=600")
	if err := first.Parse([]byte(b.text("Contact: <sip:1001@192.0.2.7>"))); err != nil {
		t.Fatal(err)
	}
	if err := signed.Parse([]byte(raw)); err != nil {
		t.Fatal(err)
	}
	dst := make([]byte, 0, 2048)
	if n := testing.AllocsPerRun(100, func() { b.reg.Answer(dst, b.f, &first) }); n > 16 {
		t.Errorf("401: %v allocations", n)
	}
	if n := testing.AllocsPerRun(100, func() { b.reg.Answer(dst, b.f, &signed) }); n > 24 {
		t.Errorf("200: %v allocations", n)
	}
}

func BenchmarkAnswer(b *testing.B) {
	x := newBench(&testing.T{}, Config{})
	var first wire.Message
	if err := first.Parse([]byte(x.text("Contact: <sip:1001@192.0.2.7>"))); err != nil {
		b.Fatal(err)
	}
	dst := make([]byte, 0, 2048)
	b.Run("401", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			x.reg.Answer(dst, x.f, &first)
		}
	})
	b.Run("200", func(b *testing.B) {
		b.ReportAllocs()
		var m wire.Message
		res := x.send("Contact: <sip:1001@192.0.2.7>")
		if _, err := x.phone.Answer("REGISTER", x.uri, "", values(res, "WWW-Authenticate")); err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			auth, _ := x.phone.Again("REGISTER", x.uri)
			x.cseq++
			raw := []byte(x.text("Contact: <sip:1001@192.0.2.7>", "Authorization: "+auth))
			if err := m.Parse(raw); err != nil {
				b.Fatal(err)
			}
			if out := x.reg.Answer(dst, x.f, &m); string(out[8:11]) != "200" {
				b.Fatalf("%s", out)
			}
		}
	})
}
