package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/lineaamica/la2/cti"
)

func open(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(path, Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestStreamNumbersWithoutGapsAndKeepsItsEpoch(t *testing.T) {
	path := filepath.Join(t.TempDir(), "node.db")
	s := open(t, path)
	ctx := context.Background()
	if first, last := s.Bounds(); first != 1 || last != 0 {
		t.Fatalf("empty bounds %d..%d", first, last)
	}
	for i := range 3 {
		if err := s.Append(ctx, []cti.Event{{Type: cti.EvStage, Value: fmt.Sprint(i)}, {Type: cti.EvChoice}}); err != nil {
			t.Fatal(err)
		}
	}
	epoch := s.Epoch()
	s.Close()
	s = open(t, path)
	if got := s.Epoch(); got != epoch {
		t.Errorf("epoch %s after reopen, was %s", got, epoch)
	}
	evs, err := s.Read(0, 100)
	if err != nil || len(evs) != 6 {
		t.Fatalf("read %d, %v", len(evs), err)
	}
	for i, ev := range evs {
		if ev.Seq != uint64(i+1) || ev.Epoch != epoch {
			t.Errorf("event %d has %s.%d", i, ev.Epoch, ev.Seq)
		}
	}
	if evs, err := s.Read(6, 10); err != nil || len(evs) != 0 {
		t.Errorf("read past the end: %d, %v", len(evs), err)
	}
}

func TestAppendFence(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "node.db"))
	ctx := context.Background()
	if err := s.Append(ctx, []cti.Event{{Seq: 1}, {Seq: 2}}); err != nil {
		t.Fatal(err)
	}
	for _, seq := range []uint64{2, 4} {
		if err := s.Append(ctx, []cti.Event{{Seq: seq}}); !errors.Is(err, ErrConflict) {
			t.Errorf("append of %d: %v, want ErrConflict", seq, err)
		}
	}
	if _, last := s.Bounds(); last != 2 {
		t.Errorf("last %d after refused appends, want 2", last)
	}
}

// Many writers share transactions; one that fails does not harm the others.
func TestGroupCommit(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "node.db"))
	ctx := context.Background()
	p := s.Projection("p")
	broken := errors.New("broken")
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			if err := s.Append(ctx, []cti.Event{{Value: fmt.Sprint(i)}}); err != nil {
				t.Error(err)
			}
			err := p.Update(ctx, func(tx cti.Tx) error {
				if i%8 == 0 {
					tx.Put([]byte("bad"), nil)
					return broken
				}
				if i%8 == 1 {
					panic("worse")
				}
				return tx.Put(fmt.Appendf(nil, "k%02d", i), []byte("v"))
			})
			if (i%8 < 2) != (err != nil) || i%8 == 0 && !errors.Is(err, broken) {
				t.Errorf("writer %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	if _, last := s.Bounds(); last != 64 {
		t.Errorf("last %d, want 64", last)
	}
	n := 0
	p.View(func(tx cti.Tx) error {
		for range tx.Scan([]byte("k")) {
			n++
		}
		if tx.Get([]byte("bad")) != nil {
			t.Error("a failed function left a record")
		}
		return nil
	})
	if n != 48 {
		t.Errorf("%d records, want 48", n)
	}
}

func TestProjectionCursorAndRecordsAreOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "node.db")
	s := open(t, path)
	ctx := context.Background()
	p := s.Projection("cdr")
	to := cti.Position{Epoch: s.Epoch(), Seq: 7}
	if err := p.Advance(ctx, to, func(tx cti.Tx) error { return tx.Put([]byte("a"), []byte("1")) }); err != nil {
		t.Fatal(err)
	}
	err := p.Advance(ctx, cti.Position{Epoch: s.Epoch(), Seq: 8}, func(tx cti.Tx) error {
		tx.Delete([]byte("a"))
		return errors.New("no")
	})
	if err == nil || p.Cursor() != to {
		t.Errorf("failed advance: %v, cursor %v", err, p.Cursor())
	}
	s.Close()
	s = open(t, path)
	p = s.Projection("cdr")
	if p.Cursor() != to {
		t.Errorf("cursor %v after reopen, want %v", p.Cursor(), to)
	}
	p.View(func(tx cti.Tx) error {
		if string(tx.Get([]byte("a"))) != "1" {
			t.Error("record lost")
		}
		if tx.Put([]byte("b"), nil) == nil {
			t.Error("a view could write")
		}
		return nil
	})
	if err := p.Reset(ctx); err != nil || p.Cursor() != (cti.Position{}) {
		t.Errorf("reset: %v, cursor %v", err, p.Cursor())
	}
}

