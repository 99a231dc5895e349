package b2bua

import (
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
)

// The races of RFC 5407 by section, as seen from the callee that we are to the
// caller's phone. In 3.1 its ACK is still on its way (Moratorium), in 3.2 a BYE of
// ours is (Mortal). Those of re-INVITEs of ours are in session_test.go.

// unacknowledged brings the caller to where it has our 200 and has sent no ACK.
// direction is that of its offer, "" for none.
func unacknowledged(w *world, direction string) *phone {
	w.t.Helper()
	caller := w.phone("1050")
	body := ""
	if direction != "" {
		body = caller.sdp(direction)
	}
	caller.dial("803001", body)
	caller.expect("180")
	caller.expect("200")
	return caller
}

// quietBut takes copies of what was answered before and fails for anything else.
func (p *phone) quietBut(copies string, d time.Duration) {
	p.w.t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); {
		if m := p.next(time.Until(end)); m != nil && kindOf(m) != copies {
			p.w.t.Errorf("%s: got %s\n%s", p.name, kindOf(m), m)
		}
	}
}

// over hangs up and sees that nothing follows but copies of the 200.
func (p *phone) over() {
	p.w.t.Helper()
	p.request("BYE", "")
	p.expect("200")
	p.quietBut("200", 40*time.Second)
}

// Our 200 is lost and the caller repeats its INVITE: no second call, the 200 again.
func TestInviteAgain_RFC5407_3_1_1(t *testing.T) {
	scenario(t, service, func(w *world) {
		caller := unacknowledged(w, "")
		tag := caller.remoteTag
		caller.remoteTag = ""
		caller.target = "sip:803001@10.0.0.1"
		caller.write("INVITE", caller.cseq, caller.branch, "")
		caller.remoteTag = tag
		caller.expect2("200", time.Second)
		caller.ack(caller.sdp("sendrecv"))
		if len(w.calls) != 1 {
			t.Errorf("%d calls, want 1", len(w.calls))
		}
		caller.over()
	})
}

// The caller's CANCEL crosses our 200: it is answered and changes nothing.
func TestCancelAfter200_RFC5407_3_1_2(t *testing.T) {
	scenario(t, service, func(w *world) {
		caller := unacknowledged(w, "")
		caller.cancel()
		caller.expect("200")
		caller.ack(caller.sdp("sendrecv"))
		caller.quietBut("200", 5*time.Second)
		caller.over()
		w.wantEvents("Answered/1 ConnectionCleared/1:abandoned CallCleared:abandoned")
	})
}

// The caller hangs up in the early dialog while our 200 is on its way. The BYE ends
// the call; the ACK that follows is of no interest.
func TestByeCrosses200_RFC5407_3_1_3(t *testing.T) {
	scenario(t, service, func(w *world) {
		caller := unacknowledged(w, "sendrecv")
		caller.request("BYE", "")
		caller.expect("200")
		caller.cseq = 1
		caller.ack("")
		caller.quietBut("200", 40*time.Second)
	})
}

// A BYE in the early dialog ends it with 487 for the INVITE (RFC 3261 15.1.2;
// RFC 5407 appendix A).
func TestByeInEarlyDialog_RFC5407_A(t *testing.T) {
	scenario(t, connect, func(w *world) {
		caller, callee := w.phone("1050"), w.phone("1002")
		caller.dial("1002", caller.sdp("sendrecv"))
		invite := callee.expect("INVITE").(*sip.Request)
		callee.reply(invite, 180, "")
		caller.expect("180")
		caller.request("BYE", "")
		got := kindOf(caller.expectAny()) + " " + kindOf(caller.expectAny())
		if got != "200 487" && got != "487 200" {
			t.Errorf("caller got %s, want 200 for BYE and 487 for INVITE", got)
		}
		caller.cseq, caller.branch = 1, 1
		caller.remoteTag = ""
		caller.ackFailure()
		callee.reply(callee.expect("CANCEL").(*sip.Request), 200, "")
		callee.reply(invite, 487, "")
		callee.expect("ACK")
	})
}

// A re-INVITE without offer of ours pending overtakes the ACK: the caller is told to
// come again, and comes through then.
func TestReinviteOvertakesAck_RFC5407_3_1_4(t *testing.T) {
	scenario(t, service, func(w *world) {
		caller := unacknowledged(w, "sendrecv")
		caller.request("INVITE", caller.sdp("sendonly"))
		refused := caller.expect("500").(*sip.Response)
		if header(refused, "Retry-After") == "" {
			t.Error("500 without Retry-After")
		}
		caller.ackFailure()
		caller.cseq = 1
		caller.ack("")
		caller.cseq = 2
		time.Sleep(10 * time.Millisecond)
		caller.request("INVITE", caller.sdp("sendonly"))
		caller.expect("200")
		caller.ack("")
		caller.over()
	})
}

// The same while the answer to our offer is in that ACK: 491.
func TestReinviteOvertakesAnswer_RFC5407_3_1_5(t *testing.T) {
	scenario(t, service, func(w *world) {
		caller := unacknowledged(w, "")
		caller.request("INVITE", caller.sdp("sendonly"))
		caller.expect("491")
		caller.ackFailure()
		caller.cseq = 1
		caller.ack(caller.sdp("sendrecv"))
		caller.cseq = 2
		time.Sleep(10 * time.Millisecond)
		caller.over()
	})
}

// The ACK is lost and the caller hangs up.
func TestByeWithoutAck_RFC5407_3_1_6(t *testing.T) {
	scenario(t, service, func(w *world) {
		caller := unacknowledged(w, "sendrecv")
		time.Sleep(time.Second)
		caller.over()
		w.wantEvents("Answered/1 ConnectionCleared/1:abandoned CallCleared:abandoned")
	})
}

// After our BYE: theirs is answered (3.2.1), re-INVITE and REFER get 481 (3.2.2,
// 3.3.3), an ACK is ignored (3.2.4).
func TestMortal_RFC5407_3_2(t *testing.T) {
	scenario(t, connect, func(w *world) {
		caller, agent := connected(w)
		agent.request("BYE", "")
		agent.expect("200")
		bye := caller.expect("BYE").(*sip.Request)
		caller.request("INVITE", caller.sdp("sendonly"))
		caller.expect("481")
		caller.ackFailure()
		caller.request("REFER", "", "Refer-To: <sip:1003@10.0.0.1>")
		caller.expect("481")
		caller.cseq = 1
		caller.ack("")
		caller.cseq = 3
		caller.request("BYE", "")
		if got := kindOf(caller.expectAny()); got != "200" {
			t.Errorf("BYE that crosses ours gets %s", got)
		}
		caller.reply(bye, 200, "")
		caller.quiet(40 * time.Second)
		if n := len(w.sw.leaving); n != 0 {
			t.Errorf("%d dialogs wait for the answer to our BYE", n)
		}
	})
}
