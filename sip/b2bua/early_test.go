package b2bua

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/media"
	"github.com/lineaamica/la2/media/relay"
	"github.com/lineaamica/la2/sip/siptest"
)

// audible is connect for a destination whose early media the caller may hear.
func audible(ctx context.Context, c *Call) cti.Cause {
	leg, err := c.Dial(ctx, cti.Destination{Device: cti.DeviceID(c.in.Dialled), Caller: c.in.Caller, Ring: time.Minute, Early: true})
	if err != nil {
		return causeIn(err, cti.CauseFailed)
	}
	_, cause := c.Talk(ctx, leg)
	return cause
}

// 183 with SDP reaches the caller with our description; both ports are joined
// before the answer, and the 200 repeats the answer of the 183 (RFC 3261 13.2.1).
func TestEarlyMedia_RFC3960(t *testing.T) {
	scenario(t, audible, func(w *world) {
		caller, callee := w.phone("1050"), w.phone("1002")
		caller.dial("1002", caller.sdp("sendrecv"))
		invite := callee.expect("INVITE").(*sip.Request)
		callee.reply(invite, 183, callee.sdp("sendrecv"))
		progress := caller.expect("183")
		body := string(progress.Body())
		if !strings.Contains(body, "m=audio 20004") || strings.Contains(body, "10.0.0.2") {
			t.Errorf("the 183 must describe our port:\n%s", body)
		}
		synctest.Wait()
		if got := w.media.doing(2); got != "bridge:1" {
			t.Errorf("the caller hears %s", got)
		}
		if far := w.media.remote(2); !far.Send || far.Addr.String() != "10.0.0.50:4000" {
			t.Errorf("the caller is not sent early media: %+v", far)
		}
		callee.reply(invite, 200, callee.sdp("sendrecv"))
		callee.expect("ACK")
		ok := caller.expect("200")
		if string(ok.Body()) != body {
			t.Errorf("200\n%s\n183\n%s", ok.Body(), body)
		}
		caller.ack("")
		time.Sleep(10 * time.Millisecond)
		if got := w.media.doing(2); got != "bridge:1" {
			t.Errorf("after the answer the caller hears %s", got)
		}
		caller.request("BYE", "")
		caller.expect("200")
		callee.reply(callee.expect("BYE").(*sip.Request), 200, "")
		w.wantEvents(callerBye)
	})
}

// What the caller is told, by what the callee says and what the policy is.
func TestProgressTold(t *testing.T) {
	tests := []struct {
		name   string
		early  bool
		status []int // negative: with SDP
		want   []string
	}{
		{"180", true, []int{180}, []string{"180"}},
		{"180 twice", true, []int{180, 180}, []string{"180"}},
		{"183 without SDP is progress", true, []int{183}, []string{"183"}},
		{"183, then it rings", true, []int{183, 180}, []string{"183", "180"}},
		{"rings, then 183 without SDP", true, []int{180, 183}, []string{"180"}},
		{"rings, then something to hear", true, []int{180, -183}, []string{"180", "183"}},
		{"something to hear, then it rings", true, []int{-183, 180}, []string{"183"}},
		{"180 with SDP", true, []int{-180}, []string{"183"}},
		{"182 and 181 are ringing", true, []int{181, 182}, []string{"180"}},
		{"policy: nothing to hear", false, []int{-183}, []string{"180"}},
		{"policy: 183 without SDP", false, []int{183}, []string{"180"}},
		{"no early dialog at 100", true, []int{100}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			script := connect
			if tt.early {
				script = audible
			}
			scenario(t, script, func(w *world) {
				caller, callee := w.phone("1050"), w.phone("1002")
				caller.dial("1002", caller.sdp("sendrecv"))
				invite := callee.expect("INVITE").(*sip.Request)
				for _, s := range tt.status {
					if s < 0 {
						callee.reply(invite, -s, callee.sdp("sendrecv"))
					} else {
						callee.reply(invite, s, "")
					}
					time.Sleep(10 * time.Millisecond)
				}
				for _, want := range tt.want {
					if m := caller.expect(want); (len(m.Body()) > 0) != (want == "183" && strings.Contains(tt.name, "hear") || tt.status[0] == -180) {
						t.Errorf("%s with body %q", want, m.Body())
					}
				}
				callee.reply(invite, 486, "")
				callee.expect("ACK")
				caller.expect("486")
				caller.ackFailure()
			})
		})
	}
}

