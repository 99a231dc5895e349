package floor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaamica/la2/acd/engine"
	"github.com/lineaamica/la2/cti"
)

func TestEventsOfAConversation(t *testing.T) {
	inWorld(t, config(), &fakeJournal{}, func(w *world) {
		w.wantEvents("AgentLoggedOn s", "AgentReady s")
		w.ready("a")
		w.wantEvents("DeviceUp", "AgentLoggedOn a", "AgentNotReady a login", "AgentReady a")
		p := w.enter("c")
		o := w.offer(p)
		if o.Agent != "a" || o.Device != "d-a" || o.Call != "c" || o.Queue != "urp" || o.Fence == 0 {
			t.Errorf("got %+v", o)
		}
		o.Ringing()
		if err := o.Accept("c/2"); err != nil {
			t.Fatal(err)
		}
		w.must(w.SetState(w.ctx, "a", cti.AgentNotReady, "pausa"))
		o.Finish()
		w.wantEvents("Queued c", "AgentReserved a c", "Delivered a c", "AgentBusy a c", "AgentBusy a c pausa not_ready",
			"AgentWorkingAfterCall a c not_ready")
		time.Sleep(engine.DefaultWrapUp)
		w.wantEvents("AgentNotReady a pausa")
		w.must(w.SetState(w.ctx, "a", cti.AgentReady, ""))
		w.must(w.SetDevice(w.ctx, "a", "d-x"))
		w.must(w.LogOut(w.ctx, "a"))
		w.wantEvents("AgentReady a", "AgentReady a", "AgentLoggedOff a")
	})
}

func TestEventsCarryWhatTheyMust(t *testing.T) {
	j := &fakeJournal{}
	inWorld(t, config(), j, func(w *world) {
		w.ready("a")
		o := w.offer(w.enter("c"))
		time.Sleep(3 * time.Second)
		if err := o.Accept("c/2"); err != nil {
			t.Fatal(err)
		}
		o.Finish()
		synctest.Wait()
		seen := map[cti.EventType]cti.Event{}
		for _, ev := range j.events {
			seen[ev.Type] = ev
		}
		if ev := seen[cti.EvDelivered]; ev.Info == nil || ev.Info.WaitMS != 3000 || ev.Info.Dialled != "803001" || ev.Offer != o.Fence || ev.Device != "d-a" {
			t.Errorf("Delivered %+v %+v", ev, ev.Info)
		}
		if ev := seen[cti.EvAgentBusy]; ev.Leg != "c/2" || ev.Call != "c" {
			t.Errorf("AgentBusy %+v", ev)
		}
		if ev := seen[cti.EvAgentWorkingAfterCall]; !ev.Deadline.Equal(time.Now().Add(engine.DefaultWrapUp)) || ev.Call != "c" {
			t.Errorf("AgentWorkingAfterCall %+v", ev)
		}
		if ev := seen[cti.EvQueued]; ev.Service != "linea-amica" || ev.Instant.IsZero() || ev.Info == nil {
			t.Errorf("Queued %+v", ev)
		}
	})
}

func TestEndings(t *testing.T) {
	tests := []struct {
		name  string
		end   func(w *world, p *Place, o *Offer)
		want  []string
		state string
	}{
		{"reject", func(_ *world, _ *Place, o *Offer) { o.Reject(cti.CauseNoAnswer) },
			[]string{"Diverted a c no_answer", "AgentNotReady a rona", "AgentReserved s c"}, "not_ready(rona)"},
		{"release", func(_ *world, _ *Place, o *Offer) { o.Release() },
			[]string{"Diverted a c abandoned", "AgentReady a"}, "ready"},
		{"leave", func(_ *world, p *Place, _ *Offer) { p.Leave(cti.CauseAbandoned) },
			[]string{"Diverted a c abandoned", "AgentReady a"}, "ready"},
		{"redirected", func(_ *world, p *Place, _ *Offer) { p.Redirected("cmna") },
			[]string{"Diverted a c answered_elsewhere", "Redirected c redirected cmna", "AgentReady a"}, "ready"},
		{"device down", func(w *world, _ *Place, _ *Offer) { w.DeviceDown("d-a") },
			[]string{"DeviceDown", "Diverted a c unreachable", "AgentReady a", "AgentReserved s c"}, "ready"},
		{"log-out", func(w *world, _ *Place, _ *Offer) { w.must(w.LogOut(w.ctx, "a")) },
			[]string{"Diverted a c unreachable", "AgentLoggedOff a", "AgentReserved s c"}, "logged_out"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, config(), &fakeJournal{}, func(w *world) {
				w.ready("a")
				p := w.enter("c")
				o := w.offer(p)
				w.journal.names()
				tt.end(w, p, o)
				w.wantEvents(tt.want...)
				if got := w.state("a"); got != tt.state {
					t.Errorf("got %s, want %s", got, tt.state)
				}
				select {
				case <-o.Gone():
				default:
					t.Error("the offer is not gone")
				}
				if err := o.Accept("c/2"); !errors.Is(err, ErrFenced) {
					t.Errorf("a late Accept: %v", err)
				}
				o.Reject(cti.CauseNoAnswer) // nothing comes of anything after the end
				o.Release()
				o.Finish()
				if got := w.state("a"); got != tt.state {
					t.Errorf("after late words: got %s, want %s", got, tt.state)
				}
			})
		})
	}
}

