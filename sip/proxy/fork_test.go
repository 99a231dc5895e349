package proxy

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lineaamica/la2/sip/siptest"
)

// phone is a user agent at 10.0.0.n.
func (w *world) phone(n int, o ...siptest.Option) *siptest.UA {
	return siptest.NewUA(w, w.net, w.at(n).String(), append(o, siptest.NoRTP())...)
}

func (w *world) at(n int) netip.AddrPort {
	return netip.MustParseAddrPort(fmt.Sprintf("10.0.0.%d:5080", n))
}

// groups makes a plan of phones by number.
func (w *world) groups(groups ...[]int) (p Plan) {
	for _, g := range groups {
		var list []Target
		for _, n := range g {
			list = append(list, Target{URI: fmt.Sprintf("sip:p%d@%v", n, w.at(n)), Flow: w.flow(w.at(n))})
		}
		p.Groups = append(p.Groups, list)
	}
	return p
}

func (w *world) call(a *siptest.UA, f ...siptest.Field) *siptest.Call {
	return a.Invite("sip:group@10.0.0.1", home, f...)
}

// final waits for the final response of a call.
func final(c *siptest.Call, within time.Duration) *siptest.Message {
	return c.Wait(siptest.Final("INVITE"), within)
}

// The first phone that answers has the call; the others are cancelled, and their 487 stay here.
func TestForkFirstAnswers_RFC3261_16_7(t *testing.T) {
	scenario(t, func(w *world) {
		w.plan = w.groups([]int{3, 4, 5})
		alice, a, b, c := w.caller(), w.phone(3), w.phone(4), w.phone(5)
		out := w.call(alice)
		first, second, third := a.ExpectInvite(time.Second), b.ExpectInvite(time.Second), c.ExpectInvite(time.Second)
		for _, in := range []*siptest.Call{first, second, third} {
			in.Respond(180)
			out.Expect(siptest.Status(180), time.Second)
		}
		second.Respond(200)
		out.Established(time.Second)
		second.ExpectAck(time.Second)
		for _, in := range []*siptest.Call{first, third} {
			in.Expect(siptest.Request("CANCEL"), time.Second)
			in.ExpectAck(time.Second) // of its 487
		}
		out.Hangup()
		second.Expect(siptest.Request("BYE"), time.Second)
		if n := w.count("1>2 487"); n != 0 {
			t.Errorf("%d times 487 after the answer", n)
		}
	})
}

// Two phones answer in the same moment: the caller gets both 2xx, ACKs both and ends one (13.2.2.4).
func TestForkBothAnswer_RFC3261_16_7(t *testing.T) {
	scenario(t, func(w *world) {
		w.plan = w.groups([]int{3, 4})
		alice, a, b := w.caller(siptest.Manual()), w.phone(3, siptest.Manual()), w.phone(4, siptest.Manual())
		out := w.call(alice)
		one, two := a.ExpectInvite(time.Second), b.ExpectInvite(time.Second)
		one.Respond(200)
		two.Respond(200)
		tags := map[string]bool{}
		for range 2 {
			tags[out.Wait(siptest.Status(200), time.Second).Tag("To")] = true
		}
		if len(tags) != 2 {
			t.Errorf("answers of %d phones, want 2", len(tags))
		}
		if n := w.count("1>3 CANCEL") + w.count("1>4 CANCEL"); n != 0 {
			t.Errorf("%d CANCEL for phones that had answered", n)
		}
	})
}

