package acd

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaamica/la2/cti"
)

var both = []cti.AgentID{"anna", "bruno"}

func TestACallFromRingToWrapUp(t *testing.T) {
	inWorld(t, both, func(w *world) {
		w.call.keys["menu"] = []string{"1"}
		if got := w.serve(); got != cti.CauseNormal {
			t.Errorf("got %s", got)
		}
		w.wantDid("answer", "prompt greeting", "music music", "prompt menu", "music music", "dial anna", "bridge anna c/2")
		w.wantEvents(
			"Offered", "Stage greeting", "Stage menu", "Choice previdenza", "Stage queue", "Stage offer", "Stage talk",
			"Queued", "AgentReserved anna", "Delivered anna", "AgentBusy anna", "AgentWorkingAfterCall anna",
		)
		if got := w.state("anna"); got != "wrap_up" {
			t.Errorf("anna is %s", got)
		}
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if got := w.state("anna"); got != "ready" {
			t.Errorf("after wrap-up anna is %s", got)
		}
		w.wantIdle()
	})
}

func TestOfferedTellsWhatIsKnown(t *testing.T) {
	inWorld(t, both, func(w *world) {
		w.serve()
		for _, ev := range w.journal.events {
			switch ev.Type {
			case cti.EvOffered, cti.EvQueued, cti.EvDelivered:
				if ev.Info == nil || ev.Info.Caller.Number != "+39083155555" || ev.Info.Service != "linea-amica" || !ev.Ticket.Valid() {
					t.Errorf("%s: info %+v, ticket %q", ev.Type, ev.Info, ev.Ticket)
				}
			default:
			}
		}
	})
}

func TestMenu(t *testing.T) {
	tests := []struct {
		name  string
		keys  map[string][]string
		want  string // prompts
		event string
	}{
		{"nothing pressed", nil, "greeting; menu", ""},
		{"0 in the greeting", map[string][]string{"greeting": {"0"}}, "greeting", "Choice operator"},
		{"topic in the greeting", map[string][]string{"greeting": {"1"}}, "greeting", "Choice previdenza"},
		{"0 in the menu", map[string][]string{"menu": {"0"}}, "greeting; menu", "Choice operator"},
		{"wrong, then right", map[string][]string{"menu": {"7", "1"}}, "greeting; menu; menu_wrong+menu", "Choice previdenza"},
		{"wrong twice", map[string][]string{"menu": {"7", "8"}}, "greeting; menu; menu_wrong+menu", ""},
		{"tracking code", map[string][]string{"menu": {"9"}, "enter_code": {"1234567897"}}, "greeting; menu; enter_code; code_ok", "TicketAttached tracking_code"},
		{"wrong code twice", map[string][]string{"menu": {"9"}, "enter_code": {"1234567896", "12"}}, "greeting; menu; enter_code; code_wrong+enter_code", "Choice tracking"},
		{"no code", map[string][]string{"menu": {"9"}}, "greeting; menu; enter_code", "Choice tracking"},
		{"operator instead of a code", map[string][]string{"menu": {"9"}, "enter_code": {"0"}}, "greeting; menu; enter_code", "Choice tracking"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, both, func(w *world) {
				for k, v := range tt.keys {
					w.call.keys[k] = slices.Clone(v)
				}
				w.serve()
				var prompts []string
				for _, d := range w.call.did {
					if p, ok := strings.CutPrefix(d, "prompt "); ok {
						prompts = append(prompts, p)
					}
				}
				if got := strings.Join(prompts, "; "); got != tt.want {
					t.Errorf("prompts: got %s, want %s", got, tt.want)
				}
				if got := w.journal.of("c"); !strings.Contains(got, tt.event) || !strings.Contains(got, "AgentBusy") {
					t.Errorf("%q or AgentBusy is missing in %s", tt.event, got)
				}
				want := cti.TicketID("formezpa.01JZ8Q4W7N5T3X9V2R6K1M0HDC")
				if strings.HasPrefix(tt.event, "TicketAttached") {
					want = "formezpa.01JZ8Q4W7N5T3X9V2R6K1M0OLD"
				}
				for _, ev := range w.journal.events {
					if ev.Type == cti.EvQueued && ev.Ticket != want {
						t.Errorf("queued with ticket %s, want %s", ev.Ticket, want)
					}
				}
			})
		})
	}
}

