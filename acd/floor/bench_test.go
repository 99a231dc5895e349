package floor

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lineaamica/la2/acd/engine"
	"github.com/lineaamica/la2/cti"
)

// BenchmarkFloor runs whole calls (enter, offer, ringing, accept, finish) through
// the floor with 200 agents and a journal whose commit takes a millisecond.
func BenchmarkFloor(b *testing.B) {
	cfg := Config{Engine: engine.Config{Queues: []engine.Queue{{ID: "urp"}}}}
	for i := range 200 {
		cfg.Engine.Agents = append(cfg.Engine.Agents, engine.Agent{
			ID: cti.AgentID(fmt.Sprintf("a%03d", i)), Queues: []cti.QueueID{"urp"}, Static: true, Contact: "sip:a@h",
		})
	}
	f, err := New(cfg, discard{})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error)
	go func() { ended <- f.Run(ctx) }() // ends by cancel
	var calls atomic.Int64
	b.SetParallelism(100)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			id := cti.CallID(strconv.FormatInt(calls.Add(1), 10))
			p, err := f.Enter(ctx, Entry{Caller: engine.Caller{Call: id, Queue: "urp", Instant: time.Now()}})
			if err != nil {
				b.Error(err)
				return
			}
			o := (<-p.Updates()).Offer
			o.Ringing()
			if err := o.Accept("leg"); err != nil {
				b.Error(err)
			}
			o.Finish()
		}
	})
	b.StopTimer()
	perSecond := float64(calls.Load()) / b.Elapsed().Seconds()
	b.ReportMetric(perSecond, "calls/s")
	cancel()
	if err := <-ended; err != nil {
		b.Error(err)
	}
}

// discard is a journal with the delay of a disk and nothing else.
type discard struct{}

func (discard) Publish(cti.Event) cti.Position { return cti.Position{} }

func (discard) Commit(context.Context, ...cti.Event) error {
	time.Sleep(time.Millisecond)
	return nil
}
