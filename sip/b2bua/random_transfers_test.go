package b2bua

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/media/relay"
	"github.com/lineaamica/la2/sip/siptest"
)

// Random transfers of all kinds between stations, citizens and an office, on a network
// that loses, doubles and reorders datagrams: REFER with and without Replaces, whose
// sender may hang up at once, take-overs, and commands of desktops. When nobody does
// anything any more, everybody who is in a call talks with somebody; at the end nothing
// is left. A failing seed fails again.
func TestRandomTransfers(t *testing.T) {
	seeds := 12
	if testing.Short() {
		seeds = 3
	}
	moved := 0
	for seed := range seeds {
		t.Run(fmt.Sprint("seed", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { moved += transfers(t, uint64(seed)) })
		})
	}
	if moved < seeds {
		t.Errorf("%d transfers succeeded in %d histories", moved, seeds)
	}
}

// dealer deals calls to stations, and moves them.
type dealer struct {
	w     *world
	rng   *rand.Rand
	uas   []*siptest.UA
	calls [][]*siptest.Call // by station
	all   []*siptest.Call
}

func transfers(t *testing.T, seed uint64) int {
	w := newWorld(t, both)
	defer w.layer.Close()
	defer w.sock.Close()
	w.media.apart = seed%3 == 0
	w.net.SetDefault(siptest.Link{Delay: 5 * time.Millisecond, Jitter: 10 * time.Millisecond, Loss: 0.02, Duplicate: 0.02, Reorder: 0.02})
	d := &dealer{w: w, rng: rand.New(rand.NewPCG(seed, 3))}
	for host := 2; host <= 7; host++ { // 7 is the office
		d.station(host)
	}
	for n := range 60 {
		d.deal(n)
		time.Sleep(time.Duration(d.rng.IntN(600)) * time.Millisecond)
	}
	for range 3 {
		d.press()
		for _, v := range w.sw.Calls(t.Context()) {
			_ = w.sw.Complete(t.Context(), v.In.Call, v.Talks) // whoever consults
		}
		time.Sleep(70 * time.Second)
	}
	for _, v := range w.sw.Calls(t.Context()) {
		if len(v.Legs) != 2 || v.Talks == "" {
			t.Errorf("nobody does anything, and call %s to %s is %+v", v.In.Call, v.In.Dialled, v.Legs)
		}
		for _, l := range v.Legs {
			_ = w.sw.Hangup(t.Context(), v.In.Call, l.Leg, cti.CauseNormal) // the first may end the call
		}
	}
	time.Sleep(150 * time.Second)
	synctest.Wait()
	w.checkEmpty()
	n := w.tally()
	if n["CallCleared:failed"] != 0 || w.sw.Panics() != 0 {
		t.Errorf("implausible history: %v", n)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range d.all {
		if talks(c) {
			t.Errorf("a phone still talks: %s\n%s", c.ID(), c.UA.Trace())
		}
	}
	return n["Transferred"]
}

// station is a telephone that answers nearly always.
func (d *dealer) station(host int) {
	ua := siptest.NewUA(d.w.t, d.w.net, fmt.Sprintf("10.0.0.%d:5060", host), siptest.NoRTP())
	i := len(d.uas)
	d.uas, d.calls = append(d.uas, ua), append(d.calls, nil)
	rng := rand.New(rand.NewPCG(uint64(host), d.rng.Uint64()))
	ua.OnCall(func(c *siptest.Call) {
		d.w.mu.Lock()
		after, mood := time.Duration(rng.IntN(1500))*time.Millisecond, rng.IntN(12)
		d.calls[i], d.all = append(d.calls[i], c), append(d.all, c)
		d.w.mu.Unlock()
		c.Respond(180)
		time.AfterFunc(after, func() {
			if mood == 0 {
				c.Respond(486)
				return
			}
			c.Respond(200, siptest.With("Supported", "replaces"))
		})
	})
}

// begin makes a call and acknowledges its answer.
func (d *dealer) begin(ua *siptest.UA, i int, number string, fields ...siptest.Field) {
	c := ua.Invite("sip:"+number+"@10.0.0.1", netip.MustParseAddrPort("10.0.0.1:5060"), fields...)
	d.w.mu.Lock()
	if d.all = append(d.all, c); i >= 0 {
		d.calls[i] = append(d.calls[i], c)
	}
	d.w.mu.Unlock()
	go func() { // ends when the call is answered, refused or ended
		for !c.Ended() {
			time.Sleep(10 * time.Millisecond)
			for _, m := range c.Drain() {
				if _, method := m.CSeq(); method == "INVITE" && m.Status >= 200 {
					if m.Status < 300 {
						c.Ack(m)
					}
					return
				}
			}
		}
	}()
}

// live are the calls of a station that have not ended.
func (d *dealer) live(i int) (out []*siptest.Call) {
	d.w.mu.Lock()
	defer d.w.mu.Unlock()
	for _, c := range d.calls[i] {
		if !c.Ended() {
			out = append(out, c)
		}
	}
	return out
}

// deal does the n-th thing.
func (d *dealer) deal(n int) {
	i := d.rng.IntN(5)
	name, other := fmt.Sprint(1002+i), fmt.Sprint(1002+d.rng.IntN(5))
	mine := d.live(i)
	switch what := d.rng.IntN(12); {
	case what < 2:
		ua := siptest.NewUA(d.w.t, d.w.net, fmt.Sprintf("10.0.0.%d:5060", 50+n), siptest.NoRTP())
		d.begin(ua, -1, "803001")
	case what < 5:
		if d.rng.IntN(4) == 0 {
			other = "91007"
		}
		d.begin(d.uas[i], i, other, siptest.With("X-Station", name))
	case what < 8 && len(mine) > 1:
		a, b := mine[d.rng.IntN(len(mine))], mine[d.rng.IntN(len(mine))]
		a.Send("REFER", siptest.With("Refer-To", "<sip:900@10.0.0.1?Replaces="+url.QueryEscape(b.Replaces())+">"))
		for _, c := range []*siptest.Call{a, b} {
			if d.rng.IntN(3) == 0 {
				time.Sleep(time.Duration(d.rng.IntN(25)) * time.Millisecond)
				c.Bye()
			}
		}
	case what < 9 && len(mine) > 0:
		mine[0].Send("REFER", siptest.With("Refer-To", "<sip:"+other+"@10.0.0.1>"))
	case what < 10 && len(mine) > 0:
		d.begin(d.uas[3], 3, name, siptest.With("X-Station", "1005"), siptest.With("Replaces", mine[0].Replaces()))
	default:
		d.command(other)
	}
}

// press leads all citizens out of the menu.
func (d *dealer) press() {
	h := &historian{w: d.w}
	for _, v := range d.w.sw.Calls(d.w.t.Context()) {
		d.w.sw.MediaEvent(relay.Event{Kind: relay.Digit, Call: v.In.Call, Leg: h.port(v), Digit: '#'})
	}
}

// command is one of a desktop; each may come at the wrong moment.
func (d *dealer) command(other string) {
	w, ctx := d.w, d.w.t.Context()
	calls := w.sw.Calls(ctx)
	if len(calls) == 0 {
		return
	}
	v := calls[d.rng.IntN(len(calls))]
	to := cti.Destination{Device: cti.DeviceID(other), Ring: 6 * time.Second}
	switch d.rng.IntN(8) {
	case 0:
		d.press()
	case 1:
		_ = w.sw.Hold(ctx, v.In.Call, v.Talks)
	case 2:
		_ = w.sw.Retrieve(ctx, v.In.Call, v.Talks)
	case 3:
		_ = w.sw.Transfer(ctx, v.In.Call, v.Talks, to)
	case 4:
		_ = w.sw.Consult(ctx, v.In.Call, v.Talks, to)
	case 5:
		_ = w.sw.Swap(ctx, v.In.Call, v.Talks)
	case 6:
		_ = w.sw.Complete(ctx, v.In.Call, v.Talks)
	case 7:
		_ = w.sw.Transfer(ctx, v.In.Call, v.Talks, cti.Destination{Trunk: "1007", Number: "112", Emergency: true, Ring: 6 * time.Second})
	}
}
