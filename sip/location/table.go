package location

import (
	"container/heap"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/lineaamica/la2/sip/flow"
)

// A Table holds the bindings of all AORs. Safe for concurrent use.
type Table struct {
	cfg Config

	mu       sync.Mutex // guards what follows
	aors     map[AOR][]*entry
	flows    map[uint64]map[AOR]struct{} // who is bound to a connection, by its number
	expiries expiryHeap
	changes  []Change // not yet told
	telling  bool     // somebody tells them
}

// NewTable makes an empty table.
func NewTable(cfg Config) *Table {
	if cfg.MaxBindings <= 0 {
		cfg.MaxBindings = 10
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Grace <= 0 {
		cfg.Grace = 10 * time.Second
	}
	return &Table{cfg: cfg, aors: map[AOR][]*entry{}, flows: map[uint64]map[AOR]struct{}{}}
}

// Bind stores b, replacing a binding with the same contact, or with the same
// instance and reg-id. A binding that is already over is removed. Errors:
// ErrStale, ErrTooMany, ErrContact; the table is then unchanged.
func (t *Table) Bind(aor AOR, b Binding) error {
	_, err := t.Update(aor, []Edit{{Binding: b}})
	return err
}

// Update applies all edits or none (RFC 3261 10.3 step 7) and returns the
// bindings that the AOR has then. Removing what is not there is no error.
func (t *Table) Update(aor AOR, edits []Edit) ([]Binding, error) {
	t.mu.Lock()
	next, err := t.plan(t.aors[aor], edits, t.limit(aor))
	if err != nil {
		t.mu.Unlock()
		return nil, err
	}
	t.replace(aor, next)
	out := bindings(t.aors[aor], t.cfg.Now())
	t.mu.Unlock()
	t.tell()
	return out, nil
}

func (t *Table) limit(aor AOR) int {
	if t.cfg.Limit != nil {
		if n := t.cfg.Limit(aor); n > 0 {
			return n
		}
	}
	return t.cfg.MaxBindings
}

// plan is what old becomes by edits. t.mu must be held.
func (t *Table) plan(old []*entry, edits []Edit, limit int) ([]*entry, error) {
	now := t.cfg.Now()
	next := slices.Clone(old)
	for _, e := range edits {
		n, err := newEntry(e.Binding)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(next, n.replaces)
		if i >= 0 && next[i].b.CallID == e.Binding.CallID && next[i].b.CSeq >= e.Binding.CSeq {
			return nil, ErrStale
		}
		switch {
		case i >= 0 && (e.Remove || !e.Binding.Expires.After(now)):
			next = slices.Delete(next, i, i+1)
		case i >= 0:
			next = append(slices.Delete(next, i, i+1), n)
		case !e.Remove && e.Binding.Expires.After(now):
			next = append(next, n)
		}
	}
	next = withoutLost(next)
	if len(next) > limit && len(next) > len(old) {
		return nil, ErrTooMany
	}
	return next, nil
}

// Clear removes all bindings of an AOR (Contact: *). Each must be of another
// Call-ID, or of a lower CSeq (10.3 step 6); else nothing is removed and the
// error is ErrStale.
func (t *Table) Clear(aor AOR, callID string, cseq uint32) error {
	t.mu.Lock()
	for _, e := range t.aors[aor] {
		if e.b.CallID == callID && e.b.CSeq >= cseq {
			t.mu.Unlock()
			return ErrStale
		}
	}
	t.replace(aor, nil)
	t.mu.Unlock()
	t.tell()
	return nil
}

// Remove takes away the binding with that contact; false when there is none. It
// is for the administrator and for requests that failed for good.
func (t *Table) Remove(aor AOR, contact string) bool {
	return t.drop(aor, func(e *entry) bool { return sameContact(e.b.Contact, contact) })
}

// Bound tells whether an address-of-record is bound to the connection f.
func (t *Table) Bound(f flow.Flow) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return f.ID != 0 && len(t.flows[f.ID]) > 0
}

// DropFlow tells that a connection has closed, and returns how many bindings are lost
// with it: those behind a NAT, with a reg-id or a Path can be reached no other way
// (RFC 5626 4.2). They stay for Config.Grace, so that a phone that connects again is not told
// down and up, and go at once where the AOR has another binding. The others stay, with a flow
// that names where Contact says that the phone listens and has ID 0: somebody must connect.
func (t *Table) DropFlow(f flow.Flow) (lost int) {
	if f.ID == 0 {
		return 0
	}
	t.mu.Lock()
	now := t.cfg.Now()
	for _, aor := range slices.Collect(maps.Keys(t.flows[f.ID])) {
		var next []*entry
		for _, e := range t.aors[aor] {
			if e.b.Flow == f {
				e = e.parted(now, t.cfg.Grace)
				if e.b.Lost {
					lost++
				}
			}
			next = append(next, e)
		}
		t.replace(aor, withoutLost(next))
	}
	t.mu.Unlock()
	t.tell()
	return lost
}

// withoutLost takes the lost ones out where others are left.
func withoutLost(list []*entry) []*entry {
	if !slices.ContainsFunc(list, func(e *entry) bool { return !e.b.Lost }) {
		return list
	}
	return slices.DeleteFunc(list, func(e *entry) bool { return e.b.Lost })
}

