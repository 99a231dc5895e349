package b2bua

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/cti"
)

// A desktop begins a transfer while the target of a REFER is still looked up: the REFER
// is refused, and the transfer that began goes on.
func TestReferOverlapsTransfer(t *testing.T) {
	scenario(t, service, func(w *world) {
		caller, agent := talking(w)
		commanded, referred := w.phone("1003"), w.phone("1004")
		w.dress = func(_ int, to *Target) {
			if to.URI.User == "1004" {
				time.Sleep(time.Second)
			}
		}
		agent.auto200 = true
		agent.request("REFER", "", "Refer-To: <sip:1004@10.0.0.1>")
		agent.expect("202")
		agent.expect("NOTIFY")
		if err := w.sw.Transfer(w.t.Context(), w.call().id, w.leg(2), cti.Destination{Device: "1003"}); err != nil {
			t.Fatal(err)
		}
		m := commanded.expect("INVITE").(*sip.Request)
		commanded.reply(m, 180, "")
		if got := fragment(agent.expect("NOTIFY").(*sip.Request)); !strings.HasPrefix(got, "SIP/2.0 491 ") {
			t.Errorf("last NOTIFY: %s", got)
		}
		referred.quiet(3 * time.Second)
		commanded.reply(m, 200, commanded.sdp("sendrecv"))
		commanded.expect("ACK")
		agent.expect("BYE")
		if got := w.media.doing(1); got != "bridge:3" {
			t.Errorf("caller: %s", got)
		}
		caller.request("BYE", "")
		caller.expect("200")
		commanded.reply(commanded.expect("BYE").(*sip.Request), 200, "")
	})
}

// Who is to be consulted rings on the last line of a trunk: when it is rung anew there is
// none. The transfer fails, and the citizen is back with the agent.
func TestAttended_linesBusy(t *testing.T) {
	scenario(t, both, func(w *world) {
		seized := 0
		w.dress = func(_ int, to *Target) {
			if to.Trusted {
				to.Seize = func() bool { seized++; return seized == 1 }
			}
		}
		caller, agent := talking(w)
		office := w.phone("1007")
		second := agent.second("b")
		second.dialStation("91007")
		m := office.expect("INVITE").(*sip.Request)
		office.reply(m, 180, "")
		second.expect("180")
		agent.request("REFER", "", second.refersTo())
		agent.expect("202")
		agent.reply(agent.expect("NOTIFY").(*sip.Request), 200, "")
		second.expect("480")
		second.ackFailure()
		office.reply(office.expect("CANCEL").(*sip.Request), 200, "")
		office.reply(m, 487, "")
		office.expect("ACK")
		n := agent.expect("NOTIFY").(*sip.Request)
		agent.reply(n, 200, "")
		if got := fragment(n); !strings.HasPrefix(got, "SIP/2.0 503 ") {
			t.Errorf("last NOTIFY: %s", got)
		}
		if got := w.media.doing(1); got != "bridge:2" {
			t.Errorf("caller: %s", got)
		}
		caller.request("BYE", "")
		caller.expect("200")
		agent.reply(agent.expect("BYE").(*sip.Request), 200, "")
	})
}

// withOffice: the agent 1002 talks with a citizen and, in a call that it made, with the
// office 1007.
func withOffice(w *world) (caller, agent, second, office *phone) {
	w.t.Helper()
	caller, agent = talking(w)
	office = w.phone("1007")
	second = agent.second("b")
	second.dialStation("91007")
	m := office.expect("INVITE").(*sip.Request)
	office.reply(m, 200, office.sdp("sendrecv"), "Supported: replaces")
	office.expect("ACK")
	second.expect("200")
	second.ack("")
	office.cseq = 30
	synctest.Wait()
	return caller, agent, second, office
}

