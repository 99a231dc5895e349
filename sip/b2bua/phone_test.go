package b2bua

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/sip/dialog"
	"github.com/lineaamica/la2/sip/siptest"
)

// phone is a user agent without a will of its own: it sends what the test says,
// and acknowledges nothing by itself.
type phone struct {
	w    *world
	name string
	addr netip.AddrPort
	sock *siptest.Socket
	in   chan sip.Message

	callID, localTag, remoteTag string
	local, remote               string // URIs
	target                      string
	cseq                        uint32
	branch                      int
	invite                      *sip.Request // received or sent
	auto200                     bool
	id                          string // of a second call
}

// phone makes the one that targets finds under the name.
func (w *world) phone(name string) *phone {
	w.t.Helper()
	addr := netip.MustParseAddrPort("10.0.0." + strings.TrimLeft(name[len(name)-2:], "0") + ":5060")
	sock, err := w.net.ListenAddrPort(addr)
	if err != nil {
		w.t.Fatal(err)
	}
	p := &phone{w: w, name: name, addr: addr, sock: sock, in: make(chan sip.Message, 256)}
	w.t.Cleanup(func() { sock.Close() })
	go p.read() // ends when the socket is closed
	return p
}

func (p *phone) read() {
	buf := make([]byte, 65535)
	for {
		n, _, err := p.sock.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		m, err := sip.ParseMessage(slices.Clone(buf[:n]))
		if err != nil {
			p.w.t.Errorf("%s: %v\n%s", p.name, err, buf[:n])
			continue
		}
		p.in <- m
	}
}

func (p *phone) send(text string) {
	text = strings.ReplaceAll(text, "\n", "\r\n")
	if _, err := p.sock.WriteToUDPAddrPort([]byte(text), netip.MustParseAddrPort("10.0.0.1:5060")); err != nil {
		p.w.t.Error(err)
	}
}

func kindOf(m sip.Message) string {
	switch m := m.(type) {
	case *sip.Request:
		return string(m.Method)
	case *sip.Response:
		return strconv.Itoa(m.StatusCode)
	}
	return "?"
}

// expect waits for the next message, 100 and other than the first copy of a
// retransmission aside, and fails when it is not what.
func (p *phone) expect(what string) sip.Message {
	p.w.t.Helper()
	m := p.next(40 * time.Second)
	for m != nil && kindOf(m) == "100" {
		m = p.next(40 * time.Second)
	}
	if m == nil {
		p.w.t.Fatalf("%s: no %s", p.name, what)
	}
	if got := kindOf(m); got != what {
		p.w.t.Fatalf("%s: got %s, want %s\n%s\nevents: %s", p.name, got, what, m, p.w.events())
	}
	return p.seen(m)
}

// seen notes what m tells of the dialog.
func (p *phone) seen(m sip.Message) sip.Message {
	switch m := m.(type) {
	case *sip.Request:
		if m.Method == sip.INVITE && p.callID == "" {
			p.ringingFor(m)
		}
		if p.auto200 && m.Method != sip.INVITE && m.Method != sip.ACK {
			p.reply(m, 200, "")
		}
	case *sip.Response:
		if p.remoteTag == "" && m.StatusCode > 100 {
			p.remoteTag = dialog.ToTag(m.To())
		}
		if c := m.Contact(); c != nil && m.StatusCode > 100 && m.StatusCode < 300 {
			p.target = c.Address.String()
		}
	}
	return m
}

// expectAny is the next message, 100 aside.
func (p *phone) expectAny() sip.Message {
	p.w.t.Helper()
	m := p.next(40 * time.Second)
	for m != nil && kindOf(m) == "100" {
		m = p.next(40 * time.Second)
	}
	if m == nil {
		p.w.t.Fatalf("%s: nothing came", p.name)
	}
	return p.seen(m)
}

func (p *phone) next(d time.Duration) sip.Message {
	select {
	case m := <-p.in:
		return m
	case <-time.After(d):
		return nil
	}
}

// quiet fails when anything comes within d.
func (p *phone) quiet(d time.Duration) {
	p.w.t.Helper()
	if m := p.next(d); m != nil {
		p.w.t.Errorf("%s: unexpected %s\n%s", p.name, kindOf(m), m)
	}
}

