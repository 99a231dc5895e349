package node

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaamica/la2/sip/siptest"
)

// A node that was told to stop: who talks goes on talking, everybody else is sent
// away, and it ends with the last call, at its limit or when it is told again.
func TestDrain(t *testing.T) {
	const limit = 10 * time.Minute
	for _, tt := range []struct {
		name  string
		end   func(o *site, in *siptest.Call) // after a minute of draining
		after time.Duration                   // from the order to the end of Run
	}{
		{"the last call ends", func(_ *site, in *siptest.Call) { in.Hangup() }, time.Minute},
		{"a second order", func(o *site, _ *siptest.Call) { o.Hurry() }, time.Minute},
		{"the limit", func(*site, *siptest.Call) {}, limit},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.began = time.Now()
				cfg := demoConfig(t, "formezpa", hubIP)
				cfg.Trunks, cfg.SIP.Drain = nil, limit
				o := w.run(&site{w: w, name: "hub", ip: hubIP, data: t.TempDir()}, cfg)
				one := siptest.NewUA(t, w.net, "10.0.9.1:5060", siptest.Account("1001", "demo-1001"))
				two := siptest.NewUA(t, w.net, "10.0.9.2:5060", siptest.Account("1002", "demo-1002"))
				two.Register(o.addr(), time.Hour)
				out := one.Invite("sip:1002@"+hubIP, o.addr())
				in := two.ExpectInvite(time.Second)
				in.Answer()
				out.Established(time.Second)
				out.RTP.Play(siptest.Tone(700))
				in.RTP.Play(siptest.Tone(1000))

				told, ended := time.Now(), make(chan time.Duration, 1)
				go func() { // ends with the node
					o.stop()
					ended <- time.Since(told)
				}()
				time.Sleep(30 * time.Second)
				if res := one.Request("OPTIONS", "sip:"+hubIP, o.addr()); res.Status != 503 || res.Get("Retry-After") == "" {
					t.Errorf("OPTIONS gets %d, Retry-After %q", res.Status, res.Get("Retry-After"))
				}
				late := one.Invite("sip:1002@"+hubIP, o.addr())
				if res := late.Wait(siptest.Final("INVITE"), time.Second); res.Status != 503 || res.Get("Retry-After") == "" {
					t.Errorf("a new call gets %d, Retry-After %q", res.Status, res.Get("Retry-After"))
				}
				if res := two.Register(o.addr(), time.Hour); res.Status != 200 {
					t.Errorf("REGISTER gets %d", res.Status)
				}
				if res := out.Hold(); res.Status != 200 {
					t.Errorf("hold gets %d", res.Status)
				}
				time.Sleep(time.Minute - time.Since(told))
				tt.end(o, in)
				if got := <-ended; got < tt.after || got > tt.after+3*time.Second {
					t.Errorf("ended after %v, want %v", got, tt.after)
				}
				time.Sleep(time.Second) // of the network
				if !out.Ended() {
					t.Error("a call was left without BYE")
				}
			})
		})
	}
}
