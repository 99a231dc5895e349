package node

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const scenarioDir = "../../../testdata/scenario"

// settle is longer than any transaction (64*T1, RFC 3261 17) and the wrap-up.
const settle = 80 * time.Second

// TestScenario runs every file of testdata/scenario on the whole switch, in memory,
// by a clock of its own.
func TestScenario(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(scenarioDir, "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenario: %v", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		s, err := parseScenario(name, string(raw))
		if err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if len(s.times()) == 1 {
				s.run(t, s.from)
				return
			}
			for _, at := range s.times() {
				t.Run(fmt.Sprint("t=", at), func(t *testing.T) { s.run(t, at) })
			}
		})
	}
}

func (s *scenario) run(t *testing.T, at time.Duration) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.net.Tap(w.wellFormed)
		defer func() {
			if t.Failed() {
				for _, o := range w.nodes {
					if o.Node != nil && !o.closed {
						t.Logf("%s\n%s", s.sentence, o.story())
					}
				}
			}
		}()
		if s.watch != nil {
			s.watch(w)
		}
		w.prepare(s)
		w.began = time.Now()
		for _, b := range s.order(at) {
			due := w.began.Add(b.when(at))
			if late := time.Since(due); late > 0 {
				t.Fatalf("line %d: %v late", b.lines[0].no, late)
			}
			time.Sleep(time.Until(due))
			for _, l := range b.lines {
				w.step(l)
			}
		}
		w.finish(s)
	})
}

func (w *world) prepare(s *scenario) {
	w.t.Helper()
	w.began, w.napoli = time.Now(), s.napoli
	w.start("hub", "formezpa", hubIP, dataDir(w.t, "hub"), s.settings)
	if s.napoli {
		w.start("napoli", "cmna", napoliIP, dataDir(w.t, "napoli"), s.settings)
	}
	w.actor("brindisi")
	for _, l := range s.settings {
		if l.word(1) == "rescue" {
			w.actor("rescue")
		}
	}
	for _, name := range s.agents {
		name, kind, _ := strings.Cut(name, ":")
		a := w.newActor(name, kind == "tcp")
		a.register(time.Hour)
		a.logIn()
		if kind != "notready" {
			a.state("ready", "")
		}
	}
	time.Sleep(10 * time.Second) // the trunks are known, the timers of the beginning are over
}

func (w *world) finish(s *scenario) {
	w.t.Helper()
	for _, ip := range w.cut { // probes of a dead trunk never end
		w.net.Heal(netip.MustParseAddr(hubIP), ip)
	}
	time.Sleep(settle)
	synctest.Wait()
	for _, l := range s.final {
		w.step(l)
	}
	for _, o := range w.nodes {
		o.check()
	}
	for _, a := range w.sorted() {
		a.check()
	}
	if w.t.Failed() {
		return
	}
	for _, o := range w.nodes {
		o.stop()
		o.closed = true
	}
}