// A caller without trunk and password is sent nothing before it has acknowledged:
// it could have named anybody's address.
func TestNoEarlyMediaForStrangers(t *testing.T) {
	scenario(t, audible, func(w *world) {
		caller, callee := w.phone("1050"), w.phone("1002")
		w.stranger = true
		caller.dial("1002", caller.sdp("sendrecv"))
		invite := callee.expect("INVITE").(*sip.Request)
		callee.reply(invite, 183, callee.sdp("sendrecv"))
		if m := caller.expect("183"); len(m.Body()) != 0 {
			t.Errorf("183 with\n%s", m.Body())
		}
		if far := w.media.remote(2); far.Send {
			t.Errorf("sent to %v", far.Addr)
		}
		callee.reply(invite, 486, "")
		callee.expect("ACK")
		caller.expect("486")
		caller.ackFailure()
	})
}

// Forked early dialogs: the latest that describes itself is heard, and the 2xx may
// bring a third tag with an answer of its own (border elements change it).
func TestEarlyForks_RFC3261_13_2_2_4(t *testing.T) {
	scenario(t, audible, func(w *world) {
		caller, callee := w.phone("1050"), w.phone("1002")
		caller.dial("1002", caller.sdp("sendrecv"))
		invite := callee.expect("INVITE").(*sip.Request)
		at := func(port string) string { return strings.Replace(callee.sdp("sendrecv"), "4000", port, 1) }
		for _, f := range []struct{ tag, port string }{{"a", "4002"}, {"b", "4004"}, {"a", "4006"}} {
			callee.replyTag(invite, 183, f.tag, at(f.port))
			time.Sleep(10 * time.Millisecond)
			if far := w.media.remote(1); far.Addr.Port() != netip.MustParseAddrPort("10.0.0.2:"+f.port).Port() {
				t.Errorf("fork %s is not heard: %v", f.tag, far.Addr)
			}
		}
		caller.expect("183")
		callee.replyTag(invite, 200, "c", at("4008"))
		callee.expect("ACK")
		caller.expect("200")
		caller.ack("")
		time.Sleep(10 * time.Millisecond)
		if far := w.media.remote(1); far.Addr.Port() != 4008 {
			t.Errorf("after the answer audio goes to %v", far.Addr)
		}
		caller.request("BYE", "")
		caller.expect("200")
		bye := callee.expect("BYE").(*sip.Request)
		if tag, _ := bye.To().Params.Get("tag"); tag != "c" {
			t.Errorf("BYE to tag %q", tag)
		}
		callee.reply(bye, 200, "")
	})
}

// Tags without end cost no memory: the ninth early dialog is not kept.
func TestEarlyForks_bounded(t *testing.T) {
	scenario(t, audible, func(w *world) {
		caller, callee := w.phone("1050"), w.phone("1002")
		caller.dial("1002", caller.sdp("sendrecv"))
		invite := callee.expect("INVITE").(*sip.Request)
		for i := range 50 {
			callee.replyTag(invite, 180, "t"+strings.Repeat("x", i), "")
		}
		caller.expect("180")
		time.Sleep(10 * time.Millisecond)
		l := w.call().legs[1]
		if n := len(l.forks); n != maxForks {
			t.Errorf("%d early dialogs, want %d", n, maxForks)
		}
		callee.replyTag(invite, 200, "late", callee.sdp("sendrecv"))
		callee.expect("ACK")
		caller.expect("200")
		caller.ack("")
		caller.request("BYE", "")
		caller.expect("200")
		callee.reply(callee.expect("BYE").(*sip.Request), 200, "")
	})
}

