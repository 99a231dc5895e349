package b2bua

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/media/relay"
	"github.com/lineaamica/la2/sip/siptest"
)

// Random plain calls with all that may happen before and after the answer: early
// media, reliable responses both ways, late offers, diversions, UPDATE, re-INVITE
// and session timers, on a network that loses, doubles and reorders datagrams.
// Whatever happens, every call ends once and nothing is left.
func TestRandomVerbs(t *testing.T) {
	seeds := 12
	if testing.Short() {
		seeds = 3
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { verbs(t, uint64(seed)) })
		})
	}
}

// anything is the script of such calls.
func anything(ctx context.Context, c *Call) cti.Cause {
	leg, err := c.Dial(ctx, cti.Destination{Device: cti.DeviceID(c.in.Dialled), Caller: c.in.Caller, Ring: 8 * time.Second, Early: true, Follow: true})
	if err != nil {
		return causeIn(err, cti.CauseFailed)
	}
	for {
		next, cause := c.Talk(ctx, leg)
		if next == "" {
			return cause
		}
		leg = next
	}
}

func verbs(t *testing.T, seed uint64) {
	w := newWorld(t, anything)
	defer w.layer.Close()
	defer w.sock.Close()
	w.sw.cfg.SessionExpires = 90 * time.Second
	w.net.SetDefault(siptest.Link{Delay: 5 * time.Millisecond, Jitter: 20 * time.Millisecond, Loss: 0.08, Duplicate: 0.04, Reorder: 0.04})
	h := &historian{w: w, rng: rand.New(rand.NewPCG(seed, 2))}
	for _, host := range []int{2, 3, 4} {
		h.callee(host)
	}
	for n := range 25 {
		h.dialler(siptest.NewUA(t, w.net, fmt.Sprintf("10.0.0.%d:5060", 50+n), siptest.NoRTP()))
		for range h.rng.IntN(20) {
			time.Sleep(time.Duration(h.rng.IntN(200)) * time.Millisecond)
			h.shake()
		}
	}
	time.Sleep(200 * time.Second)
	for _, c := range w.sw.Calls(t.Context()) {
		if err := w.sw.Hangup(t.Context(), c.In.Call, c.Legs[0].Leg, cti.CauseNormal); err != nil {
			t.Logf("hang-up came too late: %v", err)
		}
	}
	time.Sleep(150 * time.Second)
	synctest.Wait()
	w.checkEmpty()
	if n := w.tally(); n["Established"] < 3 || n["CallCleared:failed"] != 0 {
		t.Errorf("implausible history: %v", n)
	}
	for _, c := range h.calls {
		if talks(c) {
			t.Errorf("a phone still talks: %s\n%s", c.ID(), c.UA.Trace())
		}
	}
}

// callee plays a telephone that does anything before and after it answers.
func (h *historian) callee(host int) {
	ua := siptest.NewUA(h.w.t, h.w.net, fmt.Sprintf("10.0.0.%d:5060", host), siptest.NoRTP())
	ua.On("PRACK", func(_ *siptest.Call, m *siptest.Message) bool {
		ua.Reply(m, 200)
		return true
	})
	rng := rand.New(rand.NewPCG(uint64(host), h.rng.Uint64()))
	ua.OnCall(func(c *siptest.Call) {
		h.w.mu.Lock()
		h.calls = append(h.calls, c)
		dice := [4]int{rng.IntN(10), rng.IntN(5), rng.IntN(6), rng.IntN(4)}
		after, talk := time.Duration(rng.IntN(4000))*time.Millisecond, time.Duration(rng.IntN(150000))*time.Millisecond
		h.w.mu.Unlock()
		switch dice[0] {
		case 0:
			return // dead
		case 1:
			c.Respond(302, siptest.With("Contact", fmt.Sprintf("<sip:%d@10.0.0.1>", 1002+dice[3])))
			return
		case 2:
			c.Respond(422, siptest.With("Min-SE", "300"))
			return
		}
		reliable := []siptest.Field{siptest.With("Require", "100rel"), siptest.With("RSeq", "7")}
		switch dice[1] {
		case 0:
			c.Respond(180)
		case 1:
			c.Respond(183)
		case 2:
			c.Respond(183, reliable...)
		case 3:
			c.Respond(180, reliable...)
			c.Respond(183, siptest.With("Require", "100rel"), siptest.With("RSeq", "8"))
		}
		time.AfterFunc(after, func() {
			if dice[0] == 3 {
				c.Respond(486)
				return
			}
			fields := []siptest.Field{siptest.With("Allow", "INVITE, ACK, BYE, CANCEL, UPDATE")}
			if dice[2] < 3 {
				fields = append(fields, siptest.With("Session-Expires", fmt.Sprintf("90;refresher=%s", [...]string{"uac", "uas", "uac"}[dice[2]])))
			}
			c.Respond(200, fields...)
			time.AfterFunc(talk/2, func() {
				switch {
				case c.Ended():
				case dice[3] == 0:
					c.Send("INVITE", siptest.WithSDP(c.SDP()))
				case dice[3] == 1:
					c.Send("UPDATE", siptest.With("Supported", "timer"))
				}
			})
			time.AfterFunc(talk, func() {
				if !c.Ended() {
					c.Bye()
				}
			})
		})
	})
}

