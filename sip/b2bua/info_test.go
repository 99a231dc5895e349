package b2bua

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/media/relay"
)

// info sends a key in an INFO of that type.
func (p *phone) info(kind, body string) {
	p.cseq++
	p.branch++
	head := fmt.Sprintf("INFO %s SIP/2.0\nVia: SIP/2.0/UDP %s;branch=z9hG4bK-%s-%d\nMax-Forwards: 70\nFrom: <%s>;tag=%s\nTo: <%s>;tag=%s\nCall-ID: %s\nCSeq: %d INFO\nContent-Type: %s\nContent-Length: %d\n\n",
		p.target, p.addr, p.name, p.branch, p.local, p.localTag, p.remote, p.remoteTag, p.callID, p.cseq, kind, len(body))
	p.send(head + body)
}

// keysOf is a script that collects three keys of an answered caller.
func keysOf(got *string) func(ctx context.Context, c *Call) cti.Cause {
	return func(ctx context.Context, c *Call) cti.Cause {
		_ = c.Answer(ctx)
		*got, _ = c.Prompt(ctx, cti.PromptRequest{Digits: 3, First: 5 * time.Second, Between: 5 * time.Second})
		<-ctx.Done()
		return cti.CauseNormal
	}
}

// The keys that a service gets, by how the telephone sends them.
func TestKeysOnce_RFC4733_RFC6086(t *testing.T) {
	type press struct {
		info, rtp byte          // 0: not so
		apart     time.Duration // RTP after INFO; negative: before
	}
	tests := []struct {
		name    string
		presses []press
		want    string
	}{
		{"by INFO alone", []press{{'1', 0, 0}, {'2', 0, 0}, {'3', 0, 0}}, "123"},
		{"by RTP alone", []press{{0, '1', 0}, {0, '2', 0}, {0, '2', 0}}, "122"},
		{"twice, INFO first", []press{{'1', '1', 50 * time.Millisecond}, {'1', '1', 50 * time.Millisecond}, {'3', '3', 50 * time.Millisecond}}, "113"},
		{"twice, RTP first", []press{{'1', '1', -50 * time.Millisecond}, {'2', '2', -50 * time.Millisecond}, {'3', '3', -50 * time.Millisecond}}, "123"},
		{"another key by RTP at once", []press{{'1', '2', 50 * time.Millisecond}, {0, '3', 0}}, "123"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got string
			scenario(t, keysOf(&got), func(w *world) {
				caller := w.phone("1050")
				caller.dial("803001", caller.sdp("sendrecv"))
				caller.expect("200")
				caller.ack("")
				time.Sleep(10 * time.Millisecond)
				info := func(k byte) {
					if k != 0 {
						caller.info("application/dtmf-relay", fmt.Sprintf("Signal=%c\nDuration=100\n", k))
						caller.expect("200")
					}
				}
				rtp := func(k byte) {
					if k != 0 {
						w.sw.MediaEvent(w.media.event(relay.Digit, 1, k))
					}
				}
				for _, p := range tt.presses {
					if p.apart < 0 {
						rtp(p.rtp)
						time.Sleep(-p.apart)
						info(p.info)
					} else {
						info(p.info)
						time.Sleep(p.apart)
						rtp(p.rtp)
					}
					time.Sleep(400 * time.Millisecond)
				}
				caller.request("BYE", "")
				caller.expect("200")
				synctest.Wait()
				if got != tt.want {
					t.Errorf("the service got %q, want %q", got, tt.want)
				}
			})
		})
	}
}

// Between two parties INFO becomes RFC 4733 towards the other end, unless the
// telephone has shown that it sends events, which the packet path passes on.
func TestInfoBetweenParties(t *testing.T) {
	scenario(t, connect, func(w *world) {
		caller, callee := established(w)
		callee.cseq = 10
		callee.info("application/dtmf", "7")
		callee.expect("200")
		caller.info("audio/telephone-event", "11")
		caller.expect("200")
		time.Sleep(time.Second)
		w.sw.MediaEvent(w.media.event(relay.Digit, 1, '9')) // the callee's telephone sends events after all
		callee.info("application/dtmf", "9")
		callee.expect("200")
		callee.info("application/sdp", "v=0")
		callee.expect("415")
		time.Sleep(time.Second)
		w.media.mu.Lock()
		if w.media.digits != "7#" {
			t.Errorf("sent on: %q, want 7#", w.media.digits)
		}
		w.media.mu.Unlock()
		caller.request("BYE", "")
		caller.expect("200")
		callee.reply(callee.expect("BYE").(*sip.Request), 200, "")
	})
}
