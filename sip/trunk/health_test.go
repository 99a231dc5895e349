package trunk

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestStep(t *testing.T) {
	c := HealthConfig{Fails: 3, Passes: 2}
	tests := []struct {
		name string
		in   health
		e    Evidence
		want health
	}{
		{"the first answer is enough", health{Unknown, 2}, Pass, health{Up, 0}},
		{"a fail before any answer counts", health{Unknown, 0}, Fail, health{Unknown, 1}},
		{"the third makes it down", health{Unknown, 2}, Fail, health{Down, 0}},
		{"one fail does not bring it down", health{Up, 0}, Fail, health{Up, 1}},
		{"nor two", health{Up, 1}, Fail, health{Up, 2}},
		{"three do", health{Up, 2}, Fail, health{Down, 0}},
		{"a pass forgets fails", health{Up, 2}, Pass, health{Up, 0}},
		{"503 brings it down at once", health{Up, 0}, Refuse, health{Down, 0}},
		{"503 before any answer", health{Unknown, 0}, Refuse, health{Down, 0}},
		{"one pass does not bring it up", health{Down, 0}, Pass, health{Down, 1}},
		{"two do", health{Down, 1}, Pass, health{Up, 0}},
		{"a fail forgets passes", health{Down, 1}, Fail, health{Down, 0}},
		{"so does 503", health{Down, 1}, Refuse, health{Down, 0}},
	}
	for _, tc := range tests {
		if got := c.step(tc.in, tc.e); got != tc.want {
			t.Errorf("%s: got %v, want %v", tc.name, got, tc.want)
		}
	}
}

// Every state takes all evidence; a run never outlives its threshold.
func TestStep_exhaustive(t *testing.T) {
	c := HealthConfig{Fails: 3, Passes: 2}
	for _, s := range []State{Unknown, Up, Down} {
		for run := range 3 {
			for _, e := range []Evidence{Pass, Fail, Refuse} {
				got := c.step(health{s, run}, e)
				if got.state > Down || got.run >= 3 || (got.state != s && got.run != 0) {
					t.Errorf("%v/%d + %d: got %v", s, run, e, got)
				}
			}
		}
	}
}

func TestJudge(t *testing.T) {
	for _, tc := range []struct {
		status int
		err    error
		want   Evidence
	}{{200, nil, Pass}, {404, nil, Pass}, {503, nil, Refuse}, {0, errors.New("x"), Fail}} {
		if got := Judge(tc.status, tc.err); got != tc.want {
			t.Errorf("%d %v: got %v", tc.status, tc.err, got)
		}
	}
}

// A peer that falls silent is down within 3 probes and up after 2 answers.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tab := newTable(t, Peer{Name: "a", Address: addr("192.0.2.1:5060")}, Peer{Name: "b", Address: addr("192.0.2.2:5060")})
		var mu sync.Mutex
		silent := false
		probe := func(ctx context.Context, p *Peer) (int, error) {
			mu.Lock()
			s := silent && p.Name == "a"
			mu.Unlock()
			if s {
				<-ctx.Done()
				return 0, ctx.Err()
			}
			return 200, nil
		}
		var log []string
		began := time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { // ends with ctx
			tab.Run(ctx, probe, func(name string, up bool) {
				mu.Lock()
				log = append(log, fmt.Sprint(name, " ", up, " ", time.Since(began).Round(30*time.Second)))
				mu.Unlock()
			})
			close(done)
		}()
		synctest.Wait()
		if !tab.Up("a") || !tab.Up("b") || tab.Up("c") {
			t.Error("not up at once")
		}
		set := func(s bool) { mu.Lock(); silent = s; mu.Unlock() }
		set(true)
		time.Sleep(60 * time.Second)
		if tab.Usable("a") || !tab.Usable("b") {
			t.Error("a is still up")
		}
		set(false)
		time.Sleep(10 * time.Second)
		if !tab.Up("a") {
			t.Error("a is still down")
		}
		cancel()
		<-done
		want := []string{"a true 0s", "b true 0s", "a false 30s", "a true 1m0s"}
		if log[0] > log[1] {
			log[0], log[1] = log[1], log[0]
		}
		if !reflect.DeepEqual(log, want) {
			t.Errorf("got %q", log)
		}
	})
}
