package b2bua

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/cti"
)

// straight is the script of a plain call: the number that was dialled, until somebody
// leaves.
func straight(ctx context.Context, c *Call) cti.Cause {
	d := cti.Destination{Device: cti.DeviceID(c.in.Dialled), Caller: c.in.Caller}
	if n, office := strings.CutPrefix(c.in.Dialled, "9"); office {
		d = cti.Destination{Trunk: n, Number: n, Caller: c.in.Caller}
	}
	leg, err := c.Dial(ctx, d)
	if err != nil {
		return causeIn(err, cti.CauseFailed)
	}
	for {
		next, cause := c.Talk(ctx, leg)
		if next == "" {
			return cause
		}
		leg = next
	}
}

// both is straight for calls between stations and offices, service for the others.
func both(ctx context.Context, c *Call) cti.Cause {
	if c.in.Device != "" {
		return straight(ctx, c)
	}
	return service(ctx, c)
}

// second is the same telephone with a dialog of its own for another call.
func (p *phone) second(id string) *phone {
	q := *p
	q.name = p.name
	q.callID, q.remoteTag, q.localTag = "", "", ""
	q.branch = 1000 * (len(id) + 1)
	q.id = id
	return &q
}

// dialStation calls another telephone of the switch, as a station.
func (p *phone) dialStation(number string) {
	p.dial(number, p.sdp("sendrecv"), "X-Station: "+p.name)
}

// replaces is the Refer-To that names the dialog of p, as its telephone writes it.
func (p *phone) refersTo() string {
	names := fmt.Sprintf("%s;to-tag=%s;from-tag=%s", p.callID, p.remoteTag, p.localTag)
	return "Refer-To: <" + p.target + "?Replaces=" + url.QueryEscape(names) + ">"
}

// consulting: the agent 1002 talks with a citizen and, in a call that it made, with
// its colleague 1003.
func consulting(w *world) (caller, agent, second, colleague *phone) {
	w.t.Helper()
	caller, agent = talking(w)
	agent.request("INVITE", agent.sdp("sendonly"))
	agent.expect("200")
	agent.ack("")
	colleague = w.phone("1003")
	second = agent.second("b")
	second.dialStation("1003")
	m := colleague.expect("INVITE").(*sip.Request)
	colleague.reply(m, 200, colleague.sdp("sendrecv"))
	colleague.expect("ACK")
	second.expect("200")
	second.ack("")
	colleague.cseq = 20
	synctest.Wait()
	return caller, agent, second, colleague
}

// The desk phone calls a colleague and joins it with the citizen: no INVITE to
// anybody, both legs of the phone go after its 200 to the last NOTIFY.
func TestAttended_RFC5589_7(t *testing.T) {
	for _, apart := range []bool{false, true} {
		scenario(t, both, func(w *world) {
			w.media.apart = apart
			caller, agent, second, colleague := consulting(w)
			agent.request("REFER", "", second.refersTo())
			agent.expect("202")
			agent.reply(agent.expect("NOTIFY").(*sip.Request), 200, "")
			n := agent.expect("NOTIFY").(*sip.Request)
			if got := fragment(n); got != "SIP/2.0 200 OK | terminated;reason=noresource" {
				t.Errorf("last NOTIFY: %s", got)
			}
			port := 3  // the colleague's: caller 1, agent 2, 4 is of the second call
			if apart { // it could not be bridged where it was
				m := colleague.expect("INVITE").(*sip.Request)
				if !strings.Contains(string(m.Body()), "m=audio 20010 ") {
					t.Errorf("re-INVITE offers\n%s", m.Body())
				}
				colleague.reply(m, 200, colleague.sdp("sendrecv"))
				colleague.expect("ACK")
				port = 5
			}
			agent.quiet(300 * time.Millisecond) // no BYE before the 200 of NOTIFY
			agent.reply(n, 200, "")
			ends := map[string]bool{}
			for range 2 { // one socket: both dialogs' BYE, in either order
				bye := agent.expect("BYE").(*sip.Request)
				ends[string(*bye.CallID())] = true
				agent.reply(bye, 200, "")
			}
			if !ends[agent.callID] || !ends[second.callID] {
				t.Errorf("BYE in %v", ends)
			}
			if got := w.media.doing(1); got != fmt.Sprint("bridge:", port) {
				t.Errorf("apart %v: caller: %s", apart, got)
			}
			colleague.quiet(time.Second)
			colleague.request("BYE", "")
			colleague.expect("200")
			caller.reply(caller.expect("BYE").(*sip.Request), 200, "")
		})
	}
}

// The stream tells of it as of a blind transfer, and the citizen's call is the one
// that goes on, whichever dialog the REFER came in.
func TestAttended_events(t *testing.T) {
	for _, inSecond := range []bool{false, true} {
		scenario(t, both, func(w *world) {
			caller, agent, second, colleague := consulting(w)
			referrer, other := agent, second
			if inSecond {
				referrer, other = second, agent
			}
			agent.auto200 = true
			referrer.auto200 = true
			referrer.request("REFER", "", other.refersTo())
			referrer.expect("202")
			for range 2 {
				referrer.expect("NOTIFY")
			}
			for range 2 {
				referrer.expect("BYE")
			}
			caller.request("BYE", "")
			caller.expect("200")
			colleague.reply(colleague.expect("BYE").(*sip.Request), 200, "")
			synctest.Wait()
			to := "3"
			want := "Answered/1 Delivered/2 Established/2 Held/2 Transferring/2 Delivered/" + to + " Transferred/2 Established/" + to +
				" ConnectionCleared/2:transferred ConnectionCleared/1:normal ConnectionCleared/" + to + ":normal CallCleared:normal"
			if got := w.eventsOf(w.calls[0]); got != want {
				t.Errorf("the citizen's call\n got %s\nwant %s", got, want)
			}
			want = "Answered/1 Established/2 ConnectionCleared/1:transferred ConnectionCleared/2:transferred CallCleared:transferred"
			if got := w.eventsOf(w.calls[1]); got != want {
				t.Errorf("the consultation\n got %s\nwant %s", got, want)
			}
		})
	}
}

