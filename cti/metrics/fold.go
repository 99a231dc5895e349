package metrics

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/cti/cdr"
)

// fewAgents is the least number of agents of a queue that are counted by
// state: below it a count would speak of persons.
const fewAgents = 5

// fold keeps what the stream says is true now, and is the collector of its gauges.
type fold struct {
	cfg                      Config
	calls, transitions       *prometheus.CounterVec
	emergencies              prometheus.Counter
	audio                    *audio
	wait                     *prometheus.HistogramVec
	talk                     *prometheus.HistogramVec
	active, waiting, longest *prometheus.Desc
	agents, trunkUp          *prometheus.Desc

	mu      sync.Mutex // guards what follows
	open    cdr.Tracker
	queues  map[cti.QueueID]bool
	states  map[cti.AgentID]cti.AgentState
	seats   map[cti.AgentID]cti.DeviceID // where they sit
	up      map[cti.DeviceID]bool        // stations with a registration
	trunks  map[string]bool
	tickets ticketStates
}

func newFold(cfg Config) *fold {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	f := &fold{cfg: cfg, audio: newAudio(),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "la2_calls_total",
			Help: "Calls that ended, by service and outcome."}, []string{"service", "outcome"}),
		transitions: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "la2_ticket_transitions_total",
			Help: "State changes of tickets."}, []string{"from", "to"}),
		emergencies: prometheus.NewCounter(prometheus.CounterOpts{Name: "la2_misdirected_emergency_total",
			Help: "Citizens whom an operator handed over to 112."}),
		wait: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "la2_queue_wait_seconds",
			Help:    "Time from entering a queue to leaving it, by how it was left.",
			Buckets: []float64{5, 10, 20, 38, 60, 90, 150, 240, 300}}, []string{"queue", "outcome"}),
		talk: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "la2_call_talk_seconds",
			Help:    "Talk time of answered calls, holds included.",
			Buckets: []float64{15, 30, 60, 120, 180, 300, 600, 1200, 2400}}, []string{"service"}),
		active:  desc("la2_calls_active", "Calls open now."),
		waiting: desc("la2_queue_calls_waiting", "Callers waiting in the queue now, ringing included.", "queue"),
		longest: desc("la2_queue_oldest_call_timestamp_seconds", "When the longest waiting caller entered the queue, 0 when nobody waits.", "queue"),
		agents:  desc("la2_agents", "Agents by state, only for queues with at least five logged on.", "queue", "state"),
		trunkUp: desc("la2_trunk_up", "1 when the trunk answers.", "trunk"),
		queues:  map[cti.QueueID]bool{}, states: map[cti.AgentID]cti.AgentState{}, trunks: map[string]bool{},
		seats: map[cti.AgentID]cti.DeviceID{}, up: map[cti.DeviceID]bool{},
		tickets: ticketStates{},
	}
	for _, q := range cfg.Queues {
		f.queues[q] = true
	}
	for _, t := range cfg.Trunks {
		f.trunks[t] = false
	}
	for _, s := range cfg.Services {
		for _, o := range []cdr.Outcome{cdr.Answered, cdr.Abandoned, cdr.Left, cdr.Redirected, cdr.Closed, cdr.Failed} {
			f.calls.WithLabelValues(string(s), string(o))
		}
	}
	return f
}

// apply folds ev; counted is false for events of before the start.
func (f *fold) apply(ev cti.Event, counted bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r, ended := f.open.Apply(ev)
	if ev.Type == cti.EvQueued {
		f.queues[ev.Queue] = true
	}
	if counted {
		f.countCall(ev, r, ended)
	}
	if ev.Agent != "" && ev.Device != "" && strings.HasPrefix(string(ev.Type), "Agent") {
		f.seats[ev.Agent] = ev.Device
	}
	switch ev.Type {
	case cti.EvConnectionCleared, cti.EvOneWayAudio:
		if counted {
			f.audio.count(ev)
		}
	case cti.EvEmergency:
		if counted {
			f.emergencies.Inc()
		}
	case cti.EvTrunkUp, cti.EvTrunkDown:
		f.trunks[ev.Trunk] = ev.Type == cti.EvTrunkUp
	case cti.EvDeviceUp, cti.EvDeviceDown:
		f.up[ev.Device] = ev.Type == cti.EvDeviceUp
	case cti.EvTicketOpened, cti.EvTicketUpdated, cti.EvTicketAttached:
		if from, to, ok := f.tickets.apply(ev); ok && counted {
			f.transitions.WithLabelValues(from, to).Inc()
		}
	case cti.EvAgentLoggedOff:
		delete(f.states, ev.Agent)
	case cti.EvAgentLoggedOn, cti.EvAgentNotReady:
		f.states[ev.Agent] = cti.AgentNotReady
	case cti.EvAgentReady:
		f.states[ev.Agent] = cti.AgentReady
	case cti.EvAgentReserved:
		f.states[ev.Agent] = cti.AgentReserved
	case cti.EvDelivered:
		if f.states[ev.Agent] == cti.AgentReserved {
			f.states[ev.Agent] = cti.AgentRinging
		}
	case cti.EvNodeStarted: // who is there says so again
		clear(f.states)
		clear(f.seats)
		clear(f.up)
		for t := range f.trunks {
			f.trunks[t] = false
		}
	case cti.EvAgentBusy:
		f.states[ev.Agent] = cti.AgentTalking
	case cti.EvAgentWorkingAfterCall:
		f.states[ev.Agent] = cti.AgentWrapUp
	}
}

