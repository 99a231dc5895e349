package b2bua

import (
	"context"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/sip/flow"
)

// An INVITE with a forged source gets no audio sent to the address that it names:
// only the ACK shows that somebody there wants the call.
func TestNoAudioBeforeACK(t *testing.T) {
	script := func(ctx context.Context, c *Call) cti.Cause {
		if err := c.Music("music"); err != nil {
			return cti.CauseFailed
		}
		if err := c.Answer(ctx); err != nil {
			return causeIn(err, cti.CauseFailed)
		}
		<-ctx.Done()
		return cti.CauseAbandoned
	}
	scenario(t, script, func(w *world) {
		caller := w.phone("1050")
		caller.dial("803001", caller.sdp("sendrecv"))
		caller.expect("200")
		synctest.Wait()
		if far := w.media.remote(1); far.Send || !far.Recv {
			t.Errorf("before the ACK: send %v, receive %v; want false, true", far.Send, far.Recv)
		}
		time.Sleep(100 * time.Millisecond)
		caller.ack("")
		time.Sleep(10 * time.Millisecond)
		if far := w.media.remote(1); !far.Send || !far.Recv {
			t.Errorf("after the ACK: send %v, receive %v; want true, true", far.Send, far.Recv)
		}
		caller.request("BYE", "")
		caller.expect("200")
	})
}

// A panic while the INVITE is read costs that call alone.
func TestPanicInBegin(t *testing.T) {
	scenario(t, connect, func(w *world) {
		w.sw.cfg.Contact = func(flow.Flow) netip.AddrPort { panic("boom") }
		caller := w.phone("1050")
		caller.dial("1002", caller.sdp("sendrecv"))
		caller.expect("500")
		caller.ackFailure()
		if n := w.sw.Running(); n != 0 {
			t.Errorf("%d calls are left", n)
		}
	})
}
