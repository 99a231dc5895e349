package b2bua

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"
)

// The table of RFC 4028 9, with the shortening of 9 and the minimum of 5.
func TestSessionAccept_RFC4028_9(t *testing.T) {
	tests := []struct {
		name, asked, minimum, supported string
		ask                             time.Duration
		says                            string
		ours                            bool
	}{
		{"nobody asks", "", "", "timer", -1, "", false},
		{"we ask, the far end can", "", "", "timer", 30 * time.Minute, "1800;refresher=uas", true},
		{"we ask, the far end cannot", "", "", "", 30 * time.Minute, "", false},
		{"the far end refreshes by default", "1800", "", "timer", -1, "1800;refresher=uac", false},
		{"it wants to", "1800;refresher=uac", "", "timer", -1, "1800;refresher=uac", false},
		{"it wants us to", "1800;refresher=uas", "", "timer", -1, "1800;refresher=uas", true},
		{"blanks and case", "1800 ; Refresher = UAS", "", "timer", -1, "1800;refresher=uas", true},
		{"a proxy asks and the far end cannot", "60", "", "", -1, "90;refresher=uas", true},
		{"longer than ours", "7200", "", "timer", 30 * time.Minute, "1800;refresher=uac", false},
		{"not below what it bears", "7200", "3600", "timer", 30 * time.Minute, "3600;refresher=uac", false},
		{"no number", "soon", "", "", 30 * time.Minute, "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			req := sip.NewRequest(sip.INVITE, sip.Uri{Host: "x"})
			if tt.asked != "" {
				req.AppendHeader(sip.NewHeader("Session-Expires", tt.asked))
			}
			if tt.minimum != "" {
				req.AppendHeader(sip.NewHeader("Min-SE", tt.minimum))
			}
			req.AppendHeader(sip.NewHeader("Supported", tt.supported))
			res := sip.NewResponse(200, "OK")
			var s sessionTimer
			s.accept(req, res, &Config{SessionExpires: tt.ask, MinSE: 90 * time.Second})
			says := header(res, "Session-Expires")
			if says != tt.says {
				t.Errorf("got %q, want %q", says, tt.says)
			}
			if s.refreshAt.IsZero() == tt.ours {
				t.Errorf("refreshAt %v, ours %v", s.refreshAt, tt.ours)
			}
			if theirs := says != "" && !tt.ours; (header(res, "Require") == "timer") != theirs {
				t.Errorf("Require: got %q", header(res, "Require"))
			}
			if s.expiresAt.IsZero() != (says == "") {
				t.Errorf("expiresAt %v with %q", s.expiresAt, says)
			}
		})
	}
}

// A refresh of who cannot the extension leaves our own refreshing on.
func TestSessionGoesOn_RFC4028_9(t *testing.T) {
	var s sessionTimer
	s.start(120*time.Second, true)
	res := sip.NewResponse(200, "OK")
	s.accept(sip.NewRequest(sip.INVITE, sip.Uri{Host: "x"}), res, &Config{SessionExpires: -1, MinSE: 90 * time.Second})
	if got := header(res, "Session-Expires"); got != "120;refresher=uas" {
		t.Errorf("got %q", got)
	}
	s.start(120*time.Second, false)
	s.accept(sip.NewRequest(sip.INVITE, sip.Uri{Host: "x"}), sip.NewResponse(200, "OK"), &Config{SessionExpires: -1, MinSE: 90 * time.Second})
	if !s.expiresAt.IsZero() {
		t.Error("the session of who refreshed and asks no more goes on")
	}
}

func TestAfterGlare_RFC3261_14_1(t *testing.T) {
	for range 2000 {
		if d := afterGlare(true); d < 2100*time.Millisecond || d > 4*time.Second || d%(10*time.Millisecond) != 0 {
			t.Fatalf("owner of the Call-ID: %v", d)
		}
		if d := afterGlare(false); d < 0 || d > 2*time.Second || d%(10*time.Millisecond) != 0 {
			t.Fatalf("other end: %v", d)
		}
	}
}

// connected brings a caller, whose INVITE has the headers, and 1002 into a call.
func connected(w *world, headers ...string) (caller, agent *phone) {
	caller, agent = w.phone("1050"), w.phone("1002")
	caller.dial("1002", caller.sdp("sendrecv"), headers...)
	agent.answer()
	agent.cseq = 100
	for m := caller.expectAny(); kindOf(m) != "200"; m = caller.expectAny() {
	}
	caller.ack("")
	return caller, agent
}

