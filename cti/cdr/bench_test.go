package cdr_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/cti/cdr"
	"github.com/lineaamica/la2/cti/stream"
	"github.com/lineaamica/la2/store"
)

// The cost of journal and records for one answered call of 12 events, of which
// 200 are open at a time.
func BenchmarkCall(b *testing.B) {
	for _, folded := range []bool{false, true} {
		b.Run(fmt.Sprintf("cdr=%v", folded), func(b *testing.B) {
			s, err := store.Open(filepath.Join(b.TempDir(), "node.db"), store.Options{NoSync: true})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			l, err := stream.New(stream.Config{Site: "formezpa"}, s)
			if err != nil {
				b.Fatal(err)
			}
			done := make(chan error, 1)
			go func() { // ends with the log
				if folded {
					done <- cdr.Run(context.Background(), l, s.Projection("cdr"))
					return
				}
				done <- nil
			}()
			template := queued().at(10, cti.EvDelivered, agent("1001"), queue("urp")).at(15, cti.EvEstablished, leg(2), device("1001")).
				at(20, cti.EvHeld, leg(2)).at(21, cti.EvRetrieved, leg(2)).at(22, cti.EvStage).at(23, cti.EvStage).at(24, cti.EvStage).
				at(60, cti.EvConnectionCleared, leg(2)).at(60, cti.EvCallCleared).evs
			var open [200][]cti.Event
			calls := 0
			b.ResetTimer()
			for i := 0; calls < b.N; i++ {
				at := i % len(open)
				if len(open[at]) == 0 {
					calls++
					open[at] = slices.Clone(template)
					id := cti.NewCallID(time.Now())
					for k := range open[at] {
						open[at][k].Call = id
					}
				}
				l.Publish(open[at][0])
				open[at] = open[at][1:]
			}
			l.Close()
			if err := <-done; err != nil {
				b.Fatal(err)
			}
		})
	}
}
