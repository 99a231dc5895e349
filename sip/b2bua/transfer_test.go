package b2bua

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/cti"
)

func (w *world) transfer(dest cti.Destination) error {
	return w.sw.Transfer(w.t.Context(), w.call().id, w.leg(2), dest)
}

func TestTransfer(t *testing.T) {
	scenario(t, service, func(w *world) {
		caller, agent := talking(w)
		target := w.phone("1003")
		if err := w.transfer(cti.Destination{Trunk: "1003", Number: "1003"}); err != nil {
			t.Fatal(err)
		}
		m := target.expect("INVITE").(*sip.Request)
		p, ok := ParseCapsule(header(m, "User-to-User"))
		if !ok || p.Ticket != "c_b180.01JZ8Q4W7N5T3X9V2R6K1M0HDC" || p.Class != cti.ClassTransfer || p.Hops != 1 || p.Instant.IsZero() {
			t.Errorf("capsule %+v, %v", p, ok)
		}
		if a, b := w.media.doing(1), w.media.doing(2); a != "music:music" || b != "silence" {
			t.Errorf("caller hears %s, transferor %s", a, b)
		}
		if err := w.transfer(cti.Destination{Device: "1004"}); err == nil {
			t.Error("a second transfer must be refused")
		}
		target.reply(m, 180, "")
		agent.quiet(time.Second)
		target.reply(m, 200, target.sdp("sendrecv"))
		target.expect("ACK")
		agent.reply(agent.expect("BYE").(*sip.Request), 200, "")
		if got := w.media.doing(1); got != "bridge:3" {
			t.Errorf("caller: %s", got)
		}
		caller.quiet(time.Second)
		caller.request("BYE", "")
		caller.expect("200")
		target.reply(target.expect("BYE").(*sip.Request), 200, "")
		w.wantEvents("Answered/1 Delivered/2 Established/2 Transferring/2 Delivered/3 Transferred/2 Established/3 ConnectionCleared/2:transferred ConnectionCleared/1:normal ConnectionCleared/3:normal CallCleared:normal")
	})
}

func TestTransferFails(t *testing.T) {
	scenario(t, service, func(w *world) {
		caller, agent := talking(w)
		target := w.phone("1003")
		if err := w.transfer(cti.Destination{Device: "1003"}); err != nil {
			t.Fatal(err)
		}
		target.reply(target.expect("INVITE").(*sip.Request), 486, "")
		target.expect("ACK")
		synctest.Wait()
		if got := w.media.doing(1); got != "bridge:2" {
			t.Errorf("the caller is back with the transferor: %s", got)
		}
		agent.quiet(time.Second)
		if err := w.transfer(cti.Destination{Device: "nowhere"}); causeIn(err, "") != cti.CauseNotFound {
			t.Errorf("got %v", err)
		}
		caller.request("BYE", "")
		caller.expect("200")
		agent.reply(agent.expect("BYE").(*sip.Request), 200, "")
		w.wantEvents("Answered/1 Delivered/2 Established/2 Transferring/2 ConnectionCleared/3:busy TransferFailed/2:busy ConnectionCleared/1:normal ConnectionCleared/2:normal CallCleared:normal")
	})
}

// The target's queue is long, or its node died while it rang: the transferor takes
// the caller back.
func TestTransferTakenBack(t *testing.T) {
	scenario(t, service, func(w *world) {
		caller, agent := talking(w)
		target := w.phone("1003")
		if err := w.transfer(cti.Destination{Device: "1003"}); err != nil {
			t.Fatal(err)
		}
		m := target.expect("INVITE").(*sip.Request)
		target.reply(m, 182, "")
		time.Sleep(5 * time.Millisecond)
		if err := w.sw.Retrieve(w.t.Context(), w.call().id, w.leg(2)); err != nil {
			t.Fatal(err)
		}
		target.reply(target.expect("CANCEL").(*sip.Request), 200, "")
		target.reply(m, 487, "")
		target.expect("ACK")
		synctest.Wait()
		if got := w.media.doing(1); got != "bridge:2" {
			t.Errorf("caller: %s", got)
		}
		if err := w.sw.Hold(w.t.Context(), w.call().id, w.leg(2)); err != nil {
			t.Errorf("the transferor is on the call again: %v", err)
		}
		caller.request("BYE", "")
		caller.expect("200")
		agent.reply(agent.expect("BYE").(*sip.Request), 200, "")
		if ev := w.events(); !strings.Contains(ev, "TransferFailed/2:abandoned") || !strings.Contains(ev, "Held/2") {
			t.Errorf("events %s", ev)
		}
	})
}

