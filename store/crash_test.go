package store_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/cti/stream"
	"github.com/lineaamica/la2/store"
)

const childEnv = "LA2_STORE_CRASH_CHILD"

func TestMain(m *testing.M) {
	if path := os.Getenv(childEnv); path != "" {
		crashChild(path)
		return
	}
	os.Exit(m.Run())
}

// crashChild commits events from eight goroutines, prints the number each one
// carries when it is acknowledged, and folds the stream, until it is killed.
func crashChild(path string) {
	s, err := store.Open(path, store.Options{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	l, err := stream.New(stream.Config{Site: "formezpa"}, s)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	base, _ := strconv.Atoi(os.Getenv(childEnv + "_BASE"))
	var mu sync.Mutex
	for w := range 8 {
		go func() { // ends with the process
			for i := 0; ; i++ {
				n := base + w + 8*i
				l.Publish(cti.Event{Type: cti.EvStage})
				if err := l.Commit(context.Background(), cti.Event{Type: cti.EvChoice, Value: strconv.Itoa(n)}); err != nil {
					os.Exit(3)
				}
				mu.Lock()
				fmt.Println(n)
				mu.Unlock()
			}
		}()
	}
	if err := stream.Fold(context.Background(), l, s.Projection("count"), countFold); err != nil {
		os.Exit(4)
	}
}

// countFold adds one per event: it shows an event folded twice or not at all.
func countFold(tx cti.Tx, _ cti.Event) error {
	n := uint64(0)
	if v := tx.Get([]byte("n")); v != nil {
		n = binary.BigEndian.Uint64(v)
	}
	return tx.Put([]byte("n"), binary.BigEndian.AppendUint64(nil, n+1))
}

func TestKill9LosesAndDoublesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "node.db")
	cycles := 12
	if testing.Short() {
		cycles = 3
	}
	acked := map[string]bool{}
	for i := range cycles {
		runAndKill(t, path, i, acked)
		verify(t, path, acked)
	}
	t.Logf("%d kills, %d acknowledged events", cycles, len(acked))
}

// runAndKill lets a child write for a while and kills it without warning.
func runAndKill(t *testing.T, path string, cycle int, acked map[string]bool) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+path, fmt.Sprintf("%s_BASE=%d", childEnv, (cycle+1)*1_000_000))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	n, target := 0, 40+cycle*37
	for lines.Scan() {
		acked[lines.Text()] = true
		if n++; n == target {
			cmd.Process.Kill()
		}
	}
	cmd.Wait()
	if n < target {
		t.Fatalf("child ended after %d events", n)
	}
}

func verify(t *testing.T, path string, acked map[string]bool) {
	t.Helper()
	begin := time.Now()
	s, err := store.Open(path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if d := time.Since(begin); d > time.Second {
		t.Errorf("reopen took %v", d)
	}
	seen := map[string]bool{}
	var at time.Time
	_, last := s.Bounds()
	for after := uint64(0); after < last; {
		evs, err := s.Read(after, 1000)
		if err != nil || len(evs) == 0 {
			t.Fatalf("read after %d: %d, %v", after, len(evs), err)
		}
		for _, ev := range evs {
			if after++; ev.Seq != after || ev.At.Before(at) {
				t.Fatalf("event %d at %v follows %d at %v", ev.Seq, ev.At, after-1, at)
			}
			at = ev.At
			if ev.Type == cti.EvChoice {
				if seen[ev.Value] {
					t.Errorf("event %s is there twice", ev.Value)
				}
				seen[ev.Value] = true
			}
		}
	}
	for v := range acked {
		if !seen[v] {
			t.Errorf("acknowledged event %s is lost", v)
		}
	}
	p := s.Projection("count")
	p.View(func(tx cti.Tx) error {
		n := uint64(0)
		if v := tx.Get([]byte("n")); v != nil {
			n = binary.BigEndian.Uint64(v)
		}
		if n != p.Cursor().Seq {
			t.Errorf("fold counted %d events up to number %d", n, p.Cursor().Seq)
		}
		return nil
	})
}
