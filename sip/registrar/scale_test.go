package registrar

import (
	"fmt"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"github.com/lineaamica/la2/sip/digest"
	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/location"
	"github.com/lineaamica/la2/sip/wire"
)

// crowd is a registrar as a node has it, for accounts u0, u1, …
func crowd(t *testing.T, accounts int) (*Registrar, *location.Table) {
	t.Helper()
	secrets := make(map[string]digest.HA1, accounts)
	for i := range accounts {
		user := fmt.Sprint("u", i)
		secrets[user] = digest.Password("la2", user, "pw")
	}
	v, err := digest.New(digest.Config{Realm: "la2"}, func(u string) (digest.HA1, bool) {
		s, ok := secrets[u]
		return s, ok
	})
	if err != nil {
		t.Fatal(err)
	}
	table := location.NewTable(location.Config{})
	r, err := New(Config{}, table, digest.NewGuard(digest.GuardConfig{}, v))
	if err != nil {
		t.Fatal(err)
	}
	return r, table
}

// comes registers account number i as a telephone does, with a challenge before.
func comes(t *testing.T, r *Registrar, i, cseq int) {
	t.Helper()
	at := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 5060)
	f := flow.Flow{Transport: flow.UDP, Local: netip.MustParseAddrPort("192.0.2.9:5060"), Remote: at}
	text := func(auth string) []byte {
		return fmt.Appendf(nil, "REGISTER sip:la2.example SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%d;rport\r\nFrom: <sip:u%d@la2.example>;tag=f\r\n"+
			"To: <sip:u%d@la2.example>\r\nCall-ID: %032d@%s\r\nCSeq: %d REGISTER\r\nMax-Forwards: 70\r\nUser-Agent: Telephone %d/1.0\r\n"+
			"Contact: <sip:u%d@%s;line=8c1f2a>;expires=3600;+sip.instance=\"<urn:uuid:%08d-0000-1000-8000-00ff8fa80c30>\"\r\n%sContent-Length: 0\r\n\r\n",
			at, cseq, i, i, i, at.Addr(), cseq, i%20, i, at, i, auth)
	}
	var m wire.Message
	phone := digest.Client{User: fmt.Sprint("u", i), Password: "pw"}
	answer := func(raw []byte) []byte {
		if err := m.Parse(raw); err != nil {
			t.Fatal(err)
		}
		return r.Answer(nil, f, &m)
	}
	if err := m.Parse(answer(text(""))); err != nil || m.Status() != 401 {
		t.Fatalf("got %d, %v", m.Status(), err)
	}
	auth, err := phone.Answer("REGISTER", "sip:la2.example", "", []string{string(m.Header("WWW-Authenticate"))})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Parse(answer(text("Authorization: " + auth + "\r\n"))); err != nil || m.Status() != 200 {
		t.Fatalf("got %d, %v", m.Status(), err)
	}
}

// A registered telephone costs a kibibyte at most, nonces and trust included, of which there are
// never more than the tables hold; TestTable_memory has 100,000 bindings.
func TestIdle_memory(t *testing.T) {
	const n = 10_000
	r, table := crowd(t, n)
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	for i := range n {
		comes(t, r, i, 2)
	}
	if table.Len() != n {
		t.Fatalf("%d registered", table.Len())
	}
	each := (heap() - before) / n
	if each > 1024 {
		t.Errorf("%d bytes a registration", each)
	}
	t.Logf("%d bytes a registration", each)
	runtime.KeepAlive(r)
}

// What a REGISTER costs does not grow with the table (RFC 3261 10.3 has no search in it).
func TestCost_flat(t *testing.T) {
	allocs := func(accounts int) float64 {
		r, table := crowd(t, accounts)
		for i := range accounts {
			err := table.Bind(location.AOR(fmt.Sprint("u", i)), location.Binding{Contact: "sip:a@10.0.0.1", CallID: "c", CSeq: 1,
				Expires: time.Now().Add(time.Hour), Flow: flow.Flow{Transport: flow.TCP, ID: uint64(i + 1)}})
			if err != nil {
				t.Fatal(err)
			}
		}
		cseq := 1
		return testing.AllocsPerRun(50, func() {
			cseq++
			comes(t, r, accounts/2, cseq)
		})
	}
	if few, many := allocs(100), allocs(20_000); many > few*1.2 {
		t.Errorf("%v allocations among 100, %v among 20,000", few, many)
	}
}
