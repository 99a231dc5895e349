package b2bua

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
)

func TestCallerCancels_RFC3261_9(t *testing.T) {
	scenario(t, connect, func(w *world) {
		caller, callee := w.phone("1050"), w.phone("1002")
		caller.dial("1002", caller.sdp("sendrecv"))
		invite := callee.expect("INVITE").(*sip.Request)
		callee.reply(invite, 180, "")
		caller.expect("180")
		caller.cancel()
		caller.expect("200")
		caller.expect("487")
		caller.ackFailure()
		cancel := callee.expect("CANCEL").(*sip.Request)
		callee.reply(cancel, 200, "")
		callee.reply(invite, 487, "")
		callee.expect("ACK")
		w.wantEvents("Delivered/2 ConnectionCleared/1:abandoned ConnectionCleared/2:abandoned CallCleared:abandoned")
	})
}

// CANCEL may not leave before a 1xx (RFC 3261 9.1).
func TestCallerCancelsBeforeProvisional(t *testing.T) {
	scenario(t, connect, func(w *world) {
		caller, callee := w.phone("1050"), w.phone("1002")
		caller.dial("1002", caller.sdp("sendrecv"))
		invite := callee.expect("INVITE").(*sip.Request)
		caller.cancel()
		caller.expect("200")
		caller.expect("487")
		caller.ackFailure()
		callee.quiet(100 * time.Millisecond)
		callee.reply(invite, 180, "")
		cancel := callee.expect("CANCEL").(*sip.Request)
		callee.reply(cancel, 200, "")
		callee.reply(invite, 487, "")
		callee.expect("ACK")
		w.wantEvents("ConnectionCleared/1:abandoned ConnectionCleared/2:abandoned CallCleared:abandoned")
	})
}

// The callee answers at every millisecond around the caller's CANCEL. Whoever
// wins, both phones end without a session.
func TestCancelAgainst200_everyMillisecond(t *testing.T) {
	for ms := -6; ms <= 6; ms++ {
		t.Run(fmt.Sprint(ms), func(t *testing.T) {
			scenario(t, connect, func(w *world) { cancelAgainst200(w, time.Duration(ms)*time.Millisecond) })
		})
	}
}

func cancelAgainst200(w *world, lead time.Duration) {
	caller, callee := w.phone("1050"), w.phone("1002")
	caller.dial("1002", caller.sdp("sendrecv"))
	invite := callee.expect("INVITE").(*sip.Request)
	callee.reply(invite, 180, "")
	caller.expect("180")
	time.Sleep(20 * time.Millisecond)
	callee.auto200, caller.auto200 = true, true
	time.AfterFunc(10*time.Millisecond+lead, func() { callee.reply(invite, 200, callee.sdp("sendrecv")) })
	// The caller follows RFC 3261: no CANCEL after a final response (9.1); a 200 to
	// INVITE is acknowledged and ended.
	cancel, answered, finals := time.After(10*time.Millisecond), false, 0
	for finals == 0 {
		select {
		case <-cancel:
			caller.cancel()
		case m := <-caller.in:
			res, ok := m.(*sip.Response)
			if !ok {
				w.t.Fatalf("caller got %s", kindOf(m))
			}
			caller.take(res)
			switch {
			case res.CSeq().MethodName == sip.CANCEL:
			case res.StatusCode == 487:
				caller.ackFailure()
				finals++
			case res.StatusCode == 200:
				answered = true
				caller.ack("")
				caller.request("BYE", "")
				finals++
			}
		}
	}
	var got []string
	for m := callee.next(time.Second); m != nil; m = callee.next(time.Second) {
		got = append(got, kindOf(m))
		if req, ok := m.(*sip.Request); ok && req.Method != sip.ACK {
			callee.reply(req, 200, "")
		}
	}
	seen := strings.Join(got, " ")
	if !strings.Contains(seen, "ACK") || !strings.HasSuffix(seen, "BYE") {
		w.t.Errorf("the callee's 200 must get ACK, then BYE; got %s (answered %v)", seen, answered)
	}
	for m := caller.next(time.Second); m != nil; m = caller.next(time.Second) {
		if kindOf(m) != "200" {
			w.t.Errorf("caller got %s", kindOf(m))
		}
	}
}