// drop removes the entries of an AOR for which gone holds.
func (t *Table) drop(aor AOR, gone func(*entry) bool) bool {
	t.mu.Lock()
	next := slices.DeleteFunc(slices.Clone(t.aors[aor]), gone)
	found := len(next) < len(t.aors[aor])
	if found {
		t.replace(aor, next)
	}
	t.mu.Unlock()
	t.tell()
	return found
}

// Lookup returns the bindings of an AOR that have not expired: by falling q, the
// latest first among equals. Nil: unknown or unreachable.
func (t *Table) Lookup(aor AOR) []Binding {
	t.mu.Lock()
	defer t.mu.Unlock()
	return bindings(t.aors[aor], t.cfg.Now())
}

// All calls yield for each AOR with its bindings, in no order, until it returns
// false. It sees the table as it is at the start.
func (t *Table) All(yield func(AOR, []Binding) bool) {
	t.mu.Lock()
	now := t.cfg.Now()
	snap := make(map[AOR][]Binding, len(t.aors))
	for aor, list := range t.aors {
		if bs := bindings(list, now); len(bs) > 0 {
			snap[aor] = bs
		}
	}
	t.mu.Unlock()
	for aor, bs := range snap {
		if !yield(aor, bs) {
			return
		}
	}
}

// Len is the number of AORs that have a binding.
func (t *Table) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.aors)
}

// Load puts bindings back that an earlier process kept, before the first Bind and
// without telling OnChange. Expired ones are left out. The connections of that
// process are gone, with the effect of DropFlow.
func (t *Table) Load(aor AOR, bs []Binding) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.cfg.Now()
	var next []*entry
	for _, b := range bs {
		e, err := newEntry(b)
		if err != nil || !b.Expires.After(now) {
			continue
		}
		if b.Flow.ID != 0 {
			e = e.parted(now, t.cfg.Grace)
		}
		next = append(next, e)
	}
	t.set(aor, withoutLost(next))
}

// replace makes next the entries of an AOR and notes the change. t.mu must be held.
func (t *Table) replace(aor AOR, next []*entry) {
	old := t.aors[aor]
	if len(old) == 0 && len(next) == 0 {
		return
	}
	t.set(aor, next)
	if t.cfg.OnChange != nil {
		t.changes = append(t.changes, Change{AOR: aor, Before: len(old), After: len(next), Refresh: refreshed(old, next)})
	}
}

// refreshed tells whether everybody in next was in old, and nobody else.
func refreshed(old, next []*entry) bool {
	if len(old) != len(next) {
		return false
	}
	for _, n := range next {
		if !slices.ContainsFunc(old, func(o *entry) bool { return !n.moved(o) }) {
			return false
		}
	}
	return true
}

// set makes next the entries of an AOR. t.mu must be held.
func (t *Table) set(aor AOR, next []*entry) {
	for _, e := range t.aors[aor] {
		if !slices.Contains(next, e) {
			heap.Remove(&t.expiries, e.index)
			t.untie(e, next)
		}
	}
	for _, e := range next {
		if !slices.Contains(t.aors[aor], e) {
			e.aor = aor
			heap.Push(&t.expiries, e)
			t.tie(e)
		}
	}
	if len(next) == 0 {
		delete(t.aors, aor)
		return
	}
	t.aors[aor] = next
}

// tie notes the connection of e. t.mu must be held.
func (t *Table) tie(e *entry) {
	id := e.b.Flow.ID
	if id == 0 {
		return
	}
	if t.flows[id] == nil {
		t.flows[id] = map[AOR]struct{}{}
	}
	t.flows[id][e.aor] = struct{}{}
}

// untie forgets the connection of e unless one of next has it too. t.mu must be held.
func (t *Table) untie(e *entry, next []*entry) {
	id := e.b.Flow.ID
	if id == 0 || slices.ContainsFunc(next, func(n *entry) bool { return n.b.Flow.ID == id }) {
		return
	}
	delete(t.flows[id], e.aor)
	if len(t.flows[id]) == 0 {
		delete(t.flows, id)
	}
}

// tell calls OnChange for what has changed, in order. While one caller tells,
// others leave theirs to it.
func (t *Table) tell() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.telling {
		return
	}
	t.telling = true
	for len(t.changes) > 0 {
		batch := t.changes
		t.changes = nil
		t.mu.Unlock()
		for _, c := range batch {
			t.cfg.OnChange(c)
		}
		t.mu.Lock()
	}
	t.telling = false
}

// Sweep removes what has expired by now and returns when the next binding will,
// zero when there is none.
func (t *Table) Sweep(now time.Time) (next time.Time) {
	t.mu.Lock()
	for len(t.expiries) > 0 && !t.expiries[0].b.Expires.After(now) {
		aor := t.expiries[0].aor
		t.replace(aor, slices.DeleteFunc(slices.Clone(t.aors[aor]), func(e *entry) bool { return !e.b.Expires.After(now) }))
	}
	if len(t.expiries) > 0 {
		next = t.expiries[0].b.Expires
	}
	t.mu.Unlock()
	t.tell()
	return next
}

// Run sweeps once a second until ctx ends. Lookup never returns what has
// expired; Run only makes the expiry known.
func (t *Table) Run(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			t.Sweep(t.cfg.Now())
		}
	}
}
