package b2bua

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/cti"
)

// diverting is connect for a destination that may divert.
func diverting(ctx context.Context, c *Call) cti.Cause {
	leg, err := c.Dial(ctx, cti.Destination{Device: cti.DeviceID(c.in.Dialled), Caller: c.in.Caller, Ring: time.Minute, Follow: true})
	if err != nil {
		return causeIn(err, cti.CauseFailed)
	}
	_, cause := c.Talk(ctx, leg)
	return cause
}

func TestContactUsers_RFC3261_20_10(t *testing.T) {
	res := sip.NewResponse(302, "Moved")
	for _, c := range []string{
		`"Low, very" <sip:1@x>;q=0.1, <sip:2@x>`, `<sip:3@x;user=phone>;q=0.5`, `<tel:+39-06-1>;q=0.7`, `<sip:%34@x>;q=0.2`, `<sip:x>;q=1`, `<sip:5@x>;q=nine`, `*`, `<`,
	} {
		res.AppendHeader(sip.NewHeader("Contact", c))
	}
	if got := strings.Join(contactUsers(res), " "); got != "2 5 +39-06-1 3 4 1" {
		t.Errorf("got %s", got)
	}
}

// 302 with two numbers: the better one rings in the same leg, with what the caller
// knows of it; the first telephone is out of it.
func TestRedirect_RFC3261_8_1_3_4(t *testing.T) {
	scenario(t, diverting, func(w *world) {
		caller, first, second := w.phone("1050"), w.phone("1002"), w.phone("1003")
		caller.dial("1002", caller.sdp("sendrecv"))
		m := first.expect("INVITE").(*sip.Request)
		first.reply(m, 302, "", "Contact: <sip:1004@10.0.0.9>;q=0.2", "Contact: <sip:1003@evil.example>;q=0.9")
		first.expect("ACK")
		m2 := second.expect("INVITE").(*sip.Request)
		if m2.From().Address.User != "1050" || *m2.CallID() != *m.CallID() {
			t.Errorf("the second INVITE:\n%s", m2)
		}
		second.reply(m2, 180, "")
		caller.expect("180")
		second.reply(m2, 200, second.sdp("sendrecv"))
		second.expect("ACK")
		caller.expect("200")
		caller.ack("")
		time.Sleep(10 * time.Millisecond)
		if got := w.media.doing(2); got != "bridge:1" {
			t.Errorf("the caller hears %s", got)
		}
		caller.request("BYE", "")
		caller.expect("200")
		second.reply(second.expect("BYE").(*sip.Request), 200, "")
		first.quiet(time.Second)
	})
}

// What is not followed counts as a refusal: by policy, without a number that the
// telephone may reach, to itself, and for ever.
func TestRedirectRefused(t *testing.T) {
	tests := []struct {
		name, contact string
		follow        bool
	}{
		{"policy", "Contact: <sip:1003@10.0.0.1>", false},
		{"no Contact", "Subject: none", true},
		{"forbidden number", "Contact: <sip:900@10.0.0.1>", true}, // Resolve says no
		{"itself", "Contact: <sip:1002@10.0.0.1>", true},
		{"nobody there", "Contact: <sip:nowhere@10.0.0.1>", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			script := connect
			if tt.follow {
				script = diverting
			}
			scenario(t, script, func(w *world) {
				caller, first := w.phone("1050"), w.phone("1002")
				caller.dial("1002", caller.sdp("sendrecv"))
				m := first.expect("INVITE").(*sip.Request)
				first.reply(m, 302, "", tt.contact)
				first.expect("ACK")
				caller.expect("603")
				caller.ackFailure()
			})
		})
	}
}

// A ring of diversions, and a chain without end: five are followed.
func TestRedirect_bounded(t *testing.T) {
	scenario(t, diverting, func(w *world) {
		caller := w.phone("1050")
		caller.dial("1002", caller.sdp("sendrecv"))
		for i := 2; i < 8; i++ {
			p := w.phone(fmt.Sprintf("10%02d", i))
			m := p.expect("INVITE").(*sip.Request)
			p.reply(m, 302, "", fmt.Sprintf("Contact: <sip:10%02d@10.0.0.1>", i+1))
			p.expect("ACK")
		}
		caller.expect("603")
		caller.ackFailure()
	})
	scenario(t, diverting, func(w *world) {
		caller, a, b := w.phone("1050"), w.phone("1002"), w.phone("1003")
		caller.dial("1002", caller.sdp("sendrecv"))
		m := a.expect("INVITE").(*sip.Request)
		a.reply(m, 302, "", "Contact: <sip:1003@10.0.0.1>")
		a.expect("ACK")
		m = b.expect("INVITE").(*sip.Request)
		b.reply(m, 302, "", "Contact: <sip:1003@10.0.0.1>")
		b.expect("ACK")
		caller.expect("603")
		caller.ackFailure()
	})
}

// The caller gives up while the diversion is looked up or rings: nobody is left
// ringing.
func TestRedirectCancelled(t *testing.T) {
	scenario(t, diverting, func(w *world) {
		caller, a, b := w.phone("1050"), w.phone("1002"), w.phone("1003")
		caller.dial("1002", caller.sdp("sendrecv"))
		m := a.expect("INVITE").(*sip.Request)
		a.reply(m, 302, "", "Contact: <sip:1003@10.0.0.1>")
		a.expect("ACK")
		m = b.expect("INVITE").(*sip.Request)
		b.reply(m, 180, "")
		caller.expect("180")
		caller.cancel()
		caller.expect("200")
		caller.expect("487")
		caller.ackFailure()
		b.reply(b.expect("CANCEL").(*sip.Request), 200, "")
		b.reply(m, 487, "")
		b.expect("ACK")
	})
}
