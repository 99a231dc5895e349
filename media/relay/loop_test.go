package relay

import (
	"testing"
	"testing/synctest"

	"github.com/lineaamica/la2/media"
)

// Two far ends that give our own ports as theirs get nothing: each packet would
// else go round between the two legs without end.
func TestOwnPortsAsFarEnd(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		a, atA, err := w.r.Open("call")
		if err != nil {
			t.Fatal(err)
		}
		b, atB, err := w.r.Open("call")
		if err != nil {
			t.Fatal(err)
		}
		far := Remote{Addr: atB, Codec: media.PCMA, PT: 8, SendPT: 8, Send: true, Recv: true}
		w.r.SetRemote(a, far)
		far.Addr = atA
		w.r.SetRemote(b, far)
		w.r.Music(a, clip("music", 3, 10))
		tickN(5)
		w.r.Bridge(a, b)
		tickN(5)
		synctest.Wait()
		for _, l := range []LegID{a, b} {
			if s := w.stats(l); s.Sent != 0 || s.Received != 0 {
				t.Errorf("sent %d, received %d; want 0", s.Sent, s.Received)
			}
		}
	})
}