func TestScanAfter(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "node.db"))
	p := s.Projection("p")
	p.Update(context.Background(), func(tx cti.Tx) error {
		for _, k := range []string{"a", "b/1", "b/2", "b/3", "c"} {
			tx.Put([]byte(k), nil)
		}
		return nil
	})
	tests := []struct{ prefix, after, want string }{
		{"b/", "", "b/1 b/2 b/3"}, {"b/", "b/1", "b/2 b/3"}, {"b/", "b/3", ""}, {"b/", "a", "b/1 b/2 b/3"}, {"b/", "c", ""}, {"", "b/3", "c"},
	}
	for _, tt := range tests {
		var got []string
		p.View(func(tx cti.Tx) error {
			for k := range tx.ScanAfter([]byte(tt.prefix), []byte(tt.after)) {
				got = append(got, string(k))
			}
			return nil
		})
		if strings.Join(got, " ") != tt.want {
			t.Errorf("prefix %q after %q: %v, want %s", tt.prefix, tt.after, got, tt.want)
		}
	}
}

func TestTrim(t *testing.T) {
	path := filepath.Join(t.TempDir(), "node.db")
	s := open(t, path)
	ctx := context.Background()
	s.Append(ctx, make([]cti.Event, 2500))
	if err := s.Trim(ctx, 2200); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Read(100, 1); !errors.Is(err, ErrTooOld) {
		t.Errorf("read of a trimmed event: %v", err)
	}
	if err := s.Trim(ctx, 9999); err != nil {
		t.Fatal(err)
	}
	s.Close()
	s = open(t, path)
	if first, last := s.Bounds(); first != 2500 || last != 2500 {
		t.Errorf("bounds %d..%d, want 2500..2500", first, last)
	}
	if err := s.Append(ctx, []cti.Event{{Seq: 2501}}); err != nil {
		t.Error(err)
	}
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "node.db")
	s := open(t, path)
	_, err := Open(path, Options{Wait: 1})
	if !errors.Is(err, ErrInUse) || !strings.HasPrefix(err.Error(), "store: open: ") || !strings.Contains(err.Error(), "file in use by another process") {
		t.Errorf("second open: %v", err)
	}
	s.Append(context.Background(), make([]cti.Event, 1000))
	s.Close()
	if err := s.Append(context.Background(), []cti.Event{{}}); !errors.Is(err, ErrClosed) {
		t.Errorf("append after close: %v", err)
	}
	junk := filepath.Join(dir, "junk")
	os.WriteFile(junk, []byte(strings.Repeat("not a database ", 4000)), 0o600)
	if _, err := Open(junk, Options{}); !errors.Is(err, ErrCorrupt) {
		t.Errorf("open of junk: %v", err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	cut := filepath.Join(dir, "cut")
	os.WriteFile(cut, whole[:len(whole)/3], 0o600)
	if c, err := Open(cut, Options{}); err == nil {
		_, err = c.Read(0, 2000)
		if !errors.Is(err, ErrCorrupt) {
			t.Errorf("read of a truncated file: %v", err)
		}
		c.Close()
	} else if !errors.Is(err, ErrCorrupt) {
		t.Errorf("open of a truncated file: %v", err)
	}
	if _, err := Open(filepath.Join(dir, "no", "such", "dir"), Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("open in a missing directory: %v", err)
	}
}

func TestWriterGivesUpWaiting(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "node.db"))
	s.turn <- struct{}{} // somebody writes, slowly
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Append(ctx, []cti.Event{{}}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	<-s.turn
	if err := s.Append(context.Background(), []cti.Event{{Seq: 1}}); err != nil {
		t.Errorf("the withdrawn append was written: %v", err)
	}
}

func Example() {
	dir, _ := os.MkdirTemp("", "store")
	defer os.RemoveAll(dir)
	s, err := Open(filepath.Join(dir, "node.db"), Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	s.Append(context.Background(), []cti.Event{{Type: cti.EvNodeStarted}, {Type: cti.EvTrunkUp, Trunk: "napoli"}})
	evs, _ := s.Read(0, 10)
	for _, ev := range evs {
		fmt.Println(ev.Seq, ev.Type)
	}
	// Output:
	// 1 NodeStarted
	// 2 TrunkUp
}

// The cost of durability with 20 writers at once.
func BenchmarkAppend20Writers(b *testing.B) {
	s, err := Open(filepath.Join(b.TempDir(), "node.db"), Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	b.SetParallelism(10)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := s.Append(context.Background(), []cti.Event{{Type: cti.EvDelivered, Call: "01JZ8Q4W7N5T3X9V2R6K1M0HDC"}}); err != nil {
				b.Error(err)
			}
		}
	})
}
