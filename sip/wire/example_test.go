package wire_test

import (
	"fmt"
	"net/netip"

	"github.com/lineaamica/la2/sip/wire"
)

// A registrar under load refuses a request without any state.
func ExampleMessage() {
	datagram := []byte("REGISTER sip:example.it SIP/2.0\r\n" +
		"v: SIP/2.0/UDP 10.0.0.1:5062;branch=z9hG4bKa;rport\r\n" +
		"f: <sip:ada@example.it>;tag=1\r\nt: <sip:ada@example.it>\r\ni: c@10.0.0.1\r\nCSeq: 7 REGISTER\r\n\r\n")
	source := netip.MustParseAddrPort("192.0.2.1:40000")

	var m wire.Message // used again for the next datagram
	if err := m.Parse(datagram); err != nil {
		fmt.Println(err)
		return
	}
	if m.Method() == wire.Register {
		b := wire.AppendReplyTo(nil, &m, source, 503, "Service Unavailable", "t", wire.Field{Name: "Retry-After", Value: "5"})
		var reply wire.Message
		fmt.Println(reply.Parse(b), reply.Status(), string(reply.Header("retry-after")))
		fmt.Println(string(reply.TopVia().Raw))
	}
	// Output:
	// <nil> 503 5
	// SIP/2.0/UDP 10.0.0.1:5062;branch=z9hG4bKa;rport=40000;received=192.0.2.1
}

// What a proxy does to a request before it sends it on.
func ExampleEdit() {
	var m wire.Message
	if err := m.Parse([]byte("BYE sip:b@10.0.0.2 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKa\r\n" +
		"Max-Forwards: 70\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:b@x>;tag=2\r\nCall-ID: c\r\nCSeq: 2 BYE\r\n\r\n")); err != nil {
		fmt.Println(err)
		return
	}
	var e wire.Edit
	e.Reset(&m)
	e.PushVia("SIP/2.0/UDP 10.0.0.9;branch=z9hG4bKb")
	e.Set("Max-Forwards", fmt.Sprint(m.MaxForwards()-1))
	var out wire.Message
	fmt.Println(out.Parse(e.Append(nil)), out.MaxForwards(), string(out.TopVia().Host), out.Count("Via"))
	// Output: <nil> 69 10.0.0.9 2
}
