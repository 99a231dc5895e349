package location

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/lineaamica/la2/sip/flow"
)

var start = time.Date(2026, 3, 10, 9, 0, 0, 0, time.UTC)

type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

func newTable(cfg Config) (*Table, *clock) {
	c := &clock{start}
	cfg.Now = c.now
	return NewTable(cfg), c
}

func bind(contact, callID string, cseq uint32, life time.Duration) Binding {
	return Binding{Contact: contact, CallID: callID, CSeq: cseq, Q: 1000, Expires: start.Add(life)}
}

func contacts(bs []Binding) []string {
	var out []string
	for _, b := range bs {
		out = append(out, b.Contact)
	}
	return out
}

func TestBind_RFC3261_10_3(t *testing.T) {
	tab, _ := newTable(Config{MaxBindings: 2})
	steps := []struct {
		name string
		b    Binding
		want error
		left []string
	}{
		{"first", bind("sip:a@192.0.2.1:5060", "c1", 1, time.Hour), nil, []string{"sip:a@192.0.2.1:5060"}},
		{"same Call-ID, same CSeq", bind("sip:a@192.0.2.1:5060", "c1", 1, time.Hour), ErrStale, []string{"sip:a@192.0.2.1:5060"}},
		{"same Call-ID, higher CSeq", bind("sip:a@192.0.2.1:5060;x=y", "c1", 2, time.Hour), nil, []string{"sip:a@192.0.2.1:5060;x=y"}},
		{"other Call-ID, lower CSeq", bind("sip:a@192.0.2.1:5060", "c2", 1, time.Hour), nil, []string{"sip:a@192.0.2.1:5060"}},
		{"second contact", bind("sip:a@192.0.2.2:5060", "c3", 1, time.Hour), nil, []string{"sip:a@192.0.2.2:5060", "sip:a@192.0.2.1:5060"}},
		{"one too many", bind("sip:a@192.0.2.3:5060", "c4", 1, time.Hour), ErrTooMany, []string{"sip:a@192.0.2.2:5060", "sip:a@192.0.2.1:5060"}},
		{"refresh when full", bind("sip:a@192.0.2.1:5060", "c2", 2, time.Hour), nil, []string{"sip:a@192.0.2.1:5060", "sip:a@192.0.2.2:5060"}},
		{"expires 0", bind("sip:a@192.0.2.1:5060", "c2", 3, 0), nil, []string{"sip:a@192.0.2.2:5060"}},
		{"removed again", bind("sip:a@192.0.2.1:5060", "c2", 4, 0), nil, []string{"sip:a@192.0.2.2:5060"}},
		{"no URI", bind("a", "c9", 1, time.Hour), ErrContact, []string{"sip:a@192.0.2.2:5060"}},
		{"not SIP", bind("mailto:a@b", "c9", 1, time.Hour), ErrContact, []string{"sip:a@192.0.2.2:5060"}},
	}
	for _, s := range steps {
		if err := tab.Bind("1001", s.b); !errors.Is(err, s.want) {
			t.Errorf("%s: got %v, want %v", s.name, err, s.want)
		}
		if got := contacts(tab.Lookup("1001")); !reflect.DeepEqual(got, s.left) {
			t.Errorf("%s: left %q, want %q", s.name, got, s.left)
		}
	}
}

func TestUpdate_allOrNothing(t *testing.T) {
	tab, _ := newTable(Config{})
	tab.Bind("1001", bind("sip:a@192.0.2.1", "c1", 5, time.Hour))
	_, err := tab.Update("1001", []Edit{
		{Binding: bind("sip:a@192.0.2.9", "c1", 4, time.Hour)},
		{Binding: bind("sip:a@192.0.2.1", "c1", 4, 0), Remove: true},
	})
	if !errors.Is(err, ErrStale) || len(tab.Lookup("1001")) != 1 {
		t.Errorf("got %v, left %v", err, tab.Lookup("1001"))
	}
}