// Write-ahead: no script sees an offer before it is on disk.
func TestOfferWaitsForItsRecord(t *testing.T) {
	j := &fakeJournal{delay: time.Second}
	inWorld(t, config(), j, func(w *world) {
		w.ready("a")
		p := w.enter("c")
		time.Sleep(999 * time.Millisecond)
		synctest.Wait()
		select {
		case <-p.Updates():
			t.Fatal("the offer is there before its record")
		default:
		}
		if got := w.state("a"); got != "reserved" { // the floor does not wait
			t.Errorf("got %s", got)
		}
		time.Sleep(time.Millisecond)
		w.offer(p)
	})
}

// Many offers share one commit.
func TestGroupCommit(t *testing.T) {
	cfg := config()
	for i := range 50 {
		cfg.Engine.Agents = append(cfg.Engine.Agents, engine.Agent{
			ID: cti.AgentID(fmt.Sprintf("t%d", i)), Queues: []cti.QueueID{"urp"}, Static: true, Contact: "sip:t@h",
		})
	}
	j := &fakeJournal{delay: 10 * time.Millisecond}
	inWorld(t, cfg, j, func(w *world) {
		var places []*Place
		for i := range 50 {
			places = append(places, w.enter(cti.CallID(fmt.Sprintf("c%d", i))))
		}
		time.Sleep(30 * time.Millisecond)
		for _, p := range places {
			w.offer(p)
		}
		if j.commits > 2 {
			t.Errorf("%d commits for 50 offers", j.commits)
		}
	})
}

// Without a journal nobody rings; when it is back, the caller is served.
func TestOfferWithoutRecordIsGivenUp(t *testing.T) {
	j := &fakeJournal{}
	inWorld(t, config(), j, func(w *world) {
		w.ready("a")
		j.setBroken(errDisk)
		p := w.enter("c")
		time.Sleep(4 * time.Second)
		synctest.Wait()
		select {
		case u := <-p.Updates():
			t.Fatalf("got %+v", u)
		default:
		}
		j.setBroken(nil)
		time.Sleep(engine.DefaultBackOff)
		w.offer(p)
	})
}

// An offer that ended before its record was written is never given out.
func TestOfferThatEndedIsNotGiven(t *testing.T) {
	j := &fakeJournal{delay: time.Second}
	inWorld(t, config(), j, func(w *world) {
		w.ready("a")
		p := w.enter("c")
		p.Leave(cti.CauseAbandoned)
		time.Sleep(5 * time.Second)
		synctest.Wait()
		select {
		case u := <-p.Updates():
			if u.Offer != nil {
				select {
				case <-u.Offer.Gone():
				default:
					t.Error("a dead offer that does not know it")
				}
			}
		default:
		}
		if got := w.state("a"); got != "ready" {
			t.Errorf("got %s", got)
		}
	})
}