// The transferor hangs up before the target answers; the transfer goes on.
func TestTransferorLeaves(t *testing.T) {
	scenario(t, service, func(w *world) {
		caller, agent := talking(w)
		target := w.phone("1003")
		if err := w.transfer(cti.Destination{Device: "1003"}); err != nil {
			t.Fatal(err)
		}
		m := target.expect("INVITE").(*sip.Request)
		target.reply(m, 180, "")
		agent.request("BYE", "")
		agent.expect("200")
		if got := w.media.doing(1); got != "music:music" {
			t.Errorf("caller: %s", got)
		}
		target.reply(m, 200, target.sdp("sendrecv"))
		target.expect("ACK")
		caller.quiet(time.Second)
		target.cseq = 5
		target.request("BYE", "")
		target.expect("200")
		caller.reply(caller.expect("BYE").(*sip.Request), 200, "")
	})
}

// The transferor hung up and the target does not answer: the script gets the
// caller back and rings the agent again.
func TestTransferorLeavesTargetFails(t *testing.T) {
	scenario(t, service, func(w *world) {
		caller, agent := talking(w)
		target := w.phone("1003")
		if err := w.transfer(cti.Destination{Device: "1003"}); err != nil {
			t.Fatal(err)
		}
		m := target.expect("INVITE").(*sip.Request)
		agent.request("BYE", "")
		agent.expect("200")
		target.reply(m, 480, "")
		target.expect("ACK")
		agent.callID = ""
		agent.answer() // offered again
		caller.request("BYE", "")
		caller.expect("200")
		agent.reply(agent.expect("BYE").(*sip.Request), 200, "")
		if ev := w.events(); !strings.Contains(ev, "TransferFailed/2:unreachable") || !strings.Contains(ev, "Established/4") {
			t.Errorf("events %s", ev)
		}
	})
}

func TestCallerLeavesDuringTransfer(t *testing.T) {
	scenario(t, service, func(w *world) {
		caller, agent := talking(w)
		target := w.phone("1003")
		if err := w.transfer(cti.Destination{Device: "1003"}); err != nil {
			t.Fatal(err)
		}
		m := target.expect("INVITE").(*sip.Request)
		target.reply(m, 180, "")
		time.Sleep(5 * time.Millisecond)
		caller.request("BYE", "")
		caller.expect("200")
		agent.reply(agent.expect("BYE").(*sip.Request), 200, "")
		cancel := target.expect("CANCEL").(*sip.Request)
		target.reply(cancel, 200, "")
		target.reply(m, 487, "")
		target.expect("ACK")
	})
}

