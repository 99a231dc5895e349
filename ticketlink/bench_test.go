package ticketlink

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/cti/stream"
	"github.com/lineaamica/la2/store"
	"github.com/lineaamica/la2/ticketlink/tracking"
)

// BenchmarkCalls is the ticket side of a call (queued, answered, ended) on the
// journal of a node, with fsync.
func BenchmarkCalls(b *testing.B) {
	st, err := store.Open(filepath.Join(b.TempDir(), "node.db"), store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer st.Close()
	log, err := stream.New(stream.Config{Site: home}, st)
	if err != nil {
		b.Fatal(err)
	}
	defer log.Close()
	codes, err := tracking.New(tracking.Config{Rows: st.Projection("codes"), Cost: 4})
	if err != nil {
		b.Fatal(err)
	}
	svc, err := New(Config{Site: home, Rows: st.Projection("tickets"), Codes: codes, Journal: log})
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(b.Context())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	wg.Go(func() { _ = stream.Fold(ctx, log, svc.Table(), svc.Step) }) // ends with ctx
	wg.Go(func() { _ = svc.Run(ctx) })                                 // ends with ctx
	for i := range b.N {                                               // not b.Loop: the time ends when all is folded
		call, id := cti.CallID(fmt.Sprint("C", i)), svc.Mint()
		for _, ev := range []cti.Event{queued(call, id, cti.CallInfo{}), established(call, ""), cleared(call, cti.CauseNormal)} {
			log.Publish(ev)
		}
	}
	for {
		moved := svc.rows.moved()
		todos, err := svc.pending()
		if err != nil {
			b.Fatal(err)
		}
		if len(todos) == 0 && svc.rows.Cursor().Seq == log.Last().Seq {
			return
		}
		select {
		case <-moved:
		case <-time.After(10 * time.Second):
			b.Fatal("not settled")
		}
	}
}