func TestClear(t *testing.T) {
	tab, _ := newTable(Config{})
	tab.Bind("1001", bind("sip:a@192.0.2.1", "c1", 5, time.Hour))
	tab.Bind("1001", bind("sip:a@192.0.2.2", "c2", 9, time.Hour))
	if err := tab.Clear("1001", "c2", 9); !errors.Is(err, ErrStale) {
		t.Errorf("got %v", err)
	}
	if err := tab.Clear("1001", "c2", 10); err != nil || tab.Len() != 0 || len(tab.expiries) != 0 {
		t.Errorf("got %v, %d left, heap %d", err, tab.Len(), len(tab.expiries))
	}
	if err := tab.Clear("nobody", "c", 1); err != nil {
		t.Error(err)
	}
}

func TestSameContact_RFC3261_19_1_4(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		want bool
	}{
		{"sip:alice@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;transport=UDP", true},
		{"sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5", true},
		{"SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP", false},
		{"sip:bob@biloxi.com", "sip:bob@biloxi.com:5060", false},
		{"sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp", false},
		{"sip:a@h;rinstance=1", "sip:a@h;rinstance=2", false},
		{"sip:a@h", "sips:a@h", false},
	} {
		if got := sameContact(tc.a, tc.b); got != tc.want || sameContact(tc.b, tc.a) != got {
			t.Errorf("%s, %s: got %v", tc.a, tc.b, got)
		}
	}
}

