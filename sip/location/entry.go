package location

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

// An entry is a binding in the table, immutable but for its place in the heap.
type entry struct {
	b     Binding
	uri   sip.Uri
	aor   AOR
	index int // in expiryHeap
}

func newEntry(b Binding) (*entry, error) {
	e := &entry{b: b}
	if err := sip.ParseUri(b.Contact, &e.uri); err != nil || e.uri.Host == "" || (e.uri.Scheme != "sip" && e.uri.Scheme != "sips") {
		return nil, ErrContact
	}
	return e, nil
}

// stranded is the binding without its connection: the flow names where the
// contact says that the phone listens.
func (e *entry) stranded() Binding {
	b := e.b
	b.Flow.ID, b.Flow.Local = 0, netip.AddrPort{}
	if a, err := netip.ParseAddr(strings.Trim(e.uri.Host, "[]")); err == nil {
		port := e.uri.Port
		if port == 0 {
			port = 5060
		}
		b.Flow.Remote = netip.AddrPortFrom(a, uint16(port))
	}
	return b
}

// replaces tells whether e takes the place of old: the contacts are the same, or
// it is the same flow of the same instance (RFC 5626 6).
func (e *entry) replaces(old *entry) bool {
	if e.b.RegID > 0 && e.b.Instance != "" && e.b.RegID == old.b.RegID && e.b.Instance == old.b.Instance {
		return true
	}
	return e.sameContact(old)
}

// sameContact compares by RFC 3261 19.1.4: user with its case, host without;
// absent port and named default port differ; of the parameters, those that mean
// something to routing must agree, and any other that both have.
func (e *entry) sameContact(o *entry) bool {
	a, b := &e.uri, &o.uri
	if a.Scheme != b.Scheme || a.User != b.User || a.Password != b.Password || a.Port != b.Port || !strings.EqualFold(a.Host, b.Host) {
		return false
	}
	pa, pb := params(a.UriParams), params(b.UriParams)
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

// params indexes parameters without regard to case, which they do not have.
func params(ps sip.HeaderParams) map[string]string {
	m := make(map[string]string, len(ps))
	for _, kv := range ps {
		m[strings.ToLower(kv.K)] = strings.ToLower(kv.V)
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