// A trunk without life: its target is not answered by anything, not even 100.
func TestTransferToDeadTrunk(t *testing.T) {
	scenario(t, service, func(w *world) {
		caller, agent := talking(w)
		if err := w.transfer(cti.Destination{Trunk: "1009", Ring: 2 * time.Minute}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(33 * time.Second)
		if got := w.media.doing(1); got != "bridge:2" {
			t.Errorf("caller: %s", got)
		}
		caller.request("BYE", "")
		caller.expect("200")
		agent.reply(agent.expect("BYE").(*sip.Request), 200, "")
	})
}

func fragment(m *sip.Request) string {
	return strings.TrimSpace(string(m.Body())) + " | " + header(m, "Subscription-State")
}

func TestRefer_RFC3515(t *testing.T) {
	scenario(t, service, func(w *world) {
		caller, agent := talking(w)
		target := w.phone("1003")
		agent.request("REFER", "", "Refer-To: <sip:1003@10.0.0.1>")
		agent.expect("202")
		n := agent.expect("NOTIFY").(*sip.Request)
		if got := fragment(n); got != "SIP/2.0 100 Trying | active;expires=97" {
			t.Errorf("first NOTIFY: %s", got)
		}
		agent.reply(n, 200, "")
		target.answer()
		n = agent.expect("NOTIFY").(*sip.Request)
		if got := fragment(n); got != "SIP/2.0 180 Ringing | active;expires=97" {
			t.Errorf("second NOTIFY: %s", got)
		}
		agent.reply(n, 200, "")
		n = agent.expect("NOTIFY").(*sip.Request)
		if got := fragment(n); got != "SIP/2.0 200 OK | terminated;reason=noresource" {
			t.Errorf("last NOTIFY: %s", got)
		}
		agent.quiet(300 * time.Millisecond) // no BYE before the 200 of NOTIFY
		agent.reply(n, 200, "")
		agent.reply(agent.expect("BYE").(*sip.Request), 200, "")
		caller.quiet(time.Second)
		caller.request("BYE", "")
		caller.expect("200")
		target.reply(target.expect("BYE").(*sip.Request), 200, "")
	})
}

func TestReferFails(t *testing.T) {
	scenario(t, service, func(w *world) {
		caller, agent := talking(w)
		target := w.phone("1003")
		agent.auto200 = true
		agent.request("REFER", "", "Refer-To: <sip:1003@10.0.0.1>")
		agent.expect("202")
		agent.expect("NOTIFY")
		target.reply(target.expect("INVITE").(*sip.Request), 486, "")
		target.expect("ACK")
		if got := fragment(agent.expect("NOTIFY").(*sip.Request)); !strings.HasPrefix(got, "SIP/2.0 486 ") {
			t.Errorf("NOTIFY: %s", got)
		}
		if got := w.media.doing(1); got != "bridge:2" {
			t.Errorf("caller: %s", got)
		}
		agent.quiet(time.Second)
		caller.request("BYE", "")
		caller.expect("200")
		agent.expect("BYE")
	})
}

func TestReferRefused(t *testing.T) {
	scenario(t, service, func(w *world) {
		caller, agent := talking(w)
		agent.auto200 = true
		agent.request("REFER", "", "Refer-To: <sip:900@10.0.0.1>")
		agent.expect("202")
		if got := fragment(agent.expect("NOTIFY").(*sip.Request)); !strings.HasPrefix(got, "SIP/2.0 403 ") {
			t.Errorf("NOTIFY: %s", got)
		}
		agent.request("REFER", "", "Refer-To: <sip:900@10.0.0.1>", "Refer-Sub: false")
		agent.expect("403")
		agent.request("REFER", "")
		agent.expect("400")
		caller.request("REFER", "", "Refer-To: <sip:1003@10.0.0.1>")
		caller.expect("403")
		caller.request("BYE", "")
		caller.expect("200")
		agent.expect("BYE")
	})
}

// A second REFER while one is under way is 491; after its end the next may come.
func TestReferNested(t *testing.T) {
	scenario(t, service, func(w *world) {
		caller, agent := talking(w)
		target := w.phone("1003")
		agent.request("REFER", "", "Refer-To: <sip:1003@10.0.0.1>")
		agent.expect("202")
		agent.reply(agent.expect("NOTIFY").(*sip.Request), 200, "")
		m := target.expect("INVITE").(*sip.Request)
		agent.request("REFER", "", "Refer-To: <sip:1004@10.0.0.1>")
		agent.expect("491")
		target.reply(m, 486, "")
		target.expect("ACK")
		agent.reply(agent.expect("NOTIFY").(*sip.Request), 200, "")
		next := w.phone("1004")
		agent.auto200 = true
		agent.request("REFER", "", "Refer-To: <sip:1004@10.0.0.1>")
		agent.expect("202")
		agent.expect("NOTIFY")
		next.answer()
		agent.expect("NOTIFY")
		agent.expect("NOTIFY")
		agent.expect("BYE")
		caller.request("BYE", "")
		caller.expect("200")
		next.reply(next.expect("BYE").(*sip.Request), 200, "")
	})
}

// Refer-Sub: false (RFC 4488): no NOTIFY, BYE after success.
func TestReferSilent_RFC4488(t *testing.T) {
	scenario(t, service, func(w *world) {
		caller, agent := talking(w)
		target := w.phone("1003")
		agent.request("REFER", "", "Refer-To: <sip:1003@10.0.0.1>", "Refer-Sub: false")
		agent.expect("202")
		target.answer()
		agent.reply(agent.expect("BYE").(*sip.Request), 200, "")
		caller.request("BYE", "")
		caller.expect("200")
		target.reply(target.expect("BYE").(*sip.Request), 200, "")
	})
}

// Many phones send BYE right after the 202.
func TestReferrerLeavesAtOnce(t *testing.T) {
	scenario(t, service, func(w *world) {
		caller, agent := talking(w)
		target := w.phone("1003")
		agent.request("REFER", "", "Refer-To: <sip:1003@10.0.0.1>")
		agent.expect("202")
		agent.reply(agent.expect("NOTIFY").(*sip.Request), 200, "")
		agent.request("BYE", "")
		agent.expect("200")
		target.answer()
		agent.quiet(time.Second)
		caller.request("BYE", "")
		caller.expect("200")
		target.reply(target.expect("BYE").(*sip.Request), 200, "")
	})
}
