package b2bua

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/media/relay"
)

// names is the Replaces that a third party writes for the dialog of p: to-tag is that of
// the recipient, the switch.
func (p *phone) names(flags ...string) string {
	return strings.Join(append([]string{fmt.Sprintf("Replaces: %s;to-tag=%s;from-tag=%s", p.callID, p.remoteTag, p.localTag)}, flags...), ";")
}

// deskToDesk is a call between the stations 1002 and 1003.
func deskToDesk(w *world) (first, callee *phone) {
	w.t.Helper()
	first, callee = w.phone("1002"), w.phone("1003")
	first.dialStation("1003")
	m := callee.expect("INVITE").(*sip.Request)
	callee.reply(m, 180, "")
	first.expect("180")
	callee.reply(m, 200, callee.sdp("sendrecv"))
	callee.expect("ACK")
	first.expect("200")
	first.ack("")
	callee.cseq = 20
	synctest.Wait()
	return first, callee
}

// A colleague takes the place of the callee, or of the caller: RFC 3891 3.
func TestTakeover_RFC3891_3(t *testing.T) {
	for _, ofCaller := range []bool{false, true} {
		scenario(t, both, func(w *world) {
			first, callee := deskToDesk(w)
			third := w.phone("1005")
			old, other := callee, first
			if ofCaller {
				old, other = first, callee
			}
			third.dial("1003", third.sdp("sendrecv"), "X-Station: 1005", old.names(), "Require: replaces")
			third.expect("200")
			bye := old.expect("BYE").(*sip.Request)
			old.reply(bye, 200, "")
			third.ack("")
			synctest.Wait()
			stays := relay.LegID(2) // ports: the callee's 1, the caller's 2, the third's 3
			if ofCaller {
				stays = 1
			}
			if got := w.media.doing(stays); got != "bridge:3" {
				t.Errorf("who stays: %s", got)
			}
			other.quiet(time.Second)
			third.request("BYE", "")
			third.expect("200")
			other.reply(other.expect("BYE").(*sip.Request), 200, "")
			if !ofCaller {
				w.wantEvents("Delivered/2 Answered/1 Established/2 Answered/3 Transferring/2 Delivered/3 Transferred/2 Established/3 " +
					"ConnectionCleared/2:transferred ConnectionCleared/3:normal ConnectionCleared/1:normal CallCleared:normal")
			}
		})
	}
}

// A colleague picks up what rings next to it (RFC 5359 2.10): the early dialog is ours.
func TestPickup_RFC3891_7_1(t *testing.T) {
	scenario(t, both, func(w *world) {
		first, callee, third := w.phone("1002"), w.phone("1003"), w.phone("1005")
		first.dialStation("1003")
		m := callee.expect("INVITE").(*sip.Request)
		callee.reply(m, 180, "")
		first.expect("180")
		third.dial("1003", third.sdp("sendrecv"), "X-Station: 1005", callee.names("early-only"))
		third.expect("200")
		third.ack("")
		first.expect("200")
		first.ack("")
		cancel := callee.expect("CANCEL").(*sip.Request)
		if got := header(cancel, "Reason"); !strings.Contains(got, "cause=200") {
			t.Errorf("Reason: %q", got)
		}
		callee.reply(cancel, 200, "")
		callee.reply(m, 487, "")
		callee.expect("ACK")
		synctest.Wait()
		if got := w.media.doing(3); got != "bridge:2" {
			t.Errorf("caller: %s", got)
		}
		first.request("BYE", "")
		first.expect("200")
		third.reply(third.expect("BYE").(*sip.Request), 200, "")
	})
}

// Who must not take what, and how it is told.
func TestTakeover_refused(t *testing.T) {
	scenario(t, both, func(w *world) {
		first, callee := deskToDesk(w)
		for i, c := range []struct{ name, status, replaces, who string }{
			{"no such dialog", "481", "Replaces: x;to-tag=y;from-tag=z", "X-Station: 1005"},
			{"another far tag", "481", strings.Replace(callee.names(), callee.localTag, "x", 1), "X-Station: 1005"},
			{"malformed", "400", "Replaces: x;to-tag=y", "X-Station: 1005"},
			{"not a colleague", "403", callee.names(), "X-Station: 1006"},
			{"a stranger", "403", callee.names(), "X-Stranger: yes"},
			{"an office of another trunk", "403", callee.names(), "X-Office: 1007"},
			{"early-only, but answered", "486", callee.names("early-only"), "X-Station: 1005"},
		} {
			third := w.phone(fmt.Sprint(1010 + i))
			third.dial("1003", third.sdp("sendrecv"), c.who, c.replaces)
			if got := kindOf(third.expectAny()); got != c.status {
				t.Errorf("%s: got %s, want %s", c.name, got, c.status)
			}
			third.ackFailure()
		}
		if got := w.media.doing(2); got != "bridge:1" {
			t.Errorf("the call: %s", got)
		}
		first.request("BYE", "")
		first.expect("200")
		callee.reply(callee.expect("BYE").(*sip.Request), 200, "")
	})
}

