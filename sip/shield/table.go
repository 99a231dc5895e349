package shield

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"time"
)

// ways is how many cells share a set.
const ways = 8

// A table holds one level for each of many sources in fixed memory: 200 octets a set of eight. A
// new source takes the place of the lowest level in its set: who is that low has lost nothing.
// Safe for concurrent use.
type table struct {
	sets []set
	mask uint64
}

type set struct {
	mu    sync.Mutex // guards cells
	cells [ways]cell
}

type cell struct {
	key   uint64 // 0: free
	at    int64  // ns, of level
	level float64
}

// newTable has 2^bits sets.
func newTable(bits int) *table {
	return &table{sets: make([]set, 1<<bits), mask: 1<<bits - 1}
}

// pour adds n to the level of key, from which leak a second runs out. When it would rise above
// most it stays and pour reports false. The level is that after the call.
func (t *table) pour(key uint64, now time.Time, n, leak, most float64) (level float64, ok bool) {
	s := &t.sets[(key>>32)&t.mask]
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.cell(key, now.UnixNano(), leak)
	if c.level+n > most {
		return c.level, false
	}
	c.level += n
	return c.level, true
}

// earn adds n to the level of key, up to most.
func (t *table) earn(key uint64, now time.Time, n, most float64) {
	s := &t.sets[(key>>32)&t.mask]
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.cell(key, now.UnixNano(), 0)
	c.level = min(most, c.level+n)
}

// spend takes n from the level of key, if it is least or higher.
func (t *table) spend(key uint64, now time.Time, n, least float64) bool {
	s := &t.sets[(key>>32)&t.mask]
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.cell(key, now.UnixNano(), 0)
	if c.level < least {
		return false
	}
	c.level -= n
	return true
}

// forget empties the level of key.
func (t *table) forget(key uint64) {
	s := &t.sets[(key>>32)&t.mask]
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.cells {
		if s.cells[i].key == key {
			s.cells[i] = cell{}
		}
	}
}

// cell finds or makes the cell of key and lets it leak.
func (s *set) cell(key uint64, now int64, leak float64) *cell {
	low := &s.cells[0]
	for i := range s.cells {
		c := &s.cells[i]
		if d := now - c.at; d > 0 && c.key != 0 && leak > 0 {
			c.level = max(0, c.level-leak*float64(d)/float64(time.Second))
			c.at = now
		}
		if c.key == key {
			return c
		}
		if c.key == 0 && low.key != 0 || (c.key == 0) == (low.key == 0) && (c.level < low.level || c.level == low.level && c.at < low.at) {
			low = c
		}
	}
	*low = cell{key: key, at: now}
	return low
}

// hostKey is the key of one source: an IPv4 address or an IPv6 /64.
func hostKey(seed maphash.Seed, a netip.Addr) uint64 {
	b := a.As16()
	if a.Is4() {
		return maphash.Bytes(seed, b[:]) | 1
	}
	return maphash.Bytes(seed, b[:8]) | 1
}

// netKey is the key of the network around it: IPv4 /24 or IPv6 /56.
func netKey(seed maphash.Seed, a netip.Addr) uint64 {
	b := a.As16()
	if a.Is4() {
		return maphash.Bytes(seed, b[:15]) | 1
	}
	return maphash.Bytes(seed, b[:7]) | 1
}

// sourceOf is what is banned: an IPv4 address or an IPv6 /64.
func sourceOf(a netip.Addr) netip.Prefix {
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}
