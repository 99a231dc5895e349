package trunk

import (
	"strings"
	"testing"
	"time"
)

func namesOf(ps []*Peer) string {
	var out []string
	for _, p := range ps {
		out = append(out, p.Name)
	}
	return strings.Join(out, " ")
}

func TestMembers(t *testing.T) {
	tab := newTable(t,
		Peer{Name: "b", GroupName: "pstn", Priority: 1, Address: addr("192.0.2.2:5060")},
		Peer{Name: "c", GroupName: "pstn", Priority: 2, Address: addr("192.0.2.3:5060")},
		Peer{Name: "a", GroupName: "pstn", Address: addr("192.0.2.1:5060")},
		Peer{Name: "alone", Address: addr("192.0.2.4:5060")},
	)
	now := time.Now()
	for _, step := range []struct {
		what string
		do   func()
		want string
	}{
		{"by priority", func() {}, "a b c"},
		{"who is down comes last", func() { tab.Observe("a", Refuse) }, "b c a"},
		{"so does who asked for a pause", func() { tab.Heard("b", 503, 30*time.Second, now) }, "c b a"},
		{"a 503 without Retry-After is that call's alone", func() { tab.Heard("c", 503, 0, now) }, "c b a"},
	} {
		if step.do(); namesOf(tab.Members("pstn")) != step.want {
			t.Errorf("%s: got %s, want %s", step.what, namesOf(tab.Members("pstn")), step.want)
		}
	}
	if namesOf(tab.Members("alone")) != "alone" || namesOf(tab.Members("b")) != "b" || tab.Members("nobody") != nil {
		t.Error("a name of a peer is that peer")
	}
	if tab.peers[0].Group() != "pstn" || tab.peers[3].Group() != "alone" {
		t.Error("Group")
	}
	if !tab.Usable("pstn") || tab.Usable("nobody") {
		t.Error("a group is usable while one member is")
	}
}

// A peer is first in proportion to its weight (RFC 2782), and nobody is lost.
func TestMembers_weight(t *testing.T) {
	tab := newTable(t,
		Peer{Name: "a", GroupName: "g", Weight: 3, Address: addr("192.0.2.1:5060")},
		Peer{Name: "b", GroupName: "g", Address: addr("192.0.2.2:5060")}, // counts as 1
		Peer{Name: "c", GroupName: "g", Weight: 2, Address: addr("192.0.2.3:5060")},
	)
	first := map[string]int{}
	for i := range 6 * 5 {
		draws := []int{i % 6, i / 6 % 5} // every first and second draw
		tab.random = func(n int) int {
			d := draws[0] % n
			if len(draws) > 1 {
				draws = draws[1:]
			}
			return d
		}
		got := tab.Members("g")
		first[got[0].Name]++
		if len(got) != 3 || got[0] == got[1] || got[1] == got[2] || got[0] == got[2] {
			t.Fatalf("members %s", namesOf(got))
		}
	}
	if first["a"] != 15 || first["b"] != 5 || first["c"] != 10 {
		t.Errorf("first: %v, want 3 : 1 : 2", first)
	}
}

func TestBucket(t *testing.T) {
	var b bucket
	now := time.Unix(1000, 0)
	taken := func(n int) (out int) {
		for range n {
			if b.take(now, 3) {
				out++
			}
		}
		return out
	}
	for _, step := range []struct {
		after time.Duration
		want  int
	}{{0, 3}, {0, 0}, {333 * time.Millisecond, 0}, {time.Millisecond, 1}, {time.Second, 3}, {time.Hour, 3}, {-time.Hour, 0}, {500 * time.Millisecond, 0}} {
		now = now.Add(step.after)
		if got := taken(9); got != step.want {
			t.Errorf("after %v: %d calls, want %d", step.after, got, step.want)
		}
	}
	for range 1000 {
		if !b.take(now, 0) {
			t.Fatal("0 is no limit")
		}
	}
}

func TestTake(t *testing.T) {
	tab := newTable(t, Peer{Name: "a", MaxRate: 1, Address: addr("192.0.2.1:5060")})
	now := time.Now()
	if !tab.Take("a", now) || tab.Take("a", now) || !tab.Take("a", now.Add(time.Second)) || !tab.Take("nobody", now) {
		t.Error("one call a second")
	}
}

func TestStatus(t *testing.T) {
	tab := newTable(t, Peer{Name: "a", Address: addr("192.0.2.1:5060")})
	now := time.Unix(1000, 0)
	if s, ok := tab.Status("a"); !ok || s.State != Unknown || s.Fault != (Fault{}) || s.Registration != NotRegistering {
		t.Errorf("fresh: %+v", s)
	}
	for _, step := range []struct {
		status int
		want   string
	}{{200, ""}, {486, ""}, {404, ""}, {500, "500 to INVITE"}, {486, "500 to INVITE"}, {403, "403 to INVITE"}, {0, "no answer to INVITE"}} {
		tab.Heard("a", step.status, 0, now)
		if s, _ := tab.Status("a"); s.Fault.What != step.want {
			t.Errorf("after %d: %q, want %q", step.status, s.Fault.What, step.want)
		}
	}
	if _, ok := tab.Status("b"); ok {
		t.Error("b is nobody")
	}
	tab.Heard("a", 0, 0, now)
	if _, changed := tab.Heard("a", 0, 0, now); !changed || tab.Usable("a") {
		t.Error("three silent calls are as good as three silent probes")
	}
}
