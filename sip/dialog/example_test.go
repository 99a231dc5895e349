package dialog_test

import (
	"fmt"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/sip/dialog"
	"github.com/lineaamica/la2/sip/flow"
)

// A caller's INVITE is answered; then we hang up.
func Example() {
	const invite = "INVITE sip:803001@la2.example.it SIP/2.0\r\n" +
		"Via: SIP/2.0/UDP 10.0.0.9;branch=z9hG4bK1\r\nFrom: <sip:ada@example.it>;tag=a\r\nTo: <sip:803001@example.it>\r\n" +
		"Call-ID: 1@10.0.0.9\r\nCSeq: 1 INVITE\r\nContact: <sip:ada@10.0.0.9>\r\n\r\n"
	msg, err := sip.ParseMessage([]byte(invite))
	if err != nil {
		fmt.Println(err)
		return
	}
	d, err := dialog.NewUAS(msg.(*sip.Request), "b", sip.Uri{Host: "10.0.0.1"}, flow.Flow{})
	if err != nil {
		fmt.Println(err)
		return
	}
	d.Confirm()
	bye := d.Request(sip.BYE)
	fmt.Println(d.State(), bye.StartLine(), bye.CSeq().Value())
	// Output: confirmed BYE sip:ada@10.0.0.9 SIP/2.0 1 BYE
}
