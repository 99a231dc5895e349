package b2bua

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/cti"
)

func TestReliable_RFC3262_3(t *testing.T) {
	tests := []struct {
		name string
		in   relState
		ev   relEvent
		want relState
		act  relAction
	}{
		{"the first 1xx is sent", relQuiet, relSend, relUnacked, relDo},
		{"with SDP", relQuiet, relSendSDP, relUnackedSDP, relDo},
		{"the second waits for the PRACK of the first", relUnacked, relSend, relUnacked, relDefer},
		{"with SDP, too", relUnacked, relSendSDP, relUnacked, relDefer},
		{"it is repeated until its PRACK", relUnackedSDP, relTimer, relUnackedSDP, relAgain},
		{"PRACK", relUnacked, relPrack, relQuiet, relRelease},
		{"no PRACK for 64*T1: 5xx", relUnackedSDP, relExpire, relOver, relFail},
		{"a 2xx overtakes a 1xx without SDP", relUnacked, relAccept, relOver, relDo},
		{"but not one with SDP", relUnackedSDP, relAccept, relUnackedSDP, relDefer},
		{"a refusal overtakes anything", relUnackedSDP, relRefuse, relOver, relDo},
		{"a PRACK after the final response is answered", relOver, relPrack, relOver, relRelease},
		{"a PRACK for nothing", relQuiet, relPrack, relQuiet, relNothing},
		{"repetitions end with the final response", relOver, relTimer, relOver, relNothing},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, act := tt.in.next(tt.ev)
			if got != tt.want || act != tt.act {
				t.Errorf("got %d, %d; want %d, %d", got, act, tt.want, tt.act)
			}
		})
	}
}

// Every event in every state: what is over stays so, one response is outstanding at
// a time, a 2xx never passes one with SDP, and nothing is kept with nobody to
// release it.
func TestReliable_exhaustive(t *testing.T) {
	for s := relQuiet; s <= relOver; s++ {
		for e := relSend; e <= relRefuse; e++ {
			next, act := s.next(e)
			if s == relOver && next != relOver {
				t.Errorf("over + %d: to %d", e, next)
			}
			if act == relDefer && (next != relUnacked && next != relUnackedSDP) {
				t.Errorf("%d + %d: kept in state %d", s, e, next)
			}
			if (s == relUnacked || s == relUnackedSDP) && (e == relSend || e == relSendSDP) && act == relDo {
				t.Errorf("%d + %d: a second one outstanding", s, e)
			}
			if s == relUnackedSDP && e == relAccept && act != relDefer {
				t.Errorf("2xx before the PRACK of SDP: %d", act)
			}
		}
	}
}

func TestRAck_RFC3262_7_2(t *testing.T) {
	r := &reliability{rseq: 7, owed: true}
	for rack, want := range map[string]bool{
		"7 1 INVITE": true, " 7  1\tINVITE ": true, "8 1 INVITE": false, "7 2 INVITE": false, "7 1 UPDATE": false, "7 1": false, "": false, "7 1 INVITE x": false,
	} {
		if got := r.matches(rack, 1); got != want {
			t.Errorf("%q: got %t", rack, got)
		}
	}
	r.owed = false
	if r.matches("7 1 INVITE", 1) {
		t.Error("acknowledged twice")
	}
}

func TestInOrder_RFC3262_4(t *testing.T) {
	for _, tt := range []struct {
		last, got uint32
		want      bool
	}{{0, 1, true}, {0, 4000, true}, {5, 6, true}, {5, 5, false}, {5, 7, false}, {5, 4, false}, {5, 0, false}, {0, 0, false}} {
		if got := inOrder(tt.last, tt.got); got != tt.want {
			t.Errorf("%d after %d: %t", tt.got, tt.last, got)
		}
	}
}

// prack acknowledges the reliable response res.
func (p *phone) prack(res sip.Message, body string) {
	p.request("PRACK", body, "RAck: "+header(res.(*sip.Response), "RSeq")+" 1 INVITE")
}