func (p *phone) ringingFor(m *sip.Request) {
	p.invite = m
	p.callID, p.remoteTag = string(*m.CallID()), dialog.FromTag(m.From())
	p.localTag = "callee-" + p.name
	p.local, p.remote = m.To().Address.String(), m.From().Address.String()
	p.target = m.Contact().Address.String()
}

func (p *phone) sdp(dir string) string {
	return fmt.Sprintf("v=0\no=x 1 1 IN IP4 %[1]s\ns=-\nc=IN IP4 %[1]s\nt=0 0\nm=audio 4000 RTP/AVP 8 101\na=rtpmap:8 PCMA/8000\na=rtpmap:101 telephone-event/8000\na=%[2]s\n", p.addr.Addr(), dir)
}

func withBody(body string) string {
	if body == "" {
		return "Content-Length: 0\n\n"
	}
	n := len(body) + strings.Count(body, "\n")
	return fmt.Sprintf("Content-Type: application/sdp\nContent-Length: %d\n\n%s", n, body)
}

// dial sends the INVITE of a new call. Lines in extra are added as headers.
func (p *phone) dial(number, body string, extra ...string) {
	p.callID, p.localTag, p.remoteTag = "call-"+p.name+p.id, "caller-"+p.name+p.id, ""
	p.local, p.remote = "sip:"+p.name+"@10.0.0.1", "sip:"+number+"@10.0.0.1"
	p.target = "sip:" + number + "@10.0.0.1"
	p.cseq = 1
	p.branch++
	p.write("INVITE", p.cseq, p.branch, body, extra...)
}

// request sends a request inside the dialog.
func (p *phone) request(method, body string, extra ...string) {
	p.cseq++
	p.branch++
	p.write(method, p.cseq, p.branch, body, extra...)
}

func (p *phone) write(method string, cseq uint32, branch int, body string, extra ...string) {
	to := ""
	if p.remoteTag != "" {
		to = ";tag=" + p.remoteTag
	}
	head := fmt.Sprintf("%s %s SIP/2.0\nVia: SIP/2.0/UDP %s;branch=z9hG4bK-%s-%d;rport\nMax-Forwards: 70\nFrom: <%s>;tag=%s\nTo: <%s>%s\nCall-ID: %s\nCSeq: %d %s\nContact: <sip:%s@%s>\n",
		method, p.target, p.addr, p.name, branch, p.local, p.localTag, p.remote, to, p.callID, cseq, method, p.name, p.addr)
	rest := withBody(body)
	for _, h := range extra {
		head += h + "\n"
		if strings.HasPrefix(h, "Content-Type:") {
			rest = strings.TrimPrefix(rest, "Content-Type: application/sdp\n")
		}
	}
	p.send(head + rest)
}

// ack acknowledges the 2xx to the latest INVITE of this phone.
func (p *phone) ack(body string) {
	p.branch++
	p.write("ACK", p.cseq, p.branch, body)
}

// cancel sends CANCEL for the INVITE just sent.
func (p *phone) cancel() {
	tag := p.remoteTag
	p.remoteTag = ""
	p.write("CANCEL", p.cseq, p.branch, "")
	p.remoteTag = tag
}

// ackFailure acknowledges a refusal, on the branch of the INVITE.
func (p *phone) ackFailure() { p.write("ACK", p.cseq, p.branch, "") }

// reply answers a request.
func (p *phone) reply(req *sip.Request, status int, body string, extra ...string) {
	p.replyTag(req, status, p.localTag, body, extra...)
}

func (p *phone) replyTag(req *sip.Request, status int, tag, body string, extra ...string) {
	var b strings.Builder
	fmt.Fprintf(&b, "SIP/2.0 %d X\n", status)
	for _, h := range req.GetHeaders("Via") {
		b.WriteString(h.String() + "\n")
	}
	to := req.To().String()
	if dialog.ToTag(req.To()) == "" {
		to += ";tag=" + tag
	}
	fmt.Fprintf(&b, "%s\n%s\n%s\n%s\nContact: <sip:%s@%s>\n", req.From(), to, req.CallID(), req.CSeq(), p.name, p.addr)
	for _, h := range extra {
		b.WriteString(h + "\n")
	}
	p.send(b.String() + withBody(body))
}

// talk brings a phone that was dialled into the call.
func (p *phone) answer() {
	p.w.t.Helper()
	m := p.expect("INVITE").(*sip.Request)
	p.reply(m, 180, "")
	p.reply(m, 200, p.sdp("sendrecv"))
	p.expect("ACK")
}
