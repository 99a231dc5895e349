package b2bua

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/cti"
)

func TestHoldByCommand(t *testing.T) {
	scenario(t, service, func(w *world) {
		caller, agent := talking(w)
		ctx, call := w.t.Context(), w.call().id
		for range 2 { // the second does nothing
			if err := w.sw.Hold(ctx, call, w.leg(2)); err != nil {
				t.Fatal(err)
			}
		}
		if a, b := w.media.doing(1), w.media.doing(2); a != "music:music" || b != "silence" {
			t.Errorf("held: caller %s, agent %s", a, b)
		}
		if err := w.sw.Hold(ctx, call, w.leg(1)); causeIn(err, "") != cti.CauseNotFound {
			t.Errorf("the caller's leg: %v", err)
		}
		if err := w.sw.Hold(ctx, "nocall", w.leg(2)); causeIn(err, "") != cti.CauseNotFound {
			t.Errorf("no call: %v", err)
		}
		if err := w.sw.Retrieve(ctx, call, w.leg(2)); err != nil {
			t.Fatal(err)
		}
		if got := w.media.doing(1); got != "bridge:2" {
			t.Errorf("retrieved: caller %s", got)
		}
		caller.quiet(time.Second)
		agent.quiet(time.Second)
		if err := w.sw.Hangup(ctx, call, w.leg(2), cti.CauseNormal); err != nil {
			t.Fatal(err)
		}
		agent.reply(agent.expect("BYE").(*sip.Request), 200, "")
		caller.reply(caller.expect("BYE").(*sip.Request), 200, "")
		w.wantEvents("Answered/1 Delivered/2 Established/2 Held/2 Retrieved/2 ConnectionCleared/2:normal ConnectionCleared/1:normal CallCleared:normal")
	})
}

// The spellings of hold, and what the answer must say (RFC 3264 8.4, RFC 2543).
func TestHoldBySDP(t *testing.T) {
	for name, tt := range map[string]struct {
		from, to string // replaced in the description of the phone
		answer   string
	}{
		"sendonly":       {"a=sendrecv", "a=sendonly", "a=recvonly"},
		"inactive":       {"a=sendrecv", "a=inactive", "a=inactive"},
		"c=0.0.0.0":      {"c=IN IP4 10.0.0.2", "c=IN IP4 0.0.0.0", "a="},
		"both, as Cisco": {"c=IN IP4 10.0.0.2", "c=IN IP4 0.0.0.0\na=inactive", "a="},
	} {
		t.Run(name, func(t *testing.T) {
			scenario(t, service, func(w *world) {
				caller, agent := talking(w)
				agent.request("INVITE", strings.Replace(agent.sdp("sendrecv"), tt.from, tt.to, 1))
				ok := agent.expect("200").(*sip.Response)
				agent.ack("")
				if !bytes.Contains(ok.Body(), []byte(tt.answer)) {
					t.Errorf("answer:\n%s", ok.Body())
				}
				synctest.Wait()
				if got := w.media.doing(1); got != "music:music" {
					t.Errorf("held: caller %s", got)
				}
				caller.quiet(time.Second)
				agent.request("INVITE", agent.sdp("sendrecv"))
				ok = agent.expect("200").(*sip.Response)
				agent.ack("")
				if !bytes.Contains(ok.Body(), []byte("a=sendrecv")) {
					t.Errorf("answer:\n%s", ok.Body())
				}
				synctest.Wait()
				if got := w.media.doing(1); got != "bridge:2" {
					t.Errorf("retrieved: caller %s", got)
				}
				caller.request("BYE", "")
				caller.expect("200")
				agent.reply(agent.expect("BYE").(*sip.Request), 200, "")
				w.wantEvents("Answered/1 Delivered/2 Established/2 Held/2 Retrieved/2 ConnectionCleared/1:normal ConnectionCleared/2:normal CallCleared:normal")
			})
		})
	}
}

