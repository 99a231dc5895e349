package b2bua

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/media/relay"
)

// service answers, plays a menu, holds the caller with music and rings 1002.
func service(ctx context.Context, c *Call) cti.Cause {
	if err := c.Ring(ctx, 180); err != nil {
		return causeIn(err, cti.CauseFailed)
	}
	if err := c.Answer(ctx); err != nil {
		return causeIn(err, cti.CauseFailed)
	}
	digits, err := c.Prompt(ctx, cti.PromptRequest{Prompts: []string{"prompt-menu"}, Digits: 2, Until: '#'})
	if err != nil {
		return causeIn(err, cti.CauseFailed)
	}
	if err := c.Music("music"); err != nil {
		return causeIn(err, cti.CauseFailed)
	}
	device := cti.DeviceID("1002")
	if digits != "" {
		device = cti.DeviceID("10" + digits)
	}
	for {
		leg, err := c.Dial(ctx, cti.Destination{Device: device, Ring: 10 * time.Second, Capsule: cti.Capsule{Ticket: "c_b180.01JZ8Q4W7N5T3X9V2R6K1M0HDC"}})
		if err != nil {
			if ctx.Err() != nil {
				return cti.CauseAbandoned
			}
			time.Sleep(time.Second)
			continue
		}
		for leg != "" {
			next, cause := c.Talk(ctx, leg)
			if next == "" && cause != cti.CauseTransferred {
				return cause
			}
			leg = next
		}
	}
}

func TestService(t *testing.T) {
	scenario(t, service, func(w *world) {
		caller, agent := w.phone("1050"), w.phone("1003")
		caller.dial("803001", caller.sdp("sendrecv"))
		caller.expect("180")
		caller.expect("200")
		caller.ack("")
		time.Sleep(10 * time.Millisecond)
		if got := w.media.doing(1); got != "play" {
			t.Errorf("caller hears %s", got)
		}
		w.sw.MediaEvent(w.media.event(relay.Digit, 1, '0'))
		synctest.Wait()
		if got := w.media.doing(1); got != "silence" {
			t.Errorf("after a key: caller hears %s", got)
		}
		w.sw.MediaEvent(w.media.event(relay.Digit, 1, '3'))
		m := agent.expect("INVITE").(*sip.Request)
		if got := w.media.doing(1); got != "music:music" {
			t.Errorf("while the agent rings: caller hears %s", got)
		}
		agent.reply(m, 180, "")
		agent.reply(m, 200, agent.sdp("sendrecv"))
		agent.expect("ACK")
		synctest.Wait()
		if got := w.media.doing(1); got != "bridge:2" {
			t.Errorf("caller hears %s", got)
		}
		caller.quiet(time.Second) // no SIP on the caller's side
		agent.cseq = 7
		agent.request("BYE", "")
		agent.expect("200")
		caller.reply(caller.expect("BYE").(*sip.Request), 200, "")
	})
}

