package node

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/cti/stream"
)

// aCall is what the stream has of a call that is queued, answered, held once and ended.
func aCall(began time.Time) []cti.Event {
	call := cti.NewCallID(began)
	ticket := cti.NewTicketID("formezpa", began)
	info := &cti.CallInfo{Caller: cti.Party{Number: "+390831000412"}, Dialled: "803001", WaitMS: 7000}
	evs := []cti.Event{
		{Type: cti.EvOffered, Service: "linea-amica", Trunk: "carrier", Info: info}, {Type: cti.EvStage, Stage: "greeting"},
		{Type: cti.EvAnswered, Leg: cti.LegID(call + "/1")}, {Type: cti.EvStage, Stage: "menu"}, {Type: cti.EvChoice, Value: "1"},
		{Type: cti.EvQueued, Queue: "urp", Ticket: ticket, Info: info}, {Type: cti.EvTicketOpened, Ticket: ticket, Change: &cti.Change{}},
		{Type: cti.EvEngineInput, Raw: []byte("{}")}, {Type: cti.EvAgentReserved, Agent: "1001"},
		{Type: cti.EvDelivered, Agent: "1001", Device: "1001", Queue: "urp", Ticket: ticket, Info: info},
		{Type: cti.EvEstablished, Leg: cti.LegID(call + "/2"), Device: "1001", Ticket: ticket}, {Type: cti.EvAgentBusy, Agent: "1001"},
		{Type: cti.EvHeld, Device: "1001"}, {Type: cti.EvRetrieved, Device: "1001"},
		{Type: cti.EvConnectionCleared, Cause: cti.CauseNormal}, {Type: cti.EvConnectionCleared, Cause: cti.CauseNormal},
		{Type: cti.EvCallCleared, Cause: cti.CauseNormal, Ticket: ticket},
		{Type: cti.EvAgentWorkingAfterCall, Agent: "1001"},
	}
	for i := range evs {
		evs[i].Call = call
	}
	return evs
}

// logged runs the events through a call log and returns its lines.
func logged(t *testing.T, level slog.Level, evs ...cti.Event) []string {
	t.Helper()
	var out bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		l, err := stream.New(stream.Config{Site: "formezpa"}, stream.NewMemory())
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { // ends with ctx
			done <- callLog{slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: level}))}.run(ctx, l, l.Last())
		}()
		synctest.Wait()
		for _, ev := range evs {
			l.Publish(ev)
		}
		stop() // the log still writes what was published before
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return strings.Split(strings.TrimSpace(out.String()), "\n")
}

func TestCallLog_NormalCall(t *testing.T) {
	began := time.Date(1999, 12, 31, 23, 58, 30, 0, time.UTC) // the clock of a bubble begins 90 s later
	got := logged(t, slog.LevelInfo, aCall(began)...)
	want := []string{
		`msg="call offered" call=`, `msg="call answered"`, `msg="call queued"`, `msg="agent ringing"`,
		`msg="call established"`, `msg="caller held"`, `msg="caller retrieved"`, `msg="call cleared"`,
	}
	if len(got) != len(want) {
		t.Fatalf("%d lines, want %d:\n%s", len(got), len(want), strings.Join(got, "\n"))
	}
	for i, w := range want {
		if !strings.Contains(got[i], w) {
			t.Errorf("line %d is %s\nwant …%s…", i, got[i], w)
		}
	}
	text := strings.Join(got, "\n")
	for _, w := range []string{"caller=+390••••••12", "service=linea-amica", "queue=urp", "agent=1001", "waited=7s", "cause=normal", "lasted=1m30s", "ticket=formezpa."} {
		if !strings.Contains(text, w) {
			t.Errorf("no %s in\n%s", w, text)
		}
	}
	if strings.Contains(text, "0831000412") {
		t.Errorf("a number in full:\n%s", text)
	}
}

func TestCallLog_DebugHasEverything(t *testing.T) {
	evs := aCall(time.Now())
	if got := logged(t, slog.LevelDebug, evs...); len(got) != len(evs) {
		t.Errorf("%d lines for %d events", len(got), len(evs))
	}
}

func TestCallLog_Levels(t *testing.T) {
	got := logged(t, slog.LevelWarn, cti.Event{Type: cti.EvTrunkUp, Trunk: "napoli"}, cti.Event{Type: cti.EvTrunkDown, Trunk: "napoli"},
		cti.Event{Type: cti.EvCallCleared, Cause: cti.CauseFailed})
	if len(got) != 1 || !strings.Contains(got[0], `level=WARN msg="trunk down" trunk=napoli`) {
		t.Errorf("got %q", got)
	}
}

func TestCallLog_MasksNumbersNotOffices(t *testing.T) {
	for in, want := range map[string]string{"": "", "cmna": "cmna", "+390810002222": "+390••••••22", "1002": "••••••02"} {
		if got := maskTarget(in); got != want {
			t.Errorf("maskTarget(%q) = %q, want %q", in, got, want)
		}
	}
}
