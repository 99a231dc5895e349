package node

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaamica/la2/configs"
)

// silent sends a request and says whether nothing comes back within a second.
func (r *raw) silent(text string) bool {
	r.t.Helper()
	for len(r.in) > 0 {
		<-r.in
	}
	r.send(text)
	time.Sleep(time.Second)
	return len(r.in) == 0
}

// A scanner, a guesser and a source of nonsense are banned, each with its reason; the operator
// sees it and can end it; a telephone that did the same is not.
func TestBansInTheStatus(t *testing.T) {
	strangers(t, func(w *world) {
		o := w.nodes["hub"]
		scanner, guesser, noise, phone := w.raw("10.0.9.1:5060"), w.raw("10.0.9.2:5060"), w.raw("10.0.9.3:5060"), w.raw("10.0.4.1:5060")
		if res := phone.as("1001", "REGISTER", "sip:10.0.0.1", "To: <sip:1001@10.0.0.1>", "Expires: 3600"); res.StatusCode != 200 {
			t.Fatalf("REGISTER: %d", res.StatusCode)
		}
		if !scanner.silent(scanner.request("OPTIONS", "sip:100@10.0.0.1", "User-Agent: friendly-scanner")) {
			t.Error("a scanner is answered")
		}
		if !scanner.silent(scanner.request("OPTIONS", "sip:100@10.0.0.1")) {
			t.Error("a scanner is heard again")
		}
		var nonces []string
		for _, r := range []*raw{guesser, phone} {
			_, nonce, _ := strings.Cut(r.final(r.request("REGISTER", "sip:10.0.0.1", "To: <sip:1001@10.0.0.1>")).GetHeader("WWW-Authenticate").Value(), `nonce="`)
			nonce, _, _ = strings.Cut(nonce, `"`)
			nonces = append(nonces, nonce)
		}
		for i := range 30 {
			for j, r := range []*raw{guesser, phone} {
				bad := fmt.Sprintf(`Authorization: Digest username="%d", realm="la2", nonce="%s", uri="sip:10.0.0.1", response="00000000000000000000000000000000"`, i, nonces[j])
				r.send(r.request("REGISTER", "sip:10.0.0.1", "To: <sip:1001@10.0.0.1>", bad))
			}
			for _, r := range []*raw{noise, phone} {
				r.send(strings.Replace(r.request("INVITE", "sip:1@10.0.0.1"), "CSeq: ", "CSeq: x", 1))
			}
			time.Sleep(100 * time.Millisecond)
		}
		got := map[string]string{}
		for _, b := range o.server.Status().Bans {
			if !strings.HasSuffix(b.Source, "/32") { // a network whose passwords are not read, see TestPasswordGuessing
				continue
			}
			got[b.Source] = b.Reason
			if !b.Until.After(b.Since) || b.Times != 1 || b.Dropped == 0 {
				t.Errorf("%+v", b)
			}
		}
		if len(got) != 3 || got["10.0.9.1/32"] != "scanner" || got["10.0.9.2/32"] == "" || got["10.0.9.3/32"] != "malformed" {
			t.Errorf("bans %v", got)
		}
		if res := phone.final(phone.request("OPTIONS", "sip:10.0.0.1")); res.StatusCode != 200 {
			t.Errorf("the telephone: %d", res.StatusCode)
		}
		if !o.shield.Unban(netip.MustParseAddr("10.0.9.1")) {
			t.Error("not unbanned")
		}
		if res := scanner.final(scanner.request("OPTIONS", "sip:10.0.0.1")); res.StatusCode != 200 {
			t.Errorf("after the ban: %d", res.StatusCode)
		}
		time.Sleep(2 * time.Minute)
		if l := o.server.Status().Bans; len(l) != 0 {
			t.Errorf("bans are not over: %+v", l)
		}
	})
}

// The same datagrams in the name of a trunk or of a registered telephone ban nobody.
func TestForgedSourcesBanNobody(t *testing.T) {
	strangers(t, func(w *world) {
		o := w.nodes["hub"]
		phone := w.raw("10.0.4.1:5060")
		if res := phone.as("1001", "REGISTER", "sip:10.0.0.1", "To: <sip:1001@10.0.0.1>", "Expires: 3600"); res.StatusCode != 200 {
			t.Fatalf("REGISTER: %d", res.StatusCode)
		}
		for range 300 {
			for _, src := range []string{"10.0.4.1:5060", "10.0.4.1:9999", brindisiIP + ":5060"} {
				at := netip.MustParseAddrPort(src)
				w.net.Inject(at, o.addr(), []byte("nonsense"))
				w.net.Inject(at, o.addr(), []byte(phone.request("OPTIONS", "sip:1@10.0.0.1", "User-Agent: sipvicious")))
			}
			time.Sleep(10 * time.Millisecond)
		}
		if l := o.server.Status().Bans; len(l) != 0 {
			t.Errorf("bans %+v", l)
		}
		if res := phone.as("1001", "REGISTER", "sip:10.0.0.1", "To: <sip:1001@10.0.0.1>", "Expires: 3600"); res.StatusCode != 200 {
			t.Errorf("the telephone: %d", res.StatusCode)
		}
	})
}

