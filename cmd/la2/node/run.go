package node

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/cti/cdr"
)

// goodbye is how long the last calls have for their BYE.
const goodbye = time.Second

// Run serves until ctx ends, then refuses new calls, ends the running ones and
// closes everything. It returns the first fault of a part that ended by itself.
func (n *Node) Run(ctx context.Context) error {
	defer n.close()
	work, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	defer stop(nil)
	var wg sync.WaitGroup
	part := func(name string, run func(context.Context) error) {
		wg.Go(func() { // ends with work
			if err := run(work); err != nil && work.Err() == nil {
				n.log.Error("part of the node ended", "part", name, "error", err)
				stop(err)
			}
		})
	}
	began := n.stream.Last()
	n.stream.Publish(cti.Event{Type: cti.EvNodeStarted, Value: n.opts.Version})
	part("floor", n.floor.Run)
	n.announceDevices() // before a telephone can say something newer
	n.serveSockets(part)
	part("cdr", func(c context.Context) error { return cdr.Run(c, n.stream, n.store.Projection("cdr")) })
	part("metrics", func(c context.Context) error { return n.metrics.Run(c, n.stream) })
	part("call log", func(c context.Context) error { return callLog{n.log}.run(c, n.stream, began) })
	part("tickets", n.foldTickets)
	part("ticket changes", n.tickets.Run)
	part("desktops", n.server.Run)
	if n.bindings != nil {
		part("registrations", func(c context.Context) error { n.bindings.run(c); return nil })
	}
	part("bindings", func(c context.Context) error { n.location.Run(c); return nil })
	part("events", func(c context.Context) error { n.events.Run(c); return nil })
	part("trunks", n.runTrunks)
	part("registrations with carriers", n.runRegister)
	part("load", n.watchLoad)
	part("passing calls", n.passing.run)
	close(n.ready)
	select {
	case <-ctx.Done():
	case <-work.Done():
	}
	n.leaveRegistrars()
	n.drain()
	n.passing.leave()
	n.shutWeb()
	n.stream.Publish(cti.Event{Type: cti.EvNodeStopped})
	cause := context.Cause(work)
	stop(nil)
	n.closeSockets()
	wg.Wait()
	if errors.Is(cause, context.Canceled) {
		return nil
	}
	return cause
}

// announceDevices tells the floor which stations have a binding already.
func (n *Node) announceDevices() {
	if n.bindings == nil {
		return
	}
	list, err := n.bindings.load()
	if err != nil {
		n.log.Error("registrations of the last run not readable", "error", err)
		return
	}
	for aor, bindings := range list {
		n.location.Load(aor, bindings)
		n.registered(n.location.Lookup(aor))
		if len(n.location.Lookup(aor)) > 0 {
			n.floor.DeviceUp(cti.DeviceID(aor))
		}
	}
}

// Hurry makes Run hang up at once what it waits for, now or when it drains. It may be
// called more than once.
func (n *Node) Hurry() { n.rush() }

// drain refuses new calls, waits for the running ones as long as the configuration
// says and hangs them up. Desktops, registrations and what belongs to calls go on.
func (n *Node) drain() {
	n.draining.Store(true)
	limit := n.cfg.SIP.Drain
	ctx, cancel := context.WithTimeout(n.hurry, limit)
	defer cancel()
	n.log.Info("draining", "calls", n.sw.Running(), "limit", limit)
	done := make(chan struct{})
	go func() { // ends when the switch is empty, or with the process
		n.sw.Drain(ctx)
		close(done)
	}()
	select {
	case <-done:
		return
	case <-ctx.Done():
	}
	select {
	case <-done:
	case <-time.After(goodbye):
		n.log.Warn("calls left without a goodbye", "calls", n.sw.Running())
	}
}

func (n *Node) shutWeb() {
	if n.web == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
	defer cancel()
	if err := n.web.Shutdown(ctx); err != nil {
		_ = n.web.Close()
	}
}

// close frees what New and Run opened; it may be called on a half-built node.
func (n *Node) close() {
	n.closeSockets()
	if n.relay != nil {
		n.relay.Shutdown()
	}
	if n.stream != nil {
		if err := n.stream.Close(); err != nil {
			n.log.Error("journal not closed cleanly", "error", err)
		}
	}
	if n.store != nil {
		_ = n.store.Close()
	}
}
