package engine

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/lineaamica/la2/cti"
)

// BenchmarkApply200x500 keeps 200 agents busy and 500 callers or more waiting, over
// four queues and six topics: each round a conversation ends, an agent presses Ready,
// its phone rings and it answers, a caller arrives, sometimes one gives up.
func BenchmarkApply200x500(b *testing.B) {
	cfg := Config{Lease: time.Hour}
	for q := range 4 {
		cfg.Queues = append(cfg.Queues, Queue{ID: cti.QueueID(fmt.Sprintf("q%d", q)), Overflow: Overflow{After: time.Hour, Targets: []string{"cmna"}}})
	}
	for i := range 200 {
		a := Agent{ID: cti.AgentID(fmt.Sprintf("agent%03d", i)), Skills: []string{fmt.Sprintf("s%d", i%6), fmt.Sprintf("s%d", (i+1)%6)}}
		for q := range 1 + i%4 {
			a.Queues = append(a.Queues, cti.QueueID(fmt.Sprintf("q%d", (q+i)%4)))
		}
		cfg.Agents = append(cfg.Agents, a)
	}
	e, err := New(cfg, t0)
	if err != nil {
		b.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	now, calls, inputs := t0, 0, 0
	ids := make([]cti.CallID, 1<<16)
	skills := make([][]string, 6)
	for i := range ids {
		ids[i] = cti.CallID(fmt.Sprintf("01J00000000000000000%06d", i))
	}
	for i := range skills {
		skills[i] = []string{fmt.Sprintf("s%d", i)}
	}
	apply := func(in Input) {
		now = now.Add(10 * time.Microsecond)
		inputs++
		e.Apply(now, in)
	}
	enter := func() {
		calls++
		apply(Input{Op: OpEnter, Caller: &Caller{
			Call: ids[calls%len(ids)], Queue: cfg.Queues[r.IntN(4)].ID, Skills: skills[r.IntN(6)], Instant: now,
		}})
	}
	for _, a := range e.agents {
		apply(Input{Op: OpDeviceUp, Device: cti.DeviceID(a.ID)})
		apply(Input{Op: OpLogIn, Agent: a.ID, Device: cti.DeviceID(a.ID)})
		apply(Input{Op: OpReady, Agent: a.ID})
	}
	for len(e.callers) < 700 {
		enter()
	}
	inputs = 0
	b.ReportAllocs()
	for b.Loop() {
		a := e.agents[r.IntN(len(e.agents))]
		switch {
		case a.caller != nil:
			apply(Input{Op: OpRinging, Offer: a.offer})
			apply(Input{Op: OpAccept, Offer: a.offer})
		case a.state == cti.AgentTalking:
			apply(Input{Op: OpFinish, Offer: a.offer})
			apply(Input{Op: OpReady, Agent: a.ID})
		default:
			apply(Input{Op: OpAlive, Agent: a.ID})
		}
		for len(e.callers) < 700 {
			enter()
		}
		if r.IntN(16) == 0 {
			apply(Input{Op: OpLeave, Call: ids[(calls-r.IntN(300))%len(ids)]})
		}
	}
	perSecond := float64(inputs) / b.Elapsed().Seconds()
	b.ReportMetric(perSecond, "inputs/s")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(inputs), "ns/input")
	waiting := 0
	for _, q := range e.Snapshot().Queues {
		waiting += q.Waiting
	}
	b.Logf("bench engine agents=%d waiting=%d inputs_per_second=%.0f", len(e.agents), waiting, perSecond)
}
