package proxy

import (
	"bytes"
	"fmt"
	"net/netip"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/transaction"
	"github.com/lineaamica/la2/sip/wire"
)

// A loop is caller, callee and request route of BenchmarkCall: each message of the proxy brings
// the next one of the call.
type loop struct {
	b     testing.TB
	layer *transaction.Layer
	p     *Proxy
	done  chan struct{}
	first wire.Message // of a call
	next  wire.Message // what Send brings, in the turn of the shard: it leaves a copy there
}

var near = netip.MustParseAddrPort("10.0.0.2:5060")

func at(to netip.AddrPort) flow.Flow {
	return flow.Flow{Transport: flow.UDP, Local: home, Remote: to}
}

func (l *loop) receive(m *wire.Message, from netip.AddrPort, b []byte) {
	if err := m.Parse(b); err != nil {
		l.b.Errorf("%v\n%s", err, b)
		return
	}
	if l.layer != nil { // else the ends are alone
		l.layer.Receive(at(from), m)
	}
}

// Send takes what the proxy sends.
func (l *loop) Send(f flow.Flow, b []byte) error {
	switch {
	case f.Remote == far && bytes.HasPrefix(b, []byte("INVITE ")):
		l.receive(&l.next, far, answered(b, "180 Ringing"))
		if bytes.HasPrefix(field(b, "Call-ID"), []byte("r")) {
			return nil // it rings on
		}
		l.receive(&l.next, far, answered(b, "200 OK"))
	case f.Remote == far && bytes.HasPrefix(b, []byte("BYE ")):
		l.receive(&l.next, far, answered(b, "200 OK"))
	case f.Remote == near && bytes.HasPrefix(b, []byte("SIP/2.0 200")):
		if bytes.Contains(b, []byte(" BYE\r\n")) {
			l.done <- struct{}{}
			return nil
		}
		l.receive(&l.next, near, inside(b, "ACK", 1))
		l.receive(&l.next, near, inside(b, "BYE", 2))
	}
	return nil
}

func field(b []byte, name string) []byte {
	_, rest, _ := bytes.Cut(b, []byte("\r\n"+name+": "))
	value, _, _ := bytes.Cut(rest, []byte("\r\n"))
	return value
}

func answered(req []byte, status string) []byte {
	_, head, _ := bytes.Cut(req, []byte("\r\n"))
	head, _, _ = bytes.Cut(head, []byte("Content-Length"))
	head = bytes.Replace(head, []byte("<sip:b@h>\r\n"), []byte("<sip:b@h>;tag=near\r\n"), 1)
	return fmt.Appendf(nil, "SIP/2.0 %s\r\n%sContact: <sip:b@10.0.0.3:5080>\r\nContent-Length: 0\r\n\r\n", status, head)
}

func inside(ok []byte, method string, seq int) []byte {
	return fmt.Appendf(nil, "%s sip:b@10.0.0.3:5080 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.2:5060;branch=z9hG4bK%s%s\r\nRoute: %s\r\nMax-Forwards: 70\r\n"+
		"From: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %d %s\r\nContent-Length: 0\r\n\r\n",
		method, method, field(ok, "Call-ID"), field(ok, "Record-Route"), field(ok, "From"), field(ok, "To"), field(ok, "Call-ID"), seq, method)
}

func (l *loop) Relays(flow.Flow, *wire.Message) bool { return true }
func (l *loop) Relay(tx *transaction.Server) {
	if l.p.Mine(tx.Wire()) {
		l.p.InDialog(tx)
		return
	}
	l.p.Forward(tx, Target{URI: "sip:b@10.0.0.3:5080", Flow: at(far)}, nil)
}
func (l *loop) RelayAck(f flow.Flow, m *wire.Message) bool { return l.p.Ack(f, m) }
func (l *loop) Request(*transaction.Server)                {}
func (l *loop) Cancel(*transaction.Server)                 {}
func (l *loop) Ack(flow.Flow, *sip.Request)                {}
func (l *loop) Unacked(*transaction.Server)                {}
func (l *loop) Stray(flow.Flow, *sip.Response)             {}

func (l *loop) invite(call string) {
	l.receive(&l.first, near, fmt.Appendf(nil, "INVITE sip:b@10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.2:5060;branch=z9hG4bKi%s\r\nMax-Forwards: 70\r\n"+
		"From: <sip:a@h>;tag=far\r\nTo: <sip:b@h>\r\nCall-ID: %s\r\nCSeq: 1 INVITE\r\nContact: <sip:a@10.0.0.2:5060>\r\nContent-Length: 0\r\n\r\n", call, call))
}

// BenchmarkCall is a whole call from INVITE to the 200 for BYE, without sockets, while so many others
// ring; what the two ends do is counted, too. Timers are short, so that transactions end during the run.
// A heap of a few MiB would be collected all the time, unlike that of a node: there is a ballast.
func BenchmarkCall(b *testing.B) {
	ballast := make([]byte, 128<<20)
	defer runtime.KeepAlive(ballast)
	for _, live := range []int{100, 100_000} {
		b.Run(fmt.Sprintf("live=%d", live), func(b *testing.B) {
			l := newLoop(b, 20*time.Millisecond)
			defer l.layer.Close()
			for i := range live {
				l.invite(fmt.Sprintf("r%d", i))
			}
			b.ReportAllocs()
			b.ResetTimer()
			used := cpuTime(b)
			for i := range b.N {
				l.invite(fmt.Sprintf("c%d", i))
				<-l.done
			}
			b.ReportMetric(float64((cpuTime(b)-used).Nanoseconds())/1000/float64(b.N), "cpu-us/call")
		})
	}
}

// cpuTime is what the process has used, the garbage collector included.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func newLoop(tb testing.TB, t1 time.Duration) *loop {
	l := &loop{b: tb, done: make(chan struct{}, 64)}
	l.layer = transaction.New(transaction.Config{Shards: 1, T1: t1}, l, l)
	l.p = New(Config{Dial: func(_ flow.Transport, to netip.AddrPort) (flow.Flow, error) { return at(to), nil }}, l)
	return l
}
