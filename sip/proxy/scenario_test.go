package proxy

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaamica/la2/sip/siptest"
)

func TestCall(t *testing.T) {
	scenario(t, func(w *world) {
		out, in := w.established()
		inv := in.Invite
		if len(inv.List("Via")) != 2 || inv.Get("Max-Forwards") != "69" || inv.URI != "sip:bob@10.0.0.3:5080" {
			t.Errorf("INVITE arrived as\n%s", inv.Bytes())
		}
		if rr := inv.All("Record-Route"); len(rr) != 1 || !strings.HasPrefix(rr[0], "<sip:10.0.0.1:5060;lr;la2=") {
			t.Errorf("Record-Route %q", rr)
		}
		if string(inv.Body) != string(out.Invite.Body) || inv.Get("Contact") != out.Invite.Get("Contact") {
			t.Error("body or Contact changed")
		}
		in.Send("INFO")
		out.Expect(siptest.Request("INFO"), time.Second)
		in.Expect(siptest.Response("INFO", 200), time.Second)
		out.Hold()
		in.Expect(siptest.Request("INVITE"), time.Second)
		in.ExpectAck(time.Second)
		out.Bye()
		if bye := in.Expect(siptest.Request("BYE"), time.Second); bye.Get("Route") != "" {
			t.Errorf("our Route was left on BYE: %q", bye.All("Route"))
		}
		ok := out.Expect(siptest.Response("BYE", 200), time.Second)
		if len(ok.List("Via")) != 1 {
			t.Errorf("our Via was left on the response: %q", ok.List("Via"))
		}
		w.wantSeen("2>1 INVITE", "1>2 100", "1>3 INVITE", "3>1 180", "1>2 180", "3>1 200", "1>2 200", "2>1 ACK", "1>3 ACK",
			"3>1 INFO", "1>2 INFO", "2>1 200", "1>3 200",
			"2>1 INVITE", "1>2 100", "1>3 INVITE", "3>1 200", "1>2 200", "2>1 ACK", "1>3 ACK",
			"2>1 BYE", "1>3 BYE", "3>1 200", "1>2 200")
		if len(w.told) > 0 {
			t.Errorf("the typed user was told %q", w.told)
		}
	})
}

// A request that went through the typed parser, for credentials, is forwarded just as well.
func TestCallTyped(t *testing.T) {
	scenario(t, func(w *world) {
		w.typed = true
		out, in := w.established()
		in.Hangup()
		out.Expect(siptest.Request("BYE"), time.Second)
		again := out.UA.Invite("sip:bob@10.0.0.1", home)
		in.UA.ExpectInvite(time.Second).Respond(180)
		again.Expect(siptest.Status(180), time.Second)
		again.Cancel()
		again.Expect(siptest.Status(487), time.Second)
		if len(w.told) > 0 {
			t.Errorf("the typed user was told %q", w.told)
		}
	})
}

func TestCancel_RFC3261_16_10(t *testing.T) {
	scenario(t, func(w *world) {
		alice, bob := w.caller(), w.callee()
		out := alice.Invite("sip:bob@10.0.0.1", home)
		in := bob.ExpectInvite(time.Second)
		in.Respond(180)
		out.Expect(siptest.Status(180), time.Second)
		out.Cancel(siptest.With("Reason", "SIP;cause=200"))
		cancel := in.Expect(siptest.Request("CANCEL"), time.Second)
		if cancel.Branch() != in.Invite.Branch() || cancel.Get("Reason") != "SIP;cause=200" {
			t.Errorf("CANCEL arrived as\n%s", cancel.Bytes())
		}
		out.Expect(siptest.Status(487), time.Second)
		time.Sleep(time.Second)
		w.wantSeen("2>1 INVITE", "1>2 100", "1>3 INVITE", "3>1 180", "1>2 180",
			"2>1 CANCEL", "1>2 200", "1>3 CANCEL", "3>1 200", "3>1 487", "1>3 ACK", "1>2 487", "2>1 ACK")
	})
}

