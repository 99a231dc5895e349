package b2bua

import (
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
)

// Every way to say hold, with its answer, what the other party hears, and whether
// the re-INVITE without SDP that follows repeats it (RFC 3264 5.1, 8.4; RFC 6337 5.2).
func TestHoldSpellings_RFC3264_8_4(t *testing.T) {
	tests := []struct {
		name   string
		change []string // pairs of the description that is sent
		answer string   // direction of our answer
		held   bool
	}{
		{"sendonly", []string{"a=sendrecv", "a=sendonly"}, "recvonly", true},
		{"inactive", []string{"a=sendrecv", "a=inactive"}, "inactive", true},
		{"no attribute is sendrecv", []string{"a=sendrecv\n", ""}, "sendrecv", false},
		{"recvonly listens on", []string{"a=sendrecv", "a=recvonly"}, "sendonly", false},
		{"for the session", []string{"a=sendrecv\n", "", "t=0 0", "t=0 0\na=sendonly"}, "recvonly", true},
		{"inactive for the session", []string{"a=sendrecv\n", "", "t=0 0", "t=0 0\na=inactive"}, "inactive", true},
		{"the stream goes before the session", []string{"t=0 0", "t=0 0\na=inactive"}, "sendrecv", false},
		{"RFC 2543: c=0.0.0.0", []string{"c=IN IP4 10.0.0.2", "c=IN IP4 0.0.0.0"}, "recvonly", true},
		{"0.0.0.0 and inactive", []string{"c=IN IP4 10.0.0.2", "c=IN IP4 0.0.0.0", "a=sendrecv", "a=inactive"}, "inactive", true},
		{"0.0.0.0 of the stream", []string{"a=sendrecv", "c=IN IP4 0.0.0.0\na=sendrecv"}, "recvonly", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			scenario(t, connect, func(w *world) {
				caller, callee := established(w)
				callee.cseq = 10
				callee.request("INVITE", strings.NewReplacer(tt.change...).Replace(strings.Replace(callee.sdp("sendrecv"), "o=x 1 1", "o=x 1 2", 1)))
				body := string(callee.expect("200").Body())
				if !strings.Contains(body, "\r\na="+tt.answer+"\r\n") {
					t.Errorf("answer\n%s", body)
				}
				callee.ack("")
				time.Sleep(10 * time.Millisecond)
				hears := map[bool]string{true: "music:music", false: "bridge:1"}[tt.held]
				if got := w.media.doing(2); got != hears {
					t.Errorf("the caller hears %s, want %s", got, hears)
				}
				caller.quiet(time.Second) // no SIP for the party that is held
				callee.request("INVITE", "")
				repeated := string(callee.expect("200").Body())
				if !strings.Contains(repeated, "\r\na="+tt.answer+"\r\n") {
					t.Errorf("what holds is not repeated:\n%s", repeated)
				}
				callee.ack(strings.NewReplacer(tt.change...).Replace(strings.Replace(callee.sdp("sendrecv"), "o=x 1 1", "o=x 1 2", 1)))
				time.Sleep(10 * time.Millisecond)
				if got := w.media.doing(2); got != hears {
					t.Errorf("after the repetition the caller hears %s, want %s", got, hears)
				}
				callee.request("INVITE", strings.Replace(callee.sdp("sendrecv"), "o=x 1 1", "o=x 1 3", 1))
				callee.expect("200")
				callee.ack("")
				time.Sleep(10 * time.Millisecond)
				if got := w.media.doing(2); got != "bridge:1" {
					t.Errorf("resumed, the caller hears %s", got)
				}
				caller.request("BYE", "")
				caller.expect("200")
				callee.reply(callee.expect("BYE").(*sip.Request), 200, "")
			})
		})
	}
}

// A stream with port 0 is refused, and the session stays as it was (RFC 3261 14.1).
func TestReinvitePortZero(t *testing.T) {
	scenario(t, connect, func(w *world) {
		caller, callee := established(w)
		callee.cseq = 10
		callee.request("INVITE", strings.Replace(callee.sdp("sendrecv"), "m=audio 4000", "m=audio 0", 1))
		callee.expect("488")
		callee.ackFailure()
		if got := w.media.doing(2); got != "bridge:1" {
			t.Errorf("the caller hears %s", got)
		}
		caller.request("BYE", "")
		caller.expect("200")
		callee.reply(callee.expect("BYE").(*sip.Request), 200, "")
	})
}

// re-INVITE while the INVITE is not answered: 500 with Retry-After, and the call
// goes on (RFC 3261 14.2; jambonz-feature-server 1527).
func TestReinviteWhileRinging_RFC3261_14_2(t *testing.T) {
	scenario(t, connect, func(w *world) {
		caller, callee := w.phone("1050"), w.phone("1002")
		caller.dial("1002", caller.sdp("sendrecv"))
		invite := callee.expect("INVITE").(*sip.Request)
		callee.reply(invite, 180, "")
		caller.expect("180")
		caller.request("INVITE", caller.sdp("sendonly"))
		if res := caller.expect("500").(*sip.Response); header(res, "Retry-After") == "" {
			t.Error("500 without Retry-After")
		}
		caller.ackFailure()
		callee.reply(invite, 200, callee.sdp("sendrecv"))
		callee.expect("ACK")
		caller.expect("200")
		caller.cseqOfAck(1)
		caller.request("BYE", "")
		caller.expect("200")
		callee.reply(callee.expect("BYE").(*sip.Request), 200, "")
	})
}

// The ACK of the caller comes after its BYE (as RFC 5407 3.2.4): nothing
// happens, and nothing is left.
func TestAckAfterBye_RFC5407_3_2_4(t *testing.T) {
	scenario(t, connect, func(w *world) {
		caller, callee := w.phone("1050"), w.phone("1002")
		caller.dial("1002", caller.sdp("sendrecv"))
		callee.answer()
		caller.expect("180")
		caller.expect("200")
		caller.request("BYE", "")
		caller.expect("200")
		caller.cseqOfAck(1)
		callee.reply(callee.expect("BYE").(*sip.Request), 200, "")
		caller.quiet(time.Second)
	})
}