func TestSpillAndPosition(t *testing.T) {
	cfg := config()
	cfg.Engine.Agents = cfg.Engine.Agents[:2]
	inWorld(t, cfg, &fakeJournal{}, func(w *world) {
		p1 := w.enter("c1")
		time.Sleep(time.Millisecond)
		p2 := w.enter("c2")
		for i, p := range []*Place{p1, p2} {
			if n, err := p.Position(w.ctx); err != nil || n != i+1 {
				t.Errorf("position %d, %v, want %d", n, err, i+1)
			}
		}
		time.Sleep(20*time.Second - time.Millisecond)
		synctest.Wait()
		if u := <-p1.Updates(); u.Spill != "cmna" {
			t.Errorf("got %+v", u)
		}
		w.ready("a") // replaces whatever was not read
		if o := w.offer(p1); o.Agent != "a" {
			t.Errorf("got %+v", o)
		}
		p1.SpillFailed(cti.CauseUnreachable)
		p2.Redirected("cmna")
		p1.Leave(cti.CauseAbandoned)
		if got := w.state("a"); got != "ready" {
			t.Errorf("got %s", got)
		}
	})
}

func TestRefusals(t *testing.T) {
	cfg := config()
	cfg.Engine.Queues[0].Max = 1
	cfg.Engine.Agents = cfg.Engine.Agents[:2]
	inWorld(t, cfg, &fakeJournal{}, func(w *world) {
		want := func(err, target error) {
			t.Helper()
			if !errors.Is(err, target) {
				t.Errorf("got %v, want %v", err, target)
			}
		}
		_, err := w.LogIn(w.ctx, "nobody", "d")
		want(err, ErrUnknown)
		_, err = w.SetState(w.ctx, "a", cti.AgentReady, "")
		want(err, ErrState)
		_, err = w.SetState(w.ctx, "a", cti.AgentTalking, "")
		want(err, ErrState)
		_, err = w.SetDevice(w.ctx, "a", "d")
		want(err, ErrState)
		w.enter("c1")
		_, err = w.Enter(w.ctx, Entry{Caller: engine.Caller{Call: "c1", Queue: "urp"}})
		want(err, ErrState)
		_, err = w.Enter(w.ctx, Entry{Caller: engine.Caller{Call: "c2", Queue: "urp"}})
		want(err, ErrFull)
		_, err = w.Enter(w.ctx, Entry{Caller: engine.Caller{Call: "c2", Queue: "x"}})
		want(err, ErrUnknown)
		w.ready("a")
		_, err = w.LogIn(w.ctx, "b", "d-a")
		want(err, ErrTaken)
		w.stop()
		_, err = w.LogIn(w.ctx, "a", "d")
		want(err, ErrStopped)
		_, err = w.Snapshot(w.ctx)
		want(err, ErrStopped)
		w.Alive("a") // nobody is there; nothing happens
	})
	f, err := New(config(), &fakeJournal{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.Snapshot(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("before Run: %v", err)
	}
}

func TestLease(t *testing.T) {
	inWorld(t, config(), &fakeJournal{}, func(w *world) {
		w.ready("a")
		for range 10 {
			time.Sleep(15 * time.Second)
			w.Alive("a")
		}
		if got := w.state("a"); got != "ready" {
			t.Errorf("got %s", got)
		}
		time.Sleep(engine.DefaultLease)
		synctest.Wait()
		if got := w.state("a"); got != "not_ready(lease)" {
			t.Errorf("got %s", got)
		}
	})
}

// kill -9 during calls: the journal is all that remains.
func TestAfterACrashNobodyIsStuck(t *testing.T) {
	j := &fakeJournal{}
	var before cti.Fence
	inWorld(t, config(), j, func(w *world) {
		w.ready("a")
		w.ready("b")
		o := w.offer(w.enter("c1"))
		if err := o.Accept("c1/2"); err != nil {
			t.Fatal(err)
		}
		before = w.offer(w.enter("c2")).Fence
		w.must(w.LogOut(w.ctx, "s")) // a static agent who went home comes back
		synctest.Wait()
	})
	cfg := config()
	cfg.Seats = Seats{}
	for _, ev := range j.events {
		cfg.Seats.Apply(ev)
	}
	inWorld(t, cfg, &fakeJournal{}, func(w *world) {
		time.Sleep(time.Second)
		for id, want := range map[cti.AgentID]string{"a": "not_ready(restart)", "b": "not_ready(restart)", "s": "ready"} {
			if got := w.state(id); got != want {
				t.Errorf("%s is %s, want %s", id, got, want)
			}
		}
		w.DeviceUp("d-a")
		w.must(w.SetState(w.ctx, "a", cti.AgentReady, ""))
		if o := w.offer(w.enter("c3")); o.Agent != "a" || o.Fence == before {
			t.Errorf("got %+v", o)
		}
	})
}

// What was journalled explains what was decided: the inputs give the decisions.
func TestJournalReplays(t *testing.T) {
	j := &fakeJournal{}
	inWorld(t, config(), j, func(w *world) {
		w.ready("a")
		o := w.offer(w.enter("c1"))
		o.Ringing()
		p2 := w.enter("c2")
		o2 := w.offer(p2)
		o2.Reject(cti.CauseBusy)
		time.Sleep(25 * time.Second)
		if err := o.Accept("c1/2"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		o.Finish()
		p2.Leave("")
		time.Sleep(time.Minute)
	})
	var e *engine.Engine
	var got, want []engine.Decision
	for _, ev := range j.events {
		if ev.Raw == nil {
			continue
		}
		var r Record
		if err := json.Unmarshal(ev.Raw, &r); err != nil {
			t.Fatal(err)
		}
		switch {
		case r.Start != nil:
			var err error
			if e, err = engine.Restore(config().Engine, *r.Start); err != nil {
				t.Fatal(err)
			}
		case r.Input != nil:
			got = append(got, e.Apply(r.Now, *r.Input)...)
		case r.Decision != nil:
			want = append(want, *r.Decision)
		}
	}
	if len(want) < 15 || !reflect.DeepEqual(got, want) {
		t.Errorf("got %d decisions, journalled %d:\n%+v\n%+v", len(got), len(want), got, want)
	}
}

// Scripts and desks from many goroutines at once; meant for the race detector.
func TestCrowd(t *testing.T) {
	j := &fakeJournal{delay: time.Millisecond}
	inWorld(t, config(), j, func(w *world) {
		w.ready("a")
		w.ready("b")
		done := make(chan struct{})
		for i := range 60 {
			go func() { // ends with its caller
				defer func() { done <- struct{}{} }()
				p := w.enter(cti.CallID(fmt.Sprintf("c%d", i)))
				patience := time.After(time.Duration(5+i/2) * time.Second) // below the lease
				for {
					select {
					case u := <-p.Updates():
						if u.Offer == nil {
							p.SpillFailed(cti.CauseBusy)
							continue
						}
						u.Offer.Ringing()
						if i%7 == 0 {
							u.Offer.Reject(cti.CauseUnreachable)
							continue
						}
						if u.Offer.Accept("leg") == nil {
							time.Sleep(time.Second)
							u.Offer.Finish()
							return
						}
					case <-patience:
						p.Leave(cti.CauseAbandoned)
						return
					}
				}
			}()
		}
		for range 60 {
			<-done
		}
		synctest.Wait()
		s, err := w.Snapshot(w.ctx)
		if err != nil {
			t.Fatal(err)
		}
		if q := s.Queues[0]; q.Offered != 60 || q.Offered != q.Answered+q.Abandoned+q.Redirected {
			t.Errorf("%+v", q)
		}
		for _, a := range s.Agents {
			if a.State != cti.AgentReady && a.State != cti.AgentWrapUp {
				t.Errorf("%s is %s", a.ID, a.State)
			}
		}
	})
}

func ExampleFloor() {
	cfg := Config{Engine: engine.Config{
		Queues: []engine.Queue{{ID: "urp"}},
		Agents: []engine.Agent{{ID: "1001", Queues: []cti.QueueID{"urp"}, Static: true, Contact: "sip:1001@office"}},
	}}
	f, err := New(cfg, &fakeJournal{})
	if err != nil {
		panic(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- f.Run(ctx) }() // ends by cancel

	place, err := f.Enter(ctx, Entry{Caller: engine.Caller{Call: "c1", Queue: "urp", Instant: time.Now()}})
	if err != nil {
		panic(err)
	}
	offer := (<-place.Updates()).Offer
	fmt.Println("ring", offer.Contact, "for agent", offer.Agent)
	fmt.Println(offer.Accept("c1/2"))
	offer.Finish()

	cancel()
	fmt.Println(<-ended)
	// Output:
	// ring sip:1001@office for agent 1001
	// <nil>
	// <nil>
}
