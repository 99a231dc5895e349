// Package metrics is the Prometheus side of a node: collectors folded from the
// stream, plus gauges and counters that cmd gives. No label is personal:
// neither users nor numbers, and agents are counted per queue only where at
// least five of them are logged on.
//
// Counters begin at zero with the process; gauges are restored from the
// journal. The package owns no goroutine; Run is called by cmd.
package metrics

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/cti/stream"
)

// Config of Metrics; the zero value works.
type Config struct {
	Version, Revision string // of la2_build_info
	// QueuesOf are the queues an agent serves. Nil: no la2_agents.
	QueuesOf func(cti.AgentID) []cti.QueueID
	// Queues, Services and Trunks are exported also before their first event.
	Queues   []cti.QueueID
	Services []cti.ServiceID
	Trunks   []string
	// Values are read at each scrape: la2_sip_*, la2_rtp_*, sizes.
	Values []Value
}

// A Value is a gauge or counter of another package, read at each scrape.
type Value struct {
	Name    string // with la2_ and unit; counters end in _total
	Help    string
	Labels  map[string]string // constant, nothing personal
	Counter bool
	Func    func() float64 // safe for concurrent use
}

// Metrics is one registry. Safe for concurrent use.
type Metrics struct {
	reg *prometheus.Registry
	f   *fold
}

// New makes the registry with the Go and process collectors. It fails on
// values with a bad or repeated name.
func New(cfg Config) (*Metrics, error) {
	m := &Metrics{reg: prometheus.NewRegistry(), f: newFold(cfg)}
	all := []prometheus.Collector{collectors.NewGoCollector(), m.f, m.f.calls, m.f.emergencies, m.f.wait, m.f.talk, m.f.transitions,
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), buildInfo(cfg)}
	all = append(all, m.f.audio.collectors()...)
	for _, v := range cfg.Values {
		if v.Counter {
			all = append(all, prometheus.NewCounterFunc(prometheus.CounterOpts{Name: v.Name, Help: v.Help, ConstLabels: v.Labels}, v.Func))
			continue
		}
		all = append(all, prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: v.Name, Help: v.Help, ConstLabels: v.Labels}, v.Func))
	}
	for _, c := range all {
		if err := m.reg.Register(c); err != nil {
			return nil, fmt.Errorf("metrics: %w", err)
		}
	}
	return m, nil
}

func buildInfo(cfg Config) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "la2_build_info", Help: "Constant 1, labelled with what was built.",
		ConstLabels: prometheus.Labels{"version": cfg.Version, "revision": cfg.Revision, "goversion": runtime.Version()},
	}, func() float64 { return 1 })
}

// Handler serves the exposition.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.reg, promhttp.HandlerOpts{MaxRequestsInFlight: 4})
}

// Run folds l until ctx ends or l closes; it returns nil then. Events before
// the present end of l restore gauges and are not counted.
func (m *Metrics) Run(ctx context.Context, l *stream.Log) error {
	start := l.Last().Seq
	r, err := l.Subscribe(cti.Position{})
	if err != nil {
		return err
	}
	for {
		ev, err := r.Next(ctx)
		if ctx.Err() != nil || errors.Is(err, stream.ErrClosed) {
			return nil //nolint:nilerr // the ordinary end
		}
		if err != nil {
			return err
		}
		m.f.apply(ev, ev.Seq > start)
	}
}
