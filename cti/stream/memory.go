package stream

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/lineaamica/la2/cti"
)

// Memory is a Journal without a disk, for tests. Safe for concurrent use.
type Memory struct {
	epoch string

	mu    sync.Mutex
	base  uint64 // events trimmed
	evs   []cti.Event
	broke error
}

// NewMemory makes an empty journal with a new epoch.
func NewMemory() *Memory {
	return &Memory{epoch: ulid.MustNew(ulid.Timestamp(time.Now()), ulid.DefaultEntropy()).String()}
}

// Epoch is the journal's epoch.
func (m *Memory) Epoch() string { return m.epoch }

// Bounds are the numbers of the first and last event kept.
func (m *Memory) Bounds() (first, last uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.base + 1, m.base + uint64(len(m.evs))
}

// Append keeps evs, unless Break said otherwise.
func (m *Memory) Append(_ context.Context, evs []cti.Event) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broke != nil {
		return m.broke
	}
	if evs[0].Seq != m.base+uint64(len(m.evs))+1 {
		return errors.New("stream: memory: sequence conflict")
	}
	m.evs = append(m.evs, evs...)
	return nil
}

// Read returns up to limit events after the number after.
func (m *Memory) Read(after uint64, limit int) ([]cti.Event, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if after < m.base {
		return nil, ErrTooOld
	}
	from := min(after-m.base, uint64(len(m.evs)))
	to := min(from+uint64(limit), uint64(len(m.evs)))
	return slices.Clone(m.evs[from:to]), nil
}

// Trim forgets the events before the number.
func (m *Memory) Trim(before uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for m.base+1 < before && len(m.evs) > 0 {
		m.base++
		m.evs = m.evs[1:]
	}
}

// Break makes every Append fail with err, until Break(nil).
func (m *Memory) Break(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.broke = err
}

// MemoryProjection is a cti.Projection without a disk, for folds that start
// anew with the process and for tests. Its zero value is ready. A function
// that fails in the middle leaves nothing behind.
type MemoryProjection struct {
	mu     sync.RWMutex
	cursor cti.Position
	kv     map[string][]byte
}

var _ cti.Projection = (*MemoryProjection)(nil)

// Cursor is the position of the last event folded.
func (m *MemoryProjection) Cursor() cti.Position {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.cursor
}

// View runs fn on a consistent state.
func (m *MemoryProjection) View(fn func(cti.Tx) error) error {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return fn(memTx{kv: m.kv})
}

// Update runs fn and keeps its writes, all or none.
func (m *MemoryProjection) Update(_ context.Context, fn func(cti.Tx) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.run(fn)
}

// Advance is Update that also sets the cursor.
func (m *MemoryProjection) Advance(_ context.Context, to cti.Position, fn func(cti.Tx) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.run(fn); err != nil {
		return err
	}
	m.cursor = to
	return nil
}

// run applies fn with an undo log. m.mu must be held.
func (m *MemoryProjection) run(fn func(cti.Tx) error) error {
	if m.kv == nil {
		m.kv = map[string][]byte{}
	}
	undo := map[string][]byte{}
	err := fn(memTx{kv: m.kv, undo: undo})
	if err == nil {
		return nil
	}
	for k, v := range undo {
		if v == nil {
			delete(m.kv, k)
			continue
		}
		m.kv[k] = v
	}
	return err
}

type memTx struct{ kv, undo map[string][]byte }

func (t memTx) Get(key []byte) []byte { return t.kv[string(key)] }

func (t memTx) Put(key, value []byte) error {
	if err := t.save(key); err != nil {
		return err
	}
	t.kv[string(key)] = append([]byte{}, value...)
	return nil
}

func (t memTx) Delete(key []byte) error {
	if err := t.save(key); err != nil {
		return err
	}
	delete(t.kv, string(key))
	return nil
}

func (t memTx) save(key []byte) error {
	if t.undo == nil {
		return errors.New("stream: write in a view")
	}
	if _, saved := t.undo[string(key)]; !saved {
		t.undo[string(key)] = t.kv[string(key)]
	}
	return nil
}

func (t memTx) Scan(prefix []byte) iter.Seq2[[]byte, []byte] { return t.ScanAfter(prefix, nil) }

func (t memTx) ScanAfter(prefix, after []byte) iter.Seq2[[]byte, []byte] {
	keys := slices.Sorted(maps.Keys(t.kv))
	return func(yield func(k, v []byte) bool) {
		for _, k := range keys {
			if !strings.HasPrefix(k, string(prefix)) || (after != nil && k <= string(after)) {
				continue
			}
			if !yield([]byte(k), t.kv[k]) {
				return
			}
		}
	}
}
