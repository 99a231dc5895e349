package transaction

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/wire"
)

// A benchPeer acknowledges each 200 and lets the next call begin.
type benchPeer struct {
	l    *Layer
	ack  []byte
	msg  wire.Message
	done chan struct{}
}

func (p *benchPeer) Send(f flow.Flow, b []byte) error {
	if bytes.HasPrefix(b, []byte("SIP/2.0 200")) {
		i := bytes.Index(b, []byte("Call-ID: c"))
		patch(p.ack, b[i+10:i+18])
		if err := p.msg.Parse(p.ack); err != nil {
			return err
		}
		p.l.Receive(f, &p.msg)
	}
	return nil
}

func (p *benchPeer) Request(tx *Server) {
	tx.Respond(180, "")
	tx.Respond(200, "", sip.NewHeader("Contact", "<sip:la2@10.0.0.1>"))
}
func (p *benchPeer) Cancel(*Server) {}

// Ack lets the next call begin. A 200 that was sent twice has two ACKs: what is too much is lost.
func (p *benchPeer) Ack(flow.Flow, *sip.Request) {
	select {
	case p.done <- struct{}{}:
	default:
	}
}
func (p *benchPeer) Unacked(*Server)                {}
func (p *benchPeer) Stray(flow.Flow, *sip.Response) {}

// patch writes eight digits over every run of them in a message.
func patch(b, digits []byte) {
	for _, mark := range []string{"z9hG4bKd", "Call-ID: c"} {
		if i := bytes.Index(b, []byte(mark)); i >= 0 {
			copy(b[i+len(mark):], digits)
		}
	}
}

// BenchmarkInviteServer is a whole call set-up: INVITE, 100, 180, 200, ACK, and the end of the
// transaction, on one shard.
func BenchmarkInviteServer(b *testing.B) {
	p := &benchPeer{
		ack:  []byte(incoming("ACK", "a", 1, "To: <sip:803001@10.0.0.1>;tag=T", "Call-ID: c00000000")),
		done: make(chan struct{}, 64),
	}
	p.ack = bytes.Replace(p.ack, []byte("Call-ID: c1\r\n"), nil, 1)
	p.l = New(Config{Shards: 1, T1: 20 * time.Millisecond, Tag: func() string { return "T" }}, p, p)
	defer p.l.Close()
	invite := []byte(incoming("INVITE", "d00000000", 1, "Call-ID: c00000000", "User-Agent: bench", "Allow: INVITE, ACK, BYE, CANCEL, OPTIONS"))
	invite = bytes.Replace(invite, []byte("Call-ID: c1\r\n"), nil, 1)
	var m wire.Message
	b.ReportAllocs()
	b.ResetTimer()
	flying := 0
	for i := range b.N {
		patch(invite, fmt.Appendf(nil, "%08d", i))
		if err := m.Parse(invite); err != nil {
			b.Fatal(err)
		}
		p.l.Receive(udpFlow, &m)
		if flying++; flying == cap(p.done) {
			<-p.done
			flying--
		}
	}
	for ; flying > 0; flying-- {
		<-p.done
	}
}

// BenchmarkTimers arms and stops a timer among so many.
func BenchmarkTimers(b *testing.B) {
	for _, n := range []int{100, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			all := make([]timer, n)
			var h timers
			for i := range all {
				h.arm(&all[i], time.Duration(i), time.Duration(i%8+1)*time.Second)
			}
			b.ReportAllocs()
			now := time.Duration(n)
			for i := range b.N {
				t := &all[i*7919%n]
				now++
				h.arm(t, now, 32*time.Second)
			}
		})
	}
}