func TestClosed(t *testing.T) {
	inWorld(t, both, func(w *world) {
		w.in.Dialled = "800.155.300"
		if got := w.serve(); got != cti.CauseClosed {
			t.Errorf("got %s", got)
		}
		w.wantDid("answer", "prompt closed")
		w.wantEvents("Offered", "Stage closed")
	})
	inWorld(t, both, func(w *world) { // another office keeps its caller
		w.in.Dialled, w.in.From, w.in.Capsule.Class = "800155300", "cmna", cti.ClassOverflow
		if got := w.serve(); got != cti.CauseClosed {
			t.Errorf("got %s", got)
		}
		w.wantDid()
	})
}

func TestUnknownNumber(t *testing.T) {
	inWorld(t, both, func(w *world) {
		w.in.Dialled = "803002"
		if got := w.serve(); got != cti.CauseNotFound {
			t.Errorf("got %s", got)
		}
		w.wantDid()
		w.wantEvents()
	})
}

func TestPlainService(t *testing.T) {
	inWorld(t, both, func(w *world) {
		w.in.Dialled = "112"
		w.serve()
		w.wantDid("answer", "music music", "dial anna", "bridge anna c/2")
	})
}

// The caller goes at every quarter of a second, and a millisecond around the
// moments when something happens; the agent is never stuck, the queue adds up.
func TestCallerVanishesAtAnyTime(t *testing.T) {
	var moments []time.Duration
	for d := time.Duration(0); d < 24*time.Second; d += 250 * time.Millisecond {
		moments = append(moments, d)
	}
	// answer 0.1 s; greeting to 1.101 s; menu to 6.101 s; rings at 6.111 s; talks from 8.111 s to 18.111 s.
	for _, event := range []int{100, 1101, 6101, 6111, 8111, 18111} {
		for d := -1; d <= 1; d++ {
			moments = append(moments, time.Duration(event+d)*time.Millisecond)
		}
	}
	seen := map[cti.Cause]int{}
	for _, m := range moments {
		t.Run(m.String(), func(t *testing.T) {
			inWorld(t, both, func(w *world) {
				w.at(m, func() { w.hangUp(cti.Fail(cti.CauseAbandoned, "")) })
				seen[w.serve()]++
				w.wantIdle()
				if got := w.state("anna"); got != "ready" && got != "wrap_up" {
					t.Errorf("anna is %s", got)
				}
				if got := w.state("bruno"); got != "ready" {
					t.Errorf("bruno is %s", got)
				}
			})
		})
	}
	if len(seen) != 2 || seen[cti.CauseNormal] == 0 || seen[cti.CauseAbandoned] < 70 {
		t.Errorf("causes: %v", seen)
	}
}

// The agent answers although the caller has just gone: the dial reports success.
func TestCallerVanishesAtTheInstantOfAnswer(t *testing.T) {
	inWorld(t, both, func(w *world) {
		w.call.dial = func(ctx context.Context, d cti.Destination) error {
			d.Ringing()
			w.hangUp(cti.Fail(cti.CauseAbandoned, ""))
			<-ctx.Done()
			return nil // the 200 crossed the CANCEL
		}
		if got := w.serve(); got != cti.CauseAbandoned {
			t.Errorf("got %s", got)
		}
		w.wantIdle()
		if got := w.state("anna"); got != "wrap_up" {
			t.Errorf("anna is %s", got)
		}
	})
}

