package siptest_test

import (
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaamica/la2/sip/siptest"
)

// A call with audio both ways, held, and ended by the callee. In a real test one of the two
// sides is the switch, listening on a socket of the same network. The fake clock makes it
// instant.
func ExampleUA() {
	test := func(t *testing.T) {
		nw := siptest.NewNetwork(1)
		nw.SetDefault(siptest.Link{Delay: 20 * time.Millisecond})
		alice := siptest.NewUA(t, nw, "10.0.0.1:5060", siptest.Account("1001", "demo-1001"))
		bob := siptest.NewUA(t, nw, "10.0.0.2:5060")

		call := alice.Invite("sip:803001@10.0.0.2", bob.Addr(), siptest.With("Privacy", "id"))
		in := bob.ExpectInvite(time.Second) // the other side of the call
		in.Respond(180)
		call.Expect(siptest.Status(180), time.Second)

		in.Respond(200)
		call.Established(time.Second) // waits for the 200 and sends ACK
		in.ExpectAck(time.Second)

		call.RTP.Play(siptest.Tone(440)) // PCMA every 20 ms
		in.RTP.Play(siptest.Pattern(0x2a))
		in.RTP.WaitPackets(50, 2*time.Second)
		fmt.Println("bob hears 440 Hz:", in.RTP.ToneShare(440, 50) > 0.9)
		fmt.Println("alice hears bob:", call.RTP.Hears(0x2a) > 40)

		call.Hold() // re-INVITE sendonly, 200, ACK
		in.Expect(siptest.Request("INVITE"), time.Second)

		in.Hangup() // BYE, 200
		call.Expect(siptest.Request("BYE"), time.Second)
		fmt.Println("ended:", call.Ended())
	}
	run(test)
	// Output:
	// bob hears 440 Hz: true
	// alice hears bob: true
	// ended: true
}

// Losing exactly one message: the next ACK on the network.
func ExampleNetwork_Drop() {
	nw := siptest.NewNetwork(1)
	nw.Drop(1, func(p siptest.Packet) bool { return len(p.Bytes) > 4 && string(p.Bytes[:4]) == "ACK " })
	from, to := netip.MustParseAddrPort("10.0.0.1:5060"), netip.MustParseAddrPort("10.0.0.2:5060")
	nw.Inject(from, to, []byte("ACK sip:bob@10.0.0.2 SIP/2.0\r\n\r\n"))
	fmt.Println(nw.Stats().Filtered)
	// Output: 1
}

// run gives an example the *testing.T that a test has, once also with -count.
func run(f func(t *testing.T)) {
	var once sync.Once
	inBubble := func(t *testing.T) { once.Do(func() { synctest.Test(t, f) }) }
	testing.RunTests(func(_, _ string) (bool, error) { return true, nil },
		[]testing.InternalTest{{Name: "example", F: inBubble}})
}
