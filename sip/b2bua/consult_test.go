package b2bua

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/cti"
)

// consultation is an agent who talks with a citizen and consults 1003, which rings.
func consultation1003(w *world) (caller, agent, target *phone, invite *sip.Request) {
	w.t.Helper()
	caller, agent = talking(w)
	target = w.phone("1003")
	if err := w.sw.Consult(w.t.Context(), w.call().id, w.leg(2), cti.Destination{Device: "1003"}); err != nil {
		w.t.Fatal(err)
	}
	invite = target.expect("INVITE").(*sip.Request)
	target.reply(invite, 180, "")
	synctest.Wait()
	return caller, agent, target, invite
}

// sounds are what caller, agent and target hear.
func (w *world) sounds() string {
	synctest.Wait()
	return w.media.doing(1) + " " + w.media.doing(2) + " " + w.media.doing(3)
}

func (w *world) wantSounds(want string) {
	w.t.Helper()
	if got := w.sounds(); got != want {
		w.t.Errorf("caller, agent and target hear %q, want %q", got, want)
	}
}

// The agent consults, goes to and fro, and hands the caller over.
func TestConsult_RFC5359_2_5(t *testing.T) {
	scenario(t, service, func(w *world) {
		caller, agent, target, invite := consultation1003(w)
		if got := w.sounds(); !strings.HasPrefix(got, "music:music ") {
			t.Errorf("while it rings: %s", got)
		}
		call, leg := w.call().id, w.leg(2)
		if err := w.sw.Swap(w.t.Context(), call, leg); err == nil {
			t.Error("nobody has answered, and yet there is somebody to swap with")
		}
		target.reply(invite, 200, target.sdp("sendrecv"))
		target.expect("ACK")
		w.wantSounds("music:music bridge:3 bridge:2")
		for _, want := range []string{"bridge:2 bridge:1 music:music", "music:music bridge:3 bridge:2"} {
			if err := w.sw.Swap(w.t.Context(), call, leg); err != nil {
				t.Fatal(err)
			}
			w.wantSounds(want)
		}
		if err := w.sw.Hold(w.t.Context(), call, leg); err == nil {
			t.Error("hold in a consultation")
		}
		if err := w.sw.Complete(w.t.Context(), call, leg); err != nil {
			t.Fatal(err)
		}
		agent.reply(agent.expect("BYE").(*sip.Request), 200, "")
		if got := w.media.doing(1); got != "bridge:3" {
			t.Errorf("caller: %s", got)
		}
		caller.quiet(time.Second)
		caller.request("BYE", "")
		caller.expect("200")
		target.reply(target.expect("BYE").(*sip.Request), 200, "")
		w.wantEvents("Answered/1 Delivered/2 Established/2 Transferring/2 Delivered/3 Established/3 Consulting/2 Consulting/2 Consulting/2 " +
			"Transferred/2 ConnectionCleared/2:transferred ConnectionCleared/1:normal ConnectionCleared/3:normal CallCleared:normal")
	})
}

// The agent takes the caller back, before or after the target answered.
func TestConsult_return(t *testing.T) {
	for _, answered := range []bool{false, true} {
		scenario(t, service, func(w *world) {
			caller, agent, target, invite := consultation1003(w)
			if answered {
				target.reply(invite, 200, target.sdp("sendrecv"))
				target.expect("ACK")
				synctest.Wait()
			}
			if err := w.sw.Retrieve(w.t.Context(), w.call().id, w.leg(2)); err != nil {
				t.Fatal(err)
			}
			if answered {
				target.reply(target.expect("BYE").(*sip.Request), 200, "")
			} else {
				target.reply(target.expect("CANCEL").(*sip.Request), 200, "")
				target.reply(invite, 487, "")
				target.expect("ACK")
			}
			w.wantSounds("bridge:2 bridge:1 ")
			caller.request("BYE", "")
			caller.expect("200")
			agent.reply(agent.expect("BYE").(*sip.Request), 200, "")
			if ev := w.events(); !strings.Contains(ev, "TransferFailed/2:abandoned") {
				t.Errorf("events %s", ev)
			}
		})
	}
}

