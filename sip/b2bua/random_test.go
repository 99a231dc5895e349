package b2bua

import (
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

// Random callers, agents and commands on a network that loses, doubles and
// reorders datagrams: whatever happens, every call ends once and nothing is left,
// neither here nor at the phones. A failing seed fails again.
func TestRandomHistories(t *testing.T) {
	seeds := 12
	if testing.Short() {
		seeds = 3
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { history(t, uint64(seed)) })
		})
	}
}

type historian struct {
	w     *world
	rng   *rand.Rand
	calls []*siptest.Call // at all phones
}

func history(t *testing.T, seed uint64) {
	w := newWorld(t, service)
	defer w.layer.Close()
	defer w.sock.Close()
	w.net.SetDefault(siptest.Link{Delay: 5 * time.Millisecond, Jitter: 20 * time.Millisecond, Loss: 0.08, Duplicate: 0.04, Reorder: 0.04})
	h := &historian{w: w, rng: rand.New(rand.NewPCG(seed, 1))}
	for _, host := range []int{2, 3, 4} {
		h.agent(host)
	}
	for n := range 25 {
		ua := siptest.NewUA(t, w.net, fmt.Sprintf("10.0.0.%d:5060", 50+n), siptest.NoRTP())
		h.caller(ua)
		for range h.rng.IntN(20) {
			time.Sleep(time.Duration(h.rng.IntN(200)) * time.Millisecond)
			h.disturb()
		}
	}
	time.Sleep(10 * time.Second)
	for _, c := range w.sw.Calls(t.Context()) {
		if err := w.sw.Hangup(t.Context(), c.In.Call, c.Legs[0].Leg, cti.CauseNormal); err != nil {
			t.Logf("hang-up came too late: %v", err)
		}
	}
	time.Sleep(150 * time.Second) // two INVITE transactions after each other, at most
	synctest.Wait()
	w.checkEmpty()
	if n := w.tally(); n["Established"] == 0 || n["CallCleared:failed"] != 0 {
		t.Errorf("implausible history: %v", n)
	}
	for _, c := range h.calls {
		if talks(c) {
			t.Errorf("a phone still talks: %s\n%s", c.ID(), c.UA.Trace())
		}
	}
}

// talks tells whether c was answered and not ended.
func talks(c *siptest.Call) bool {
	for _, m := range c.Drain() {
		if _, method := m.CSeq(); method == "INVITE" && m.Status == 200 && !c.Ended() {
			return true
		}
	}
	return false
}

// caller plays one caller, in the background.
func (h *historian) caller(ua *siptest.UA) {
	c := ua.Invite("sip:803001@10.0.0.1", netip.MustParseAddrPort("10.0.0.1:5060"))
	patience := time.Duration(h.rng.IntN(12000)) * time.Millisecond
	forgets := h.rng.IntN(10) == 0 // and never acknowledges
	go func() {                    // ends with the patience
		deadline := time.Now().Add(patience)
		answered, acked := false, false
		for time.Now().Before(deadline) && !c.Ended() {
			time.Sleep(10 * time.Millisecond)
			for _, m := range c.Drain() {
				if _, method := m.CSeq(); method == "INVITE" && m.Status >= 200 {
					answered = m.Status < 300
					if answered && !forgets {
						c.Ack(m)
						acked = true
					}
				}
			}
		}
		switch {
		case c.Ended():
		case answered && acked:
			c.Bye()
		case !answered:
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

// agent plays a phone with moods.
func (h *historian) agent(host int) {
	ua := siptest.NewUA(h.w.t, h.w.net, fmt.Sprintf("10.0.0.%d:5060", host), siptest.NoRTP())
	rng := rand.New(rand.NewPCG(uint64(host), h.rng.Uint64()))
	ua.OnCall(func(c *siptest.Call) {
		h.w.mu.Lock()
		h.calls = append(h.calls, c)
		mood, after, talk := rng.IntN(10), time.Duration(rng.IntN(4000))*time.Millisecond, time.Duration(rng.IntN(20000))*time.Millisecond
		h.w.mu.Unlock()
		if mood == 0 {
			return // dead
		}
		c.Respond(180)
		time.AfterFunc(after, func() {
			switch {
			case mood == 1:
				c.Respond(486)
			case mood > 2:
				c.Respond(200)
				time.AfterFunc(talk, func() {
					switch {
					case c.Ended():
					case mood == 3:
						c.Send("REFER", siptest.With("Refer-To", "<sip:1004@10.0.0.1>"))
					default:
						c.Bye()
					}
				})
			}
		})
	})
}

// disturb does something to a call from outside.
func (h *historian) disturb() {
	w := h.w
	calls := w.sw.Calls(w.t.Context())
	if len(calls) == 0 {
		return
	}
	v := calls[h.rng.IntN(len(calls))]
	switch h.rng.IntN(8) {
	case 0:
		w.sw.MediaEvent(relay.Event{Kind: relay.Digit, Call: v.In.Call, Leg: h.port(v), Digit: byte('0' + h.rng.IntN(10))})
	case 1, 2:
		w.sw.MediaEvent(relay.Event{Kind: relay.Digit, Call: v.In.Call, Leg: h.port(v), Digit: '#'})
	case 3:
		_ = w.sw.Hold(w.t.Context(), v.In.Call, v.Talks)
	case 4:
		_ = w.sw.Retrieve(w.t.Context(), v.In.Call, v.Talks)
	case 5:
		_ = w.sw.Transfer(w.t.Context(), v.In.Call, v.Talks, cti.Destination{Device: cti.DeviceID(fmt.Sprint(1002 + h.rng.IntN(3))), Ring: 6 * time.Second})
	case 6:
		if h.rng.IntN(20) == 0 {
			w.sw.MediaEvent(relay.Event{Kind: relay.MediaTimeout, Call: v.In.Call, Leg: h.port(v)})
		}
	}
}

// port is the relay leg of the caller, the lowest of the call.
func (h *historian) port(v CallView) relay.LegID {
	h.w.media.mu.Lock()
	defer h.w.media.mu.Unlock()
	low := relay.LegID(0)
	for id, call := range h.w.media.call {
		if call == v.In.Call && (low == 0 || id < low) {
			low = id
		}
	}
	return low
}

// tally counts the events: a history without conversations would prove nothing.
func (w *world) tally() map[string]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := map[string]int{}
	for _, ev := range w.log {
		name := string(ev.Type)
		if ev.Type == cti.EvCallCleared {
			name += ":" + string(ev.Cause)
		}
		n[name]++
	}
	return n
}
