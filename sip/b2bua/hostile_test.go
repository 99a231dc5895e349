package b2bua

import (
	"context"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

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

// A callee that grants a session of no length does not end the call by it, nor makes
// us refresh without pause.
func TestSessionOfNoLength(t *testing.T) {
	for _, grant := range []string{"0", "1;refresher=uac", "2;refresher=uas"} {
		scenario(t, connect, func(w *world) {
			caller, callee := w.phone("1050"), w.phone("1002")
			caller.dial("1002", caller.sdp("sendrecv"))
			m := callee.expect("INVITE").(*sip.Request)
			callee.reply(m, 200, callee.sdp("sendrecv"), "Session-Expires: "+grant, "Allow: UPDATE")
			callee.expect("ACK")
			caller.expect("200")
			caller.ack("")
			callee.quiet(30 * time.Second)
			caller.request("BYE", "")
			caller.expect("200")
			callee.reply(callee.expect("BYE").(*sip.Request), 200, "")
		})
	}
}