// Gateways: SDP in 183 alone, none in the 200 (as FreeSWITCH may do).
func TestAnswerIn183Only(t *testing.T) {
	scenario(t, audible, func(w *world) {
		caller, callee := w.phone("1050"), w.phone("1002")
		caller.dial("1002", caller.sdp("sendrecv"))
		invite := callee.expect("INVITE").(*sip.Request)
		callee.reply(invite, 183, callee.sdp("sendrecv"))
		caller.expect("183")
		callee.reply(invite, 200, "")
		callee.expect("ACK")
		caller.expect("200")
		caller.ack("")
		caller.request("BYE", "")
		caller.expect("200")
		callee.reply(callee.expect("BYE").(*sip.Request), 200, "")
	})
}

// UPDATE in an early dialog (RFC 3311): refused while our offer is open, taken
// after a reliable answer; the confirmed dialog goes on from there.
func TestUpdateEarly_RFC3311_5(t *testing.T) {
	scenario(t, audible, func(w *world) {
		caller, callee := w.phone("1050"), w.phone("1002")
		caller.dial("1002", caller.sdp("sendrecv"), "Require: 100rel")
		invite := callee.expect("INVITE").(*sip.Request)
		callee.reply(invite, 180, "", "Require: 100rel", "RSeq: 1")
		callee.reply(callee.expect("PRACK").(*sip.Request), 200, "")
		ringing := caller.expect("180")
		caller.prack(ringing, "")
		caller.expect("200")
		callee.cseq = 20
		callee.request("UPDATE", callee.sdp("sendrecv"))
		callee.expect("491") // our offer waits for its answer
		caller.request("UPDATE", caller.sdp("sendrecv"))
		if res := caller.expect("500").(*sip.Response); header(res, "Retry-After") == "" { // its offer does
			t.Error("500 without Retry-After")
		}
		callee.reply(invite, 183, callee.sdp("sendrecv"), "Require: 100rel", "RSeq: 2")
		callee.reply(callee.expect("PRACK").(*sip.Request), 200, "")
		progress := caller.expect("183")
		caller.prack(progress, "")
		caller.expect("200")
		callee.request("UPDATE", strings.Replace(callee.sdp("sendrecv"), "4000", "4010", 1))
		if res := callee.expect("200"); len(res.Body()) == 0 {
			t.Error("UPDATE with offer, answer without SDP")
		}
		if far := w.media.remote(1); far.Addr.Port() != 4010 {
			t.Errorf("audio goes to %v", far.Addr)
		}
		callee.request("INFO", "")
		callee.expect("500")
		callee.request("OPTIONS", "")
		callee.expect("200")
		caller.request("UPDATE", strings.Replace(caller.sdp("sendrecv"), "4000", "4020", 1))
		caller.expect("200")
		if far := w.media.remote(2); far.Addr.Port() != 4020 || !far.Send {
			t.Errorf("early audio goes to %+v", far)
		}
		callee.reply(invite, 200, "")
		callee.expect("ACK")
		if ok := caller.expect("200"); len(ok.Body()) != 0 {
			t.Error("everything was settled: the 200 says nothing more")
		}
		caller.cseqOfAck(1)
		time.Sleep(10 * time.Millisecond)
		if far := w.media.remote(1); far.Addr.Port() != 4010 {
			t.Errorf("after the answer audio goes to %v", far.Addr)
		}
		callee.request("BYE", "")
		callee.expect("200")
		caller.reply(caller.expect("BYE").(*sip.Request), 200, "")
	})
}