// CANCEL before the callee said anything waits for its first word (9.1).
func TestCancelBefore1xx(t *testing.T) {
	scenario(t, func(w *world) {
		alice, bob := w.caller(), w.callee()
		out := alice.Invite("sip:bob@10.0.0.1", home)
		in := bob.ExpectInvite(time.Second)
		time.Sleep(10 * time.Millisecond)
		out.Cancel()
		time.Sleep(100 * time.Millisecond)
		if w.count("1>3 CANCEL") != 0 {
			t.Error("CANCEL left before a 1xx")
		}
		in.Respond(180)
		in.Expect(siptest.Request("CANCEL"), time.Second)
		out.Wait(siptest.Status(487), time.Second)
	})
}

func TestCancelUnknown(t *testing.T) {
	scenario(t, func(w *world) {
		alice := w.caller()
		if res := alice.Request("CANCEL", "sip:bob@10.0.0.1", home); res.Status != 481 {
			t.Errorf("got %v", res)
		}
	})
}

func TestAnsweredWhileCancelled(t *testing.T) {
	scenario(t, func(w *world) {
		alice, bob := w.caller(), w.callee(siptest.Manual())
		out := alice.Invite("sip:bob@10.0.0.1", home)
		in := bob.ExpectInvite(time.Second)
		in.Respond(180)
		out.Expect(siptest.Status(180), time.Second)
		out.Cancel()
		cancel := in.Expect(siptest.Request("CANCEL"), time.Second)
		in.Respond(200)
		bob.Reply(cancel, 200)
		out.Established(time.Second)
		in.Expect(siptest.Request("ACK"), time.Second)
		out.Bye()
		bob.Reply(in.Expect(siptest.Request("BYE"), time.Second), 200)
		out.Expect(siptest.Response("BYE", 200), time.Second)
	})
}

func TestRefused(t *testing.T) {
	scenario(t, func(w *world) {
		alice, bob := w.caller(), w.callee()
		for status, want := range map[int]int{486: 486, 302: 302, 503: 500, 603: 603} {
			out := alice.Invite("sip:bob@10.0.0.1", home)
			in := bob.ExpectInvite(time.Second)
			acks := w.count("1>3 ACK")
			sent := in.Respond(status)
			got := out.Wait(siptest.Final("INVITE"), time.Second)
			if got.Status != want || got.Tag("To") != sent.Tag("To") {
				t.Errorf("%d came as %v", status, got)
			}
			time.Sleep(100 * time.Millisecond)
			if n := w.count("1>3 ACK") - acks; n != 1 {
				t.Errorf("%d ACKs for one %d", n, status)
			}
		}
	})
}

// A lost ACK makes the callee send its 2xx again; it reaches the caller, and the ACK the callee.
func TestLostAck(t *testing.T) {
	scenario(t, func(w *world) {
		w.net.Drop(2, func(p siptest.Packet) bool { return p.To == far && strings.HasPrefix(string(p.Bytes), "ACK ") })
		out, _ := w.established2(3 * time.Second)
		if n := w.count("1>2 200"); n != 3 {
			t.Errorf("%d 200s reached the caller, want 3", n)
		}
		out.Hangup()
	})
}

func (w *world) established2(within time.Duration) (out, in *siptest.Call) {
	alice, bob := w.caller(), w.callee()
	out = alice.Invite("sip:bob@10.0.0.1", home)
	in = bob.ExpectInvite(within)
	in.Respond(200)
	out.Established(within)
	in.ExpectAck(within)
	return out, in
}