// We ask for a timer, the callee wants longer intervals: 422, once more, and it
// chooses us to refresh.
func TestSessionAsked_RFC4028_7_3(t *testing.T) {
	scenario(t, connect, func(w *world) {
		w.sw.cfg.SessionExpires = 2 * time.Minute
		caller, agent := w.phone("1050"), w.phone("1002")
		caller.dial("1002", caller.sdp("sendrecv"))
		m := agent.expect("INVITE").(*sip.Request)
		if se, minimum := header(m, "Session-Expires"), header(m, "Min-SE"); se != "120" || minimum != "90" || !knowsTimer(m) {
			t.Errorf("Session-Expires %q, Min-SE %q", se, minimum)
		}
		agent.reply(m, 422, "", "Min-SE: 600")
		agent.expect("ACK")
		again := agent.expect("INVITE").(*sip.Request)
		if se, minimum := header(again, "Session-Expires"), header(again, "Min-SE"); se != "600" || minimum != "600" {
			t.Errorf("again: Session-Expires %q, Min-SE %q", se, minimum)
		}
		if *again.CallID() != *m.CallID() || again.CSeq().SeqNo != m.CSeq().SeqNo+1 || len(again.GetHeaders("Session-Expires")) != 1 {
			t.Errorf("the second INVITE is not that of RFC 4028 7.3:\n%s", again)
		}
		agent.reply(again, 200, agent.sdp("sendrecv"), "Session-Expires: 600;refresher=uac", "Require: timer", "Allow: UPDATE")
		agent.expect("ACK")
		caller.expect("200")
		caller.ack("")
		start := time.Now()
		u := agent.expect2("UPDATE", 10*time.Minute).(*sip.Request)
		if d := time.Since(start).Round(time.Second); d != 5*time.Minute {
			t.Errorf("refresh after %v", d)
		}
		if got := header(u, "Session-Expires"); got != "600;refresher=uac" {
			t.Errorf("refresh: %q", got)
		}
		// 422 to the refresh: once more at once, with more.
		agent.reply(u, 422, "", "Min-SE: 900")
		u = agent.expect("UPDATE").(*sip.Request)
		if got := header(u, "Session-Expires"); got != "900;refresher=uac" {
			t.Errorf("refresh after 422: %q", got)
		}
		// it takes UPDATE no more: re-INVITE.
		agent.reply(u, 405, "")
		u = agent.expect("INVITE").(*sip.Request)
		agent.reply(u, 200, agent.sdp("sendrecv"), "Session-Expires: 900;refresher=uac")
		agent.expect("ACK")
		caller.request("BYE", "")
		caller.expect("200")
		agent.reply(agent.expect("BYE").(*sip.Request), 200, "")
	})
}

// A callee that answers 422 for ever is not rung for ever.
func TestSessionAsked_endless(t *testing.T) {
	scenario(t, connect, func(w *world) {
		caller, agent := w.phone("1050"), w.phone("1002")
		caller.dial("1002", caller.sdp("sendrecv"))
		m := agent.expect("INVITE").(*sip.Request)
		agent.reply(m, 422, "", "Min-SE: 1800")
		agent.expect("ACK")
		agent.quiet(10 * time.Second)
		caller.expect("603")
		caller.ackFailure()
	})
}

// JsSIP: 90 s, it refreshes by UPDATE at half of it on a call of any length; when
// the tab is closed the call ends 60 s after the last refresh.
func TestSessionJsSIP(t *testing.T) {
	scenario(t, connect, func(w *world) {
		caller, agent := connected(w, "Session-Expires: 90", "Supported: timer,ice,replaces,outbound", "Allow: INVITE,ACK,CANCEL,BYE,UPDATE,MESSAGE,OPTIONS,REFER,INFO,NOTIFY")
		for range 20 {
			time.Sleep(45 * time.Second)
			caller.request("UPDATE", "", "Session-Expires: 90;refresher=uac", "Supported: timer")
			if got := header(caller.expect("200").(*sip.Response), "Session-Expires"); got != "90;refresher=uac" {
				t.Fatalf("Session-Expires: %q", got)
			}
		}
		start := time.Now()
		m := caller.expect2("BYE", 2*time.Minute).(*sip.Request)
		if d := time.Since(start).Round(time.Second); d != time.Minute {
			t.Errorf("BYE after %v", d)
		}
		caller.reply(m, 200, "")
		agent.reply(agent.expect("BYE").(*sip.Request), 200, "")
	})
}