// What the caller hears when all refuse: the matrix of 16.7 step 6.
func TestForkRefused_RFC3261_16_7(t *testing.T) {
	for _, tt := range []struct{ a, b, want int }{
		{486, 486, 486}, {486, 603, 603}, {603, 486, 603}, {404, 302, 302}, {503, 486, 486}, {503, 503, 500},
		{500, 503, 500}, {480, 401, 401}, {488, 415, 415}, {600, 200, 200},
	} {
		t.Run(fmt.Sprint(tt.a, tt.b), func(t *testing.T) {
			scenario(t, func(w *world) {
				w.plan = w.groups([]int{3, 4})
				alice, a, b := w.caller(), w.phone(3), w.phone(4, siptest.Manual())
				out := w.call(alice)
				one, two := a.ExpectInvite(time.Second), b.ExpectInvite(time.Second)
				two.Respond(180)
				one.Respond(tt.a)
				time.Sleep(100 * time.Millisecond)
				if n := w.count(fmt.Sprintf("1>2 %d", tt.a)); n != 0 {
					t.Error("the first refusal was passed on while another phone rang")
				}
				if want := tt.a >= 600; (w.count("1>4 CANCEL") > 0) != want {
					t.Errorf("other phone cancelled: %v, want %v", !want, want)
				}
				two.Respond(tt.b)
				if got := final(out, time.Second); got.Status != tt.want {
					t.Errorf("got %v, want %d", got, tt.want)
				}
				if tt.want == 200 { // it is on the phone that was being cancelled
					out.Bye()
					b.Reply(two.Wait(siptest.Request("BYE"), time.Second), 200)
				}
			})
		})
	}
}

// Challenges of all branches reach the caller in one response (16.7 step 7).
func TestForkChallenges_RFC3261_16_7(t *testing.T) {
	scenario(t, func(w *world) {
		w.plan = w.groups([]int{3, 4, 5})
		alice, a, b, c := w.caller(), w.phone(3), w.phone(4), w.phone(5)
		out := w.call(alice)
		a.ExpectInvite(time.Second).Respond(407, siptest.With("Proxy-Authenticate", `Digest realm="one", nonce="1"`))
		b.ExpectInvite(time.Second).Respond(401, siptest.With("WWW-Authenticate", `Digest realm="two", nonce="2"`))
		c.ExpectInvite(time.Second).Respond(486)
		got := final(out, time.Second)
		if got.Status != 407 || !slices.Equal(got.All("Proxy-Authenticate"), []string{`Digest realm="one", nonce="1"`}) ||
			!slices.Equal(got.All("WWW-Authenticate"), []string{`Digest realm="two", nonce="2"`}) {
			t.Errorf("got\n%s", got.Bytes())
		}
	})
}

// Groups in order: the next one when all of the first refused.
func TestForkSerial(t *testing.T) {
	scenario(t, func(w *world) {
		w.plan = w.groups([]int{3, 4}, []int{5})
		alice, a, b, c := w.caller(), w.phone(3), w.phone(4), w.phone(5)
		out := w.call(alice)
		a.ExpectInvite(time.Second).Respond(486)
		one := b.ExpectInvite(time.Second)
		time.Sleep(time.Second)
		if w.count("1>5 INVITE") != 0 {
			t.Error("the second group was tried while the first one rang")
		}
		one.Respond(480)
		in := c.ExpectInvite(time.Second)
		in.Respond(200)
		out.Established(time.Second)
		in.ExpectAck(time.Second)
		out.Hangup()
	})
}

// A group that rings for too long is cancelled, and the next one gets its turn. A 2xx that crosses
// the CANCEL still has the call.
func TestForkRingTime(t *testing.T) {
	for name, cross := range map[string]bool{"cancelled": false, "answered meanwhile": true} {
		t.Run(name, func(t *testing.T) {
			scenario(t, func(w *world) {
				w.plan = w.groups([]int{3}, []int{4})
				w.plan.Ring = 10 * time.Second
				alice, a, b := w.caller(), w.phone(3, siptest.Manual()), w.phone(4)
				out := w.call(alice)
				one := a.ExpectInvite(time.Second)
				one.Respond(180)
				time.Sleep(9 * time.Second)
				if w.count("1>3 CANCEL") != 0 {
					t.Error("cancelled too early")
				}
				two := b.ExpectInvite(2 * time.Second)
				two.Respond(180)
				cancel := one.Expect(siptest.Request("CANCEL"), time.Second)
				if cross {
					one.Respond(200)
					a.Reply(cancel, 200)
					out.Established(time.Second)
					two.Expect(siptest.Request("CANCEL"), time.Second)
					out.Bye()
					a.Reply(one.Wait(siptest.Request("BYE"), time.Second), 200)
					return
				}
				a.Reply(cancel, 200)
				one.Respond(487)
				two.Respond(200)
				out.Established(time.Second)
				out.Hangup()
			})
		})
	}
}