func TestAgentDoesNotTakeTheCall(t *testing.T) {
	tests := []struct {
		name  string
		dial  func(w *world) func(context.Context, cti.Destination) error
		anna  string
		cause string
	}{
		{"no answer", func(*world) func(context.Context, cti.Destination) error { return answersAfter(time.Hour) }, "not_ready(rona)", "no_answer"},
		{"rejects", func(*world) func(context.Context, cti.Destination) error {
			return fails(time.Second, cti.CauseRejected)
		}, "not_ready(rona)", "rejected"},
		{"busy", func(*world) func(context.Context, cti.Destination) error { return fails(0, cti.CauseBusy) }, "ready", "busy"},
		{"unreachable", func(*world) func(context.Context, cti.Destination) error {
			return fails(time.Second, cti.CauseUnreachable)
		}, "ready", "unreachable"},
		{"unregisters", func(w *world) func(context.Context, cti.Destination) error {
			return func(ctx context.Context, d cti.Destination) error {
				w.floor.DeviceDown("anna")
				<-ctx.Done() // rings on until it is cancelled
				return context.Cause(ctx)
			}
		}, "ready", "unreachable"},
		{"logs out", func(w *world) func(context.Context, cti.Destination) error {
			return func(ctx context.Context, d cti.Destination) error {
				if _, err := w.floor.LogOut(w.t.Context(), "anna"); err != nil {
					return err
				}
				<-ctx.Done()
				return context.Cause(ctx)
			}
		}, "logged_out", "unreachable"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, both, func(w *world) {
				anna := tt.dial(w)
				w.call.dial = func(ctx context.Context, d cti.Destination) error {
					if d.Device == "anna" {
						return anna(ctx, d)
					}
					return answersAfter(time.Second)(ctx, d)
				}
				if got := w.serve(); got != cti.CauseNormal {
					t.Errorf("got %s", got)
				}
				if did := w.did(); !strings.Contains(did, "; dial bruno; ") || !strings.HasSuffix(did, "bridge bruno c/2") {
					t.Errorf("did %s", w.did())
				}
				if got := w.journal.of("c"); !strings.Contains(got, "Diverted anna "+tt.cause) {
					t.Errorf("Diverted is missing in %s", got)
				}
				if got := w.state("anna"); got != tt.anna {
					t.Errorf("anna is %s, want %s", got, tt.anna)
				}
				w.wantIdle()
			})
		})
	}
}

// Issue 2: the agent's device vanishes in the instant in which it answers. Both
// talk; nobody else is disturbed.
func TestAnswerAfterTheOfferEnded(t *testing.T) {
	inWorld(t, []cti.AgentID{"anna"}, func(w *world) {
		w.call.dial = func(context.Context, cti.Destination) error {
			w.floor.DeviceDown("anna")
			return nil
		}
		if got := w.serve(); got != cti.CauseNormal {
			t.Errorf("got %s", got)
		}
		w.wantIdle()
	})
}

func TestAnnouncementsNeverDelayTheBridge(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		// In the queue from 6.1 s, the first announcement lasts from 8.1 s to 10.1 s.
		w.at(9*time.Second, func() { go w.makeReady("anna") })
		start := time.Now()
		var dialled time.Duration
		w.call.dial = func(ctx context.Context, d cti.Destination) error {
			dialled = time.Since(start)
			return nil
		}
		w.serve()
		if dialled != 9*time.Second {
			t.Errorf("dialled after %v, want 9s", dialled)
		}
		w.wantDid("answer", "prompt greeting", "music music", "prompt menu", "music music", "prompt wait+next", "dial anna", "bridge anna c/2")
	})
}

func TestAnnouncementsRepeat(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.call.dial = fails(time.Second, cti.CauseUnreachable) // the overflow too
		w.at(50*time.Second, func() { w.hangUp(cti.Fail(cti.CauseAbandoned, "")) })
		w.serve()
		count := map[string]int{} // the dial and what is said beside it have no order
		for _, d := range w.call.did {
			count[d]++
		}
		for what, want := range map[string]int{
			"prompt wait+next": 1, "prompt next": 0, "dial napoli": 2, "prompt overflow": 1, "dial napoli: call: unreachable": 2,
		} {
			if count[what] != want {
				t.Errorf("%s: %d times, want %d", what, count[what], want)
			}
		}
		w.wantIdle()
	})
}

// The node of the office that sent the call died: nobody cancels it, and it must
// not wait here for ever.
func TestOfficeThatDied(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.in.From, w.in.Capsule.Class = "cmna", cti.ClassOverflow
		began := time.Now()
		if got := w.serve(); got != cti.CauseNoAnswer || time.Since(began) != officeWait {
			t.Errorf("got %s after %v", got, time.Since(began))
		}
		w.wantIdle()
	})
	inWorld(t, nil, func(w *world) { // a citizen who hears us waits as long as it likes
		w.at(time.Hour, func() { w.hangUp(cti.Fail(cti.CauseAbandoned, "")) })
		w.call.dial = fails(time.Second, cti.CauseUnreachable)
		if got := w.serve(); got != cti.CauseAbandoned {
			t.Errorf("got %s", got)
		}
		if said, dialled := strings.Count(w.did(), "prompt overflow"), strings.Count(w.did(), "dial napoli;"); said != 1 || dialled < 100 {
			t.Errorf("%d dials to a closed office, told %d times", dialled, said)
		}
		w.wantIdle()
	})
}

