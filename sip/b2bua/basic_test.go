package b2bua

import (
	"context"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/cti"
)

// connect is the script of plain station-to-station calls.
func connect(ctx context.Context, c *Call) cti.Cause {
	leg, err := c.Dial(ctx, cti.Destination{Device: cti.DeviceID(c.in.Dialled), Caller: c.in.Caller, Ring: time.Minute})
	if err != nil {
		return causeIn(err, cti.CauseFailed)
	}
	_, cause := c.Talk(ctx, leg)
	return cause
}

// established brings caller 1050 and callee 1002 into a call.
func established(w *world) (caller, callee *phone) {
	w.t.Helper()
	caller, callee = w.phone("1050"), w.phone("1002")
	caller.dial("1002", caller.sdp("sendrecv"))
	callee.answer()
	caller.expect("180")
	caller.expect("200")
	caller.ack("")
	time.Sleep(10 * time.Millisecond)
	return caller, callee
}

const callerBye = "Delivered/2 Answered/1 Established/2 ConnectionCleared/1:normal ConnectionCleared/2:normal CallCleared:normal"

func TestBasicCall(t *testing.T) {
	scenario(t, connect, func(w *world) {
		caller, callee := established(w)
		if got := w.media.doing(2); got != "bridge:1" && got != "bridge:2" {
			t.Errorf("callee does %s", got)
		}
		caller.request("BYE", "")
		caller.expect("200")
		bye := callee.expect("BYE").(*sip.Request)
		callee.reply(bye, 200, "")
		w.wantEvents(callerBye)
	})
}

func TestCalleeHangsUp(t *testing.T) {
	scenario(t, connect, func(w *world) {
		caller, callee := established(w)
		callee.cseq = 100
		callee.request("BYE", "")
		callee.expect("200")
		bye := caller.expect("BYE").(*sip.Request)
		caller.reply(bye, 200, "")
		w.wantEvents("Delivered/2 Answered/1 Established/2 ConnectionCleared/2:normal ConnectionCleared/1:normal CallCleared:normal")
	})
}

func TestCalleeRefuses(t *testing.T) {
	scenario(t, connect, func(w *world) {
		caller, callee := w.phone("1050"), w.phone("1002")
		caller.dial("1002", caller.sdp("sendrecv"))
		callee.reply(callee.expect("INVITE").(*sip.Request), 486, "")
		callee.expect("ACK")
		caller.expect("486")
		caller.ackFailure()
		w.wantEvents("ConnectionCleared/2:busy ConnectionCleared/1:busy CallCleared:busy")
	})
}

func TestNobodyThere(t *testing.T) {
	scenario(t, connect, func(w *world) {
		caller := w.phone("1050")
		caller.dial("nowhere", caller.sdp("sendrecv"))
		caller.expect("404")
		caller.ackFailure()
		w.wantEvents("ConnectionCleared/1:not_found CallCleared:not_found")
	})
}