// dialler plays one caller, in the background.
func (h *historian) dialler(ua *siptest.UA) {
	dice, patience := h.rng.IntN(6), time.Duration(h.rng.IntN(100000))*time.Millisecond
	var fields []siptest.Field
	switch dice {
	case 0, 1:
		fields = append(fields, siptest.With("Require", "100rel"))
	case 2:
		fields = append(fields, siptest.With("Session-Expires", "90"), siptest.With("Supported", "timer"))
	case 3:
		fields = append(fields, siptest.WithBody("", ""))
	case 4:
		fields = append(fields, siptest.WithBody("", ""), siptest.With("Require", "100rel"))
	}
	late := dice == 3 || dice == 4
	c := ua.Invite(fmt.Sprintf("sip:%d@10.0.0.1", 1002+h.rng.IntN(3)), netip.MustParseAddrPort("10.0.0.1:5060"), fields...)
	go func() { // ends with the patience
		deadline := time.Now().Add(patience)
		pracked, answered := "", false
		for time.Now().Before(deadline) && !c.Ended() {
			time.Sleep(10 * time.Millisecond)
			for _, m := range c.Drain() {
				_, method := m.CSeq()
				switch rseq := m.Get("RSeq"); {
				case method == "INVITE" && rseq != "" && rseq != pracked:
					with := []siptest.Field{siptest.With("To", m.Get("To")), siptest.With("RAck", rseq+" 1 INVITE")}
					if late && pracked == "" {
						with = append(with, siptest.WithSDP(c.SDP()))
					}
					pracked = rseq
					c.Send("PRACK", with...)
				case method == "INVITE" && m.Status >= 200 && m.Status < 300:
					answered = true
					if late && pracked == "" {
						c.Ack(m, siptest.WithSDP(c.SDP()))
					} else {
						c.Ack(m)
					}
				}
			}
		}
		switch {
		case c.Ended():
		case answered:
			c.Bye()
		default:
			c.Cancel()
			time.Sleep(40 * time.Second)
			for _, m := range c.Drain() { // the 200 was faster
				if _, method := m.CSeq(); method == "INVITE" && m.Status == 200 {
					c.Ack(m)
					c.Bye()
				}
			}
		}
	}()
}

// shake does something to a call from outside.
func (h *historian) shake() {
	w := h.w
	calls := w.sw.Calls(w.t.Context())
	if len(calls) == 0 {
		return
	}
	v := calls[h.rng.IntN(len(calls))]
	switch h.rng.IntN(6) {
	case 0:
		_ = w.sw.Hold(w.t.Context(), v.In.Call, v.Talks)
	case 1:
		_ = w.sw.Retrieve(w.t.Context(), v.In.Call, v.Talks)
	case 2:
		_ = w.sw.Transfer(w.t.Context(), v.In.Call, v.Talks, cti.Destination{Device: cti.DeviceID(fmt.Sprint(1002 + h.rng.IntN(3))), Ring: 6 * time.Second})
	case 3, 4:
		w.sw.MediaEvent(relay.Event{Kind: relay.FirstPacket, Call: v.In.Call, Leg: h.port(v)})
	}
}