func TestOverflow(t *testing.T) {
	t.Run("the other office answers", func(t *testing.T) {
		inWorld(t, nil, func(w *world) {
			var capsule cti.Capsule
			w.call.dial = func(ctx context.Context, d cti.Destination) error {
				if d.Ring != spillRing {
					t.Errorf("rings for %v", d.Ring)
				}
				capsule = d.Capsule
				return answersAfter(5*time.Second)(ctx, d)
			}
			if got := w.serve(); got != cti.CauseNormal {
				t.Errorf("got %s", got)
			}
			if capsule.Class != cti.ClassOverflow || !capsule.Ticket.Valid() || !capsule.Instant.Equal(w.in.At) || capsule.Hops != 1 {
				t.Errorf("capsule %+v", capsule)
			}
			if got := w.journal.of("c"); !strings.Contains(got, "Redirected redirected napoli") {
				t.Errorf("Redirected is missing in %s", got)
			}
			w.wantIdle()
		})
	})
	t.Run("an agent here is faster", func(t *testing.T) {
		inWorld(t, nil, func(w *world) {
			w.call.dial = func(ctx context.Context, d cti.Destination) error {
				if d.Trunk != "" {
					return answersAfter(time.Hour)(ctx, d)
				}
				return answersAfter(time.Second)(ctx, d)
			}
			w.at(40*time.Second, func() { go w.makeReady("bruno") })
			w.serve()
			if !strings.HasSuffix(w.did(), "dial napoli: context canceled; dial bruno; bridge bruno c/2") {
				t.Errorf("did %s", w.did())
			}
			w.wantIdle()
		})
	})
	t.Run("it answers while the agent is being reserved", func(t *testing.T) {
		inWorld(t, nil, func(w *world) {
			w.call.dial = func(ctx context.Context, d cti.Destination) error {
				<-ctx.Done()
				return nil // the 200 crossed the CANCEL
			}
			w.at(40*time.Second, func() { go w.makeReady("bruno") })
			w.serve()
			if !strings.HasSuffix(w.did(), "bridge napoli c/2") {
				t.Errorf("did %s", w.did())
			}
			if got := w.state("bruno"); got != "ready" {
				t.Errorf("bruno is %s", got)
			}
			w.wantIdle()
		})
	})
	t.Run("the caller leaves at any time", func(t *testing.T) {
		for m := 24 * time.Second; m < 34*time.Second; m += 500 * time.Millisecond {
			inWorld(t, nil, func(w *world) {
				w.call.dial = answersAfter(5 * time.Second)
				w.at(m, func() { w.hangUp(cti.Fail(cti.CauseAbandoned, "")) })
				w.serve()
				w.wantIdle()
			})
		}
	})
}

func TestCallFromAnotherOffice(t *testing.T) {
	inWorld(t, both, func(w *world) {
		w.in.From, w.in.Trunk = "cmna", "napoli"
		w.in.Capsule = cti.Capsule{
			Ticket: "cmna.01JZ8Q4W7N5T3X9V2R6K1M0HDC", Instant: w.in.At.Add(-time.Minute), Class: cti.ClassTransfer, Hops: 1,
		}
		w.serve()
		w.wantDid("ring 182", "dial anna", "bridge anna c/2")
		for _, ev := range w.journal.events {
			if ev.Type == cti.EvQueued && (ev.Ticket != w.in.Capsule.Ticket || !ev.Instant.Equal(w.in.Capsule.Instant)) {
				t.Errorf("queued with %s, %v", ev.Ticket, ev.Instant)
			}
			if ev.Type == cti.EvDelivered && ev.Info.WaitMS < 60_000 {
				t.Errorf("waited %d ms, want a minute and more", ev.Info.WaitMS)
			}
		}
	})
	inWorld(t, both, func(w *world) { // a citizen claims to be an office
		w.in.Capsule = cti.Capsule{Ticket: "cmna.01JZ8Q4W7N5T3X9V2R6K1M0HDC", Class: cti.ClassTransfer}
		w.serve()
		if !strings.HasPrefix(w.did(), "answer; prompt greeting") || strings.Contains(fmt.Sprint(w.journal.events), "cmna.") {
			t.Errorf("did %s", w.did())
		}
	})
	inWorld(t, both, func(w *world) { // handed round and round
		w.in.From, w.in.Capsule = "cmna", cti.Capsule{Class: cti.ClassTransfer, Hops: maxHops + 1}
		if got := w.serve(); got != cti.CauseForbidden {
			t.Errorf("got %s", got)
		}
	})
}