// Early media for a caller whose INVITE had no offer: the reliable 183 offers, and
// nothing is heard before the PRACK has answered; without 100rel it only gets 180.
func TestEarlyMediaLateOffer_RFC3262_5(t *testing.T) {
	scenario(t, audible, func(w *world) {
		caller, callee := w.phone("1050"), w.phone("1002")
		caller.dial("1002", "", "Require: 100rel")
		invite := callee.expect("INVITE").(*sip.Request)
		callee.reply(invite, 183, callee.sdp("sendrecv"))
		progress := caller.expect("183")
		if !strings.Contains(string(progress.Body()), "m=audio 20004 RTP/AVP 8 0 101") {
			t.Errorf("the 183 offers\n%s", progress.Body())
		}
		time.Sleep(10 * time.Millisecond)
		if got := w.media.doing(2); got != "silence" {
			t.Errorf("before the answer the caller hears %s", got)
		}
		caller.prack(progress, caller.sdp("sendrecv"))
		caller.expect("200")
		time.Sleep(10 * time.Millisecond)
		if got := w.media.doing(2); got != "bridge:1" {
			t.Errorf("after it the caller hears %s", got)
		}
		callee.reply(invite, 200, callee.sdp("sendrecv"))
		callee.expect("ACK")
		if ok := caller.expect("200"); len(ok.Body()) != 0 {
			t.Errorf("the 200 says\n%s", ok.Body())
		}
		caller.cseqOfAck(1)
		caller.request("BYE", "")
		caller.expect("200")
		callee.reply(callee.expect("BYE").(*sip.Request), 200, "")
	})
	scenario(t, audible, func(w *world) {
		caller, callee := w.phone("1050"), w.phone("1002")
		caller.dial("1002", "")
		invite := callee.expect("INVITE").(*sip.Request)
		callee.reply(invite, 180, callee.sdp("sendrecv"))
		if m := caller.expect("180"); len(m.Body()) != 0 {
			t.Errorf("an offer in an unreliable response:\n%s", m.Body())
		}
		callee.reply(invite, 200, callee.sdp("sendrecv"))
		callee.expect("ACK")
		caller.expect("200")
		caller.ack(caller.sdp("sendrecv"))
		caller.request("BYE", "")
		caller.expect("200")
		callee.reply(callee.expect("BYE").(*sip.Request), 200, "")
	})
}

// A PRACK may carry a new offer (RFC 3262 5): answered in its 200.
func TestPrackOffers_RFC3262_5(t *testing.T) {
	scenario(t, audible, func(w *world) {
		caller, callee := w.phone("1050"), w.phone("1002")
		caller.dial("1002", caller.sdp("sendrecv"), "Require: 100rel")
		invite := callee.expect("INVITE").(*sip.Request)
		callee.reply(invite, 183, callee.sdp("sendrecv"))
		progress := caller.expect("183")
		callee.reply(invite, 200, callee.sdp("sendrecv"))
		callee.expect("ACK")
		caller.expect2("183", time.Second) // our 200 waits for the PRACK
		caller.prack(progress, strings.Replace(caller.sdp("sendrecv"), "4000", "4020", 1))
		if res := caller.expect("200").(*sip.Response); res.CSeq().MethodName != sip.PRACK || len(res.Body()) == 0 {
			t.Errorf("want the answer in the 200 to PRACK:\n%s", res)
		}
		if far := w.media.remote(2); far.Addr.Port() != 4020 {
			t.Errorf("audio goes to %v", far.Addr)
		}
		if ok := caller.expect("200").(*sip.Response); ok.CSeq().MethodName != sip.INVITE {
			t.Errorf("want the 200 to INVITE:\n%s", ok)
		}
		caller.cseqOfAck(1)
		caller.request("BYE", "")
		caller.expect("200")
		callee.reply(callee.expect("BYE").(*sip.Request), 200, "")
	})
}