// An access list keeps out who is not on it, whatever it sends.
func TestAccessList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		cfg := demoConfig(t, "formezpa", hubIP)
		cfg.Trunks = nil
		cfg.Queues[0].Overflow = configs.Overflow{}
		cfg.SIP.Shield.Access = []configs.Access{{Allow: []netip.Prefix{netip.MustParsePrefix("10.0.4.0/24")}}}
		o := w.run(&site{w: w, name: "hub", ip: hubIP, data: dataDir(t, "hub")}, cfg)
		in, out := w.raw("10.0.4.1:5060"), w.raw("10.0.5.1:5060")
		if res := in.final(in.request("OPTIONS", "sip:10.0.0.1")); res.StatusCode != 200 {
			t.Errorf("who is allowed: %d", res.StatusCode)
		}
		if !out.silent(out.request("OPTIONS", "sip:10.0.0.1")) || o.shield.Stats().Denied != 1 {
			t.Errorf("stats %+v", o.shield.Stats())
		}
		o.stop()
	})
}

// kinds are requests of every sort by somebody who has shown nothing, large and small.
func (r *raw) kinds() (out []string) {
	bad := `Authorization: Digest username="1001", realm="la2", nonce="x", uri="sip:10.0.0.1", response="00000000000000000000000000000000"`
	for _, method := range []string{"REGISTER", "INVITE", "OPTIONS", "SUBSCRIBE", "MESSAGE", "PUBLISH", "BYE", "CANCEL", "ACK", "REFER", "NOTIFY", "INFO", "UPDATE", "PRACK", "FOO"} {
		for _, uri := range []string{"sip:1001@10.0.0.1", "sip:9999@10.0.0.1", "sip:10.0.0.1", "sip:x@evil.example", "urn:service:sos", "tel:+390831000111"} {
			full := r.request(method, uri, "To: <sip:1001@10.0.0.1>")
			tagged := r.request(method, uri, "To: <sip:1001@10.0.0.1>;tag=x", "Route: <sip:10.0.0.1;lr>")
			tiny := fmt.Sprintf("%s %s SIP/2.0\r\nv:SIP/2.0/UDP %s;branch=z9hG4bK%d\r\nf:<sip:a@b>;tag=1\r\nt:<sip:1001@c>\r\ni:%d\r\nCSeq:1 %s\r\nMax-Forwards:1\r\n\r\n",
				method, uri, r.at.Addr(), r.id, r.id, method)
			out = append(out, full, tagged, tiny, r.request(method, uri, bad), r.request(method, uri, "Require: x"),
				strings.Replace(full, "CSeq: ", "CSeq: x", 1), strings.Replace(full, "Max-Forwards: 70", "Max-Forwards: 0", 1), strings.Replace(full, "SIP/2.0\r\n", "SIP/7.0\r\n", 1))
		}
	}
	return append(out, "\r\n\r\n", "\x00\x01\x00\x00\x21\x12\xa4\x42aaaaaaaaaaaa", "SIP/2.0 200 OK\r\n\r\n", "x")
}

// Whoever has shown nothing gets over UDP no more octets than it sent: for one request of each
// kind with all that it brings for a minute, and in the long run.
func TestNoAmplificationOfAnyKind(t *testing.T) {
	strangers(t, func(w *world) {
		o := w.nodes["hub"]
		acc := &accountant{node: o.addr(), in: map[netip.Addr]int{}, out: map[netip.Addr]int{}}
		w.net.Tap(acc.tap)
		var ends []*raw
		kinds := len((&raw{t: t, at: netip.MustParseAddrPort("10.9.0.1:5060")}).kinds())
		for i := range kinds { // each from a source of its own, which repeats it like a client does
			r := w.raw(fmt.Sprintf("10.9.%d.%d:5060", i/200, 1+i%200))
			ends = append(ends, r)
			text := r.kinds()[i]
			for _, pause := range []time.Duration{500, 1000, 2000, 4000} {
				r.send(text)
				time.Sleep(pause * time.Microsecond) // of the network's time; the repetition is what matters
			}
		}
		time.Sleep(time.Minute)
		acc.mu.Lock()
		defer acc.mu.Unlock()
		answered := 0
		for _, r := range ends {
			in, out := acc.in[r.at.Addr()], acc.out[r.at.Addr()]
			if out > in {
				t.Errorf("%v: %d octets in, %d out", r.at, in, out)
			}
			if out > 0 {
				answered++
			}
		}
		if answered < kinds/2 {
			t.Errorf("only %d of %d are answered", answered, kinds)
		}
		t.Logf("%d of %d kinds are answered; %d responses withheld", answered, kinds, o.shield.Stats().Withheld)
	})
}