// Servers of one domain: one that is dead, one that says 503, then one that works, within 4 s
// (RFC 3263 4.3). A refusal is the answer of the domain.
func TestFailover_RFC3263_4_3(t *testing.T) {
	scenario(t, func(w *world) {
		w.plan = w.groups([]int{3}, []int{4}, []int{5}, []int{6})
		w.plan.Failover = true
		alice, b, c := w.caller(), w.phone(4), w.phone(5)
		w.phone(6)
		start := time.Now()
		out := w.call(alice)
		b.ExpectInvite(4 * time.Second).Respond(503)
		in := c.ExpectInvite(time.Second)
		if d := time.Since(start); d > 4*time.Second {
			t.Errorf("the third server got the call after %v", d)
		}
		in.Respond(486)
		if got := final(out, time.Second); got.Status != 486 || w.count("1>6 INVITE") != 0 {
			t.Errorf("got %v; the last server was asked %d times", got, w.count("1>6 INVITE"))
		}
	})
}

// CANCEL of the caller ends all branches and all plans; 487 when the last one is through.
func TestForkCancel_RFC3261_16_10(t *testing.T) {
	scenario(t, func(w *world) {
		w.plan = w.groups([]int{3, 4}, []int{5})
		w.plan.Ring = 20 * time.Second
		alice, a, b := w.caller(), w.phone(3), w.phone(4)
		w.phone(5)
		out := w.call(alice)
		a.ExpectInvite(time.Second).Respond(180)
		out.Expect(siptest.Status(180), time.Second)
		b.ExpectInvite(time.Second).Respond(486)
		out.Cancel(siptest.With("Reason", "SIP;cause=200"))
		if got := final(out, time.Second); got.Status != 486 && got.Status != 487 {
			t.Errorf("got %v", got)
		}
		time.Sleep(30 * time.Second)
		if w.count("1>5 INVITE") != 0 || w.count("1>3 CANCEL") != 1 || w.count("1>4 CANCEL") != 0 {
			t.Error("second group was tried, or CANCEL went astray")
		}
	})
}

// All silent: 408 after timer B; all unreachable: 500.
func TestForkDead(t *testing.T) {
	scenario(t, func(w *world) {
		w.plan = w.groups([]int{3, 4})
		out := w.call(w.caller())
		if got := final(out, 33*time.Second); got.Status != 408 {
			t.Errorf("got %v", got)
		}
	})
}

// Timer C runs for each branch (16.8).
func TestForkTimerC_RFC3261_16_8(t *testing.T) {
	scenario(t, func(w *world) {
		w.plan = w.groups([]int{3, 4})
		alice, a, b := w.caller(), w.phone(3), w.phone(4)
		out := w.call(alice)
		one := a.ExpectInvite(time.Second)
		one.Respond(180)
		b.ExpectInvite(time.Second).Respond(180)
		time.Sleep(100 * time.Second)
		one.Respond(180)
		time.Sleep(100 * time.Second)
		if w.count("1>3 CANCEL") != 0 || w.count("1>4 CANCEL") != 1 {
			t.Error("timer C is not one of each branch")
		}
		final(out, 100*time.Second)
	})
}

// Max-Breadth is split over the branches, and 440 ends what is too broad (RFC 5393 5.3).
func TestMaxBreadth_RFC5393_5_3(t *testing.T) {
	for _, tt := range []struct {
		value string
		want  []string
	}{
		{"", []string{"20", "20", "20"}}, {"7", []string{"3", "2", "2"}}, {"3", []string{"1", "1", "1"}}, {"2", nil}, {"0", nil}, {"x", nil},
	} {
		t.Run("of "+tt.value, func(t *testing.T) {
			scenario(t, func(w *world) {
				w.plan = w.groups([]int{3, 4, 5})
				phones := []*siptest.UA{w.phone(3), w.phone(4), w.phone(5)}
				var f []siptest.Field
				if tt.value != "" {
					f = append(f, siptest.With("Max-Breadth", tt.value))
				}
				out := w.call(w.caller(), f...)
				if tt.want == nil {
					if got := final(out, time.Second); got.Status != 440 || w.count("1>3 INVITE") != 0 {
						t.Errorf("got %v", got)
					}
					return
				}
				for i, p := range phones {
					in := p.ExpectInvite(time.Second)
					if got := in.Invite.All("Max-Breadth"); !slices.Equal(got, tt.want[i:i+1]) {
						t.Errorf("phone %d got %q, want %q", i, got, tt.want[i])
					}
					in.Respond(486)
				}
				final(out, time.Second)
			})
		})
	}
}

