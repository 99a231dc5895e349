package ticketlink_test

import (
	"context"
	"fmt"
	"sync"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/cti/stream"
	"github.com/lineaamica/la2/ticketlink"
	"github.com/lineaamica/la2/ticketlink/tracking"
)

func Example() {
	log, err := stream.New(stream.Config{Site: "c_b180"}, stream.NewMemory())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer log.Close()
	codes, err := tracking.New(tracking.Config{Rows: &stream.MemoryProjection{}, Cost: 4})
	if err != nil {
		fmt.Println(err)
		return
	}
	s, err := ticketlink.New(ticketlink.Config{Site: "c_b180", Rows: &stream.MemoryProjection{}, Codes: codes, Journal: log})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	wg.Go(func() { _ = stream.Fold(ctx, log, s.Table(), s.Step) }) // ends with ctx
	wg.Go(func() { _ = s.Run(ctx) })                               // ends with ctx

	id := s.Mint()
	log.Publish(cti.Event{Type: cti.EvQueued, Call: "01JZ8Q4W7N5T3X9V2R6K1M0HDD", Ticket: id})
	t, err := s.Get(ctx, id)
	fmt.Println(t.State, t.Owner, len(t.Contacts), err)
	// Output: draft c_b180 1 <nil>
}
