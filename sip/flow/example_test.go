package flow_test

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/wire"
)

// A server that answers every OPTIONS, on a UDP socket of this machine.
func ExampleLayer() {
	var l *flow.Layer
	l = flow.New(flow.Config{}, func(f flow.Flow, m *wire.Message) {
		if m.Method() == wire.Options {
			_ = l.Send(flow.ResponseFlow(m.TopVia(), f), wire.AppendReplyTo(nil, m, f.Remote, 200, "OK", "t"))
		}
	})
	pc, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	if err != nil {
		fmt.Println(err)
		return
	}
	served := make(chan error)
	go func() { served <- l.ServeUDP(pc) }() // ends with Close

	c, err := net.Dial("udp", pc.LocalAddr().String())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Fprint(c, "OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKa;rport\r\n"+
		"From: <sip:a@x>;tag=1\r\nTo: <sip:x>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n\r\n")
	b := make([]byte, 2000)
	n, err := c.Read(b)
	var m wire.Message
	fmt.Println(err, m.Parse(b[:n]), m.Status())
	_ = c.Close()
	fmt.Println(l.Close(), <-served)
	// Output:
	// <nil> <nil> 200
	// <nil> <nil>
}