// A caller that requires 100rel: 180 is repeated until its PRACK, which loss keeps
// back; a wrong RAck is 481; the second provisional waits, the 200 does not.
func TestPrackAsUAS_RFC3262_3(t *testing.T) {
	var ring chan int // made in the bubble
	script := func(ctx context.Context, c *Call) cti.Cause {
		for status := range ring {
			if status == 200 {
				_ = c.Answer(ctx)
				break
			}
			_ = c.Ring(ctx, status)
		}
		<-ctx.Done()
		return cti.CauseNormal
	}
	scenario(t, script, func(w *world) {
		ring = make(chan int)
		caller := w.phone("1050")
		caller.dial("803001", caller.sdp("sendrecv"), "Require: 100rel")
		ring <- 180
		start := time.Now()
		first := caller.expect("180")
		if !names(first, "Require", "100rel") || header(first.(*sip.Response), "RSeq") == "" {
			t.Fatalf("not reliable:\n%s", first)
		}
		ring <- 182
		for _, after := range []time.Duration{500 * time.Millisecond, 1500 * time.Millisecond, 3500 * time.Millisecond} {
			again := caller.expect2("180", 5*time.Second)
			if got := time.Since(start).Round(10 * time.Millisecond); got != after {
				t.Errorf("repeated after %v, want %v", got, after)
			}
			if a, b := header(again.(*sip.Response), "RSeq"), header(first.(*sip.Response), "RSeq"); a != b {
				t.Errorf("RSeq %s, then %s", b, a)
			}
		}
		caller.request("PRACK", "", "RAck: 1 1 INVITE")
		caller.expect("481")
		caller.prack(first, "")
		caller.expect("200")
		second := caller.expect("182") // had to wait
		if a, b := rseq(t, second), rseq(t, first); a != b+1 {
			t.Errorf("RSeq %d after %d", a, b)
		}
		ring <- 200
		ok := caller.expect("200").(*sip.Response)
		if len(ok.Body()) == 0 {
			t.Error("the answer is missing")
		}
		caller.prack(second, "") // late, but answered (RFC 3262 3)
		caller.expect("200")
		caller.quiet(100 * time.Millisecond)
		caller.cseqOfAck(1)
		caller.request("BYE", "")
		caller.expect("200")
	})
}

