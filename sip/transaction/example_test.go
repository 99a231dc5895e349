package transaction_test

import (
	"bytes"
	"fmt"
	"net/netip"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/transaction"
	"github.com/lineaamica/la2/sip/wire"
)

// answering is a user agent server that knows OPTIONS only.
type answering struct{}

func (answering) Request(tx *transaction.Server) {
	if tx.Request().Method != sip.OPTIONS {
		tx.Respond(405, "", sip.NewHeader("Allow", "OPTIONS"))
		return
	}
	tx.Respond(200, "", sip.NewHeader("Allow", "OPTIONS"))
}
func (answering) Cancel(tx *transaction.Server)  { tx.Respond(487, "") }
func (answering) Ack(flow.Flow, *sip.Request)    {}
func (answering) Unacked(*transaction.Server)    {}
func (answering) Stray(flow.Flow, *sip.Response) {}

// printing shows the first line of what is sent; a *flow.Layer sends it.
type printing struct{}

func (printing) Send(f flow.Flow, b []byte) error {
	line, _, _ := bytes.Cut(b, []byte("\r\n"))
	fmt.Printf("%v < %s\n", f.Remote, line)
	return nil
}

func Example() {
	l := transaction.New(transaction.Config{}, printing{}, answering{})
	var m wire.Message
	err := m.Parse([]byte("OPTIONS sip:la2.example.it SIP/2.0\r\n" +
		"Via: SIP/2.0/UDP 10.0.0.9:5062;rport;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n" +
		"From: <sip:ada@example.it>;tag=a\r\nTo: <sip:la2.example.it>\r\n" +
		"Call-ID: 1@10.0.0.9\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	l.Receive(flow.Flow{Transport: flow.UDP, Remote: netip.MustParseAddrPort("10.0.0.9:5062")}, &m)
	l.Close() // what was received is done first
	// Output: 10.0.0.9:5062 < SIP/2.0 200 OK
}
