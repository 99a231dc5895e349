package proxy

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/lineaamica/la2/sip/siptest"
)

// chain is a scenario of RFC 3665 3: Alice, proxy 1 at 10.0.0.1, proxy 2 at 10.0.0.7, Bob.
func chain(t *testing.T, f func(w *world, alice, bob *siptest.UA)) {
	t.Helper()
	scenario(t, func(w *world) {
		second := &world{T: w.T, net: w.net, self: netip.MustParseAddrPort("10.0.0.7:5060")}
		defer second.open()()
		w.plan = Plan{Groups: [][]Target{{{URI: "sip:bob@10.0.0.7", Flow: w.flow(second.self)}}}}
		f(w, w.caller(), w.callee())
		time.Sleep(80 * time.Second)
		second.clean()
	})
}

// A session through two proxies, with a re-INVITE of the callee (RFC 3665 3.2, 3.7).
func TestTwoProxies_RFC3665_3_2(t *testing.T) {
	chain(t, func(w *world, alice, bob *siptest.UA) {
		out := w.call(alice)
		in := bob.ExpectInvite(time.Second)
		inv := in.Invite
		rr := inv.All("Record-Route")
		if len(inv.List("Via")) != 3 || inv.Get("Max-Forwards") != "68" || len(rr) != 2 || !strings.HasPrefix(rr[0], "<sip:10.0.0.7:5060;lr") ||
			!strings.HasPrefix(rr[1], "<sip:10.0.0.1:5060;lr") {
			t.Errorf("INVITE arrived as\n%s", inv.Bytes())
		}
		in.Respond(180)
		out.Expect(siptest.Status(180), time.Second)
		in.Respond(200)
		out.Established(time.Second)
		in.ExpectAck(time.Second)
		in.Hold()
		out.Wait(siptest.Request("INVITE"), time.Second)
		out.Hangup()
		if bye := in.Wait(siptest.Request("BYE"), time.Second); bye.Get("Route") != "" || len(bye.List("Via")) != 3 {
			t.Errorf("BYE arrived as\n%s", bye.Bytes())
		}
		if w.count("2>3 BYE")+w.count("2>3 ACK") != 0 {
			t.Error("a request in the dialog went past the proxies")
		}
	})
}

// The offer comes in the 200 and the answer in the ACK, through both (RFC 3665 3.6).
func TestLateOfferThrough_RFC3665_3_6(t *testing.T) {
	chain(t, func(w *world, alice, bob *siptest.UA) {
		out := w.call(w.phone(4, siptest.Manual()), siptest.WithoutSDP())
		in := bob.ExpectInvite(time.Second)
		in.Respond(200)
		out.Ack(out.Wait(siptest.Status(200), time.Second), siptest.WithBody("application/sdp", "v=0"))
		if ack := in.ExpectAck(time.Second); string(ack.Body) != "v=0" {
			t.Errorf("ACK arrived as\n%s", ack.Bytes())
		}
	})
}

// No answer and CANCEL (3.8), busy (3.9), no response (3.10), not available (3.11).
func TestUnsuccessful_RFC3665_3(t *testing.T) {
	t.Run("3.8 no answer", func(t *testing.T) {
		chain(t, func(w *world, alice, bob *siptest.UA) {
			out := w.call(alice)
			in := bob.ExpectInvite(time.Second)
			in.Respond(180)
			out.Expect(siptest.Status(180), time.Second)
			out.Cancel()
			in.Expect(siptest.Request("CANCEL"), time.Second)
			if got := final(out, time.Second); got.Status != 487 {
				t.Errorf("got %v", got)
			}
		})
	})
	for name, status := range map[string]int{"3.9 busy": 486, "3.11 not available": 480} {
		t.Run(name, func(t *testing.T) {
			chain(t, func(w *world, alice, bob *siptest.UA) {
				out := w.call(alice)
				bob.ExpectInvite(time.Second).Respond(status)
				if got := final(out, time.Second); got.Status != status {
					t.Errorf("got %v", got)
				}
				time.Sleep(100 * time.Millisecond)
				for _, hop := range []string{"2>1 ACK", "1>7 ACK", "7>3 ACK"} {
					if w.count(hop) != 1 {
						t.Errorf("%d times %s: each hop acknowledges a refusal itself", w.count(hop), hop)
					}
				}
			})
		})
	}
	t.Run("3.10 no response", func(t *testing.T) {
		scenario(t, func(w *world) {
			out := w.caller().Invite("sip:bob@10.0.0.1", home) // nobody is there
			if got := final(out, 33*time.Second); got.Status != 408 {
				t.Errorf("got %v", got)
			}
		})
	})
}

// Reliable 1xx, UPDATE, INFO, NOTIFY, REFER, MESSAGE and SUBSCRIBE pass as they are, extensions and all.
func TestTransparent(t *testing.T) {
	chain(t, func(w *world, alice, bob *siptest.UA) {
		out := w.call(alice, siptest.With("Supported", "100rel, replaces, x-new"), siptest.With("Require", "x-new"))
		in := bob.ExpectInvite(time.Second)
		if in.Invite.Get("Require") != "x-new" || in.Invite.Get("Supported") != "100rel, replaces, x-new" {
			t.Errorf("INVITE arrived as\n%s", in.Invite.Bytes())
		}
		in.Respond(183, siptest.With("Require", "100rel"), siptest.With("RSeq", "7"))
		if got := out.Expect(siptest.Status(183), time.Second); got.Get("RSeq") != "7" || got.Get("Require") != "100rel" {
			t.Errorf("183 arrived as\n%s", got.Bytes())
		}
		out.Send("PRACK", siptest.With("RAck", "7 1 INVITE"))
		if got := in.Wait(siptest.Request("PRACK"), time.Second); got.Get("RAck") != "7 1 INVITE" {
			t.Errorf("PRACK arrived as\n%s", got.Bytes())
		}
		in.Respond(200)
		out.Established(time.Second)
		in.ExpectAck(time.Second)
		for i, method := range []string{"UPDATE", "INFO", "NOTIFY", "REFER", "MESSAGE", "SUBSCRIBE", "X-NEW"} {
			m := out.NewRequest(method)
			m.Set("Via", fmt.Sprintf("SIP/2.0/UDP 10.0.0.2:5060;branch=z9hG4bKt%d", i))
			m.Set("X-Own", method)
			out.UA.Send(m, home)
			if got := in.Wait(siptest.Request(method), time.Second); got.Get("X-Own") != method {
				t.Errorf("%s arrived as\n%s", method, got.Bytes())
			}
		}
		out.Hangup()
	})
}

// A request may come back on another way (a spiral): both passes are forwarded, the third that
// would go as one of them did is a loop.
func TestSpiral(t *testing.T) {
	scenario(t, func(w *world) {
		w.plan = Plan{Groups: [][]Target{{{URI: "sip:bob@10.0.0.1", Flow: w.flow(home)}}}}
		out := w.call(w.caller())
		bob := w.callee()
		in := bob.ExpectInvite(time.Second)
		if n := len(in.Invite.List("Via")); n != 3 {
			t.Errorf("%d Via values, want 3", n)
		}
		in.Respond(200)
		out.Established(time.Second)
		in.ExpectAck(time.Second)
		out.Hangup()
		in.Wait(siptest.Request("BYE"), time.Second)
	})
}
