package node

import (
	"bytes"
	"context"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/cti/server"
	"github.com/lineaamica/la2/sip/wire"
)

// ourHeaders are all that a node ever writes.
var ourHeaders = strings.Fields(`via from to call-id cseq max-forwards contact route record-route content-type content-length
	allow supported require unsupported accept user-agent server expires min-expires retry-after reason privacy p-asserted-identity
	session-expires min-se rseq rack refer-to referred-by replaces event subscription-state allow-events user-to-user warning
	authorization proxy-authorization www-authenticate proxy-authenticate diversion history-info alert-info call-info
	date path priority flow-timer accept-encoding accept-language min-se target-dialog join refer-sub call-completion la2-hops x-la2-hops v f t i`)

// wellFormed sees all that leaves a node and complains about what is not one message of its own
// headers: nothing that somebody wrote into a number, a name or a reason ever makes a new line.
func (w *world) wellFormed(from, to netip.AddrPort, b []byte) {
	if from.Port() != 5060 || len(b) < 12 || b[0] < ' ' || !slices.ContainsFunc([]string{hubIP, napoliIP}, func(ip string) bool {
		return from.Addr() == netip.MustParseAddr(ip) && (ip != napoliIP || w.napoli)
	}) {
		return
	}
	if fault := faultOf(b); fault != "" {
		w.t.Errorf("%v was sent a message with %s:\n%s", to, fault, b)
	}
}

func faultOf(b []byte) string {
	var m wire.Message
	if err := m.Parse(b); err != nil && m.Status() != 400 { // a 400 shows the sender what it wrote
		return err.Error()
	}
	head, _, _ := bytes.Cut(b, []byte("\r\n\r\n"))
	if n := bytes.Count(head, []byte("\r\n")); bytes.Count(head, []byte("\r")) != n || bytes.Count(head, []byte("\n")) != n {
		return "half a line end"
	}
	if bytes.ContainsAny(head, "\x00\x1b") && m.IsRequest() {
		return "a control character"
	}
	for i, line := range strings.Split(string(head), "\r\n") {
		name, _, _ := strings.Cut(line, ":")
		if i > 0 && line[0] != ' ' && line[0] != '\t' && !slices.Contains(ourHeaders, strings.ToLower(strings.TrimSpace(name))) {
			return "header " + name
		}
	}
	return ""
}

func TestFaultOf(t *testing.T) {
	good := "BYE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=2\r\nCall-ID: 1\r\nCSeq: 1 BYE\r\nMax-Forwards: 70\r\n\r\n"
	if f := faultOf([]byte(good)); f != "" {
		t.Errorf("good: %s", f)
	}
	for _, bad := range []string{"X-Evil: 1\r\n", "Reason: a\rX-Evil: 1\r\n", "Reason: a\nX-Evil: 1\r\n", "Reason: a\x00b\r\n", "Reason: \x1b[2J\r\n"} {
		if faultOf([]byte(strings.Replace(good, "Max-", bad+"Max-", 1))) == "" {
			t.Errorf("%q is not noticed", bad)
		}
	}
}

// evil are ways to write a line end where none may be.
var evil = []string{"%0d%0aX-Evil:%201", "%0D%0A%0D%0Ax", "\\\r\n X-Evil: 1", "\rX-Evil: 1\r", "\nX-Evil: 1", "\u2028X-Evil: 1", "%00", "\x00", "\"\r\n X-Evil: 1", "%250d%250aX-Evil: 1", "\x1b[2J", "?X-Evil=1", ">;x=\"\r\n\tX-Evil: 1\"<"}