// o= of a refresh is the same, of a change one higher (RFC 3264 8).
func TestReinviteVersions(t *testing.T) {
	origin := func(m *sip.Response) string {
		for line := range strings.Lines(string(m.Body())) {
			if strings.HasPrefix(line, "o=") {
				return strings.Fields(line)[2]
			}
		}
		return ""
	}
	scenario(t, service, func(w *world) {
		caller, agent := talking(w)
		var got []string
		for _, dir := range []string{"sendrecv", "sendrecv", "sendonly", "sendonly", "sendrecv"} {
			agent.request("INVITE", agent.sdp(dir))
			got = append(got, origin(agent.expect("200").(*sip.Response)))
			agent.ack("")
			time.Sleep(5 * time.Millisecond)
		}
		// The first is an answer where an offer was before: one codec instead of two.
		if want := "2 2 3 3 4"; strings.Join(got, " ") != want {
			t.Errorf("versions %v, want %s", got, want)
		}
		caller.request("BYE", "")
		caller.expect("200")
		agent.reply(agent.expect("BYE").(*sip.Request), 200, "")
	})
}

// A re-INVITE without SDP gets an offer that repeats the state; until its answer
// another one is 491, and an unknown codec changes nothing.
func TestReinviteWithoutSDP(t *testing.T) {
	scenario(t, service, func(w *world) {
		caller, agent := talking(w)
		agent.request("INVITE", agent.sdp("sendonly"))
		agent.expect("200")
		agent.ack("")
		agent.request("INVITE", "")
		ok := agent.expect("200").(*sip.Response)
		if !bytes.Contains(ok.Body(), []byte("a=recvonly")) {
			t.Errorf("a held leg must stay held:\n%s", ok.Body())
		}
		first := agent.cseq
		agent.request("INVITE", agent.sdp("sendrecv"))
		agent.expect("491")
		agent.ackFailure()
		second := agent.cseq
		agent.cseq = first
		agent.ack(agent.sdp("sendrecv"))
		agent.cseq = second
		time.Sleep(5 * time.Millisecond)
		if !strings.HasPrefix(w.media.doing(1), "bridge") {
			t.Logf("caller %s", w.media.doing(1))
		}
		agent.request("INVITE", strings.Replace(agent.sdp("sendrecv"), "RTP/AVP 8 101", "RTP/AVP 18", 1))
		agent.expect("488")
		agent.ackFailure()
		caller.request("BYE", "")
		caller.expect("200")
		agent.reply(agent.expect("BYE").(*sip.Request), 200, "")
	})
}

func TestRequestsInsideTheDialog(t *testing.T) {
	scenario(t, service, func(w *world) {
		caller, agent := talking(w)
		agent.request("OPTIONS", "")
		agent.expect("200")
		agent.request("UPDATE", "", "Session-Expires: 1800", "Supported: timer")
		if got := header(agent.expect("200").(*sip.Response), "Session-Expires"); got != "1800;refresher=uac" {
			t.Errorf("Session-Expires: %q", got)
		}
		agent.request("NOTIFY", "", "Event: dialog")
		agent.expect("489")
		agent.request("PUBLISH", "")
		agent.expect("405")
		agent.cseq -= 3
		agent.request("OPTIONS", "")
		agent.expect("500") // out of order (RFC 3261 12.2.2)
		agent.cseq += 10
		agent.remoteTag = "other"
		agent.request("BYE", "")
		agent.expect("481")
		caller.request("INFO", "")
		caller.expect("200")
		caller.localTag = "stranger"
		caller.request("BYE", "")
		caller.expect("481")
		caller.localTag = "caller-1050"
		caller.request("BYE", "")
		caller.expect("200")
		agent.reply(agent.expect("BYE").(*sip.Request), 200, "")
	})
}

// expect2 is expect with another patience.
func (p *phone) expect2(what string, d time.Duration) sip.Message {
	p.w.t.Helper()
	m := p.next(d)
	if m == nil || kindOf(m) != what {
		p.w.t.Fatalf("%s: got %v, want %s", p.name, m, what)
	}
	return m
}
