package floor

import (
	"testing"
	"testing/synctest"

	"github.com/lineaamica/la2/cti"
)

// The colleague to whom a caller is transferred is busy in the stream, and has the
// wrap-up of the queue that the caller came from.
func TestEventsOfAColleague(t *testing.T) {
	j := &fakeJournal{}
	inWorld(t, config(), j, func(w *world) {
		w.ready("a")
		o := w.offer(w.enter("c"))
		if err := o.Accept("c/2"); err != nil {
			t.Fatal(err)
		}
		w.ready("b")
		synctest.Wait()
		j.names()
		w.Seize("d-b", "c")
		w.Seize("d-b", "c")
		w.Engage("d-b", "c", "c/3")
		o.Finish()
		w.Free("d-b", "c", "c/2")
		w.Free("d-b", "c", "c/3")
		w.Free("d-b", "c", "")
		w.wantEvents("AgentReserved b c", "AgentBusy b c", "AgentWorkingAfterCall a c", "AgentWorkingAfterCall b c")
		for _, ev := range j.events {
			if ev.Type == cti.EvAgentBusy && ev.Agent == "b" && (ev.Leg != "c/3" || ev.Queue != "urp" || ev.Device != "d-b" || ev.Offer != 0) {
				t.Errorf("got %+v", ev)
			}
		}
	})
}
