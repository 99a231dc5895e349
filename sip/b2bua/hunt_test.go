package b2bua

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/cti"
)

// ranked makes the targets of a world a list, each with its own trunk, and notes
// what was heard of them.
func ranked(w *world, heard *[]string) {
	w.dress = func(i int, t *Target) {
		name := fmt.Sprint("t", i)
		t.Rank, t.Patience, t.Trunk = i, 2*time.Second, name
		t.Heard = func(res *sip.Response) {
			status := 0
			if res != nil {
				status = res.StatusCode
			}
			*heard = append(*heard, fmt.Sprint(name, " ", status))
		}
	}
}

// The next target gets the call when the first is at fault, and only then.
func TestHunt_RFC3263_4_3(t *testing.T) {
	for status := 300; status < 700; status++ {
		moves := slices.Contains([]int{401, 403, 407, 408, 430, 500, 502, 503, 504}, status)
		if mends(status) != moves {
			t.Errorf("%d: goes on is %v", status, mends(status))
		}
	}
	scenario(t, connect, func(w *world) {
		var heard []string
		ranked(w, &heard)
		caller, first, second := w.phone("1050"), w.phone("1002"), w.phone("1003")
		caller.dial("1002,1003", caller.sdp("sendrecv"))
		m := first.expect("INVITE").(*sip.Request)
		second.quiet(200 * time.Millisecond)
		if w.sw.Lines("t0") != 1 {
			t.Error("no line on the first trunk")
		}
		first.reply(m, 503, "")
		first.expect("ACK")
		m = second.expect("INVITE").(*sip.Request)
		if w.sw.Lines("t0") != 0 || w.sw.Lines("t1") != 1 {
			t.Error("the line did not move")
		}
		second.reply(m, 200, second.sdp("sendrecv"))
		second.expect("ACK")
		caller.expect("200")
		caller.ack("")
		time.Sleep(time.Second)
		caller.request("BYE", "")
		caller.expect("200")
		second.reply(second.expect("BYE").(*sip.Request), 200, "")
		if want := []string{"t0 503", "t1 200"}; !slices.Equal(heard, want) {
			t.Errorf("heard %q, want %q", heard, want)
		}
		synctest.Wait()
		for _, ev := range w.log {
			if ev.Type == cti.EvEstablished && ev.Trunk != "t1" {
				t.Errorf("established on %q", ev.Trunk)
			}
		}
	})
}

// A busy callee is busy by every way.
func TestHunt_busyStands(t *testing.T) {
	scenario(t, connect, func(w *world) {
		var heard []string
		ranked(w, &heard)
		caller, first, second := w.phone("1050"), w.phone("1002"), w.phone("1003")
		caller.dial("1002,1003", caller.sdp("sendrecv"))
		first.reply(first.expect("INVITE").(*sip.Request), 486, "")
		first.expect("ACK")
		caller.expect("486")
		caller.ackFailure()
		second.quiet(35 * time.Second)
	})
}

// A target that says nothing is given up within 4 s in all; when it wakes up its
// late answer gets ACK and BYE, and the call is not disturbed.
func TestHunt_silence(t *testing.T) {
	scenario(t, connect, func(w *world) {
		var heard []string
		ranked(w, &heard)
		caller, first, second := w.phone("1050"), w.phone("1002"), w.phone("1003")
		began := time.Now()
		caller.dial("1002,1003", caller.sdp("sendrecv"))
		asleep := first.expect("INVITE").(*sip.Request)
		m := second.expect("INVITE").(*sip.Request)
		if d := time.Since(began); d > 4*time.Second {
			t.Errorf("failover after %v", d)
		}
		second.reply(m, 200, second.sdp("sendrecv"))
		second.expect("ACK")
		caller.expect("200")
		caller.ack("")
		first.reply(asleep, 200, first.sdp("sendrecv"))
		var got []string
		for len(got) < 2 {
			switch k := kindOf(first.next(time.Second)); k {
			case "INVITE": // repeated before the answer
			default:
				got = append(got, k)
			}
		}
		if strings.Join(got, " ") != "ACK BYE" {
			t.Errorf("the sleeper got %q", got)
		}
		caller.request("BYE", "")
		caller.expect("200")
		second.reply(second.expect("BYE").(*sip.Request), 200, "")
		if want := []string{"t0 0", "t1 200"}; !slices.Equal(heard, want) {
			t.Errorf("heard %q, want %q", heard, want)
		}
	})
}

// 100 Trying is a sign of life: the target keeps the call.
func TestHunt_tryingIsLife(t *testing.T) {
	scenario(t, connect, func(w *world) {
		var heard []string
		ranked(w, &heard)
		caller, first, second := w.phone("1050"), w.phone("1002"), w.phone("1003")
		caller.dial("1002,1003", caller.sdp("sendrecv"))
		m := first.expect("INVITE").(*sip.Request)
		first.reply(m, 100, "")
		second.quiet(10 * time.Second)
		first.reply(m, 486, "")
		first.expect("ACK")
		caller.expect("486")
		caller.ackFailure()
	})
}

// Who is full is passed over without an INVITE; when all are, the caller hears of it.
func TestHunt_full(t *testing.T) {
	for _, full := range []int{1, 2} {
		scenario(t, connect, func(w *world) {
			w.dress = func(i int, t *Target) {
				t.Rank, t.Trunk = i, fmt.Sprint("t", i)
				t.Seize = func() bool { return i >= full }
			}
			caller, first, second := w.phone("1050"), w.phone("1002"), w.phone("1003")
			caller.dial("1002,1003", caller.sdp("sendrecv"))
			if full == 2 {
				caller.expect("503")
				caller.ackFailure()
				first.quiet(time.Second)
				second.quiet(time.Second)
				return
			}
			second.reply(second.expect("INVITE").(*sip.Request), 486, "")
			second.expect("ACK")
			caller.expect("486")
			caller.ackFailure()
			first.quiet(time.Second)
		})
	}
}

// A call for help goes on after any failure.
func TestHunt_emergency(t *testing.T) {
	script := func(ctx context.Context, c *Call) cti.Cause {
		_, err := c.Dial(ctx, cti.Destination{Device: cti.DeviceID(c.in.Dialled), Caller: c.in.Caller, Emergency: true})
		return causeIn(err, cti.CauseFailed)
	}
	scenario(t, script, func(w *world) {
		var heard []string
		ranked(w, &heard)
		caller, first, second := w.phone("1050"), w.phone("1002"), w.phone("1003")
		caller.dial("1002,1003", caller.sdp("sendrecv"))
		first.reply(first.expect("INVITE").(*sip.Request), 404, "")
		first.expect("ACK")
		second.reply(second.expect("INVITE").(*sip.Request), 404, "")
		second.expect("ACK")
		caller.expect("404")
		caller.ackFailure()
	})
}
