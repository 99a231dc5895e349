package floor

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaamica/la2/acd/engine"
	"github.com/lineaamica/la2/cti"
)

// A fakeJournal keeps events; a commit takes delay and then fails or not.
type fakeJournal struct {
	delay time.Duration

	mu      sync.Mutex // guards what follows
	events  []cti.Event
	commits int
	broken  error
}

func (j *fakeJournal) Publish(ev cti.Event) cti.Position {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.events = append(j.events, ev)
	return cti.Position{Epoch: "E", Seq: uint64(len(j.events))}
}

func (j *fakeJournal) Commit(ctx context.Context, evs ...cti.Event) error {
	if j.delay > 0 {
		time.Sleep(j.delay)
	}
	j.mu.Lock()
	broken := j.broken
	j.commits++
	j.mu.Unlock()
	if broken != nil {
		return broken
	}
	for _, ev := range evs {
		j.Publish(ev)
	}
	return ctx.Err()
}

func (j *fakeJournal) setBroken(err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.broken = err
}

// names lists the events without the engine's records.
func (j *fakeJournal) names() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	var out []string
	for _, ev := range j.events {
		if ev.Type == cti.EvEngineInput || ev.Type == cti.EvEngineDecision {
			continue
		}
		s := string(ev.Type)
		for _, v := range []string{string(ev.Agent), string(ev.Call), ev.Reason, string(ev.Cause), ev.Value, ev.Target} {
			if v != "" {
				s += " " + v
			}
		}
		out = append(out, s)
	}
	j.events = nil
	return strings.Join(out, "; ")
}

var errDisk = errors.New("disk full")

type world struct {
	*testing.T
	*Floor
	journal *fakeJournal
	ctx     context.Context
	stop    func()
}

func config() Config {
	q := []cti.QueueID{"urp"}
	return Config{
		Engine: engine.Config{
			Queues: []engine.Queue{{ID: "urp", Max: 100, Overflow: engine.Overflow{After: 20 * time.Second, Targets: []string{"cmna"}}}},
			Agents: []engine.Agent{{ID: "a", Queues: q}, {ID: "b", Queues: q}, {ID: "s", Queues: q, Static: true, Contact: "sip:s@h", Backup: true}},
		},
		Logger: slog.New(slog.DiscardHandler),
	}
}

// inWorld runs test in a bubble with a running floor.
func inWorld(t *testing.T, cfg Config, j *fakeJournal, test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f, err := New(cfg, j)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { // ends by stop
			defer close(done)
			if err := f.Run(ctx); err != nil {
				t.Error(err)
			}
		}()
		w := &world{T: t, Floor: f, journal: j, ctx: t.Context(), stop: func() { cancel(); <-done }}
		synctest.Wait()
		test(w)
		w.stop()
	})
}

func (w *world) must(_ cti.Position, err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) ready(a cti.AgentID) {
	w.Helper()
	w.DeviceUp(cti.DeviceID("d-" + a))
	w.must(w.LogIn(w.ctx, a, cti.DeviceID("d-"+a)))
	w.must(w.SetState(w.ctx, a, cti.AgentReady, ""))
}

func (w *world) enter(call cti.CallID) *Place {
	w.Helper()
	p, err := w.Enter(w.ctx, Entry{
		Caller: engine.Caller{Call: call, Queue: "urp", Instant: time.Now()},
		Info:   &cti.CallInfo{Dialled: "803001", Service: "linea-amica"},
	})
	if err != nil {
		w.Fatal(err)
	}
	return p
}

// offer takes the offer that must be there by now.
func (w *world) offer(p *Place) *Offer {
	w.Helper()
	synctest.Wait()
	select {
	case u := <-p.Updates():
		if u.Offer == nil {
			w.Fatalf("got %+v, want an offer", u)
		}
		return u.Offer
	default:
		w.Fatal("no offer")
		return nil
	}
}

func (w *world) wantEvents(want ...string) {
	w.Helper()
	synctest.Wait()
	if got := w.journal.names(); got != strings.Join(want, "; ") {
		w.Errorf("events\n got %s\nwant %s", got, strings.Join(want, "; "))
	}
}

func (w *world) state(id cti.AgentID) string {
	w.Helper()
	s, err := w.Snapshot(w.ctx)
	if err != nil {
		w.Fatal(err)
	}
	i := slices.IndexFunc(s.Agents, func(a engine.AgentView) bool { return a.ID == id })
	return strings.TrimSuffix(string(s.Agents[i].State)+"("+s.Agents[i].Reason+")", "()")
}