// Time-outs of the menu: none pressed, and only one.
func TestPromptTimeouts(t *testing.T) {
	var got []string
	script := func(ctx context.Context, c *Call) cti.Cause {
		if err := c.Answer(ctx); err != nil {
			return cti.CauseFailed
		}
		for range 2 {
			start := time.Now()
			d, err := c.Prompt(ctx, cti.PromptRequest{Prompts: []string{"prompt"}, Digits: 2})
			got = append(got, d+" "+time.Since(start).Round(time.Second).String())
			if err != nil {
				return cti.CauseFailed
			}
		}
		if _, err := c.Prompt(ctx, cti.PromptRequest{Prompts: []string{"nothing"}}); err == nil {
			t.Error("a missing prompt must be an error")
		}
		stopped, stop := context.WithTimeout(ctx, time.Second)
		defer stop()
		if _, err := c.Prompt(stopped, cti.PromptRequest{Prompts: []string{"prompt"}}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("stopped prompt: %v", err)
		}
		return cti.CauseNormal
	}
	scenario(t, script, func(w *world) {
		caller := w.phone("1050")
		caller.dial("803001", caller.sdp("sendrecv"))
		caller.expect("200")
		caller.ack("")
		time.Sleep(time.Second)
		w.sw.MediaEvent(w.media.event(relay.PlayDone, 1, 0))
		time.Sleep(6 * time.Second)
		w.sw.MediaEvent(w.media.event(relay.Digit, 1, '7'))
		caller.reply(caller.expect("BYE").(*sip.Request), 200, "")
	})
	want := []string{" 6s", "7 4s"}
	if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestCallerLeavesWhileAgentRings(t *testing.T) {
	scenario(t, service, func(w *world) {
		caller, agent, invite := ringing(w)
		caller.request("BYE", "")
		caller.expect("200")
		cancel := agent.expect("CANCEL").(*sip.Request)
		agent.reply(cancel, 200, "")
		agent.reply(invite, 487, "")
		agent.expect("ACK")
		w.wantEvents("Answered/1 Delivered/2 ConnectionCleared/1:abandoned ConnectionCleared/2:abandoned CallCleared:abandoned")
	})
}

// ringing brings a caller of service to the point where agent 1002 rings.
func ringing(w *world) (caller, agent *phone, invite *sip.Request) {
	w.t.Helper()
	caller, agent = w.phone("1050"), w.phone("1002")
	caller.dial("803001", caller.sdp("sendrecv"))
	caller.expect("180")
	caller.expect("200")
	caller.ack("")
	time.Sleep(10 * time.Millisecond)
	w.sw.MediaEvent(w.media.event(relay.Digit, 1, '#'))
	invite = agent.expect("INVITE").(*sip.Request)
	agent.reply(invite, 180, "")
	time.Sleep(5 * time.Millisecond)
	return caller, agent, invite
}

// talking goes on until they talk.
func talking(w *world) (caller, agent *phone) {
	w.t.Helper()
	caller, agent, invite := ringing(w)
	agent.reply(invite, 200, agent.sdp("sendrecv"))
	agent.expect("ACK")
	synctest.Wait()
	agent.cseq = 10
	return caller, agent
}

// The caller leaves at every millisecond around the agent's answer.
func TestCallerLeavesAtAnswer(t *testing.T) {
	for ms := range 8 {
		scenario(t, service, func(w *world) {
			caller, agent, invite := ringing(w)
			caller.auto200, agent.auto200 = true, true
			time.AfterFunc(5*time.Millisecond, func() { agent.reply(invite, 200, agent.sdp("sendrecv")) })
			time.AfterFunc(time.Duration(1+ms)*time.Millisecond, func() { caller.request("BYE", "") })
			caller.expect("200")
			last := ""
			for m := agent.next(time.Second); m != nil; m = agent.next(time.Second) {
				last = kindOf(m)
				if req := m.(*sip.Request); req.Method != sip.ACK {
					agent.reply(req, 200, "")
				}
			}
			if last != "BYE" {
				t.Errorf("ms %d: the agent's session did not end: %s", ms, last)
			}
		})
	}
}

func TestAgentRejectsThenAnswers(t *testing.T) {
	scenario(t, service, func(w *world) {
		caller, agent, invite := ringing(w)
		agent.reply(invite, 603, "")
		agent.expect("ACK")
		if got := w.media.doing(1); got != "music:music" {
			t.Errorf("caller hears %s", got)
		}
		agent.callID = ""
		agent.answer()
		caller.request("BYE", "")
		caller.expect("200")
		agent.reply(agent.expect("BYE").(*sip.Request), 200, "")
		w.wantEvents("Answered/1 Delivered/2 ConnectionCleared/2:rejected Delivered/3 Established/3 ConnectionCleared/1:normal ConnectionCleared/3:normal CallCleared:normal")
	})
}

func TestMediaTimeout(t *testing.T) {
	scenario(t, service, func(w *world) {
		caller, agent := talking(w)
		w.sw.MediaEvent(w.media.event(relay.MediaTimeout, 1, 0))
		caller.reply(caller.expect("BYE").(*sip.Request), 200, "")
		agent.reply(agent.expect("BYE").(*sip.Request), 200, "")
		w.wantEvents("Answered/1 Delivered/2 Established/2 ConnectionCleared/1:media_timeout ConnectionCleared/2:media_timeout CallCleared:media_timeout")
	})
}

func TestMaxDuration(t *testing.T) {
	scenario(t, service, func(w *world) {
		caller, agent := talking(w)
		time.Sleep(4*time.Hour - time.Minute)
		caller.quiet(30 * time.Second)
		caller.reply(caller.expect("BYE").(*sip.Request), 200, "")
		agent.reply(agent.expect("BYE").(*sip.Request), 200, "")
	})
}

func TestLateOffer_RFC3261_13_2_1(t *testing.T) {
	scenario(t, service, func(w *world) {
		caller := w.phone("1050")
		caller.dial("803001", "")
		caller.expect("180")
		ok := caller.expect("200").(*sip.Response)
		if len(ok.Body()) == 0 {
			t.Fatal("200 without an offer")
		}
		caller.ack(caller.sdp("sendrecv"))
		time.Sleep(10 * time.Millisecond)
		if got := w.media.remote(1).Addr.String(); got != "10.0.0.50:4000" {
			t.Errorf("remote %s", got)
		}
		caller.request("BYE", "")
		caller.expect("200")
	})
}

func TestNoCodecInCommon(t *testing.T) {
	scenario(t, service, func(w *world) {
		caller := w.phone("1050")
		caller.dial("803001", "v=0\no=x 1 1 IN IP4 10.0.0.50\ns=-\nc=IN IP4 10.0.0.50\nt=0 0\nm=audio 4000 RTP/AVP 18\na=rtpmap:18 G729/8000\n")
		caller.expect("180")
		caller.expect("488")
		caller.ackFailure()
	})
}

func TestRefusedAtOnce(t *testing.T) {
	for name, tt := range map[string]struct {
		want  string
		extra string
	}{
		"Require (8.2.2.3)":              {"420", "Require: precondition"},
		"session too brief (RFC 4028 9)": {"422", "Session-Expires: 30\nSupported: timer"},
	} {
		t.Run(name, func(t *testing.T) {
			scenario(t, service, func(w *world) {
				caller := w.phone("1050")
				caller.dial("803001", caller.sdp("sendrecv"), tt.extra)
				caller.expect(tt.want)
				caller.ackFailure()
				w.wantEvents("")
			})
		})
	}
}

func TestNoPorts(t *testing.T) {
	scenario(t, service, func(w *world) {
		w.media.full = true
		caller := w.phone("1050")
		caller.dial("803001", caller.sdp("sendrecv"))
		caller.expect("180")
		caller.expect("503")
		caller.ackFailure()
	})
}

func TestScriptPanics(t *testing.T) {
	scenario(t, func(context.Context, *Call) cti.Cause { panic("boom") }, func(w *world) {
		caller := w.phone("1050")
		caller.dial("803001", caller.sdp("sendrecv"))
		caller.expect("500")
		caller.ackFailure()
		w.wantEvents("ConnectionCleared/1:failed CallCleared:failed")
		if n := w.sw.Panics(); n != 1 {
			t.Errorf("%d panics counted", n)
		}
	})
}

func TestDrain(t *testing.T) {
	scenario(t, service, func(w *world) {
		caller, agent := talking(w)
		caller.auto200, agent.auto200 = true, true
		ctx, cancel := context.WithTimeout(w.t.Context(), 2*time.Second)
		defer cancel()
		w.sw.Drain(ctx)
		caller.expect("BYE")
		agent.expect("BYE")
		late := w.phone("1051")
		late.dial("803001", late.sdp("sendrecv"))
		late.expect("503")
		late.ackFailure()
	})
}

// An office that queues a call says so again every minute and answers with the
// agent (RFC 3261 13.3.1.1).
func TestQueuedByAnotherOffice(t *testing.T) {
	script := func(ctx context.Context, c *Call) cti.Cause {
		if err := c.Ring(ctx, 182); err != nil {
			return causeIn(err, cti.CauseFailed)
		}
		select {
		case <-time.After(150 * time.Second):
		case <-ctx.Done():
		}
		return connect(ctx, c)
	}
	scenario(t, script, func(w *world) {
		caller, agent := w.phone("1050"), w.phone("1002")
		caller.dial("1002", caller.sdp("sendrecv"))
		caller.expect("182")
		caller.expect2("182", 61*time.Second)
		caller.expect2("182", 61*time.Second)
		m := agent.expect("INVITE").(*sip.Request)
		agent.reply(m, 180, "")
		caller.expect("180")
		agent.reply(agent.expect2("CANCEL", 61*time.Second).(*sip.Request), 200, "")
		agent.reply(m, 487, "")
		agent.expect("ACK")
		caller.expect("480")
		caller.ackFailure()
	})
}

// A request that overlaps with the unfinished INVITE (RFC 3261 14.2).
func TestReinviteBeforeAck(t *testing.T) {
	scenario(t, service, func(w *world) {
		caller := w.phone("1050")
		caller.dial("803001", caller.sdp("sendrecv"))
		caller.expect("180")
		caller.expect("200")
		caller.request("INVITE", caller.sdp("sendonly"))
		if v := header(caller.expect("500").(*sip.Response), "Retry-After"); v == "" {
			t.Error("500 without Retry-After")
		}
		caller.ackFailure()
		caller.cseq = 1
		caller.ack("")
		caller.cseq = 2
		time.Sleep(5 * time.Millisecond)
		caller.request("BYE", "")
		caller.expect("200")
	})
}