func TestNetworkInstantIsClamped(t *testing.T) {
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	s, err := New(testConfig(), nil, fakeTickets{}, &fakeJournal{})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ in, want time.Duration }{
		{-time.Minute, -time.Minute}, {time.Second, time.Second}, {time.Minute, 2 * time.Second}, {-24 * time.Hour, -2 * time.Hour},
	} {
		got := s.networkInstant(cti.Inbound{At: at, Capsule: cti.Capsule{Instant: at.Add(tt.in)}})
		if !got.Equal(at.Add(tt.want)) {
			t.Errorf("%v: got %v, want %v", tt.in, got.Sub(at), tt.want)
		}
	}
	if got := s.networkInstant(cti.Inbound{At: at}); !got.Equal(at) {
		t.Errorf("got %v", got)
	}
}

func TestTransferKeepsTalkingAndFreesTheAgent(t *testing.T) {
	inWorld(t, both, func(w *world) {
		w.call.talk = func(ctx context.Context, leg cti.LegID) (cti.LegID, cti.Cause) {
			if leg == "c/2" {
				return "c/9", cti.CauseTransferred
			}
			synctest.Wait()
			if got := w.state("anna"); got != "wrap_up" {
				t.Errorf("while the target talks anna is %s", got)
			}
			return "", cti.CauseNormal
		}
		if got := w.serve(); got != cti.CauseNormal {
			t.Errorf("got %s", got)
		}
		w.wantIdle()
	})
}

// The transfer failed after the agent had gone, or the agent's phone died: the
// caller is queued again, before the others.
func TestLostAgent(t *testing.T) {
	for _, cause := range []cti.Cause{cti.CauseTransferred, cti.CauseMediaTimeout} {
		inWorld(t, both, func(w *world) {
			w.call.talk = func(_ context.Context, leg cti.LegID) (cti.LegID, cti.Cause) {
				if leg == "c/2" {
					return "", cause
				}
				return "", cti.CauseNormal
			}
			if got := w.serve(); got != cti.CauseNormal {
				t.Errorf("got %s", got)
			}
			w.wantDid("answer", "prompt greeting", "music music", "prompt menu", "music music", "dial anna", "bridge anna c/2",
				"music music", "dial bruno", "bridge bruno c/3")
			w.wantIdle()
		})
	}
	inWorld(t, both, func(w *world) { // not for ever
		w.call.talk = func(context.Context, cti.LegID) (cti.LegID, cti.Cause) { return "", cti.CauseMediaTimeout }
		if got := w.serve(); got != cti.CauseMediaTimeout {
			t.Errorf("got %s", got)
		}
		w.wantIdle()
	})
}

// A script that dies gives back what it holds.
func TestPanicLeavesNobodyStuck(t *testing.T) {
	for _, where := range []string{"dial", "talk"} {
		inWorld(t, both, func(w *world) {
			if where == "dial" {
				w.call.dial = func(context.Context, cti.Destination) error { panic("dial") }
			}
			w.call.talk = func(context.Context, cti.LegID) (cti.LegID, cti.Cause) { panic("talk") }
			func() {
				defer func() {
					if recover() == nil {
						t.Error("no panic")
					}
				}()
				w.service.Serve(w.ctx, w.in, w.call)
			}()
			synctest.Wait()
			w.wantIdle()
		})
	}
}

func TestPromptsExist(t *testing.T) {
	s, err := New(testConfig(), nil, fakeTickets{}, &fakeJournal{})
	if err != nil {
		t.Fatal(err)
	}
	names := s.Prompts()
	for _, want := range []string{"greeting", "menu", "music", "closed", "n_2", "position", "wait", "error"} {
		if !slices.Contains(names, want) {
			t.Errorf("%s is missing in %v", want, names)
		}
	}
	if !slices.IsSorted(names) {
		t.Error("not sorted")
	}
}

func TestConfigFaults(t *testing.T) {
	c := testConfig()
	c.Lines = append(c.Lines, c.Lines[0], Line{ID: "x", Ring: -1})
	c.Overflow["y"] = Target{}
	c.Routes = nil
	err := c.Validate()
	for _, want := range []string{`"linea-amica": defined twice`, `service "x"`, "ring -1", `overflow "y"`, "routes"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is missing in: %v", want, err)
		}
	}
}