// Whatever is written into any field of a call that goes through the switch, no message that leaves
// it has a header more.
func TestInjection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.net.Tap(w.wellFormed)
		s, err := parseScenario("normal", normal)
		if err != nil {
			t.Fatal(err)
		}
		s.agents = []string{"a1", "a2:notready"}
		w.prepare(s)
		o := w.nodes["hub"]
		office := w.raw(brindisiIP + ":5070") // an address of the trunk to Brindisi, if it is by network
		stranger := w.raw("10.0.9.9:5060")
		sent := 0
		for _, x := range evil {
			for _, line := range []string{
				"From: \"" + x + "\" <sip:+393330000001@10.0.3.1>;tag=m", "From: <sip:" + x + "@10.0.3.1>;tag=m", "From: <sip:1@10.0.3.1>;tag=m" + x,
				"To: <sip:" + x + "@10.0.0.1>", "To: \"" + x + "\" <sip:1002@10.0.0.1>", "P-Asserted-Identity: \"" + x + "\" <sip:" + x + "@10.0.3.1>",
				"User-to-User: " + x + ";encoding=hex", "User-to-User: 00;purpose=" + x, "Reason: Q.850;cause=16;text=\"" + x + "\"", "Subject: " + x,
				"Refer-To: <sip:1002@10.0.0.1?Replaces=" + x + ">", "Referred-By: <sip:" + x + "@h>", "Diversion: <sip:" + x + "@h>;reason=" + x,
				"History-Info: <sip:" + x + "@h>;index=1", "Alert-Info: <http://" + x + ">", "Call-Info: <http://h/" + x + ">;purpose=" + x, "Supported: timer, " + x,
				"Require: " + x, "Session-Expires: 1800;refresher=" + x, "Privacy: " + x, "User-Agent: " + x, "Record-Route: <sip:h;" + x + ";lr>",
				"Allow: INVITE, " + x, "Replaces: " + x + ";to-tag=1;from-tag=2", "Event: dialog;id=" + x, "Organization: " + x, "X-Whatever: " + x,
			} {
				for _, uri := range []string{"sip:803001@10.0.0.1", "sip:1002@10.0.0.1", "sip:" + strings.TrimSpace(strings.NewReplacer("\r", "", "\n", "", " ", "").Replace(x)) + "@10.0.0.1"} {
					text := office.request("INVITE", uri, line)
					for _, from := range []netip.AddrPort{w.actor("brindisi").ua.Addr(), office.at, stranger.at} {
						w.net.Inject(from, o.addr(), []byte(text))
						sent++
					}
					time.Sleep(20 * time.Millisecond)
				}
				for _, method := range []string{"REFER", "OPTIONS", "SUBSCRIBE", "REGISTER", "MESSAGE", "BYE"} {
					w.net.Inject(stranger.at, o.addr(), []byte(stranger.request(method, "sip:1002@10.0.0.1", line)))
					w.net.Inject(w.actor("a1").ua.Addr(), o.addr(), []byte(office.request(method, "sip:1002@10.0.0.1", line)))
					sent += 2
				}
			}
			time.Sleep(time.Second)
		}
		time.Sleep(3 * time.Minute)
		w.play(s) // and a call goes through
		if sent < 5000 {
			t.Errorf("only %d messages", sent)
		}
		time.Sleep(settle)
		o.check()
		o.stop()
	})
}

// What a desktop names as the target of a transfer goes into no message as it is.
func TestInjectionByCommand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.net.Tap(w.wellFormed)
		s, err := parseScenario("normal", strings.Split(normal, "at 5s")[0]+"at 4s    caller > BYE\n         a1 < BYE\n")
		if err != nil {
			t.Fatal(err)
		}
		s.agents = []string{"a1"}
		w.prepare(s)
		tried := 0
		go func() { // ends while they talk
			time.Sleep(3500 * time.Millisecond)
			a := w.actor("a1")
			call, leg := a.talk()
			c := calls{a.home.Node}
			for _, x := range evil {
				for _, number := range []string{"1002" + x, x, "+390831000111" + x, "sip:1002@10.0.0.1" + x} {
					if err := c.Transfer(context.Background(), call, leg, server.Target{Number: number}); err == nil {
						t.Errorf("%q is taken as a number", number)
					}
					if err := c.Transfer(context.Background(), call, leg, server.Target{Office: cti.SiteID(number)}); err == nil {
						t.Errorf("%q is taken as an office", number)
					}
					tried++
				}
			}
		}()
		w.play(s)
		if tried != 4*len(evil) {
			t.Errorf("%d tried", tried)
		}
		time.Sleep(settle)
		w.nodes["hub"].check()
		w.nodes["hub"].stop()
	})
}