// Early media that ends, ringback after it: the first target says something and
// refuses, the second only rings. The caller, who has our 183, hears ringback until
// the answer.
func TestRingbackAfterEarlyMedia(t *testing.T) {
	script := func(ctx context.Context, c *Call) cti.Cause {
		for _, device := range []cti.DeviceID{"1002", "1003"} {
			if leg, err := c.Dial(ctx, cti.Destination{Device: device, Early: true}); err == nil {
				_, cause := c.Talk(ctx, leg)
				return cause
			}
		}
		return cti.CauseFailed
	}
	scenario(t, script, func(w *world) {
		caller, first, second := w.phone("1050"), w.phone("1002"), w.phone("1003")
		caller.dial("7", caller.sdp("sendrecv"))
		invite := first.expect("INVITE").(*sip.Request)
		first.reply(invite, 183, first.sdp("sendrecv"))
		caller.expect("183")
		first.reply(invite, 486, "")
		first.expect("ACK")
		time.Sleep(10 * time.Millisecond)
		if got := w.media.doing(2); got != "silence" {
			t.Errorf("between two targets the caller hears %s", got)
		}
		invite = second.expect("INVITE").(*sip.Request)
		second.reply(invite, 180, "")
		time.Sleep(10 * time.Millisecond)
		if got := w.media.doing(2); got != "music:ringback" {
			t.Errorf("while the second rings the caller hears %s", got)
		}
		// 180, then SDP without packets: ringback until the first (RFC 3960 3.2).
		second.reply(invite, 183, second.sdp("sendrecv"))
		time.Sleep(10 * time.Millisecond)
		if got := w.media.doing(2); got != "music:ringback" {
			t.Errorf("before the first packet the caller hears %s", got)
		}
		w.sw.MediaEvent(w.media.event(relay.FirstPacket, 3, 0))
		synctest.Wait()
		if got := w.media.doing(2); got != "bridge:3" {
			t.Errorf("after the first packet the caller hears %s", got)
		}
		second.reply(invite, 200, second.sdp("sendrecv"))
		second.expect("ACK")
		caller.expect("200")
		caller.ack("")
		time.Sleep(10 * time.Millisecond)
		if got := w.media.doing(2); got != "bridge:3" {
			t.Errorf("after the answer the caller hears %s", got)
		}
		caller.request("BYE", "")
		caller.expect("200")
		second.reply(second.expect("BYE").(*sip.Request), 200, "")
	})
}

// A caller who was answered waits in silence unless somebody rings: then ringback,
// until it rings no more.
func TestRingbackWhenConnected(t *testing.T) {
	script := func(ctx context.Context, c *Call) cti.Cause {
		if err := c.Answer(ctx); err != nil {
			return cti.CauseFailed
		}
		_, err := c.Dial(ctx, cti.Destination{Device: "1002"})
		time.Sleep(time.Second)
		return causeIn(err, cti.CauseNormal)
	}
	scenario(t, script, func(w *world) {
		caller, callee := w.phone("1050"), w.phone("1002")
		caller.dial("7", caller.sdp("sendrecv"))
		caller.expect("200")
		caller.ack("")
		invite := callee.expect("INVITE").(*sip.Request)
		if got := w.media.doing(1); got != "silence" {
			t.Errorf("before it rings: %s", got)
		}
		callee.reply(invite, 180, "")
		time.Sleep(10 * time.Millisecond)
		if got := w.media.doing(1); got != "music:ringback" {
			t.Errorf("while it rings: %s", got)
		}
		callee.reply(invite, 486, "")
		callee.expect("ACK")
		time.Sleep(10 * time.Millisecond)
		if got := w.media.doing(1); got != "silence" {
			t.Errorf("after it: %s", got)
		}
		caller.reply(caller.expect("BYE").(*sip.Request), 200, "")
	})
}

// The whole way with the real packet path: the caller hears the callee's early
// tone before the answer and the callee hears the caller.
func TestEarlyAudio(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, audible)
		rl := w.realMedia()
		defer rl.Shutdown()
		defer w.layer.Close()
		defer w.sock.Close()
		callee := siptest.NewUA(t, w.net, "10.0.0.2:5060")
		caller := siptest.NewUA(t, w.net, "10.0.0.50:5060").Invite("sip:1002@10.0.0.1", netip.MustParseAddrPort("10.0.0.1:5060"))
		caller.RTP.Play(siptest.Pattern(0x22))
		b := callee.ExpectInvite(5 * time.Second)
		b.Respond(180)
		caller.Expect(siptest.Status(180), time.Second)
		b.Respond(183)
		b.RTP.Play(siptest.Pattern(0x33))
		caller.Expect(siptest.Status(183), time.Second)
		hears(t, caller, 0x33, "early media")
		hears(t, b, 0x22, "the caller before the answer")
		b.Answer()
		caller.Expect(siptest.Status(200), time.Second)
		hears(t, caller, 0x33, "the callee after the answer")
		hears(t, b, 0x22, "the caller after the answer")
		oneTimeline(t, caller.RTP.Received())
		caller.Hangup()
		time.Sleep(40 * time.Second)
	})
}

