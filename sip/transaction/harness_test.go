package transaction

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"
	"go.uber.org/goleak"

	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	udpFlow = flow.Flow{Transport: flow.UDP, Local: netip.MustParseAddrPort("10.0.0.1:5060"), Remote: netip.MustParseAddrPort("10.0.0.9:5062")}
	tcpFlow = flow.Flow{Transport: flow.TCP, Local: netip.MustParseAddrPort("10.0.0.1:5060"), Remote: netip.MustParseAddrPort("10.0.0.9:40000"), ID: 1}
)

// A harness is a layer in a synctest bubble with a sender and a user that write down all that
// happens, in order and with the time.
type harness struct {
	t  *testing.T
	l  *Layer
	tu *fakeUser

	mu      sync.Mutex // guards the rest
	start   time.Time
	packets []packet
	sendErr error
}

type packet struct {
	at   time.Duration
	flow flow.Flow
	text string
}

// start returns the first line of the packet.
func (p packet) start() string {
	line, _, _ := strings.Cut(p.text, "\r\n")
	return line
}

func (p packet) header(name string) string {
	for line := range strings.SplitSeq(p.text, "\r\n") {
		if k, v, ok := strings.Cut(line, ": "); ok && strings.EqualFold(k, name) {
			return v
		}
	}
	return ""
}

// Send implements Sender.
func (h *harness) Send(f flow.Flow, b []byte) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.sendErr != nil {
		return h.sendErr
	}
	h.packets = append(h.packets, packet{time.Since(h.start), f, string(b)})
	return nil
}

// A fakeUser notes the calls of the layer and runs the hooks that are set.
type fakeUser struct {
	mu  sync.Mutex // guards log
	log []string

	onRequest func(*Server)
	onCancel  func(*Server)
	onAck     func(*sip.Request)
}

func (u *fakeUser) note(format string, args ...any) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.log = append(u.log, fmt.Sprintf(format, args...))
}

func (u *fakeUser) taken() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	out := u.log
	u.log = nil
	return out
}

func (u *fakeUser) Request(tx *Server) {
	u.note("request %s", tx.Request().Method)
	if u.onRequest != nil {
		u.onRequest(tx)
	}
}

func (u *fakeUser) Cancel(tx *Server) {
	u.note("cancel")
	if u.onCancel != nil {
		u.onCancel(tx)
	}
}

func (u *fakeUser) Ack(_ flow.Flow, ack *sip.Request) {
	u.note("ack %d", ack.CSeq().SeqNo)
	if u.onAck != nil {
		u.onAck(ack)
	}
}

func (u *fakeUser) Unacked(*Server)                      { u.note("unacked") }
func (u *fakeUser) Stray(_ flow.Flow, res *sip.Response) { u.note("stray %d", res.StatusCode) }

// on returns a callback for a client that notes its events.
func (u *fakeUser) on(ev ClientEvent) {
	if ev.Err != nil {
		u.note("error %v", ev.Err)
		return
	}
	tag, _ := ev.Response.To().Params.Get("tag")
	u.note("response %d %s", ev.Response.StatusCode, tag)
}

// bubble runs fn with a layer in a synctest bubble. The bubble fails when a goroutine stays.
func bubble(t *testing.T, cfg Config, fn func(*harness)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := &harness{t: t, tu: &fakeUser{}, start: time.Now()}
		if cfg.Shards == 0 {
			cfg.Shards = 2
		}
		h.l = New(cfg, h, h.tu)
		defer h.l.Close()
		fn(h)
	})
}

// receive gives a message to the layer and waits until it is done with it.
func (h *harness) receive(f flow.Flow, text string) {
	h.t.Helper()
	h.push(f, text)
	synctest.Wait()
}

// push gives a message to the layer.
func (h *harness) push(f flow.Flow, text string) {
	h.t.Helper()
	var m wire.Message
	if err := m.Parse([]byte(text)); err != nil {
		h.t.Fatalf("%v in:\n%s", err, text)
	}
	h.l.Receive(f, &m)
}

