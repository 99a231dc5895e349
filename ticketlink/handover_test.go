package ticketlink

import (
	"slices"
	"testing"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/ticketlink/ticket"
)

// An agent of another office consulted ours and hands its caller over: from then on
// the call is about that caller's ticket, which is ours; the one of the consultation
// has had its contact.
func TestCall_handedOver(t *testing.T) {
	b := newBench(t)
	own, theirs := b.svc.Mint(), cti.NewTicketID("cmna", began)
	b.publish(queued("C1", own, cti.CallInfo{From: "cmna"}), established("C1", ""))
	b.settle()
	b.publish(cti.Event{Type: cti.EvTicketAttached, Call: "C1", Ticket: theirs, Value: string(cti.ClassTransfer)})
	if got := b.ticket(theirs); got.Owner != home || got.Creator != "cmna" || got.State != ticket.OpenFO {
		t.Errorf("got %+v", got)
	}
	b.publish(cleared("C1", cti.CauseNormal))
	b.settle()
	for id, want := range map[cti.TicketID][]ticket.Kind{
		own:    {ticket.Opened, ticket.Answered, ticket.Ended},
		theirs: {ticket.Mirrored, ticket.Answered, ticket.Transferred, ticket.Ended},
	} {
		if got := b.ticket(id); !slices.Equal(kinds(got), want) {
			t.Errorf("%s: got %v, want %v", id, kinds(got), want)
		}
	}
}
