package node

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"time"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/sip/location"
)

// A keeper makes bindings durable behind the back of the registrar: changes of
// one moment share one commit, and only the latest of an address-of-record is
// written. Run owns the writing.
type keeper struct {
	rows cti.Projection
	log  *slog.Logger
	wake chan struct{} // one slot: "something to write"

	mu      sync.Mutex // guards pending
	pending map[location.AOR][]location.Binding
}

func newKeeper(rows cti.Projection, log *slog.Logger) *keeper {
	return &keeper{rows: rows, log: log, wake: make(chan struct{}, 1), pending: map[location.AOR][]location.Binding{}}
}

// changed is the table's OnChange.
func (k *keeper) changed(c location.Change) {
	k.mu.Lock()
	k.pending[c.AOR] = c.Bindings
	k.mu.Unlock()
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// gather is how long a change of the bindings may wait for others to share its
// commit. The registrar does not wait for either.
const gather = 20 * time.Millisecond

// run writes until ctx ends, and what is left then.
func (k *keeper) run(ctx context.Context) {
	for {
		select {
		case <-k.wake:
			select {
			case <-time.After(gather):
			case <-ctx.Done():
			}
			k.flush(context.WithoutCancel(ctx))
		case <-ctx.Done():
			k.flush(context.WithoutCancel(ctx))
			return
		}
	}
}

func (k *keeper) flush(ctx context.Context) {
	k.mu.Lock()
	batch := k.pending
	k.pending = map[location.AOR][]location.Binding{}
	k.mu.Unlock()
	if len(batch) == 0 {
		return
	}
	err := k.rows.Update(ctx, func(tx cti.Tx) error {
		for aor, list := range batch {
			if err := putBindings(tx, aor, list); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		k.log.Error("registrations not durable", "error", err, "count", len(batch))
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
