package b2bua

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"strconv"
	"testing"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/media/relay"
	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/transaction"
	"github.com/lineaamica/la2/sip/wire"
)

// loop is both phones of the benchmark: it answers what the switch sends at once.
type loop struct {
	b      testing.TB
	stays  bool // the caller does not hang up
	layer  *transaction.Layer
	sw     *Switch
	caller netip.AddrPort
	callee netip.AddrPort
	done   chan struct{}
}

const loopSDP = "v=0\r\no=x 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"

func (l *loop) flow(a netip.AddrPort) flow.Flow {
	return flow.Flow{Transport: flow.UDP, Local: netip.MustParseAddrPort("127.0.0.1:5060"), Remote: a}
}

func (l *loop) receive(from netip.AddrPort, text []byte) {
	var m wire.Message
	if err := m.Parse(text); err != nil {
		l.b.Errorf("%v\n%s", err, text)
		return
	}
	l.layer.Receive(l.flow(from), &m)
}

// Send is called by the switch for every message it sends.
func (l *loop) Send(f flow.Flow, msg []byte) error {
	if f.Remote == l.caller && bytes.HasPrefix(msg, []byte("BYE ")) {
		l.receive(l.caller, l.response(msg, "200 OK", ""))
		return nil
	}
	if f.Remote == l.callee {
		switch {
		case bytes.HasPrefix(msg, []byte("INVITE ")):
			l.receive(l.callee, l.response(msg, "180 Ringing", ""))
			l.receive(l.callee, l.response(msg, "200 OK", loopSDP))
		case bytes.HasPrefix(msg, []byte("BYE ")):
			l.receive(l.callee, l.response(msg, "200 OK", ""))
		}
		return nil
	}
	if !bytes.HasPrefix(msg, []byte("SIP/2.0 200")) {
		return nil
	}
	if bytes.HasSuffix(line(msg, "CSeq: "), []byte("BYE")) {
		l.done <- struct{}{}
		return nil
	}
	l.receive(l.caller, l.request(msg, "ACK", 1))
	if l.stays {
		l.done <- struct{}{}
		return nil
	}
	l.receive(l.caller, l.request(msg, "BYE", 2))
	return nil
}

func line(msg []byte, name string) []byte {
	i := bytes.Index(msg, []byte("\r\n"+name))
	if i < 0 {
		return nil
	}
	msg = msg[i+2:]
	return msg[:bytes.Index(msg, []byte("\r\n"))]
}

func (l *loop) response(req []byte, status, body string) []byte {
	b := make([]byte, 0, 1024)
	b = append(append(b, "SIP/2.0 "...), status...)
	for _, name := range [...]string{"Via: ", "From: ", "To: ", "Call-ID: ", "CSeq: "} {
		b = append(append(b, "\r\n"...), line(req, name)...)
		if name == "To: " && !bytes.Contains(line(req, name), []byte("tag=")) {
			b = append(b, ";tag=callee"...)
		}
	}
	b = append(b, "\r\nContact: <sip:127.0.0.1:5080>\r\n"...)
	return appendBody(b, body)
}

func appendBody(b []byte, body string) []byte {
	if body != "" {
		b = append(b, "Content-Type: application/sdp\r\n"...)
	}
	b = append(b, "Content-Length: "...)
	b = strconv.AppendInt(b, int64(len(body)), 10)
	b = append(b, "\r\n\r\n"...)
	return append(b, body...)
}

func (l *loop) request(res []byte, method string, cseq int) []byte {
	b := make([]byte, 0, 1024)
	b = fmt.Appendf(b, "%s sip:la2@127.0.0.1:5060 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5090;branch=z9hG4bK%s%s\r\nMax-Forwards: 70\r\n", method, method, line(res, "Call-ID: ")[9:])
	for _, name := range [...]string{"From: ", "To: ", "Call-ID: "} {
		b = append(append(b, line(res, name)...), "\r\n"...)
	}
	b = fmt.Appendf(b, "CSeq: %d %s\r\n", cseq, method)
	return appendBody(b, "")
}

func (l *loop) invite(n int) []byte {
	b := fmt.Appendf(make([]byte, 0, 1024), "INVITE sip:bench@127.0.0.1:5060 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5090;branch=z9hG4bKi%d\r\nMax-Forwards: 70\r\nFrom: <sip:caller@127.0.0.1:5090>;tag=c%d\r\nTo: <sip:bench@127.0.0.1:5060>\r\nCall-ID: %d-1@127.0.0.1\r\nCSeq: 1 INVITE\r\nContact: <sip:127.0.0.1:5090>\r\n", n, n, n)
	return appendBody(b, loopSDP)
}

type noEvents struct{}

func (noEvents) Publish(cti.Event) cti.Position             { return cti.Position{} }
func (noEvents) Commit(context.Context, ...cti.Event) error { return nil }

type noMedia struct{ *fakeMedia }

func (noMedia) Open(cti.CallID) (relay.LegID, netip.AddrPort, error) {
	return 1, netip.MustParseAddrPort("127.0.0.1:20000"), nil
}
func (noMedia) SetRemote(relay.LegID, relay.Remote)   {}
func (noMedia) Bridge(relay.LegID, relay.LegID) error { return nil }
func (noMedia) Close(relay.LegID)                     {}

// newLoop makes both phones and a switch that joins them.
func newLoop(b testing.TB) *loop {
	l := &loop{b: b, caller: netip.MustParseAddrPort("127.0.0.1:5090"), callee: netip.MustParseAddrPort("127.0.0.1:5080"), done: make(chan struct{}, 1024)}
	target := Target{URI: sip.Uri{Scheme: "sip", User: "bench", Host: "127.0.0.1", Port: 5080}, Flow: l.flow(l.callee)}
	w := &world{t: nil}
	l.layer = transaction.New(transaction.Config{}, l, (*route)(w))
	w.sw = New(Config{}, Deps{
		Transactions: l.layer, Media: noMedia{newFakeMedia()}, Events: noEvents{},
		Targets: func(context.Context, cti.Destination) ([]Target, error) { return []Target{target}, nil },
		Serve:   func(ctx context.Context, _ *cti.Inbound, c *Call) cti.Cause { return connect(ctx, c) },
	})
	l.sw = w.sw
	return l
}

// BenchmarkBridgedCall is one INVITE/180/200/ACK/BYE through both dialogs, with
// both phones in the same process and neither sockets nor media.
func BenchmarkBridgedCall(b *testing.B) {
	l := newLoop(b)
	defer l.layer.Close()
	b.ReportAllocs()
	sent := 0
	for b.Loop() {
		if sent >= 64 {
			<-l.done
		}
		l.receive(l.caller, l.invite(sent))
		sent++
	}
	for range min(sent, 64) {
		<-l.done
	}
}
