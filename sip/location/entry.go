package location

import (
	"net/netip"
	"slices"
	"strings"
	"time"
	"unique"

	"github.com/lineaamica/la2/sip/wire"
)

// An entry is a binding in the table, immutable but for its place in the heap. It holds no parsed
// URI: contacts are compared seldom, and a table of 100,000 telephones is held all day.
type entry struct {
	b     Binding
	aor   AOR
	index int // in expiryHeap
}

func newEntry(b Binding) (*entry, error) {
	if u, ok := wire.ParseURI([]byte(b.Contact)); !ok || len(u.Host) == 0 {
		return nil, ErrContact
	}
	if b.UserAgent != "" {
		b.UserAgent = unique.Make(b.UserAgent).Value() // few models, many telephones
	}
	return &entry{b: b}, nil
}

// tied tells whether the flow is the only way to the binding: a NAT, outbound, or a proxy that
// registered it (RFC 5626 4.2).
func (e *entry) tied() bool { return e.b.NAT || e.b.RegID > 0 || e.b.Path != "" }

// parted is the entry after its connection closed at now. One that is tied to it is lost and ends
// with the grace; another has a flow that names where the contact says that the phone listens.
func (e *entry) parted(now time.Time, grace time.Duration) *entry {
	b := e.b
	b.Flow.ID = 0
	if e.tied() {
		b.Lost = true
		if end := now.Add(grace); end.Before(b.Expires) {
			b.Expires = end.UTC()
		}
		return &entry{b: b}
	}
	b.Flow.Local = netip.AddrPort{}
	if u, ok := wire.ParseURI([]byte(b.Contact)); ok {
		if a, literal := u.Addr(); literal {
			b.Flow.Remote = a
		}
	}
	return &entry{b: b}
}

// replaces tells whether e takes the place of old: it is the same flow of the same
// instance (RFC 5626 6), or, where that is not said of both, the contacts are the same.
func (e *entry) replaces(old *entry) bool {
	if e.b.RegID > 0 && old.b.RegID > 0 {
		return e.b.RegID == old.b.RegID && e.b.Instance == old.b.Instance
	}
	return sameContact(e.b.Contact, old.b.Contact)
}

// moved tells whether e is reached in another way than old was.
func (e *entry) moved(old *entry) bool {
	return e.b.Contact != old.b.Contact || e.b.Flow != old.b.Flow || e.b.Path != old.b.Path || e.b.NAT != old.b.NAT || e.b.Lost != old.b.Lost
}

// sameContact compares by RFC 3261 19.1.4: user with its case, host without;
// absent port and named default port differ; of the parameters, those that mean
// something to routing must agree, and any other that both have.
func sameContact(one, other string) bool {
	if one == other {
		return true
	}
	a, ok1 := wire.ParseURI([]byte(one))
	b, ok2 := wire.ParseURI([]byte(other))
	if !ok1 || !ok2 || a.Secure != b.Secure || string(a.User) != string(b.User) || a.Port != b.Port ||
		!strings.EqualFold(string(a.Host), string(b.Host)) {
		return false
	}
	pa, pb := params(a.Params), params(b.Params)
	for _, name := range []string{"transport", "user", "ttl", "method", "maddr"} {
		if pa[name] != pb[name] {
			return false
		}
	}
	for name, v := range pa {
		if w, both := pb[name]; both && v != w {
			return false
		}
	}
	return true
}

// params indexes ";name=value" parameters without regard to case, which they do not have.
func params(list []byte) map[string]string {
	m := map[string]string{}
	for p := range strings.SplitSeq(strings.ToLower(string(list)), ";") {
		if name, value, _ := strings.Cut(p, "="); name != "" {
			m[name] = value
		}
	}
	return m
}

// bindings copies those of list that live at now, the preferred first.
func bindings(list []*entry, now time.Time) []Binding {
	var out []Binding
	for i := len(list) - 1; i >= 0; i-- {
		if list[i].b.Expires.After(now) {
			out = append(out, list[i].b)
		}
	}
	slices.SortStableFunc(out, func(a, b Binding) int { return b.Q - a.Q })
	return out
}

// expiryHeap orders all entries by Expires, the first to go on top.
type expiryHeap []*entry

func (h expiryHeap) Len() int           { return len(h) }
func (h expiryHeap) Less(i, j int) bool { return h[i].b.Expires.Before(h[j].b.Expires) }
func (h expiryHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *expiryHeap) Push(x any) {
	e := x.(*entry)
	e.index = len(*h)
	*h = append(*h, e)
}

func (h *expiryHeap) Pop() any {
	old := *h
	e := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return e
}
