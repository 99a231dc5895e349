package tracking

import (
	"container/list"
	"sync"
	"time"
)

// locks counts failures per key and shuts a key out after too many. It holds a
// bounded number of keys; the least recently failed is forgotten first.
type locks struct {
	limit int
	hold  time.Duration
	max   int

	mu    sync.Mutex // guards what follows
	keys  map[string]*list.Element
	order *list.List // of *failures, the most recent first
}

type failures struct {
	key   string
	count int
	since time.Time // of the first of count
	until time.Time // shut out; zero: not
}

func newLocks(limit int, hold time.Duration, size int) *locks {
	return &locks{limit: limit, hold: hold, max: size, keys: map[string]*list.Element{}, order: list.New()}
}

// take books an attempt on every key before its outcome is known, so that
// attempts side by side cannot outrun the count; false when a key is shut out.
func (l *locks) take(now time.Time, keys ...string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, k := range keys {
		if e, ok := l.keys[k]; ok && now.Before(e.Value.(*failures).until) {
			return false
		}
	}
	for _, k := range keys {
		l.book(now, k)
	}
	return true
}

func (l *locks) book(now time.Time, key string) {
	e, ok := l.keys[key]
	if !ok {
		e = l.order.PushFront(&failures{key: key, since: now})
		l.keys[key] = e
	}
	l.order.MoveToFront(e)
	f := e.Value.(*failures)
	if now.Sub(f.since) >= l.hold || !f.until.IsZero() {
		*f = failures{key: key, since: now}
	}
	if f.count++; f.count >= l.limit {
		f.until = now.Add(l.hold)
	}
	for l.order.Len() > l.max {
		delete(l.keys, l.order.Remove(l.order.Back()).(*failures).key)
	}
}

// clear forgets the failures of a key.
func (l *locks) clear(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e, ok := l.keys[key]; ok {
		l.order.Remove(e)
		delete(l.keys, key)
	}
}

// unbook takes back the last attempt on a key, which was right.
func (l *locks) unbook(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e, ok := l.keys[key]; ok {
		f := e.Value.(*failures)
		if f.count--; f.count < l.limit {
			f.until = time.Time{}
		}
	}
}