// The telephone hangs up both calls as soon as its REFER is accepted, in either order: the
// office still has the dialog that it is asked to replace, until it has.
func TestAttended_officeTransferorLeaves(t *testing.T) {
	for _, order := range []string{"both", "second first", "second alone", "refused"} {
		scenario(t, both, func(w *world) {
			caller, agent, second, office := withOffice(w)
			agent.request("REFER", "", second.refersTo())
			agent.expect("202")
			switch order {
			case "both", "refused":
				agent.request("BYE", "")
				second.request("BYE", "")
			case "second first":
				second.request("BYE", "")
				agent.request("BYE", "")
			default:
				second.request("BYE", "")
			}
			defer agent.play()()
			m := office.expect("INVITE").(*sip.Request)
			if header(m, "Replaces") == "" {
				t.Fatalf("%s: no Replaces\n%s", order, m)
			}
			office.quiet(300 * time.Millisecond) // no BYE yet
			replaced, port := *office, 5
			if order == "refused" {
				office.replyTag(m, 481, "no", "")
				office.expect("ACK")
				port = 3
			} else {
				office.callID = ""
				office.ringingFor(m)
				office.localTag = "new"
				office.reply(m, 200, office.sdp("sendrecv"))
				office.expect("ACK")
				replaced.auto200 = true
				if bye := replaced.expect("BYE").(*sip.Request); string(*bye.CallID()) != replaced.callID {
					t.Errorf("%s: BYE in %s", order, *bye.CallID())
				}
			}
			time.Sleep(time.Second)
			if got := w.media.doing(1); got != fmt.Sprint("bridge:", port) {
				t.Errorf("%s: caller: %s", order, got)
			}
			caller.request("BYE", "")
			caller.expect("200")
			office.reply(office.expect("BYE").(*sip.Request), 200, "")
			if ev := w.eventsOf(w.calls[0]); !strings.Contains(ev, "Transferred/2") || strings.Contains(ev, "TransferFailed") {
				t.Errorf("%s: events %s", order, ev)
			}
		})
	}
}

// The agent takes the citizen back while the office thinks about the replacement: nothing
// else is tried, and the consultation is as it was.
func TestAttended_officeRetrieved(t *testing.T) {
	scenario(t, both, func(w *world) {
		caller, agent, second, office := withOffice(w)
		agent.auto200 = true
		agent.request("REFER", "", second.refersTo())
		agent.expect("202")
		agent.expect("NOTIFY")
		m := office.expect("INVITE").(*sip.Request)
		office.replyTag(m, 180, "no", "")
		agent.expect("NOTIFY")
		if err := w.sw.Retrieve(w.t.Context(), w.calls[0].id, cti.LegID(string(w.calls[0].id)+"/2")); err != nil {
			t.Fatal(err)
		}
		office.reply(office.expect("CANCEL").(*sip.Request), 200, "")
		office.replyTag(m, 487, "no", "")
		office.expect("ACK")
		agent.expect("NOTIFY")
		agent.quiet(time.Second)
		if got := w.media.doing(1) + " " + w.media.doing(3); got != "bridge:2 bridge:4" {
			t.Errorf("caller and office: %s", got)
		}
		second.request("BYE", "")
		office.reply(office.expect("BYE").(*sip.Request), 200, "")
		caller.request("BYE", "")
		caller.expect("200")
	})
}

// The agent takes the citizen back while the consultation cannot let its far leg go: it
// does not go later.
func TestAttended_retrievedBeforeYield(t *testing.T) {
	scenario(t, both, func(w *world) {
		caller, agent, second, colleague := consulting(w)
		agent.auto200 = true
		colleague.request("INVITE", "")
		colleague.expect("200") // offers: the far leg is not settled before its ACK
		agent.request("REFER", "", second.refersTo())
		agent.expect("202")
		agent.expect("NOTIFY")
		time.Sleep(300 * time.Millisecond)
		if err := w.sw.Retrieve(w.t.Context(), w.calls[0].id, cti.LegID(string(w.calls[0].id)+"/2")); err != nil {
			t.Fatal(err)
		}
		agent.expect("NOTIFY")
		for colleague.next(10*time.Millisecond) != nil {
		}
		colleague.ack(colleague.sdp("sendrecv"))
		colleague.quiet(2 * time.Second)
		if got := w.media.doing(3); got != "bridge:4" {
			t.Errorf("the consultation: %s", got)
		}
		second.request("BYE", "")
		colleague.reply(colleague.expect("BYE").(*sip.Request), 200, "")
		caller.request("BYE", "")
		caller.expect("200")
	})
}

// A leg may be over in its new call before the old one has written it into the table.
func TestInheritAfterLeave(t *testing.T) {
	s := New(Config{}, Deps{})
	old := &leg{key: dialogKey{"c", "t"}, trunk: "roma"}
	heir := &leg{key: old.key, trunk: "roma"}
	s.enter(old)
	s.leave(heir)
	s.inherit(old.key, old, heir)
	if s.find(old.key) != nil || s.Lines("roma") != 0 {
		t.Errorf("left: %v, %d lines", s.find(old.key), s.Lines("roma"))
	}
}

