package b2bua

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/cti"
)

// byTrunk dials the trunk of the number that was dialled.
func byTrunk(ctx context.Context, c *Call) cti.Cause {
	leg, err := c.Dial(ctx, cti.Destination{Trunk: c.in.Dialled, Number: c.in.Dialled, Caller: c.in.Caller})
	if err != nil {
		return causeIn(err, cti.CauseFailed)
	}
	_, cause := c.Talk(ctx, leg)
	return cause
}

// served is how many calls got a script.
func (w *world) served() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.calls)
}

func TestLooped_RFC7332(t *testing.T) {
	mine := "ME 803001"
	for _, tt := range []struct {
		name string
		list []string
		want int
	}{
		{"a fresh call", nil, 0},
		{"passed on by two offices", []string{"A 803001", "B 803001"}, 0},
		{"it comes back once", []string{"ME 803001", "B 803001"}, 0},
		{"to another number as often as it likes", []string{"ME 1", "B 1", "ME 2", "B 2", "ME 3"}, 0},
		{"the second time it is a loop", []string{"ME 803001", "B 803001", "ME 803001", "B 803001"}, 482},
		{"too many offices", strings.Split(strings.Repeat("X 1,", 15)+"X 1", ","), 483},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := looped(tt.list, mine); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}

func TestHopList(t *testing.T) {
	req := sip.NewRequest(sip.INVITE, sip.Uri{Host: "x"})
	req.AppendHeader(sip.NewHeader("LA2-Hops", "A 1, B 2 ,,"))
	req.AppendHeader(sip.NewHeader("LA2-Hops", "C 3"))
	if got := strings.Join(hopList(req), "|"); got != "A 1|B 2|C 3" {
		t.Errorf("got %s", got)
	}
}

// Two routes that point at each other: the office at the far end of the trunk is
// the switch itself. The call ends by itself, at once, with every leg.
func TestLoopBetweenOffices_RFC7332(t *testing.T) {
	scenario(t, byTrunk, func(w *world) {
		w.dress = func(_ int, target *Target) {
			target.Headers = []sip.Header{sip.NewHeader("X-Office", "napoli")}
		}
		caller := w.phone("1050")
		start := time.Now()
		caller.dial("1001", caller.sdp("sendrecv")) // 10.0.0.1: we
		caller.expect("480")
		if took := time.Since(start); took > time.Second {
			t.Errorf("the loop took %v", took)
		}
		caller.ackFailure()
		if n := w.served(); n != 2 {
			t.Errorf("%d calls, want 2: the first and its return; the second return is refused", n)
		}
	})
}

// Through strangers, who carry no list of ours, Max-Forwards ends the loop.
func TestLoopByMaxForwards_RFC7332(t *testing.T) {
	scenario(t, byTrunk, func(w *world) {
		w.dress = func(_ int, target *Target) { target.Trusted = false }
		caller := w.phone("1050")
		start := time.Now()
		caller.dial("1001", caller.sdp("sendrecv"))
		caller.expect("480")
		if took := time.Since(start); took > time.Second {
			t.Errorf("the loop took %v", took)
		}
		caller.ackFailure()
		if n := w.served(); n != 70 {
			t.Errorf("%d calls, want 70: Max-Forwards 70 to 1", n)
		}
	})
}

// Max-Forwards goes down by one; the list of hops is for offices alone.
func TestMaxForwardsGoesDown(t *testing.T) {
	scenario(t, byTrunk, func(w *world) {
		w.dress = func(_ int, target *Target) { target.Trusted = false }
		caller, carrier := w.phone("1050"), w.phone("1002")
		caller.dial("1002", caller.sdp("sendrecv"), "LA2-Hops: forged 1")
		m := carrier.expect("INVITE").(*sip.Request)
		if got := *m.MaxForwards(); got != 69 {
			t.Errorf("Max-Forwards %d, want 69", got)
		}
		if got := header(m, "LA2-Hops"); got != "" {
			t.Errorf("a carrier gets %q", got)
		}
		carrier.reply(m, 486, "")
		carrier.expect("ACK")
		caller.expect("486")
		caller.ackFailure()
	})
	scenario(t, byTrunk, func(w *world) {
		caller, office := w.phone("1050"), w.phone("1002")
		caller.dial("1002", caller.sdp("sendrecv"), "LA2-Hops: forged 1")
		m := office.expect("INVITE").(*sip.Request)
		if got, want := header(m, "LA2-Hops"), w.sw.hop("1002"); got != want {
			t.Errorf("an office gets %q, want %q", got, want)
		}
		office.reply(m, 486, "")
		office.expect("ACK")
		caller.expect("486")
		caller.ackFailure()
	})
}