// One target gets the whole breadth; a request in a dialog has none.
func TestMaxBreadthAlone(t *testing.T) {
	scenario(t, func(w *world) {
		out, in := w.established()
		if got := in.Invite.Get("Max-Breadth"); got != "60" {
			t.Errorf("Max-Breadth %q, want 60", got)
		}
		out.Send("INFO")
		if got := in.Expect(siptest.Request("INFO"), time.Second).Get("Max-Breadth"); got != "" {
			t.Errorf("Max-Breadth %q in the dialog", got)
		}
		out.Hangup()
	})
}

// Another request than INVITE forks as well: one answer goes back, 1xx and 408 never do (RFC 4320 4).
func TestForkMessage_RFC4320_4(t *testing.T) {
	scenario(t, func(w *world) {
		w.plan = w.groups([]int{3, 4})
		alice, a, b := w.caller(), w.phone(3, siptest.Manual()), w.phone(4, siptest.Manual())
		res := make(chan *siptest.Message, 1)
		go func() { res <- alice.Request("MESSAGE", "sip:group@10.0.0.1", home) }() // ends with its answer
		one, two := a.ExpectRequest("MESSAGE", time.Second), b.ExpectRequest("MESSAGE", time.Second)
		a.Reply(one, 183)
		a.Reply(one, 408)
		b.Reply(two, 200)
		if got := <-res; got.Status != 200 {
			t.Errorf("got %v", got)
		}
		if w.count("1>2 183")+w.count("1>2 408")+w.count("1>3 CANCEL") != 0 {
			t.Error("a 183, a 408 or a CANCEL for MESSAGE")
		}
	})
}

// A redirection is passed on, or followed where policy says so.
func TestRedirect_RFC3261_16_7(t *testing.T) {
	for name, follow := range map[string]bool{"passed on": false, "followed": true} {
		t.Run(name, func(t *testing.T) {
			scenario(t, func(w *world) {
				w.plan = w.groups([]int{3})
				if follow {
					w.plan.Redirect = func(uri []byte) (Target, bool) {
						return Target{URI: string(uri), Flow: w.flow(w.at(4))}, strings.HasPrefix(string(uri), "sip:p4@")
					}
				}
				alice, a, b := w.caller(), w.phone(3), w.phone(4)
				out := w.call(alice)
				a.ExpectInvite(time.Second).Respond(302, siptest.With("Contact", `"x, <y>" <sip:thief@10.0.0.9>;q=1, <sip:p4@10.0.0.4:5080>;q=0.5`))
				if !follow {
					if got := final(out, time.Second); got.Status != 302 {
						t.Errorf("got %v", got)
					}
					return
				}
				in := b.ExpectInvite(time.Second)
				if in.Invite.URI != "sip:p4@10.0.0.4:5080" {
					t.Errorf("Request-URI %s", in.Invite.URI)
				}
				in.Respond(200)
				out.Established(time.Second)
				out.Hangup()
				if w.count("1>2 302") != 0 {
					t.Error("302 was passed on as well")
				}
			})
		})
	}
}

// Path values lead; what the caller put in Route does not.
func TestPath_RFC3327_5_5(t *testing.T) {
	scenario(t, func(w *world) {
		w.plan = w.groups([]int{3})
		w.plan.Groups[0][0].Routes = []string{"<sip:10.0.0.3:5080;lr>", "<sip:edge.example;lr>"}
		a := w.phone(3)
		out := w.call(w.caller(), siptest.With("Route", "<sip:10.0.0.1;lr>, <sip:10.0.0.9;lr>"))
		in := a.ExpectInvite(time.Second)
		if got := in.Invite.All("Route"); !slices.Equal(got, []string{"<sip:10.0.0.3:5080;lr>, <sip:edge.example;lr>"}) {
			t.Errorf("Route %q", got)
		}
		in.Respond(486)
		final(out, time.Second)
	})
}