func (p *phone) take(res *sip.Response) {
	if c := res.Contact(); c != nil && res.StatusCode > 100 && res.StatusCode < 300 {
		p.target = c.Address.String()
	}
}

// A proxy behind the callee forked: the second 2xx gets ACK and BYE (RFC 3261
// 13.2.2.4), the first conversation goes on.
func TestSecondToTag(t *testing.T) {
	scenario(t, connect, func(w *world) {
		caller, callee := w.phone("1050"), w.phone("1002")
		caller.dial("1002", caller.sdp("sendrecv"))
		invite := callee.expect("INVITE").(*sip.Request)
		callee.replyTag(invite, 180, "a", "")
		callee.replyTag(invite, 200, "a", callee.sdp("sendrecv"))
		callee.expect("ACK")
		callee.replyTag(invite, 200, "b", callee.sdp("sendrecv"))
		ack := callee.expect("ACK").(*sip.Request)
		bye := callee.expect("BYE").(*sip.Request)
		for _, m := range []*sip.Request{ack, bye} {
			if tag, _ := m.To().Params.Get("tag"); tag != "b" {
				t.Errorf("%s to tag %s", m.Method, tag)
			}
		}
		callee.reply(bye, 200, "")
		callee.replyTag(invite, 200, "a", callee.sdp("sendrecv")) // the first ACK was lost
		callee.expect("ACK")
		callee.replyTag(invite, 200, "b", callee.sdp("sendrecv"))
		callee.expect("ACK")
		caller.expect("180")
		caller.expect("200")
		caller.ack("")
		caller.quiet(time.Second)
		caller.request("BYE", "")
		caller.expect("200")
		callee.reply(callee.expect("BYE").(*sip.Request), 200, "")
		w.wantEvents(callerBye)
	})
}

// Two phones of one station: the first to answer wins, the other is cancelled.
func TestForks(t *testing.T) {
	scenario(t, connect, func(w *world) {
		caller, a, b := w.phone("1050"), w.phone("1002"), w.phone("1003")
		caller.dial("1002,1003", caller.sdp("sendrecv"))
		ia, ib := a.expect("INVITE").(*sip.Request), b.expect("INVITE").(*sip.Request)
		a.reply(ia, 180, "")
		b.reply(ib, 180, "")
		caller.expect("180")
		b.reply(ib, 200, b.sdp("sendrecv"))
		b.expect("ACK")
		cancel := a.expect("CANCEL").(*sip.Request)
		if r := header(cancel, "Reason"); !strings.Contains(r, "cause=200") {
			t.Errorf("Reason: %q", r)
		}
		a.reply(cancel, 200, "")
		a.reply(ia, 487, "")
		a.expect("ACK")
		caller.expect("200")
		caller.ack("")
		caller.request("BYE", "")
		caller.expect("200")
		b.reply(b.expect("BYE").(*sip.Request), 200, "")
	})
}

// One phone busy does not end the ringing of the other; a 603 does.
func TestForksFail_RFC3261_16_7(t *testing.T) {
	scenario(t, connect, func(w *world) {
		caller, a, b := w.phone("1050"), w.phone("1002"), w.phone("1003")
		caller.dial("1002,1003", caller.sdp("sendrecv"))
		ia, ib := a.expect("INVITE").(*sip.Request), b.expect("INVITE").(*sip.Request)
		b.reply(ib, 180, "")
		caller.expect("180")
		a.reply(ia, 486, "")
		a.expect("ACK")
		caller.quietBut100(time.Second)
		b.reply(ib, 503, "")
		b.expect("ACK")
		caller.expect("486")
		caller.ackFailure()
	})
}