func TestRetransmissions(t *testing.T) {
	for name, lost := range map[string]func(siptest.Packet) bool{
		"INVITE to us": func(p siptest.Packet) bool { return p.To == home && strings.HasPrefix(string(p.Bytes), "INVITE") },
		"INVITE below": func(p siptest.Packet) bool { return p.To == far && strings.HasPrefix(string(p.Bytes), "INVITE") },
		"200 to us":    func(p siptest.Packet) bool { return p.From == far && strings.HasPrefix(string(p.Bytes), "SIP/2.0 200") },
		"200 to caller": func(p siptest.Packet) bool {
			return p.From == home && strings.HasPrefix(string(p.Bytes), "SIP/2.0 200")
		},
		"BYE below": func(p siptest.Packet) bool { return p.To == far && strings.HasPrefix(string(p.Bytes), "BYE") },
		"100":       func(p siptest.Packet) bool { return strings.HasPrefix(string(p.Bytes), "SIP/2.0 100") },
	} {
		t.Run(name, func(t *testing.T) {
			scenario(t, func(w *world) {
				w.net.Drop(1, lost)
				out, in := w.established2(3 * time.Second)
				out.Hangup()
				in.Expect(siptest.Request("BYE"), 3*time.Second)
			})
		})
	}
}

// Two forks below answer: both 2xx reach the caller (16.7 step 5).
func TestForksBelow(t *testing.T) {
	scenario(t, func(w *world) {
		alice, bob := w.caller(siptest.Manual()), w.callee(siptest.Manual())
		out := alice.Invite("sip:bob@10.0.0.1", home)
		in := bob.ExpectInvite(time.Second)
		for _, tag := range []string{"one", "two"} {
			ok := bob.NewReply(in.Invite, 200)
			ok.Set("To", in.Invite.Get("To")+";tag="+tag)
			bob.Send(ok, home)
			if got := out.Expect(siptest.Status(200), time.Second); got.Tag("To") != tag {
				t.Errorf("got tag %q, want %q", got.Tag("To"), tag)
			}
		}
	})
}

func TestTimeout(t *testing.T) {
	scenario(t, func(w *world) {
		alice := w.caller()
		out := alice.Invite("sip:bob@10.0.0.1", home)
		out.Wait(siptest.Status(408), 33*time.Second)
		if n := w.count("1>3 INVITE"); n != 7 {
			t.Errorf("INVITE left %d times, want 7", n)
		}
	})
}

// Timer C (16.8): a callee that rings for ever is cancelled; one that does not even answer that
// is given up.
func TestTimerC(t *testing.T) {
	scenario(t, func(w *world) {
		alice, bob := w.caller(), w.callee(siptest.Manual())
		out := alice.Invite("sip:bob@10.0.0.1", home)
		in := bob.ExpectInvite(time.Second)
		in.Respond(180)
		time.Sleep(100 * time.Second)
		in.Respond(180) // begins anew
		time.Sleep(184 * time.Second)
		if w.count("1>3 CANCEL") != 0 {
			t.Error("cancelled too early")
		}
		in.Expect(siptest.Request("CANCEL"), 2*time.Second)
		out.Wait(siptest.Status(408), 33*time.Second)
	})
}

func TestCancelUnanswered(t *testing.T) {
	scenario(t, func(w *world) {
		alice, bob := w.caller(), w.callee(siptest.Manual())
		out := alice.Invite("sip:bob@10.0.0.1", home)
		bob.ExpectInvite(time.Second).Respond(180)
		out.Expect(siptest.Status(180), time.Second)
		out.Cancel()
		out.Wait(siptest.Status(487), 33*time.Second)
	})
}

// A late 2xx, after the client transaction, goes nowhere (RFC 6026 7.3).
func TestStray(t *testing.T) {
	scenario(t, func(w *world) {
		out, in := w.established()
		time.Sleep(40 * time.Second)
		late := in.UA.NewReply(in.Invite, 200)
		before := w.count("1>2 200")
		in.UA.Send(late, home)
		time.Sleep(time.Second)
		if w.count("1>2 200") != before {
			t.Error("a stray response was passed on")
		}
		out.Hangup()
		synctest.Wait()
	})
}