// JsSIP as callee that says we refresh: it ends the call itself when we do not,
// so we do, on time, again and again.
func TestSessionJsSIP_callee(t *testing.T) {
	scenario(t, connect, func(w *world) {
		caller, agent := w.phone("1050"), w.phone("1002")
		caller.dial("1002", caller.sdp("sendrecv"))
		agent.reply(agent.expect("INVITE").(*sip.Request), 200, agent.sdp("sendrecv"), "Session-Expires: 90;refresher=uac", "Require: timer", "Allow: UPDATE")
		agent.expect("ACK")
		caller.expect("200")
		caller.ack("")
		for range 10 {
			start := time.Now()
			u := agent.expect2("UPDATE", 99*time.Second).(*sip.Request)
			if d := time.Since(start).Round(time.Second); d != 45*time.Second {
				t.Fatalf("refresh after %v", d)
			}
			agent.reply(u, 200, "", "Session-Expires: 90;refresher=uac", "Require: timer")
		}
		caller.request("BYE", "")
		caller.expect("200")
		agent.reply(agent.expect("BYE").(*sip.Request), 200, "")
	})
}

// Glare: both ends refresh by re-INVITE at one moment. Both get 491; ours comes
// again after 0 to 2 s, because the caller owns the Call-ID.
func TestSessionGlare_RFC3261_14_1(t *testing.T) {
	scenario(t, connect, func(w *world) {
		caller, agent := connected(w, "Session-Expires: 120;refresher=uas", "Supported: timer")
		m := caller.expect2("INVITE", 2*time.Minute).(*sip.Request)
		caller.request("INVITE", caller.sdp("sendonly"))
		caller.expect("491")
		caller.ackFailure()
		caller.reply(m, 491, "")
		caller.expect("ACK")
		start := time.Now()
		m = caller.expect2("INVITE", 5*time.Second).(*sip.Request)
		if d := time.Since(start); d > 2*time.Second+10*time.Millisecond {
			t.Errorf("ours came again after %v", d)
		}
		caller.reply(m, 200, caller.sdp("sendrecv"), "Session-Expires: 120;refresher=uac")
		caller.expect("ACK")
		// nothing is outstanding now: the caller's comes through.
		caller.request("INVITE", caller.sdp("sendonly"))
		caller.expect("200")
		caller.ack("")
		caller.request("BYE", "")
		caller.expect("200")
		agent.reply(agent.expect("BYE").(*sip.Request), 200, "")
	})
}

// A refresh by UPDATE carries no offer: a re-INVITE that crosses it is no glare.
func TestUpdateIsNoGlare_RFC3311_5_2(t *testing.T) {
	scenario(t, connect, func(w *world) {
		caller, agent := connected(w, "Session-Expires: 120;refresher=uas", "Supported: timer", "Allow: UPDATE")
		u := caller.expect2("UPDATE", 2*time.Minute).(*sip.Request)
		caller.request("INVITE", caller.sdp("sendonly"), "Session-Expires: 120;refresher=uas", "Supported: timer")
		caller.expect("200")
		caller.ack("")
		caller.reply(u, 200, "", "Session-Expires: 120;refresher=uac")
		synctest.Wait()
		if got := w.media.doing(1); got != "music:music" {
			t.Errorf("held by re-INVITE, the agent hears %s", got)
		}
		caller.request("BYE", "")
		caller.expect("200")
		agent.reply(agent.expect("BYE").(*sip.Request), 200, "")
	})
}

// Our BYE crosses the answer to our re-INVITE (drachtio-server 402): the 2xx is
// acknowledged and nothing else happens.
func TestByeCrossesRefresh_RFC5407_3_2_3(t *testing.T) {
	scenario(t, connect, func(w *world) {
		caller, agent := connected(w, "Session-Expires: 120;refresher=uas", "Supported: timer")
		m := caller.expect2("INVITE", 2*time.Minute).(*sip.Request)
		agent.request("BYE", "")
		agent.expect("200")
		bye := caller.expect("BYE").(*sip.Request)
		caller.reply(m, 200, caller.sdp("sendrecv"))
		caller.expect("ACK")
		caller.reply(bye, 200, "")
	})
}

// The far end's BYE crosses our re-INVITE, which gets 481.
func TestByeAndRefresh481_RFC3261_12_2_1_2(t *testing.T) {
	scenario(t, connect, func(w *world) {
		caller, agent := connected(w, "Session-Expires: 120;refresher=uas", "Supported: timer")
		m := caller.expect2("INVITE", 2*time.Minute).(*sip.Request)
		caller.request("BYE", "")
		caller.expect("200")
		caller.reply(m, 481, "")
		caller.expect("ACK")
		agent.reply(agent.expect("BYE").(*sip.Request), 200, "")
		w.wantEvents("Delivered/2 Answered/1 Established/2 ConnectionCleared/1:normal ConnectionCleared/2:normal CallCleared:normal")
	})
}

