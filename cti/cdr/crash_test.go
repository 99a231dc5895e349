package cdr_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/cti/cdr"
	"github.com/lineaamica/la2/cti/stream"
	"github.com/lineaamica/la2/store"
)

const childEnv = "LA2_CDR_CRASH_CHILD"

func TestMain(m *testing.M) {
	if path := os.Getenv(childEnv); path != "" {
		crashChild(path)
		return
	}
	goleak.VerifyTestMain(m)
}

// crashChild starts as a node does and makes calls until it is killed.
func crashChild(path string) {
	s, err := store.Open(path, store.Options{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	l, err := stream.New(stream.Config{Site: "formezpa"}, s)
	if err != nil {
		os.Exit(2)
	}
	ctx := context.Background()
	if _, err := cdr.CloseOpen(ctx, l, s.Projection("cdr")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
	go cdr.Run(ctx, l, s.Projection("cdr")) // ends with the process
	long := cti.NewCallID(time.Now())       // goes on until the kill
	l.Commit(ctx, cti.Event{Type: cti.EvOffered, Call: long, Service: "803001"}, cti.Event{Type: cti.EvEstablished, Call: long, Leg: cti.LegID(long + "/2")})
	for i := range 4 {
		go func() { // ends with the process
			for {
				call := cti.NewCallID(time.Now())
				l.Publish(cti.Event{Type: cti.EvOffered, Call: call, Service: "803001"})
				l.Publish(cti.Event{Type: cti.EvQueued, Call: call, Queue: "urp"})
				l.Commit(ctx, cti.Event{Type: cti.EvEstablished, Call: call, Leg: cti.LegID(call + "/2")})
				l.Commit(ctx, cti.Event{Type: cti.EvCallCleared, Call: call, Cause: cti.CauseNormal})
				if i == 0 {
					fmt.Println(call)
				}
			}
		}()
	}
	select {}
}

// kill -9 during calls: no record is lost or doubled, none stays open.
func TestOneRecordPerCallOverKill9(t *testing.T) {
	path := filepath.Join(t.TempDir(), "node.db")
	cycles := 8
	if testing.Short() {
		cycles = 2
	}
	for i := range cycles {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childEnv+"="+path)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for n, lines := 0, bufio.NewScanner(out); lines.Scan(); n++ {
			if n == 10+7*i {
				cmd.Process.Kill()
			}
		}
		cmd.Wait()
	}
	s, err := store.Open(path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	l, err := stream.New(stream.Config{}, s)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p := s.Projection("cdr")
	if _, err := cdr.CloseOpen(t.Context(), l, p); err != nil {
		t.Fatal(err)
	}
	offered, restarts := map[cti.CallID]bool{}, 0
	_, last := s.Bounds()
	evs, err := s.Read(0, int(last))
	if err != nil {
		t.Fatal(err)
	}
	for _, ev := range evs {
		if ev.Type == cti.EvOffered {
			offered[ev.Call] = true
		}
	}
	records := export(t, p, 0)
	for _, r := range records {
		if !offered[r.Call] {
			t.Errorf("record of %s twice, or of no call", r.Call)
		}
		delete(offered, r.Call)
		if r.Cause == cti.CauseRestart {
			restarts++
		}
	}
	if len(offered) > 0 || restarts == 0 {
		t.Errorf("%d calls without a record, %d closed by a restart, %d records", len(offered), restarts, len(records))
	}
	if n, err := cdr.CloseOpen(t.Context(), l, p); err != nil || n != 0 {
		t.Errorf("%d calls still open, %v", n, err)
	}
	t.Logf("%d kills, %d records, %d calls closed by a restart", cycles, len(records), restarts)
}
