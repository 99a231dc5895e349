package b2bua

import (
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
)

// Everything that each end gets in a call with all that happens in one is searched
// for what belongs to the other end: addresses, dialog identifiers, software,
// session names, candidates, extension headers.
func TestTopologyHiding_RFC7092(t *testing.T) {
	scenario(t, audible, func(w *world) {
		caller, callee := w.phone("1050"), w.phone("1002")
		seen := map[*phone]*strings.Builder{caller: {}, callee: {}}
		note := func(p *phone, m sip.Message) sip.Message {
			seen[p].WriteString(m.String())
			return m
		}
		mark := func(p *phone, who string) string {
			body := strings.Replace(p.sdp("sendrecv"), "o=x 1 1", "o="+who+"-owner 77 77", 1)
			body = strings.Replace(body, "s=-", "s="+who+"-session", 1)
			return body + "a=candidate:1 1 UDP 1 " + p.addr.Addr().String() + " 4000 typ host\na=ssrc:4711 cname:" + who + "-cname\na=x-" + who + ":1\n"
		}
		own := func(who string) []string {
			return []string{"User-Agent: " + who + "-phone", "Server: " + who + "-phone", "X-" + who + ": secret", "Organization: " + who + "-org",
				"Call-Info: <http://" + who + ".example/photo>", "Warning: 399 " + who + ".example \"inner\"", "P-Preferred-Identity: <sip:" + who + "@secret>", "Subject: " + who + "-subject"}
		}
		caller.dial("1002", mark(caller, "alpha"), own("alpha")...)
		invite := note(callee, callee.expect("INVITE")).(*sip.Request)
		callee.reply(invite, 183, mark(callee, "beta"), own("beta")...)
		note(caller, caller.expect("183"))
		callee.reply(invite, 200, mark(callee, "beta"), own("beta")...)
		note(callee, callee.expect("ACK"))
		note(caller, caller.expect("200"))
		caller.ack("")
		callee.cseq = 40
		callee.request("INVITE", strings.Replace(mark(callee, "beta"), "sendrecv", "sendonly", 1), own("beta")...)
		note(callee, callee.expect("200"))
		callee.ack("")
		callee.request("INFO", "", own("beta")...)
		note(callee, callee.expect("200"))
		callee.request("BYE", "", append(own("beta"), "Reason: SIP;cause=200;text=\"beta-reason\"")...)
		note(callee, callee.expect("200"))
		bye := note(caller, caller.expect("BYE")).(*sip.Request)
		caller.reply(bye, 200, "")

		// The caller's number is meant to be seen, its address and tags are not.
		for _, tt := range []struct {
			p     *phone
			other *phone
			who   string
		}{{caller, callee, "beta"}, {callee, caller, "alpha"}} {
			text := seen[tt.p].String()
			for _, secret := range []string{tt.other.addr.Addr().String(), tt.other.localTag, tt.who, "4711", "candidate", "ssrc", "secret", "LA2-Hops"} {
				if i := strings.Index(text, secret); i >= 0 {
					t.Errorf("%s learns %q of the other end:\n%s", tt.p.name, secret, text[max(0, i-200):min(len(text), i+100)])
				}
			}
		}
		if caller.callID == callee.callID {
			t.Error("one Call-ID for both ends")
		}
		if text := seen[callee].String(); strings.Contains(text, caller.callID) {
			t.Error("the callee sees the caller's Call-ID")
		}
		time.Sleep(time.Second)
	})
}