func rseq(t *testing.T, m sip.Message) int {
	t.Helper()
	n, err := strconv.Atoi(header(m.(*sip.Response), "RSeq"))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// cseqOfAck acknowledges the 2xx of the INVITE with that CSeq.
func (p *phone) cseqOfAck(cseq uint32) {
	p.branch++
	p.write("ACK", cseq, p.branch, "")
}

// No PRACK for 64*T1: the INVITE is refused with 5xx (RFC 3262 3).
func TestPrackNever_RFC3262_3(t *testing.T) {
	script := func(ctx context.Context, c *Call) cti.Cause {
		_ = c.Ring(ctx, 180)
		<-ctx.Done()
		return cti.CauseNormal
	}
	scenario(t, script, func(w *world) {
		caller := w.phone("1050")
		caller.dial("803001", caller.sdp("sendrecv"), "Require: 100rel")
		start, n := time.Now(), 0
		for m := caller.expectAny(); ; m = caller.expectAny() {
			if kindOf(m) == "504" {
				break
			}
			n++
		}
		if d := time.Since(start).Round(time.Second); d != 32*time.Second || n != 7 {
			t.Errorf("refused after %v and %d copies, want 32s and 7", d, n)
		}
		caller.ackFailure()
		w.wantEvents("ConnectionCleared/1:no_ack CallCleared:no_ack")
	})
}

// Late offer with 100rel: the reliable 180 offers, its PRACK answers, the 200 waits
// for that and says nothing more (RFC 3262 5; RFC 6337 pattern 4).
func TestPrackLateOffer_RFC3262_5(t *testing.T) {
	script := func(ctx context.Context, c *Call) cti.Cause {
		_ = c.Ring(ctx, 180)
		_ = c.Answer(ctx)
		<-ctx.Done()
		return cti.CauseNormal
	}
	scenario(t, script, func(w *world) {
		caller := w.phone("1050")
		caller.dial("803001", "", "Require: 100rel")
		ringing := caller.expect("180")
		if !strings.Contains(string(ringing.Body()), "m=audio 20002 RTP/AVP 8 0 101") {
			t.Errorf("the 180 offers\n%s", ringing.Body())
		}
		caller.expect2("180", time.Second) // the 200 waits
		caller.request("UPDATE", caller.sdp("sendrecv"))
		caller.expect("491") // our offer is outstanding (RFC 3311 5.2)
		caller.prack(ringing, caller.sdp("sendrecv"))
		caller.expect("200")
		ok := caller.expect("200").(*sip.Response)
		if len(ok.Body()) != 0 || ok.CSeq().MethodName != sip.INVITE {
			t.Errorf("want a 200 to INVITE without SDP:\n%s", ok)
		}
		caller.cseqOfAck(1)
		time.Sleep(10 * time.Millisecond)
		if far := w.media.remote(1); far.Addr.String() != "10.0.0.50:4000" || !far.Send {
			t.Errorf("the caller is sent audio at %+v", far)
		}
		caller.request("BYE", "")
		caller.expect("200")
	})
}

// CANCEL while the 200 waits for the PRACK: 487 and nothing else.
func TestCancelWhilePledged(t *testing.T) {
	script := func(ctx context.Context, c *Call) cti.Cause {
		_ = c.Ring(ctx, 180)
		_ = c.Answer(ctx)
		return cti.CauseNormal
	}
	scenario(t, script, func(w *world) {
		caller := w.phone("1050")
		caller.dial("803001", "", "Require: 100rel")
		ringing := caller.expect("180")
		caller.cancel()
		caller.expect("200")
		caller.expect("487")
		caller.ackFailure()
		caller.prack(ringing, caller.sdp("sendrecv"))
		caller.expect("481")
		caller.quiet(40 * time.Second)
	})
}

// Provisional responses are not reliable for who only could, unless configured so.
func TestPrackByConfig(t *testing.T) {
	for _, on := range []bool{false, true} {
		cfg := Config{Reliable: on}
		req := sip.NewRequest(sip.INVITE, sip.Uri{Host: "x"})
		req.AppendHeader(sip.NewHeader("Supported", "timer, 100rel"))
		if got := cfg.reliably(req); got != on {
			t.Errorf("Supported with %t: %t", on, got)
		}
		req.AppendHeader(sip.NewHeader("Require", "100rel"))
		if !cfg.reliably(req) {
			t.Errorf("Require with %t: no", on)
		}
		if cfg.reliably(sip.NewRequest(sip.INVITE, sip.Uri{Host: "x"})) {
			t.Errorf("nothing with %t: yes", on)
		}
	}
}

// A callee that rings reliably: each 1xx gets one PRACK in its early dialog, in
// order; what is repeated or out of order gets none. The BYE counts on from there.
func TestPrackAsUAC_RFC3262_4(t *testing.T) {
	scenario(t, connect, func(w *world) {
		caller, callee := w.phone("1050"), w.phone("1002")
		caller.dial("1002", caller.sdp("sendrecv"))
		invite := callee.expect("INVITE").(*sip.Request)
		if names(invite, "Supported", "100rel") {
			t.Error("100rel is offered to who was not configured for it")
		}
		send := func(tag, n string, status int) {
			callee.replyTag(invite, status, tag, "", "Require: 100rel", "RSeq: "+n)
		}
		send("a", "10", 180)
		m := callee.expect("PRACK").(*sip.Request)
		if got := header(m, "RAck"); got != "10 1 INVITE" || m.CSeq().SeqNo != 2 {
			t.Errorf("RAck %q, CSeq %d", got, m.CSeq().SeqNo)
		}
		callee.reply(m, 200, "")
		send("a", "10", 180) // again
		send("a", "12", 183) // 11 is missing
		callee.quiet(time.Second)
		send("a", "11", 183)
		m = callee.expect("PRACK").(*sip.Request)
		if got := header(m, "RAck"); got != "11 1 INVITE" || m.CSeq().SeqNo != 3 {
			t.Errorf("RAck %q, CSeq %d", got, m.CSeq().SeqNo)
		}
		callee.reply(m, 200, "")
		send("b", "500", 180) // another fork counts for itself
		m = callee.expect("PRACK").(*sip.Request)
		if got := header(m, "RAck"); got != "500 1 INVITE" || m.CSeq().SeqNo != 2 {
			t.Errorf("RAck %q, CSeq %d", got, m.CSeq().SeqNo)
		}
		callee.reply(m, 200, "")
		callee.replyTag(invite, 200, "a", callee.sdp("sendrecv"))
		callee.expect("ACK")
		caller.expect("180")
		caller.expect("200")
		caller.ack("")
		caller.request("BYE", "")
		caller.expect("200")
		bye := callee.expect("BYE").(*sip.Request)
		if bye.CSeq().SeqNo != 4 {
			t.Errorf("BYE with CSeq %d after PRACK 3", bye.CSeq().SeqNo)
		}
		callee.reply(bye, 200, "")
	})
}

// The PRACK is lost twice; the callee repeats its 183 meanwhile. One PRACK
// transaction goes through.
func TestPrackLost(t *testing.T) {
	scenario(t, connect, func(w *world) {
		caller, callee := w.phone("1050"), w.phone("1002")
		caller.dial("1002", caller.sdp("sendrecv"))
		invite := callee.expect("INVITE").(*sip.Request)
		progress := func() { callee.reply(invite, 183, callee.sdp("sendrecv"), "Require: 100rel", "RSeq: 1") }
		progress()
		first := callee.expect("PRACK").(*sip.Request)
		progress()
		second := callee.expect("PRACK").(*sip.Request)
		if a, b := first.Via().Params, second.Via().Params; a.String() != b.String() {
			t.Errorf("two transactions: %s, %s", a.String(), b.String())
		}
		callee.reply(second, 200, "")
		// the answer came reliably: the 200 needs no SDP.
		callee.reply(invite, 200, "")
		callee.expect("ACK")
		caller.expect("180")
		caller.expect("200")
		caller.ack("")
		time.Sleep(10 * time.Millisecond)
		if far := w.media.remote(1); far.Addr.String() != "10.0.0.2:4000" {
			t.Errorf("audio goes to %v", far.Addr)
		}
		caller.request("BYE", "")
		caller.expect("200")
		callee.reply(callee.expect("BYE").(*sip.Request), 200, "")
	})
}