func TestBind_instance_RFC5626_6(t *testing.T) {
	tab, _ := newTable(Config{})
	b := bind("sip:a@192.0.2.1:1000", "c1", 1, time.Hour)
	b.Instance, b.RegID = "<urn:uuid:1>", 1
	tab.Bind("1001", b)
	b.Contact, b.CallID = "sip:a@192.0.2.1:2000", "c2"
	tab.Bind("1001", b)
	b.Contact, b.CallID, b.RegID = "sip:a@192.0.2.1:3000", "c3", 2
	tab.Bind("1001", b)
	if got, want := contacts(tab.Lookup("1001")), []string{"sip:a@192.0.2.1:3000", "sip:a@192.0.2.1:2000"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestLookup_order(t *testing.T) {
	tab, c := newTable(Config{})
	for i, q := range []int{500, 1000, 1000, 0} {
		b := bind(fmt.Sprintf("sip:a@192.0.2.%d", i), fmt.Sprint(i), 1, time.Duration(i+1)*time.Minute)
		b.Q = q
		tab.Bind("1001", b)
	}
	want := []string{"sip:a@192.0.2.2", "sip:a@192.0.2.1", "sip:a@192.0.2.0", "sip:a@192.0.2.3"}
	if got := contacts(tab.Lookup("1001")); !reflect.DeepEqual(got, want) {
		t.Errorf("got %q", got)
	}
	c.t = start.Add(2 * time.Minute) // two are over, nobody has swept
	if got := contacts(tab.Lookup("1001")); !reflect.DeepEqual(got, []string{"sip:a@192.0.2.2", "sip:a@192.0.2.3"}) {
		t.Errorf("got %q", got)
	}
}

func TestSweep_changes(t *testing.T) {
	var got []string
	tab, c := newTable(Config{OnChange: func(ch Change) {
		got = append(got, fmt.Sprintf("%s %d>%d up=%v down=%v", ch.AOR, ch.Before, ch.After, ch.Up(), ch.Down()))
	}})
	tab.Bind("1001", bind("sip:a@192.0.2.1", "c1", 1, time.Minute))
	tab.Bind("1001", bind("sip:a@192.0.2.2", "c2", 1, 2*time.Minute))
	tab.Bind("1002", bind("sip:b@192.0.2.3", "c3", 1, 3*time.Minute))
	for _, m := range []int{1, 2, 3} {
		c.t = start.Add(time.Duration(m) * time.Minute)
		next := tab.Sweep(c.t)
		if want := start.Add(time.Duration(m+1) * time.Minute); m < 3 && !next.Equal(want) || m == 3 && !next.IsZero() {
			t.Errorf("minute %d: next %v", m, next)
		}
	}
	want := []string{"1001 0>1 up=true down=false", "1001 1>2 up=false down=false", "1002 0>1 up=true down=false",
		"1001 2>1 up=false down=false", "1001 1>0 up=false down=true", "1002 1>0 up=false down=true"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q", got)
	}
}

// OnChange may use the table, and is never called inside itself.
func TestOnChange_reentrant(t *testing.T) {
	var tab *Table
	depth, calls := 0, 0
	tab = NewTable(Config{OnChange: func(ch Change) {
		depth++
		calls++
		if depth != 1 {
			t.Error("called inside itself")
		}
		if ch.Up() {
			tab.Remove(ch.AOR, tab.Lookup(ch.AOR)[0].Contact)
		}
		depth--
	}})
	tab.Bind("1001", Binding{Contact: "sip:a@192.0.2.1", Expires: time.Now().Add(time.Hour)})
	if calls != 2 || tab.Len() != 0 {
		t.Errorf("%d calls, %d left", calls, tab.Len())
	}
}

// conn is a connection from that address.
func conn(id uint64, remote string) flow.Flow {
	return flow.Flow{Transport: flow.TCP, Remote: netip.MustParseAddrPort(remote), ID: id}
}

// What only its connection reached is lost and ends with the grace; a listening phone stays.
func TestDropFlow(t *testing.T) {
	var changes []string
	tab, c := newTable(Config{Grace: 5 * time.Second, OnChange: func(ch Change) {
		changes = append(changes, fmt.Sprintf("%s %d>%d", ch.AOR, ch.Before, ch.After))
	}})
	f := conn(7, "192.0.2.1:40000")
	plain := bind("sip:a@192.0.2.1:5060;transport=tcp", "c1", 1, time.Hour)
	behind := bind("sip:a@10.0.0.1:5060;transport=tcp", "c2", 1, time.Hour)
	over := bind("sip:a@192.0.2.1:5060;transport=tcp", "c3", 1, time.Hour)
	plain.Flow, behind.Flow, over.Flow = f, f, f
	behind.NAT, over.Path = true, "<sip:edge.example;lr>"
	tab.Bind("1001", plain)
	tab.Bind("1002", behind)
	tab.Bind("1003", over)
	changes = nil
	if !tab.Bound(f) || tab.Bound(conn(8, "192.0.2.1:40000")) || tab.Bound(flow.Flow{Transport: flow.UDP}) {
		t.Error("Bound does not tell whose connection it is")
	}
	if n := tab.DropFlow(f); n != 2 {
		t.Errorf("%d lost", n)
	}
	if n := tab.DropFlow(f); n != 0 || tab.Bound(f) {
		t.Errorf("%d lost again, bound %v", n, tab.Bound(f))
	}
	if got := tab.Lookup("1001"); len(got) != 1 || got[0].Lost || got[0].Flow != (flow.Flow{Transport: flow.TCP, Remote: netip.MustParseAddrPort("192.0.2.1:5060")}) {
		t.Errorf("got %+v", got)
	}
	for _, aor := range []AOR{"1002", "1003"} {
		if got := tab.Lookup(aor); len(got) != 1 || !got[0].Lost || !got[0].Expires.Equal(start.Add(5*time.Second)) {
			t.Errorf("%s: got %+v", aor, got)
		}
	}
	c.t = start.Add(2 * time.Second) // 1002 is back, from another port
	behind.Contact, behind.CallID, behind.Flow = "sip:a@10.0.0.1:5070;transport=tcp", "c4", conn(8, "192.0.2.1:40001")
	tab.Bind("1002", behind)
	if got := tab.Lookup("1002"); len(got) != 1 || got[0].Lost || got[0].Flow.ID != 8 {
		t.Errorf("got %+v", got)
	}
	tab.Sweep(start.Add(6 * time.Second))
	slices.Sort(changes)
	if want := []string{"1001 1>1", "1002 1>1", "1002 1>1", "1003 1>0", "1003 1>1"}; !reflect.DeepEqual(changes, want) {
		t.Errorf("got %q, want %q", changes, want)
	}
}

// A lost binding goes at once where the AOR can be reached otherwise (RFC 5626 4.2).
func TestDropFlow_another(t *testing.T) {
	tab, _ := newTable(Config{})
	for i := range 2 {
		b := bind(fmt.Sprintf("sip:a@10.0.0.1:%d", 5060+i), fmt.Sprint(i), 1, time.Hour)
		b.Instance, b.RegID, b.Flow = "<urn:uuid:1>", i+1, conn(uint64(i+1), fmt.Sprintf("192.0.2.1:%d", 40000+i))
		tab.Bind("1001", b)
	}
	if n := tab.DropFlow(conn(1, "192.0.2.1:40000")); n != 1 {
		t.Errorf("%d lost", n)
	}
	if got := tab.Lookup("1001"); len(got) != 1 || got[0].RegID != 2 {
		t.Errorf("got %+v", got)
	}
	if tab.DropFlow(conn(2, "192.0.2.1:40001")); !tab.Lookup("1001")[0].Lost {
		t.Error("the last one is not kept for the grace")
	}
}

// A connection that ends costs what was bound to it, not the table.
func TestDropFlow_indexed(t *testing.T) {
	tab, _ := newTable(Config{})
	for i := range 2000 {
		b := bind("sip:a@10.0.0.1", "c", 1, time.Hour)
		b.NAT, b.Flow = true, conn(uint64(i+1), "192.0.2.1:40000")
		tab.Bind(AOR(fmt.Sprint(i)), b)
	}
	if n := testing.AllocsPerRun(100, func() { tab.DropFlow(conn(5000, "192.0.2.1:40000")) }); n > 4 {
		t.Errorf("%v allocations for a connection of nobody", n)
	}
	if tab.DropFlow(conn(17, "192.0.2.1:40000")) != 1 || len(tab.flows) != 1999 {
		t.Errorf("%d connections", len(tab.flows))
	}
	for i := range 2000 {
		tab.Clear(AOR(fmt.Sprint(i)), "other", 1)
	}
	if len(tab.flows) != 0 || len(tab.expiries) != 0 {
		t.Errorf("%d connections, %d timers left", len(tab.flows), len(tab.expiries))
	}
}

func TestChange_refresh(t *testing.T) {
	var got []bool
	tab, _ := newTable(Config{OnChange: func(c Change) { got = append(got, c.Refresh) }})
	b := bind("sip:a@192.0.2.1", "c1", 1, time.Hour)
	tab.Bind("1001", b)
	b.CSeq, b.Expires = 2, b.Expires.Add(time.Minute)
	tab.Bind("1001", b)
	b.CSeq, b.Flow = 3, conn(1, "192.0.2.1:5060")
	tab.Bind("1001", b)
	tab.Clear("1001", "c2", 1)
	if want := []bool{false, true, false, false}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestLimit(t *testing.T) {
	tab, _ := newTable(Config{MaxBindings: 1, Limit: func(a AOR) int {
		if a == "many" {
			return 3
		}
		return 0
	}})
	for aor, want := range map[AOR]int{"one": 1, "many": 3} {
		for i := range 5 {
			err := tab.Bind(aor, bind(fmt.Sprintf("sip:a@192.0.2.%d", i), fmt.Sprint(i), 1, time.Hour))
			if (err == nil) != (i < want) || err != nil && !errors.Is(err, ErrTooMany) {
				t.Errorf("%s, %d: got %v", aor, i, err)
			}
		}
	}
}

// One binding, with its strings and its share of map and heap, fits into a kibibyte with room to
// spare: a node holds 100,000.
func TestTable_memory(t *testing.T) {
	const n = 100_000
	tab := NewTable(Config{})
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	for i := range n {
		err := tab.Bind(AOR(fmt.Sprintf("number%d", i)), Binding{
			Contact: fmt.Sprintf("sip:number%d@192.0.2.%d:%d;transport=udp;line=8c1f2a", i, i%250, 1024+i%60000),
			Expires: time.Now().Add(time.Hour), Q: 1000, CallID: fmt.Sprintf("%032d@192.0.2.17", i), CSeq: 1,
			Flow:      flow.Flow{Transport: flow.UDP, Local: netip.MustParseAddrPort("192.0.2.9:5060"), Remote: netip.MustParseAddrPort("192.0.2.17:5060")},
			Instance:  fmt.Sprintf("<urn:uuid:%08d-0000-1000-8000-00ff8fa80c30>", i),
			UserAgent: fmt.Sprintf("Telephone %d/1.0 with a long name", i%20),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if each := (heap() - before) / n; each > 768 {
		t.Errorf("%d bytes a binding", each)
	} else {
		t.Logf("%d bytes a binding", each)
	}
	runtime.KeepAlive(tab)
}

// A binding goes through JSON and Load as it was.
func TestLoad(t *testing.T) {
	tab, _ := newTable(Config{OnChange: func(Change) { t.Error("Load is no change") }})
	b := bind("sip:a@192.0.2.1:5060", "c1", 7, time.Hour)
	b.Flow = flow.Flow{Transport: flow.UDP, Local: netip.MustParseAddrPort("192.0.2.9:5060"), Remote: netip.MustParseAddrPort("192.0.2.1:5060")}
	b.NAT, b.UserAgent = true, "test"
	over := bind("sip:a@192.0.2.2", "c2", 1, -time.Second)
	gone := bind("sip:a@10.0.0.1", "c3", 1, time.Hour)
	gone.Flow, gone.NAT = conn(3, "192.0.2.1:40000"), true
	raw, err := json.Marshal([]Binding{b, over, gone})
	if err != nil {
		t.Fatal(err)
	}
	var back []Binding
	if err := json.Unmarshal(raw, &back); err != nil {
		t.Fatal(err)
	}
	tab.Load("1001", back)
	if got := tab.Lookup("1001"); len(got) != 1 || !reflect.DeepEqual(got[0], b) {
		t.Errorf("got %+v, want %+v", got, b)
	}
	for aor, bs := range tab.All {
		if aor != "1001" || len(bs) != 1 {
			t.Errorf("%s: %v", aor, bs)
		}
	}
	// Who had nothing but a connection has the grace to connect again.
	tab.Load("1002", []Binding{gone})
	if got := tab.Lookup("1002"); len(got) != 1 || !got[0].Lost || got[0].Flow.ID != 0 || !got[0].Expires.Equal(start.Add(10*time.Second)) {
		t.Errorf("got %+v", got)
	}
}

func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := make(chan AOR, 1)
		tab := NewTable(Config{OnChange: func(c Change) {
			if c.Down() {
				down <- c.AOR
			}
		}})
		go tab.Run(t.Context()) // ends with the test
		began := time.Now()
		tab.Bind("1001", Binding{Contact: "sip:a@192.0.2.1", Expires: began.Add(90 * time.Second)})
		<-down
		if took := time.Since(began); took < 90*time.Second || took > 92*time.Second {
			t.Errorf("after %v", took)
		}
	})
}

// After any history the heap holds exactly the entries, and a model of a list
// agrees with the table.
func TestTable_model(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		tab, c := newTable(Config{MaxBindings: 3})
		cseq := uint32(0)
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			aor := AOR(rapid.SampledFrom([]string{"1", "2"}).Draw(rt, "aor"))
			contact := rapid.SampledFrom([]string{"sip:a@h1", "sip:a@h2", "sip:a@h3", "sip:a@h4"}).Draw(rt, "contact")
			cseq++
			switch rapid.IntRange(0, 3).Draw(rt, "op") {
			case 0, 1:
				life := time.Duration(rapid.IntRange(0, 100).Draw(rt, "life")) * time.Second
				tab.Bind(aor, Binding{Contact: contact, CallID: "c", CSeq: cseq, Expires: c.t.Add(life)})
			case 2:
				tab.Remove(aor, contact)
			case 3:
				c.t = c.t.Add(30 * time.Second)
				tab.Sweep(c.t)
			}
			n := 0
			for _, list := range tab.aors {
				n += len(list)
				if len(list) == 0 || len(list) > 3 {
					rt.Fatalf("%d bindings", len(list))
				}
			}
			if n != len(tab.expiries) {
				rt.Fatalf("heap holds %d of %d", len(tab.expiries), n)
			}
			for i, e := range tab.expiries {
				if e.index != i {
					rt.Fatalf("index %d at %d", e.index, i)
				}
			}
		}
	})
}

func ExampleTable() {
	t := NewTable(Config{OnChange: func(c Change) { fmt.Println(c.AOR, "up:", c.Up()) }})
	_ = t.Bind("1001", Binding{Contact: "sip:1001@192.0.2.7", CallID: "a", CSeq: 1, Expires: time.Now().Add(time.Hour)})
	fmt.Println(t.Lookup("1001")[0].Contact)
	// Output:
	// 1001 up: true
	// sip:1001@192.0.2.7
}
