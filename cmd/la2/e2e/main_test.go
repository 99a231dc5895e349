//go:build e2e

package e2e

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
)

// env is what all tests share.
type env struct {
	bin, root string
	net       *network // the demo that runs now, or nil
	audio     atomic.Int32
}

var world env // set by TestMain; tests of one package run one after the other

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	if err := world.find(); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	// Status tokens of this run, not those of a node that the user runs.
	cache, err := os.MkdirTemp("", "la2-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	defer os.RemoveAll(cache)
	os.Setenv("XDG_CACHE_HOME", cache)
	defer func() {
		if world.net != nil {
			world.net.stop()
		}
	}()
	flag.Parse()
	flag.Set("test.parallel", "12") // tests beside each other mostly wait
	return m.Run()
}

func (e *env) find() (err error) {
	if e.root, err = filepath.Abs("../../.."); err != nil {
		return err
	}
	if e.bin = os.Getenv("LA2"); e.bin == "" {
		e.bin = filepath.Join(e.root, "bin", "la2")
	}
	if _, err := os.Stat(e.bin); err != nil {
		return fmt.Errorf("%s is missing: run make build first", e.bin)
	}
	return nil
}

// need fails the test when a program of another package is not installed.
func need(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			t.Fatalf("%s is not installed: run make deps", p)
		}
	}
}
