package metrics_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"go.uber.org/goleak"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/cti/metrics"
	"github.com/lineaamica/la2/cti/stream"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	citizen = "+390831000412"
	ticket  = cti.TicketID("formezpa.01JZ8Q4W7N5T3X9V2R6K1M0HDC")
)

// start folds the events in before, then those in after as news.
func start(t *testing.T, before, after []cti.Event) *metrics.Metrics {
	t.Helper()
	l, err := stream.New(stream.Config{Site: "formezpa"}, stream.NewMemory())
	if err != nil {
		t.Fatal(err)
	}
	m, err := metrics.New(metrics.Config{Version: "0.1.0", Revision: "abc", Queues: []cti.QueueID{"urp"},
		Services: []cti.ServiceID{"urp_nazionale"}, Trunks: []string{"napoli"},
		QueuesOf: func(a cti.AgentID) []cti.QueueID {
			if strings.HasPrefix(string(a), "2") {
				return []cti.QueueID{"piccola"}
			}
			return []cti.QueueID{"urp"}
		},
		Values: []metrics.Value{
			{Name: "la2_sip_transactions", Help: "Transactions now.", Func: func() float64 { return 7 }},
			{Name: "la2_sip_messages_received_total", Help: "Messages received.", Counter: true, Labels: map[string]string{"transport": "udp"},
				Func: func() float64 { return 9 }},
		}})
	if err != nil {
		t.Fatal(err)
	}
	for _, ev := range before {
		l.Publish(ev)
	}
	l.Sync(t.Context())
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx, l) }() // ends with the log
	end := cti.Event{Type: cti.EvTrunkUp, Trunk: "end_of_before", At: time.Now().Add(-2 * time.Hour)}
	waitFor(t, m, l, end) // Run has read what was there before
	for _, ev := range after {
		l.Publish(ev)
	}
	end.Trunk = "end_of_test"
	waitFor(t, m, l, end)
	l.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
	cancel()
	return m
}

