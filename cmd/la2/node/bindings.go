package node

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/sip/location"
)

// A keeper makes bindings durable behind the back of the registrar, which waits for
// nothing. Changes of one moment share one commit, and only the latest of an
// address-of-record is written. Run owns the writing.
type keeper struct {
	rows  cti.Projection
	list  func(location.AOR) []location.Binding
	log   *slog.Logger
	moved chan struct{} // one slot: somebody came, went or moved
	aged  chan struct{} // one slot: somebody stays longer

	mu    sync.Mutex // guards dirty
	dirty map[location.AOR]struct{}
}

// newKeeper writes what list says of an address-of-record that changed.
func newKeeper(rows cti.Projection, list func(location.AOR) []location.Binding, log *slog.Logger) *keeper {
	return &keeper{rows: rows, list: list, log: log, moved: make(chan struct{}, 1), aged: make(chan struct{}, 1),
		dirty: map[location.AOR]struct{}{}}
}

// changed is the table's OnChange.
func (k *keeper) changed(c location.Change) {
	k.mu.Lock()
	k.dirty[c.AOR] = struct{}{}
	k.mu.Unlock()
	wake := k.moved
	if c.Refresh {
		wake = k.aged
	}
	select {
	case wake <- struct{}{}:
	default:
	}
}

// How long a change of the bindings may wait for others to share its commit: one that
// moved somebody, and one that only made a life longer. Who loses the latter in a
// crash loses some seconds of an hour.
const (
	gatherMoved = 50 * time.Millisecond
	gatherAged  = 2 * time.Second
)

// run writes until ctx ends, and what is left then.
func (k *keeper) run(ctx context.Context) {
	for ctx.Err() == nil {
		select {
		case <-k.moved:
			pause(ctx, gatherMoved, nil)
		case <-k.aged:
			if pause(ctx, gatherAged, k.moved) {
				pause(ctx, gatherMoved, nil)
			}
		case <-ctx.Done():
		}
		k.flush(context.WithoutCancel(ctx))
	}
}

// pause waits until d is over, ctx ends or early says something, which it tells.
func pause(ctx context.Context, d time.Duration, early <-chan struct{}) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	case <-early:
		return true
	}
	return false
}

// flush writes what is dirty, in the order of the keys, which the store likes.
func (k *keeper) flush(ctx context.Context) {
	k.mu.Lock()
	batch := slices.Sorted(maps.Keys(k.dirty))
	clear(k.dirty)
	k.mu.Unlock()
	if len(batch) == 0 {
		return
	}
	err := k.rows.Update(ctx, func(tx cti.Tx) error {
		for _, aor := range batch {
			if err := putBindings(tx, aor, k.list(aor)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil { // with the next change again
		k.log.Error("registrations not durable", "error", err, "count", len(batch))
		k.mu.Lock()
		for _, aor := range batch {
			k.dirty[aor] = struct{}{}
		}
		k.mu.Unlock()
	}
}

func putBindings(tx cti.Tx, aor location.AOR, list []location.Binding) error {
	if len(list) == 0 {
		return tx.Delete([]byte(aor))
	}
	raw, err := json.Marshal(list)
	if err != nil {
		return err
	}
	return tx.Put([]byte(aor), raw)
}

// load reads what was written before a restart.
func (k *keeper) load() (map[location.AOR][]location.Binding, error) {
	out := map[location.AOR][]location.Binding{}
	err := k.rows.View(func(tx cti.Tx) error {
		for key, raw := range tx.Scan(nil) {
			var list []location.Binding
			if err := json.Unmarshal(raw, &list); err != nil {
				return err
			}
			out[location.AOR(key)] = list
		}
		return nil
	})
	return out, err
}
