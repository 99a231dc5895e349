package node

import (
	"context"
	"errors"
	"time"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/sip/siptest"
	"github.com/lineaamica/la2/ticketlink"
	"github.com/lineaamica/la2/ticketlink/ticket"
)

// check is what must hold after every scenario, when all timers have run out. That
// no goroutine is left is what the bubble checks when it ends.
func (o *site) check() {
	t := o.w.t
	t.Helper()
	if n := o.sw.Running(); n != 0 {
		t.Errorf("%s: %d calls left: %+v", o.name, n, o.sw.Calls(context.Background()))
	}
	if n := o.relay.FreePorts(); n != o.free {
		t.Errorf("%s: %d ports held", o.name, o.free-n)
	}
	o.stations.mu.Lock()
	if n := len(o.stations.calls); n != 0 {
		t.Errorf("%s: %d calls still hold stations", o.name, n)
	}
	o.stations.mu.Unlock()
	o.checkTransactions()
	for _, a := range o.snapshot().Agents {
		switch a.State {
		case cti.AgentReserved, cti.AgentRinging, cti.AgentTalking, cti.AgentWrapUp:
			t.Errorf("%s: agent %s left %s", o.name, a.ID, a.State)
		}
	}
	for _, q := range o.snapshot().Queues {
		if q.Waiting+q.Ringing != 0 || q.Offered != q.Answered+q.Abandoned+q.Redirected {
			t.Errorf("%s: queue %+v", o.name, q)
		}
	}
	o.checkStream()
}

// checkTransactions waits for a moment between two probes of the trunks.
func (o *site) checkTransactions() {
	o.w.t.Helper()
	for range 300 {
		if s := o.tx.Stats(); s.Servers+s.Clients == 0 {
			break
		}
		time.Sleep(200 * time.Millisecond)
	}
	if s := o.tx.Stats(); s.Servers+s.Clients != 0 || s.Panics != 0 {
		o.w.t.Errorf("%s: transactions: %+v", o.name, s)
	}
	if calls, media := o.sw.Panics(), o.relay.Panics(); calls+media != 0 {
		o.w.t.Errorf("%s: %d panics of calls, %d of media", o.name, calls, media)
	}
	if s := o.flows.Stats(); s.Panics != 0 {
		o.w.t.Errorf("%s: flows: %+v", o.name, s)
	}
}

// fate is what the stream tells of a call.
type fate struct {
	offered, cleared, records int
	queued, answered, known   bool // known: the ticket was there before
	ticket                    cti.TicketID
	sent                      bool // handed to another office
}

// checkStream: numbers without gaps, each Offered closed exactly once and nothing
// after it, one record per call, the ticket as ARCHITECTURE §6.3 has it.
func (o *site) checkStream() {
	t := o.w.t
	t.Helper()
	fates := map[cti.CallID]*fate{}
	for i, ev := range o.events() {
		if ev.Seq != uint64(i+1) {
			t.Fatalf("%s: event %d has number %d", o.name, i+1, ev.Seq)
		}
		if ev.Call == "" {
			continue
		}
		f := fates[ev.Call]
		if f == nil {
			f = &fate{}
			fates[ev.Call] = f
		}
		if f.cleared > 0 && afterwards(ev.Type) {
			t.Errorf("%s: %s after CallCleared", o.name, ev.Type)
		}
		f.apply(ev)
	}
	for _, r := range o.records() {
		if fates[r.Call] == nil {
			t.Errorf("%s: record of a call that never was: %+v", o.name, r)
			continue
		}
		fates[r.Call].records++
	}
	for call, f := range fates {
		if f.offered == 0 {
			continue // a plain connection, not of a service
		}
		if f.offered != 1 || f.cleared != 1 || f.records != 1 {
			t.Errorf("%s: call %s: Offered %d, CallCleared %d, records %d", o.name, call, f.offered, f.cleared, f.records)
		}
		o.checkTicket(f)
	}
}

// afterwards tells what must not follow the end of a call; an agent's wrap-up and
// the ticket do.
func afterwards(t cti.EventType) bool {
	switch t {
	case cti.EvTicketOpened, cti.EvTicketAttached, cti.EvTicketUpdated, cti.EvAgentWorkingAfterCall, cti.EvAgentReady,
		cti.EvAgentNotReady, cti.EvAgentBusy, cti.EvAgentLoggedOff, cti.EvEngineInput, cti.EvEngineDecision, cti.EvDiverted,
		cti.EvAgentReserved, cti.EvRedirected:
		return false
	}
	return true
}

func (f *fate) apply(ev cti.Event) {
	switch ev.Type {
	case cti.EvOffered:
		f.offered++
		f.ticket = ev.Ticket
	case cti.EvTicketAttached:
		f.known, f.ticket = true, ev.Ticket
	case cti.EvQueued:
		f.queued = true
	case cti.EvEstablished:
		f.answered = true
	case cti.EvTransferred, cti.EvRedirected:
		f.sent = true
	case cti.EvCallCleared:
		f.cleared++
	}
}

func (o *site) checkTicket(f *fate) {
	t := o.w.t
	t.Helper()
	got, err := o.tickets.Get(context.Background(), f.ticket)
	switch {
	case f.known || f.sent: // its state is that of its earlier life, or of the other office
		if f.queued && err != nil {
			t.Errorf("%s: ticket %s: %v", o.name, f.ticket, err)
		}
	case !f.queued:
		if !errors.Is(err, ticketlink.ErrNotFound) {
			t.Errorf("%s: a caller who left before the queue has a ticket: %s %v", o.name, got.State, err)
		}
	case f.answered && got.State != ticket.OpenFO, !f.answered && got.State != ticket.Cancelled:
		t.Errorf("%s: ticket %s is %q (%v), answered: %v", o.name, f.ticket, got.State, err, f.answered)
	}
}

// check is what each call of an actor received: one source, sequence numbers and
// timestamps that grow, nothing spoofed.
func (a *actor) check() {
	for _, c := range a.calls {
		if c.RTP != nil {
			a.checkPackets(c.RTP.Received())
		}
	}
}

func (a *actor) checkPackets(got []siptest.RTPPacket) {
	t := a.w.t
	t.Helper()
	for i, p := range got {
		if len(p.Payload) > 40 && p.Payload[0] == spoof && p.Payload[40] == spoof {
			t.Errorf("%s: packet %d is spoofed", a.name, i)
			return
		}
		if i == 0 {
			continue
		}
		last := got[i-1]
		if p.SSRC != last.SSRC {
			t.Errorf("%s: packet %d: another SSRC", a.name, i)
			return
		}
		if int16(p.Seq-last.Seq) <= 0 {
			t.Errorf("%s: packet %d: sequence %d after %d", a.name, i, p.Seq, last.Seq)
			return
		}
		if int32(p.Timestamp-last.Timestamp) < 0 {
			t.Errorf("%s: packet %d: timestamp %d after %d", a.name, i, p.Timestamp, last.Timestamp)
			return
		}
	}
}