func waitFor(t *testing.T, m *metrics.Metrics, l *stream.Log, ev cti.Event) {
	t.Helper()
	time.Sleep(20 * time.Millisecond) // Run notes the end of the past first
	l.Publish(ev)
	for range 500 {
		if strings.Contains(scrape(m), ev.Trunk) {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatal("the fold does not follow")
}

func scrape(m *metrics.Metrics) string {
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	return w.Body.String()
}

// day are events of many kinds, with persons and numbers in them.
func day() (evs []cti.Event) {
	info := &cti.CallInfo{Caller: cti.Party{Number: citizen, Display: "Mario"}, Dialled: "803001"}
	at := time.Now().Add(-time.Hour)
	add := func(s int, ev cti.Event) {
		ev.At = at.Add(time.Duration(s) * time.Second)
		evs = append(evs, ev)
	}
	for i := range 5 {
		a := cti.AgentID(fmt.Sprint(1001 + i))
		add(0, cti.Event{Type: cti.EvAgentLoggedOn, Agent: a, Device: cti.DeviceID(a)})
		add(0, cti.Event{Type: cti.EvAgentReady, Agent: a})
		add(0, cti.Event{Type: cti.EvDeviceUp, Device: cti.DeviceID(a)})
	}
	add(0, cti.Event{Type: cti.EvDeviceDown, Device: "1005"}) // Ready at a telephone that is gone
	for i := range 4 {
		add(0, cti.Event{Type: cti.EvAgentReady, Agent: cti.AgentID(fmt.Sprint(2001 + i))})
	}
	call := func(c cti.CallID, s int) {
		add(s, cti.Event{Type: cti.EvEmergency, Call: c, Leg: cti.LegID(c) + "/2", Target: "112"})
		add(s, cti.Event{Type: cti.EvOffered, Call: c, Service: "urp_nazionale", Info: info})
		add(s, cti.Event{Type: cti.EvTicketOpened, Call: c, Ticket: ticket, Change: &cti.Change{Kind: "opened", Fields: map[string]string{"contact_id": citizen}}})
		add(s, cti.Event{Type: cti.EvQueued, Call: c, Queue: "urp", Ticket: ticket, Info: info})
	}
	call("C1", 1)
	add(2, cti.Event{Type: cti.EvAgentReserved, Agent: "1001", Call: "C1", Offer: 1})
	add(3, cti.Event{Type: cti.EvDelivered, Agent: "1001", Call: "C1", Info: info})
	add(31, cti.Event{Type: cti.EvEstablished, Call: "C1", Leg: "C1/2", Device: "1001"})
	add(31, cti.Event{Type: cti.EvAgentBusy, Agent: "1001", Call: "C1"})
	add(32, cti.Event{Type: cti.EvTicketUpdated, Ticket: ticket, Change: &cti.Change{Kind: "answered"}})
	add(33, cti.Event{Type: cti.EvTicketUpdated, Ticket: ticket, Change: &cti.Change{Kind: "moved", Fields: map[string]string{"to": "closed_fo"}}})
	add(34, cti.Event{Type: cti.EvTicketUpdated, Ticket: ticket, Change: &cti.Change{Kind: "moved", Fields: map[string]string{"to": citizen}}})
	add(91, cti.Event{Type: cti.EvCallCleared, Call: "C1", Cause: cti.CauseNormal})
	call("C2", 92)
	add(99, cti.Event{Type: cti.EvCallCleared, Call: "C2", Cause: cti.CauseAbandoned})
	call("C3", 100)
	return evs
}

func TestCounts(t *testing.T) {
	text := scrape(start(t, nil, day()))
	for _, want := range []string{
		`la2_calls_total{outcome="answered",service="urp_nazionale"} 1`,
		`la2_calls_total{outcome="abandoned",service="urp_nazionale"} 1`,
		`la2_calls_total{outcome="failed",service="urp_nazionale"} 0`,
		`la2_calls_active 1`,
		`la2_queue_calls_waiting{queue="urp"} 1`,
		`la2_queue_wait_seconds_bucket{outcome="answered",queue="urp",le="20"} 0`,
		`la2_queue_wait_seconds_bucket{outcome="answered",queue="urp",le="38"} 1`,
		`la2_queue_wait_seconds_sum{outcome="abandoned",queue="urp"} 7`,
		`la2_agents{queue="urp",state="ready"} 3`,
		`la2_agents{queue="urp",state="not_ready"} 1`,
		`la2_agents{queue="urp",state="talking"} 1`,
		`la2_trunk_up{trunk="napoli"} 0`,
		`la2_trunk_up{trunk="end_of_test"} 1`,
		`la2_ticket_transitions_total{from="none",to="draft"} 1`,
		`la2_ticket_transitions_total{from="draft",to="open_fo"} 1`,
		`la2_ticket_transitions_total{from="open_fo",to="closed_fo"} 1`,
		`la2_misdirected_emergency_total 3`,
		`la2_sip_transactions 7`,
		`la2_sip_messages_received_total{transport="udp"} 9`,
		`la2_build_info{goversion="go`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("missing: %s", want)
		}
	}
}

func TestFewAgentsAreNotCounted(t *testing.T) {
	if text := scrape(start(t, nil, day())); strings.Contains(text, "piccola") {
		t.Error("a queue with four agents is counted by state")
	}
}

// Counters begin with the process, gauges come back from the journal.
func TestRestart(t *testing.T) {
	text := scrape(start(t, day(), []cti.Event{{Type: cti.EvCallCleared, Call: "C3", Cause: cti.CauseRestart}}))
	for _, want := range []string{
		`la2_calls_total{outcome="answered",service="urp_nazionale"} 0`,
		`la2_calls_total{outcome="failed",service="urp_nazionale"} 1`,
		`la2_calls_active 0`, `la2_queue_calls_waiting{queue="urp"} 0`, `la2_agents{queue="urp",state="ready"} 3`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("missing: %s", want)
		}
	}
	if strings.Contains(text, "la2_ticket_transitions_total{") {
		t.Error("transitions of the past are counted")
	}
}

func TestNoPersonalLabels(t *testing.T) {
	for line := range strings.Lines(scrape(start(t, nil, day()))) {
		if strings.HasPrefix(line, "#") || !strings.HasPrefix(line, "la2_") {
			continue
		}
		name, _, _ := strings.Cut(line, " ")
		for _, personal := range []string{`"1001"`, `"1002"`, `"2001"`, citizen, "0831", "Mario", string(ticket), "C1"} {
			if strings.Contains(name, personal) {
				t.Errorf("%s in %s", personal, name)
			}
		}
	}
}

func TestLint(t *testing.T) {
	text := scrape(start(t, nil, day()))
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("promlint: %v, %v", problems, err)
	}
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Log("promtool is not installed; promlint was enough")
		return
	}
	cmd := exec.Command(promtool, "check", "metrics")
	cmd.Stdin = strings.NewReader(text)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
}

func TestBadValue(t *testing.T) {
	v := metrics.Value{Name: "la2_calls_total", Help: "Again.", Counter: true, Func: func() float64 { return 0 }}
	if _, err := metrics.New(metrics.Config{Values: []metrics.Value{v}}); err == nil {
		t.Error("a name was taken twice")
	}
}

func Example() {
	m, err := metrics.New(metrics.Config{Trunks: []string{"napoli"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for line := range strings.Lines(scrape(m)) {
		if strings.HasPrefix(line, "la2_trunk_up") {
			fmt.Print(line)
		}
	}
	// Output: la2_trunk_up{trunk="napoli"} 0
}
