package flow_test

import (
	"net"
	"net/netip"
	"testing"

	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/wire"
)

// One request in, one response out, through the kernel: read, filter, index, answer, write.
func BenchmarkUDP(b *testing.B) {
	var buf []byte
	var l *flow.Layer
	l = flow.New(flow.Config{}, func(f flow.Flow, m *wire.Message) {
		buf = wire.AppendReplyTo(buf[:0], m, f.Remote, 200, "OK", "t")
		_ = l.Send(flow.ResponseFlow(m.TopVia(), f), buf)
	})
	pc, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	if err != nil {
		b.Fatal(err)
	}
	go func() { _ = l.ServeUDP(pc) }() // ends with Close
	c, err := net.Dial("udp", pc.LocalAddr().String())
	if err != nil {
		b.Fatal(err)
	}
	in, out := []byte(options), make([]byte, 2000)
	const window = 64 // requests on their way
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		if _, err := c.Write(in); err != nil {
			b.Fatal(err)
		}
		if i >= window {
			if _, err := c.Read(out); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.StopTimer()
	_ = c.Close()
	_ = l.Close()
}