func (p *phone) quietBut100(d time.Duration) {
	p.w.t.Helper()
	end := time.Now().Add(d)
	for time.Now().Before(end) {
		if m := p.next(time.Until(end)); m != nil && kindOf(m) != "100" {
			p.w.t.Errorf("%s: unexpected %s", p.name, kindOf(m))
		}
	}
}

// The caller never acknowledges: after 64*T1 both sides get BYE.
func TestLostAck_RFC3261_13_3_1_4(t *testing.T) {
	scenario(t, connect, func(w *world) {
		caller, callee := w.phone("1050"), w.phone("1002")
		caller.dial("1002", caller.sdp("sendrecv"))
		callee.answer()
		start := time.Now()
		caller.expect("180")
		for m := caller.next(40 * time.Second); m != nil; m = caller.next(40 * time.Second) {
			if kindOf(m) == "BYE" {
				caller.reply(m.(*sip.Request), 200, "")
				break
			}
			if kindOf(m) != "200" {
				t.Fatalf("got %s", kindOf(m))
			}
		}
		if d := time.Since(start); d < 31*time.Second || d > 34*time.Second {
			t.Errorf("BYE after %v", d)
		}
		callee.reply(callee.expect("BYE").(*sip.Request), 200, "")
		w.wantEvents("Delivered/2 Answered/1 Established/2 ConnectionCleared/1:no_ack ConnectionCleared/2:no_ack CallCleared:no_ack")
	})
}

// The callee hangs up before the caller's ACK: the caller gets BYE only after it.
func TestNoByeBeforeAck_RFC3261_15(t *testing.T) {
	scenario(t, connect, func(w *world) {
		caller, callee := w.phone("1050"), w.phone("1002")
		caller.dial("1002", caller.sdp("sendrecv"))
		callee.answer()
		caller.expect("180")
		caller.expect("200")
		callee.cseq = 100
		callee.request("BYE", "")
		callee.expect("200")
		caller.expect("200") // repeated, as no ACK came
		caller.ack("")
		caller.reply(caller.expect("BYE").(*sip.Request), 200, "")
	})
}

func TestNoAnswer(t *testing.T) {
	scenario(t, connect, func(w *world) {
		caller, callee := w.phone("1050"), w.phone("1002")
		caller.dial("1002", caller.sdp("sendrecv"))
		invite := callee.expect("INVITE").(*sip.Request)
		callee.reply(invite, 180, "")
		caller.expect("180")
		time.Sleep(59 * time.Second)
		cancel := callee.expect("CANCEL").(*sip.Request)
		callee.reply(cancel, 200, "")
		callee.reply(invite, 487, "")
		callee.expect("ACK")
		caller.expect("480")
		caller.ackFailure()
		w.wantEvents("Delivered/2 ConnectionCleared/2:no_answer ConnectionCleared/1:no_answer CallCleared:no_answer")
	})
}

// Nothing comes back at all.
func TestDead(t *testing.T) {
	scenario(t, connect, func(w *world) {
		caller := w.phone("1050")
		caller.dial("1002", caller.sdp("sendrecv"))
		caller.expect("480")
		caller.ackFailure()
		w.wantEvents("ConnectionCleared/2:unreachable ConnectionCleared/1:unreachable CallCleared:unreachable")
	})
}

func TestJournalFails(t *testing.T) {
	scenario(t, connect, func(w *world) {
		w.commit = errors.New("disk")
		caller, callee := w.phone("1050"), w.phone("1002")
		caller.dial("1002", caller.sdp("sendrecv"))
		callee.answer()
		callee.reply(callee.expect("BYE").(*sip.Request), 200, "")
		caller.expect("180")
		if res := caller.expect("503").(*sip.Response); header(res, "Retry-After") == "" {
			t.Errorf("got\n%s", res)
		}
		caller.ackFailure()
	})
}
