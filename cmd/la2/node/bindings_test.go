package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/sip/location"
	"github.com/lineaamica/la2/store"
)

// A rowCounter counts the commits and rows of a projection.
type rowCounter struct {
	cti.Projection
	commits, rows int
	full          error // what the disk says
}

func (c *rowCounter) Update(ctx context.Context, fn func(cti.Tx) error) error {
	if c.full != nil {
		return c.full
	}
	c.commits++
	return c.Projection.Update(ctx, func(tx cti.Tx) error { return fn(countedTx{tx, c}) })
}

type countedTx struct {
	cti.Tx
	c *rowCounter
}

func (t countedTx) Put(key, value []byte) error { t.c.rows++; return t.Tx.Put(key, value) }

func bindingOf(i int, now time.Time) location.Binding {
	return location.Binding{Contact: fmt.Sprintf("sip:u%d@192.0.2.7:%d", i, 1024+i), CallID: fmt.Sprint(i), CSeq: uint32(now.Unix()),
		Q: 1000, Expires: now.Add(time.Hour).UTC()}
}

// keeping runs fn with a table of a memory-backed keeper and closes both.
func keeping(t *testing.T, fn func(tab *location.Table, k *keeper, rows *rowCounter)) {
	t.Helper()
	s, err := store.Open(filepath.Join(t.TempDir(), "node.db"), store.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	rows := &rowCounter{Projection: s.Projection("bindings")}
	var k *keeper
	tab := location.NewTable(location.Config{OnChange: func(c location.Change) { k.changed(c) }})
	k = newKeeper(rows, tab.Lookup, slog.New(slog.DiscardHandler))
	fn(tab, k, rows)
}

// Who comes is written within a moment, together with others; who stays longer shares a commit of
// two seconds, whatever how often; what is left at the end is written then.
func TestKeeper(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keeping(t, func(tab *location.Table, k *keeper, rows *rowCounter) {
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan struct{})
			go func() { k.run(ctx); close(done) }() // ends with ctx
			register := func(n int) {
				for i := range n {
					if err := tab.Bind(location.AOR(fmt.Sprint("u", i)), bindingOf(i, time.Now())); err != nil {
						t.Fatal(err)
					}
				}
				time.Sleep(time.Second)
				synctest.Wait()
			}
			register(100)
			if rows.commits != 1 || rows.rows != 100 {
				t.Errorf("came: %d commits, %d rows", rows.commits, rows.rows)
			}
			for range 3 {
				register(100) // refreshes, one second apart
			}
			if rows.commits != 2 || rows.rows != 200 {
				t.Errorf("stayed: %d commits, %d rows", rows.commits, rows.rows)
			}
			register(1)
			cancel()
			<-done
			got, err := k.load()
			if err != nil || len(got) != 100 || got["u0"][0].CSeq != tab.Lookup("u0")[0].CSeq {
				t.Errorf("%d kept, %v: %+v", len(got), err, got["u0"])
			}
			tab.Clear("u0", "other", 1)
			k.flush(t.Context())
			if got, err := k.load(); err != nil || len(got) != 99 {
				t.Errorf("%d kept after one left, %v", len(got), err)
			}
		})
	})
}

// What a full disk refused is written with the next change.
func TestKeeper_fullDisk(t *testing.T) {
	keeping(t, func(tab *location.Table, k *keeper, rows *rowCounter) {
		rows.full = errors.New("no space left on device")
		tab.Bind("u1", bindingOf(1, time.Now()))
		k.flush(t.Context())
		rows.full = nil
		tab.Bind("u2", bindingOf(2, time.Now()))
		k.flush(t.Context())
		if got, err := k.load(); err != nil || len(got) != 2 {
			t.Errorf("%d kept, %v", len(got), err)
		}
	})
}

// Ten thousand registrations are read back by one scan, and each once.
func TestKeeper_restart(t *testing.T) {
	keeping(t, func(tab *location.Table, k *keeper, rows *rowCounter) {
		const n = 10_000
		for i := range n {
			if err := tab.Bind(location.AOR(fmt.Sprint("u", i)), bindingOf(i, time.Now())); err != nil {
				t.Fatal(err)
			}
		}
		k.flush(t.Context())
		if rows.commits != 1 || rows.rows != n {
			t.Errorf("%d commits, %d rows", rows.commits, rows.rows)
		}
		list, err := k.load()
		if err != nil {
			t.Fatal(err)
		}
		back := location.NewTable(location.Config{})
		for aor, bs := range list {
			back.Load(aor, bs)
		}
		if back.Len() != n {
			t.Errorf("%d of %d are back", back.Len(), n)
		}
		cost := func(load map[location.AOR][]location.Binding) float64 {
			return testing.AllocsPerRun(3, func() {
				tab := location.NewTable(location.Config{})
				for aor, bs := range load {
					tab.Load(aor, bs)
				}
			}) / float64(len(load))
		}
		few := map[location.AOR][]location.Binding{}
		for aor, bs := range list {
			if few[aor] = bs; len(few) == 500 {
				break
			}
		}
		if a, b := cost(few), cost(list); b > a*1.2 {
			t.Errorf("%.1f allocations a binding among 10,000, %.1f among 500", b, a)
		}
	})
}