// The far end wants us to refresh: UPDATE at half the interval; a dialog that is
// gone there (481) ends here.
func TestSessionTimerOurs_RFC4028_10(t *testing.T) {
	scenario(t, service, func(w *world) {
		caller := w.phone("1050")
		caller.dial("803001", caller.sdp("sendrecv"), "Session-Expires: 120;refresher=uas", "Supported: timer", "Allow: UPDATE")
		caller.expect("180")
		caller.expect("200")
		caller.ack("")
		start := time.Now()
		u := caller.expect2("UPDATE", 2*time.Minute).(*sip.Request)
		if d := time.Since(start).Round(time.Second); d != 60*time.Second {
			t.Errorf("refresh after %v", d)
		}
		caller.reply(u, 200, "", "Session-Expires: 120;refresher=uac", "Allow: UPDATE")
		u = caller.expect2("UPDATE", 2*time.Minute).(*sip.Request)
		caller.reply(u, 481, "")
		caller.reply(caller.expect("BYE").(*sip.Request), 481, "")
	})
}

// The far end refreshes and stops doing so: BYE before the interval is over.
func TestSessionTimerTheirs_RFC4028_10(t *testing.T) {
	scenario(t, service, func(w *world) {
		caller := w.phone("1050")
		caller.dial("803001", caller.sdp("sendrecv"), "Session-Expires: 90", "Supported: timer")
		caller.expect("180")
		caller.expect("200")
		caller.ack("")
		time.Sleep(45 * time.Second)
		caller.request("UPDATE", "", "Session-Expires: 90", "Supported: timer")
		caller.expect("200")
		start := time.Now()
		m := caller.expect2("BYE", 2*time.Minute).(*sip.Request)
		if d := time.Since(start).Round(time.Second); d != 60*time.Second {
			t.Errorf("BYE after %v", d)
		}
		caller.reply(m, 200, "")
	})
}

// Without UPDATE the refresh is a re-INVITE with our unchanged description.
func TestSessionTimerReinvite(t *testing.T) {
	scenario(t, service, func(w *world) {
		caller := w.phone("1050")
		caller.dial("803001", caller.sdp("sendrecv"), "Session-Expires: 120;refresher=uas", "Supported: timer")
		caller.expect("180")
		caller.expect("200")
		caller.ack("")
		m := caller.expect2("INVITE", 2*time.Minute).(*sip.Request)
		caller.request("INVITE", caller.sdp("sendrecv"))
		caller.expect("491") // glare: our offer is outstanding
		caller.ackFailure()
		caller.reply(m, 200, caller.sdp("sendrecv"), "Session-Expires: 120;refresher=uac")
		caller.expect("ACK")
		caller.request("BYE", "")
		caller.expect("200")
	})
}

// On a leg that we called the Call-ID is ours: after 491 we wait 2.1 to 4 s; a 500
// with Retry-After is taken at its word.
func TestSessionGlare_owner(t *testing.T) {
	scenario(t, connect, func(w *world) {
		caller, agent := w.phone("1050"), w.phone("1002")
		caller.dial("1002", caller.sdp("sendrecv"))
		agent.reply(agent.expect("INVITE").(*sip.Request), 200, agent.sdp("sendrecv"), "Session-Expires: 120;refresher=uac")
		agent.expect("ACK")
		caller.expect("200")
		caller.ack("")
		m := agent.expect2("INVITE", 2*time.Minute).(*sip.Request)
		agent.reply(m, 491, "")
		agent.expect("ACK")
		start := time.Now()
		m = agent.expect2("INVITE", 10*time.Second).(*sip.Request)
		if d := time.Since(start); d < 2100*time.Millisecond || d > 4*time.Second+20*time.Millisecond {
			t.Errorf("ours came again after %v", d)
		}
		agent.reply(m, 500, "", "Retry-After: 7")
		agent.expect("ACK")
		start = time.Now()
		m = agent.expect2("INVITE", 10*time.Second).(*sip.Request)
		if d := time.Since(start).Round(100 * time.Millisecond); d != 7*time.Second {
			t.Errorf("ours came again after %v", d)
		}
		agent.reply(m, 200, agent.sdp("sendrecv"), "Session-Expires: 120;refresher=uac")
		agent.expect("ACK")
		caller.request("BYE", "")
		caller.expect("200")
		agent.reply(agent.expect("BYE").(*sip.Request), 200, "")
	})
}