// A body that its author calls optional is no offer: UPDATE with one refreshes, and what
// comes next is no glare.
func TestUpdate_optionalBody(t *testing.T) {
	scenario(t, service, func(w *world) {
		caller, agent := talking(w)
		for _, method := range []string{"UPDATE", "INVITE"} {
			agent.request(method, map[string]string{"UPDATE": "x\n", "INVITE": agent.sdp("sendonly")}[method],
				map[string][]string{"UPDATE": {"Content-Type: text/plain", "Content-Disposition: render;handling=optional"}}[method]...)
			res := agent.expect("200").(*sip.Response)
			if got := len(res.Body()) > 0; got != (method == "INVITE") {
				t.Errorf("%s: SDP %v", method, got)
			}
		}
		agent.ack("")
		caller.request("BYE", "")
		caller.expect("200")
		agent.reply(agent.expect("BYE").(*sip.Request), 200, "")
	})
}

// A late copy of the ACK for an INVITE before is not the answer to the offer in our last
// 2xx (RFC 3261 13.2.2.4: an ACK has the CSeq of its INVITE).
func TestLateAckIsNoAnswer(t *testing.T) {
	scenario(t, service, func(w *world) {
		caller, agent := talking(w)
		before := caller.cseq
		caller.request("INVITE", "")
		caller.expect("200")
		caller.branch++
		caller.write("ACK", before, caller.branch, "")
		synctest.Wait()
		caller.ack(caller.sdp("sendrecv"))
		caller.quiet(300 * time.Millisecond)
		caller.request("BYE", "")
		caller.expect("200")
		agent.reply(agent.expect("BYE").(*sip.Request), 200, "")
	})
}

// Who withholds its number withholds it from whom it is handed to, also after its leg
// has moved to another call.
func TestTransfer_withheldStays(t *testing.T) {
	scenario(t, both, func(w *world) {
		first, callee := w.phone("1005"), w.phone("1002")
		first.dial("1002", first.sdp("sendrecv"), "X-Station: 1005", "Privacy: id")
		callee.answer()
		first.expect("180")
		first.expect("200")
		first.ack("")
		third := w.phone("1003")
		second := callee.second("b")
		second.dialStation("1003")
		third.answer()
		second.expect("180")
		second.expect("200")
		second.ack("")
		second.auto200 = true
		second.request("REFER", "", callee.refersTo()) // in the call that it made: the caller moves there
		second.expect("202")
		for range 4 {
			second.expectOneOf("NOTIFY", "BYE")
		}
		fourth := w.phone("1004")
		third.cseq = 20
		third.auto200 = true
		third.request("REFER", "", "Refer-To: <sip:1004@10.0.0.1>")
		third.expect("202")
		m := fourth.expect("INVITE").(*sip.Request)
		if got := m.From().Address.User; got != "anonymous" {
			t.Errorf("the target sees %q", got)
		}
		fourth.reply(m, 200, fourth.sdp("sendrecv"))
		fourth.expect("ACK")
		time.Sleep(time.Second)
		fourth.request("BYE", "")
		fourth.expect("200")
		first.reply(first.expect("BYE").(*sip.Request), 200, "")
	})
}

// The consultation ends while it cannot let its far leg go: the transfer fails, and the
// citizen is back with the agent.
func TestAttended_endsBeforeYield(t *testing.T) {
	scenario(t, both, func(w *world) {
		caller, agent, second, colleague := consulting(w)
		agent.auto200 = true
		colleague.request("INVITE", "")
		colleague.expect("200") // offers: the far leg is not settled before its ACK
		agent.request("REFER", "", second.refersTo())
		agent.expect("202")
		agent.expect("NOTIFY")
		time.Sleep(300 * time.Millisecond)
		colleague.request("BYE", "")
		for range 2 {
			agent.expectOneOf("NOTIFY", "BYE")
		}
		agent.request("INVITE", agent.sdp("sendrecv")) // it had put the citizen on hold
		agent.expect("200")
		agent.ack("")
		synctest.Wait()
		if got := w.media.doing(1); got != "bridge:2" {
			t.Errorf("caller: %s", got)
		}
		caller.request("BYE", "")
		caller.expect("200")
	})
}