// Ringback as it sounds, by the real packet path: to a caller who was answered.
func TestRingbackAudio(t *testing.T) {
	script := func(ctx context.Context, c *Call) cti.Cause {
		if err := c.Answer(ctx); err != nil {
			return cti.CauseFailed
		}
		leg, err := c.Dial(ctx, cti.Destination{Device: "1002"})
		if err != nil {
			return causeIn(err, cti.CauseFailed)
		}
		_, cause := c.Talk(ctx, leg)
		return cause
	}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, script)
		rl := w.realMedia()
		defer rl.Shutdown()
		defer w.layer.Close()
		defer w.sock.Close()
		w.sw.deps.Clips = func(name string) (*media.Clip, bool) {
			return media.NewClip(name, pattern(0x55), pattern(0x55), nil), name == "ringback"
		}
		callee := siptest.NewUA(t, w.net, "10.0.0.2:5060")
		caller := siptest.NewUA(t, w.net, "10.0.0.50:5060").Invite("sip:7@10.0.0.1", netip.MustParseAddrPort("10.0.0.1:5060"))
		caller.Established(5 * time.Second)
		b := callee.ExpectInvite(5 * time.Second)
		b.Respond(180)
		hears(t, caller, 0x55, "ringback")
		b.Answer()
		b.RTP.Play(siptest.Pattern(0x33))
		hears(t, caller, 0x33, "the callee")
		caller.Hangup()
		time.Sleep(40 * time.Second)
	})
}

// A 199 ends one early dialog of several: the audio of the latest other is heard, and
// after the last ringback; the answer comes from whom is left.
func TestEarlyOver_RFC6228_4(t *testing.T) {
	scenario(t, audible, func(w *world) {
		caller, callee := w.phone("1050"), w.phone("1002")
		caller.dial("1002", caller.sdp("sendrecv"))
		invite := callee.expect("INVITE").(*sip.Request)
		if !names(invite, "Supported", "199") {
			t.Error("199 is not offered")
		}
		at := func(port string) string { return strings.Replace(callee.sdp("sendrecv"), "4000", port, 1) }
		callee.replyTag(invite, 180, "a", "")
		callee.replyTag(invite, 183, "a", at("4002"))
		callee.replyTag(invite, 183, "b", at("4004"))
		time.Sleep(10 * time.Millisecond)
		w.sw.MediaEvent(w.media.event(relay.FirstPacket, 1, 0))
		for _, f := range []struct{ tag, does string }{{"x", "bridge:1 4004"}, {"b", "bridge:1 4002"}, {"a", "music:ringback 4002"}, {"a", "music:ringback 4002"}} {
			callee.replyTag(invite, 199, f.tag, "", `Reason: SIP;cause=486`)
			time.Sleep(10 * time.Millisecond)
			if got := fmt.Sprint(w.media.doing(2), " ", w.media.remote(1).Addr.Port()); got != f.does {
				t.Errorf("199 of %s: caller hears %s, want %s", f.tag, got, f.does)
			}
		}
		caller.expect("180")
		caller.expect("183")
		callee.replyTag(invite, 200, "c", at("4008"))
		callee.expect("ACK")
		caller.expect("200")
		caller.ack("")
		time.Sleep(10 * time.Millisecond)
		if far := w.media.remote(1); far.Addr.Port() != 4008 {
			t.Errorf("after the answer audio goes to %v", far.Addr)
		}
		caller.request("BYE", "")
		caller.expect("200")
		callee.reply(callee.expect("BYE").(*sip.Request), 200, "")
	})
}
