package relay

import (
	"net/netip"
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

// Behind a NAT far ends are told its address, which is ours, too: they get nothing
// by giving it as theirs.
func TestAdvertise(t *testing.T) {
	outside := netip.MustParseAddr("203.0.113.99")
	inWorld(t, Config{Advertise: outside}, func(w *world) {
		a, atA, err := w.r.Open("call")
		if err != nil {
			t.Fatal(err)
		}
		_, atB, err := w.r.Open("call")
		if err != nil {
			t.Fatal(err)
		}
		if atA.Addr() != outside || atB.Addr() != outside || atA.Port() == atB.Port() {
			t.Errorf("told %v and %v, want %v", atA, atB, outside)
		}
		w.r.SetRemote(a, Remote{Addr: atB, Codec: media.PCMA, PT: 8, SendPT: 8, Send: true, Recv: true})
		w.r.Music(a, clip("music", 3, 10))
		tickN(5)
		synctest.Wait()
		if s := w.stats(a); s.Sent != 0 {
			t.Errorf("sent %d packets to ourselves", s.Sent)
		}
	})
	if _, err := New(Config{IP: netip.MustParseAddr(ourIP), Advertise: netip.IPv4Unspecified()}); err == nil {
		t.Error("0.0.0.0 was accepted as an address to send to")
	}
}