// sent returns and forgets what was sent.
func (h *harness) sent() []packet {
	synctest.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	out := h.packets
	h.packets = nil
	return out
}

// wait lets the time pass until at, counted from the start.
func (h *harness) wait(at time.Duration) {
	time.Sleep(at - time.Since(h.start))
	synctest.Wait()
}

// wantSent checks when and what was sent since the last look: "0s INVITE".
func (h *harness) wantSent(want ...string) {
	h.t.Helper()
	var got []string
	for _, p := range h.sent() {
		what, _, _ := strings.Cut(strings.TrimPrefix(p.start(), "SIP/2.0 "), " ")
		got = append(got, fmt.Sprintf("%v %s", p.at, what))
	}
	if !slices.Equal(got, want) {
		h.t.Errorf("sent\n  %s\nwant\n  %s", strings.Join(got, ", "), strings.Join(want, ", "))
	}
}

// wantTold checks what the user heard since the last look.
func (h *harness) wantTold(want ...string) {
	h.t.Helper()
	synctest.Wait()
	if got := h.tu.taken(); !slices.Equal(got, want) {
		h.t.Errorf("told %q, want %q", got, want)
	}
}

// wantAlive checks how many transactions live.
func (h *harness) wantAlive(servers, clients int64) {
	h.t.Helper()
	synctest.Wait()
	if s := h.l.Stats(); s.Servers != servers || s.Clients != clients {
		h.t.Errorf("at %v: %d server and %d client transactions, want %d and %d", time.Since(h.start), s.Servers, s.Clients, servers, clients)
	}
}

// msg joins the lines of a message without body.
func msg(lines ...string) string { return strings.Join(lines, "\r\n") + "\r\n\r\n" }

// incoming is a request from the far end: Call-ID c1, From tag far, Via branch.
func incoming(method, branch string, seq int, extra ...string) string {
	head := []string{
		method + " sip:803001@10.0.0.1 SIP/2.0",
		"Via: SIP/2.0/UDP 10.0.0.9:5062;rport;branch=z9hG4bK" + branch,
		"Max-Forwards: 70",
		"From: <sip:ada@10.0.0.9>;tag=far",
		"Call-ID: c1",
		fmt.Sprintf("CSeq: %d %s", seq, method),
		"Contact: <sip:ada@10.0.0.9:5062>",
		"Content-Length: 0",
	}
	if !slices.ContainsFunc(extra, func(s string) bool { return strings.HasPrefix(s, "To:") }) {
		head = append(head, "To: <sip:803001@10.0.0.1>")
	}
	return msg(append(head, extra...)...)
}

// outgoing is a request of ours.
func outgoing(method sip.RequestMethod) *sip.Request {
	req := sip.NewRequest(method, sip.Uri{Scheme: "sip", User: "op", Host: "10.0.0.9", Port: 5062})
	callID := sip.CallIDHeader("out1")
	req.AppendHeader(&sip.RouteHeader{Address: sip.Uri{Scheme: "sip", Host: "10.0.0.9", UriParams: sip.HeaderParams{{K: "lr"}}}})
	req.AppendHeader(&sip.FromHeader{Address: sip.Uri{Scheme: "sip", Host: "10.0.0.1"}, Params: sip.HeaderParams{{K: "tag", V: "ours"}}})
	req.AppendHeader(&sip.ToHeader{Address: sip.Uri{Scheme: "sip", User: "op", Host: "10.0.0.9"}})
	req.AppendHeader(&callID)
	req.AppendHeader(&sip.CSeqHeader{SeqNo: 3, MethodName: method})
	return req
}

// reply makes the far end's response to the request p.
func reply(p packet, status int, tag string) string {
	return msg(
		fmt.Sprintf("SIP/2.0 %d %s", status, phrase(status)),
		"Via: "+p.header("Via"),
		"From: "+p.header("From"),
		"To: "+p.header("To")+";tag="+tag,
		"Call-ID: "+p.header("Call-ID"),
		"CSeq: "+p.header("CSeq"),
		"Contact: <sip:op@10.0.0.9:5062>",
		"Content-Length: 0",
	)
}