// A citizen whom the queue gave to an agent is not picked up by a colleague.
func TestTakeover_notFromQueue(t *testing.T) {
	scenario(t, both, func(w *world) {
		caller, agent := talking(w)
		third := w.phone("1005")
		third.dial("1002", third.sdp("sendrecv"), "X-Station: 1005", agent.names())
		third.expect("403")
		third.ackFailure()
		caller.request("BYE", "")
		caller.expect("200")
		agent.reply(agent.expect("BYE").(*sip.Request), 200, "")
	})
}

// The office at the far end of a trunk hands its party over: it replaces its own
// dialog, and tells the ticket.
func TestTakeover_byOffice(t *testing.T) {
	scenario(t, service, func(w *world) {
		office, agent := w.phone("1050"), w.phone("1002")
		office.dial("803001", office.sdp("sendrecv"), "X-Office: 1050")
		office.expect("180")
		office.expect("200")
		office.ack("")
		time.Sleep(10 * time.Millisecond)
		w.sw.MediaEvent(w.media.event(relay.Digit, 1, '#'))
		agent.answer()
		synctest.Wait()
		again := office.second("b")
		again.dial("803001", again.sdp("sendrecv"), "X-Office: 1050", office.names(), "Require: replaces",
			"User-to-User: "+FormatCapsule(cti.Capsule{Ticket: "formez.01JZ8Q4W7N5T3X9V2R6K1M0HDC", Class: cti.ClassTransfer, Hops: 1}))
		again.expect("200")
		again.ack("")
		office.reply(office.expect("BYE").(*sip.Request), 200, "")
		synctest.Wait()
		if got := w.media.doing(2); got != "bridge:3" {
			t.Errorf("agent: %s", got)
		}
		if ev := w.events(); !strings.Contains(ev, "TicketAttached") {
			t.Errorf("events %s", ev)
		}
		target := w.phone("1003") // who is handed on from here is seen as the office said
		if err := w.sw.Transfer(w.t.Context(), w.call().id, w.leg(2), cti.Destination{Device: "1003"}); err != nil {
			t.Fatal(err)
		}
		m := target.expect("INVITE").(*sip.Request)
		if got := m.From().Address.User; got != "1050" {
			t.Errorf("the target sees %q", got)
		}
		target.reply(m, 486, "")
		target.expect("ACK")
		again.request("BYE", "")
		again.expect("200")
		agent.reply(agent.expect("BYE").(*sip.Request), 200, "")
	})
}

// An attended transfer to another office: it is asked to replace its dialog itself,
// and told the ticket; if it will not, the leg is taken over here.
func TestAttended_office(t *testing.T) {
	for _, willing := range []bool{true, false} {
		scenario(t, both, func(w *world) {
			caller, agent := talking(w)
			office := w.phone("1007")
			second := agent.second("b")
			second.dialStation("91007")
			m := office.expect("INVITE").(*sip.Request)
			office.reply(m, 200, office.sdp("sendrecv"), "Supported: replaces")
			office.expect("ACK")
			second.expect("200")
			second.ack("")
			synctest.Wait()
			agent.auto200 = true
			agent.request("REFER", "", second.refersTo())
			agent.expect("202")
			agent.expect("NOTIFY")

			replaced := *office
			m = office.expect("INVITE").(*sip.Request)
			if got, want := header(m, "Replaces"), fmt.Sprintf("%s;to-tag=%s;from-tag=%s", office.callID, office.localTag, office.remoteTag); got != want {
				t.Errorf("Replaces: %q, want %q", got, want)
			}
			p, ok := ParseCapsule(header(m, "User-to-User"))
			if header(m, "Require") != "replaces" || !ok || p.Ticket != "c_b180.01JZ8Q4W7N5T3X9V2R6K1M0HDC" {
				t.Errorf("INVITE\n%s", m)
			}
			port := 5
			if willing {
				office.callID = ""
				office.ringingFor(m)
				office.localTag = "new"
				office.reply(m, 200, office.sdp("sendrecv"))
				office.expect("ACK")
				replaced.cseq = 30
				replaced.request("BYE", "")
			} else {
				office.replyTag(m, 481, "no", "")
				port = 3
			}
			for range 3 {
				agent.expectOneOf("NOTIFY", "BYE")
			}
			synctest.Wait()
			if got := w.media.doing(1); got != fmt.Sprint("bridge:", port) {
				t.Errorf("willing %v: caller: %s", willing, got)
			}
			caller.request("BYE", "")
			caller.expect("200")
			for m := office.next(5 * time.Second); m != nil; m = office.next(5 * time.Second) {
				if req, ok := m.(*sip.Request); ok && req.Method == sip.BYE {
					office.reply(req, 200, "")
				}
			}
			if ev := w.eventsOf(w.calls[0]); !strings.Contains(ev, "Transferred/2") || strings.Contains(ev, "TransferFailed") {
				t.Errorf("events %s", ev)
			}
		})
	}
}

// expectOneOf is expect for messages that may come in any order.
func (p *phone) expectOneOf(kinds ...string) {
	p.w.t.Helper()
	m := p.next(40 * time.Second)
	for m != nil && kindOf(m) == "100" {
		m = p.next(40 * time.Second)
	}
	for _, k := range kinds {
		if m != nil && kindOf(m) == k {
			if req, ok := m.(*sip.Request); ok {
				p.reply(req, 200, "")
			}
			return
		}
	}
	p.w.t.Fatalf("%s: got %v, want one of %v\nevents: %s", p.name, m, kinds, p.w.events())
}
