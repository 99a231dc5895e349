package b2bua

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/media/relay"
)

func TestControlOf(t *testing.T) {
	for value, want := range map[string]string{"": "", "talk": "talk", " Hold ,TALK": "talk,hold", "dialog, message-summary": "", "hold": "hold"} {
		res := sip.NewResponse(180, "Ringing")
		if value != "" {
			res.AppendHeader(sip.NewHeader("Allow-Events", value))
		}
		if got := controlOf(res).String(); got != want {
			t.Errorf("%q: got %q, want %q", value, got, want)
		}
	}
}

// A desktop answers the desk telephone, which said in its 180 that it can be told.
func TestAnswerByPhone(t *testing.T) {
	scenario(t, service, func(w *world) {
		caller, agent := w.phone("1050"), w.phone("1002")
		caller.dial("803001", caller.sdp("sendrecv"))
		caller.expect("180")
		caller.expect("200")
		caller.ack("")
		time.Sleep(10 * time.Millisecond)
		w.sw.MediaEvent(w.media.event(relay.Digit, 1, '#'))
		m := agent.expect("INVITE").(*sip.Request)
		call := w.call()
		if err := w.sw.Answer(w.t.Context(), call.id, "1002"); err == nil {
			t.Error("it does not ring yet")
		}
		agent.reply(m, 180, "", "Allow-Events: talk, hold")
		time.Sleep(10 * time.Millisecond)
		if err := w.sw.Answer(w.t.Context(), call.id, "1002"); err != nil {
			t.Fatal(err)
		}
		n := agent.expect("NOTIFY").(*sip.Request)
		if header(n, "Event") != "talk" || n.From().Params == nil || header(n, "Subscription-State") == "" {
			t.Errorf("NOTIFY\n%s", n)
		}
		agent.reply(n, 200, "")
		agent.reply(m, 200, agent.sdp("sendrecv"))
		agent.expect("ACK")
		synctest.Wait()
		if got := w.media.doing(1); got != "bridge:2" {
			t.Errorf("caller: %s", got)
		}
		if ev := w.events(); !strings.Contains(ev, "Controllable/2") {
			t.Errorf("events %s", ev)
		}
		caller.request("BYE", "")
		caller.expect("200")
		agent.reply(agent.expect("BYE").(*sip.Request), 200, "")
	})
}

// A telephone that did not say so cannot be told: the desktop hears it.
func TestAnswerByPhone_unable(t *testing.T) {
	scenario(t, service, func(w *world) {
		caller, agent, m := ringing(w)
		if err := w.sw.Answer(w.t.Context(), w.call().id, "1002"); err == nil {
			t.Error("it was told all the same")
		}
		agent.quiet(time.Second)
		agent.reply(m, 200, agent.sdp("sendrecv"))
		agent.expect("ACK")
		caller.request("BYE", "")
		caller.expect("200")
		agent.reply(agent.expect("BYE").(*sip.Request), 200, "")
	})
}

// Hold and retrieve are the telephone's when it takes the commands, and ours when it
// refuses or forgets.
func TestHoldByPhone(t *testing.T) {
	for _, how := range []string{"does", "refuses", "forgets"} {
		scenario(t, service, func(w *world) {
			caller, agent, m := ringing(w)
			agent.reply(m, 200, agent.sdp("sendrecv"), "Allow-Events: hold, talk")
			agent.expect("ACK")
			agent.cseq = 10
			synctest.Wait()
			call, leg := w.call().id, w.leg(2)
			if err := w.sw.Hold(w.t.Context(), call, leg); err != nil {
				t.Fatal(err)
			}
			n := agent.expect("NOTIFY").(*sip.Request)
			if header(n, "Event") != "hold" {
				t.Errorf("NOTIFY\n%s", n)
			}
			if how == "refuses" {
				agent.reply(n, 489, "")
			} else {
				agent.reply(n, 200, "")
			}
			if how == "does" {
				agent.request("INVITE", agent.sdp("sendonly"))
				agent.expect("200")
				agent.ack("")
			}
			time.Sleep(5 * time.Second)
			if got := w.media.doing(1); got != "music:music" {
				t.Errorf("%s: caller: %s", how, got)
			}
			if err := w.sw.Retrieve(w.t.Context(), call, leg); err != nil {
				t.Fatal(err)
			}
			if how == "does" {
				n = agent.expect("NOTIFY").(*sip.Request)
				if header(n, "Event") != "talk" {
					t.Errorf("NOTIFY\n%s", n)
				}
				agent.reply(n, 200, "")
				agent.request("INVITE", agent.sdp("sendrecv"))
				agent.expect("200")
				agent.ack("")
			}
			time.Sleep(5 * time.Second)
			if got := w.media.doing(1); got != "bridge:2" {
				t.Errorf("%s: caller: %s", how, got)
			}
			if ev := w.events(); strings.Count(ev, "Held/2") != 1 || strings.Count(ev, "Retrieved/2") != 1 {
				t.Errorf("%s: events %s", how, ev)
			}
			caller.request("BYE", "")
			caller.expect("200")
			agent.reply(agent.expect("BYE").(*sip.Request), 200, "")
		})
	}
}