// talk sends an INVITE and, when it is taken, acknowledges the 2xx, so that audio may flow.
func (r *raw) talk(invite string) {
	r.t.Helper()
	res := r.final(invite)
	if res.StatusCode == 488 || res.StatusCode == 400 { // a description or a contact that names nobody
		return
	}
	if res.StatusCode != 200 {
		r.t.Fatalf("%d to\n%s", res.StatusCode, invite)
	}
	ack := r.request("ACK", "sip:la2@10.0.0.1", "To: "+res.To().Value())
	id := res.CallID().Value()
	ack = regexp.MustCompile(`Call-ID: \S+`).ReplaceAllString(ack, "Call-ID: "+id)
	r.send(regexp.MustCompile(`CSeq: \d+`).ReplaceAllString(ack, fmt.Sprintf("CSeq: %d", res.CSeq().SeqNo)))
}

// What headers and SDP name is never where a packet goes.
func TestTraps(t *testing.T) {
	strangers(t, func(w *world) {
		o := w.nodes["hub"]
		office, phone := w.raw(brindisiIP+":5060"), w.raw("10.0.4.1:5060")
		known := map[netip.Addr]bool{}
		for _, a := range []string{brindisiIP, "10.0.4.1", "10.0.9.9", hubIP} {
			known[netip.MustParseAddr(a)] = true
		}
		w.net.Tap(func(from, to netip.AddrPort, b []byte) {
			if from.Addr() == o.addr().Addr() && !known[to.Addr()] {
				t.Errorf("%v is sent\n%.300s", to, b)
			}
		})
		stranger := w.raw("10.0.9.9:5060")
		for _, trap := range []string{"127.0.0.1", "169.254.169.254", "255.255.255.255", "224.0.1.75", "0.0.0.0", "10.0.77.77", "168.63.129.16", "203.0.113.7", "[::1]", "[fd00:ec2::254]"} {
			at := trap + ":5060"
			lines := []string{"Contact: <sip:x@" + at + ">", "Record-Route: <sip:" + at + ";lr>", "Refer-To: <sip:x@" + at + ">", "Referred-By: <sip:x@" + at + ">",
				"Call-Info: <http://" + at + "/x>", "Alert-Info: <http://" + at + "/x>", "Error-Info: <sip:x@" + at + ">", "Reply-To: <sip:x@" + at + ">"}
			aim := func(text string) string {
				text = strings.NewReplacer("Contact: <sip:mallory@"+office.at.String()+">\r\n", "", "Contact: <sip:mallory@"+stranger.at.String()+">\r\n", "").Replace(text)
				text = strings.ReplaceAll(text, "IN IP4 10.0.9.9", "IN IP4 "+strings.Trim(trap, "[]"))
				return strings.Replace(text, ";rport\r\n", ";rport;maddr="+trap+";received="+trap+"\r\n", 1)
			}
			for _, uri := range []string{"sip:803001@10.0.0.1", "sip:1001@10.0.0.1"} {
				office.send(aim(office.request("INVITE", uri, lines...)))
				stranger.send(aim(stranger.request("INVITE", uri, lines...)))
			}
			if !strings.HasPrefix(trap, "203.") { // where a stream goes is for its receiver to say, but not there
				office.talk(aim(office.request("INVITE", "sip:803001@10.0.0.1", lines...)))
			}
			for _, method := range []string{"OPTIONS", "REGISTER", "SUBSCRIBE", "REFER", "NOTIFY", "MESSAGE"} {
				office.send(aim(office.request(method, "sip:1001@10.0.0.1", lines...)))
				office.send(aim(office.request(method, "sip:1001@"+at, "Route: <sip:10.0.0.1;lr>,<sip:"+at+";lr>")))
			}
			// A telephone of ours that is told to be elsewhere is rung where it registered.
			if res := phone.as("1001", "REGISTER", "sip:10.0.0.1", "To: <sip:1001@10.0.0.1>", "Contact: <sip:1001@"+at+">", "Expires: 60"); res.StatusCode/100 != 2 && res.StatusCode != 400 {
				t.Errorf("REGISTER of %s: %d", at, res.StatusCode)
			}
			phone.send(phone.authorized("1002", "INVITE", "sip:1001@10.0.0.1", lines...))
			time.Sleep(time.Minute)
		}
	})
}