// countCall counts what ended with ev. f.mu must be held.
func (f *fold) countCall(ev cti.Event, r *cdr.Record, ended []cdr.Segment) {
	for _, s := range ended {
		if s.Kind == cdr.KindQueue {
			f.wait.WithLabelValues(string(s.Queue), string(s.Outcome)).Observe(s.End.Sub(s.Start).Seconds())
		}
	}
	if r == nil || ev.Type != cti.EvCallCleared && ev.Type != cti.EvPassed {
		return
	}
	f.calls.WithLabelValues(string(r.Service), string(r.Outcome)).Inc()
	if !r.Established.IsZero() {
		f.talk.WithLabelValues(string(r.Service)).Observe(float64(r.TalkMS+r.HoldMS) / 1000)
	}
}

// Describe is part of prometheus.Collector.
func (f *fold) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{f.active, f.waiting, f.longest, f.agents, f.trunkUp} {
		ch <- d
	}
}

// Collect is part of prometheus.Collector.
func (f *fold) Collect(ch chan<- prometheus.Metric) {
	for _, m := range f.gauges() { // sent without the lock
		ch <- m
	}
}

func (f *fold) gauges() (out []prometheus.Metric) {
	f.mu.Lock()
	defer f.mu.Unlock()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out = append(out, prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...))
	}
	waiting, oldest := map[cti.QueueID]int{}, map[cti.QueueID]float64{}
	for _, r := range f.open.Open {
		if q, since, ok := r.Waiting(); ok {
			waiting[q]++
			if at := float64(since.UnixMilli()) / 1000; oldest[q] == 0 || at < oldest[q] {
				oldest[q] = at
			}
		}
	}
	gauge(f.active, float64(len(f.open.Open)))
	for _, q := range slices.Sorted(maps.Keys(f.queues)) {
		gauge(f.waiting, float64(waiting[q]), string(q))
		gauge(f.longest, oldest[q], string(q))
	}
	for t, up := range f.trunks {
		v := 0.0
		if up {
			v = 1
		}
		gauge(f.trunkUp, v, t)
	}
	for q, states := range f.agentCounts() {
		for s, n := range states {
			gauge(f.agents, float64(n), string(q), string(s))
		}
	}
	return out
}

// agentCounts are those of the queues with enough agents. f.mu must be held.
func (f *fold) agentCounts() map[cti.QueueID]map[cti.AgentState]int {
	out, total := map[cti.QueueID]map[cti.AgentState]int{}, map[cti.QueueID]int{}
	if f.cfg.QueuesOf == nil {
		return nil
	}
	for a, s := range f.states {
		if seat := f.seats[a]; s == cti.AgentReady && seat != "" && !f.up[seat] {
			s = cti.AgentNotReady // nobody can be sent there
		}
		for _, q := range f.cfg.QueuesOf(a) {
			if out[q] == nil {
				out[q] = map[cti.AgentState]int{cti.AgentReady: 0, cti.AgentNotReady: 0, cti.AgentReserved: 0,
					cti.AgentRinging: 0, cti.AgentTalking: 0, cti.AgentWrapUp: 0}
			}
			out[q][s]++
			total[q]++
		}
	}
	maps.DeleteFunc(out, func(q cti.QueueID, _ map[cti.AgentState]int) bool { return total[q] < fewAgents })
	return out
}