// Completed while the target rings it is a plain transfer.
func TestConsult_completedEarly(t *testing.T) {
	scenario(t, service, func(w *world) {
		caller, agent, target, invite := consultation1003(w)
		if err := w.sw.Complete(w.t.Context(), w.call().id, w.leg(2)); err != nil {
			t.Fatal(err)
		}
		w.wantSounds("music:music silence silence")
		target.reply(invite, 200, target.sdp("sendrecv"))
		target.expect("ACK")
		agent.reply(agent.expect("BYE").(*sip.Request), 200, "")
		caller.request("BYE", "")
		caller.expect("200")
		target.reply(target.expect("BYE").(*sip.Request), 200, "")
	})
}

// Whoever leaves a consultation: an agent who hangs up completes it, a target who does
// gives the caller back, a caller who does ends it.
func TestConsult_somebodyLeaves(t *testing.T) {
	for _, who := range []string{"agent", "target", "caller"} {
		scenario(t, service, func(w *world) {
			caller, agent, target, invite := consultation1003(w)
			target.reply(invite, 200, target.sdp("sendrecv"))
			target.expect("ACK")
			synctest.Wait()
			caller.auto200, agent.auto200, target.auto200 = true, true, true
			target.cseq = 20
			leaves := map[string]*phone{"agent": agent, "target": target, "caller": caller}[who]
			leaves.request("BYE", "")
			leaves.expect("200")
			switch who {
			case "agent":
				w.wantSounds("bridge:3  bridge:1")
				caller.request("BYE", "")
				caller.expect("200")
				target.expect("BYE")
			case "target":
				w.wantSounds("bridge:2 bridge:1 ")
				caller.request("BYE", "")
				caller.expect("200")
				agent.expect("BYE")
			case "caller":
				agent.expect("BYE")
				target.expect("BYE")
			}
		})
	}
}

// An agent who hangs up while the target rings leaves a plain transfer behind: the
// citizen talks with the target when that answers.
func TestConsult_agentLeavesRinging(t *testing.T) {
	scenario(t, service, func(w *world) {
		caller, agent, target, invite := consultation1003(w)
		agent.request("BYE", "")
		agent.expect("200")
		target.reply(invite, 200, target.sdp("sendrecv"))
		target.expect("ACK")
		w.wantSounds("bridge:3  bridge:1")
		caller.request("BYE", "")
		caller.expect("200")
		target.reply(target.expect("BYE").(*sip.Request), 200, "")
		w.wantEvents("Answered/1 Delivered/2 Established/2 Transferring/2 Delivered/3 ConnectionCleared/2:normal Transferred/2 Established/3 " +
			"ConnectionCleared/1:normal ConnectionCleared/3:normal CallCleared:normal")
	})
}

// Help goes before a consultation, and before a transfer that nobody has answered: the
// target is let go and the rescuers are rung.
func TestEmergencyDuringConsultation(t *testing.T) {
	for _, answered := range []bool{false, true} {
		scenario(t, service, func(w *world) {
			caller, agent, target, invite := consultation1003(w)
			target.auto200, agent.auto200 = true, true
			if answered {
				target.reply(invite, 200, target.sdp("sendrecv"))
				target.expect("ACK")
			}
			rescue := w.phone("1012")
			if err := w.sw.Transfer(w.t.Context(), w.call().id, w.leg(2), cti.Destination{Trunk: "1012", Emergency: true}); err != nil {
				t.Fatal(err)
			}
			m := rescue.expect("INVITE").(*sip.Request)
			if answered {
				target.expect("BYE")
			} else {
				target.expect("CANCEL")
				target.reply(invite, 487, "")
				target.expect("ACK")
			}
			rescue.reply(m, 200, rescue.sdp("sendrecv"))
			rescue.expect("ACK")
			agent.expect("BYE")
			if got := w.media.doing(1); got != "bridge:4" {
				t.Errorf("caller: %s", got)
			}
			caller.request("BYE", "")
			caller.expect("200")
			rescue.reply(rescue.expect("BYE").(*sip.Request), 200, "")
		})
	}
}