// A telephone may hang up both of its calls as soon as its REFER is accepted.
func TestAttended_transferorLeaves(t *testing.T) {
	scenario(t, both, func(w *world) {
		caller, agent, second, colleague := consulting(w)
		agent.auto200 = true
		agent.request("REFER", "", second.refersTo())
		agent.request("BYE", "")
		agent.w.t.Log("both left")
		for range 20 {
			m := agent.next(5 * time.Second)
			if m == nil {
				break
			}
			if req, ok := m.(*sip.Request); ok {
				agent.reply(req, 200, "")
			}
		}
		synctest.Wait()
		if got := w.media.doing(1); got != "bridge:3" {
			t.Errorf("caller: %s", got)
		}
		caller.request("BYE", "")
		caller.expect("200")
		colleague.reply(colleague.expect("BYE").(*sip.Request), 200, "")
	})
}

// Who is to be consulted has not answered yet: it is rung anew, for the citizen.
func TestAttended_ringing(t *testing.T) {
	scenario(t, both, func(w *world) {
		caller, agent := talking(w)
		colleague := w.phone("1003")
		second := agent.second("b")
		second.dialStation("1003")
		m := colleague.expect("INVITE").(*sip.Request)
		colleague.reply(m, 180, "")
		second.expect("180")
		agent.request("REFER", "", second.refersTo())
		agent.expect("202")
		agent.reply(agent.expect("NOTIFY").(*sip.Request), 200, "")
		second.expect("480")
		second.ackFailure()
		colleague.callID = ""
		var again *sip.Request
		for range 2 { // two transactions: in either order
			switch req := colleague.expectAny().(*sip.Request); req.Method {
			case sip.CANCEL:
				colleague.reply(req, 200, "")
			case sip.INVITE:
				again = req
			}
		}
		if again == nil {
			t.Fatal("the colleague is not rung anew")
		}
		colleague.replyTag(m, 487, "callee-1003", "")
		colleague.expect("ACK")
		if got := again.From().Address.User; got == "1002" {
			t.Error("the colleague sees the transferor")
		}
		colleague.reply(again, 200, colleague.sdp("sendrecv"))
		colleague.expect("ACK")
		agent.reply(agent.expect("NOTIFY").(*sip.Request), 200, "")
		agent.reply(agent.expect("BYE").(*sip.Request), 200, "")
		caller.request("BYE", "")
		caller.expect("200")
		colleague.reply(colleague.expect("BYE").(*sip.Request), 200, "")
	})
}

// What a REFER with Replaces must not do.
func TestAttended_refused(t *testing.T) {
	scenario(t, both, func(w *world) {
		caller, agent, second, colleague := consulting(w)
		agent.auto200 = true
		for name, c := range map[string]struct{ refer, status string }{
			"a dialog of the own call":      {agent.refersTo(), "481"},
			"the dialog of another station": {colleague.refersTo(), "403"},
			"another far tag":               {strings.Replace(second.refersTo(), second.localTag, "x", 1), "481"},
		} {
			agent.request("REFER", "", c.refer)
			agent.expect("202")
			agent.expect("NOTIFY")
			if got := fragment(agent.expect("NOTIFY").(*sip.Request)); !strings.HasPrefix(got, "SIP/2.0 "+c.status+" ") {
				t.Errorf("%s: %s", name, got)
			}
		}
		caller.request("REFER", "", second.refersTo())
		caller.expect("403")
		if got := w.media.doing(4); got != "bridge:3" {
			t.Errorf("the consultation: %s", got)
		}
		second.request("BYE", "")
		second.expect("200")
		colleague.reply(colleague.expect("BYE").(*sip.Request), 200, "")
		caller.request("BYE", "")
		caller.expect("200")
		agent.expect("BYE")
	})
}

// A station that called somebody hands it over, blind: the seats change.
func TestReferByCaller(t *testing.T) {
	scenario(t, both, func(w *world) {
		first, callee, target := w.phone("1004"), w.phone("1002"), w.phone("1003")
		first.dialStation("1002")
		callee.answer()
		first.expect("180")
		first.expect("200")
		first.ack("")
		first.request("REFER", "", "Refer-To: <sip:1003@10.0.0.1>")
		first.expect("202")
		first.auto200 = true
		first.expect("NOTIFY")
		m := target.expect("INVITE").(*sip.Request)
		if got := m.From().Address.User; got != "1002" {
			t.Errorf("the target sees %q", got)
		}
		target.reply(m, 200, target.sdp("sendrecv"))
		target.expect("ACK")
		first.expect("NOTIFY")
		first.expect("BYE")
		if got := w.media.doing(1); got != "bridge:3" {
			t.Errorf("callee: %s", got)
		}
		target.request("BYE", "")
		target.expect("200")
		callee.reply(callee.expect("BYE").(*sip.Request), 200, "")
	})
}
