package relay_test

import (
	"fmt"
	"net/netip"

	"github.com/lineaamica/la2/media"
	"github.com/lineaamica/la2/media/relay"
)

// Two far ends hear each other after Bridge.
func Example() {
	r, err := relay.New(relay.Config{IP: netip.MustParseAddr("127.0.0.1"), PortMin: 45000, PortMax: 45999})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer r.Shutdown()
	caller, addr, err := r.Open("call")
	fmt.Println(addr.Addr(), addr.Port()%2, err)
	agent, _, err := r.Open("call")
	fmt.Println(err)
	far := relay.Remote{Codec: media.PCMA, PT: 8, SendPT: 8, DTMFPT: 101, Send: true, Recv: true}
	far.Addr = netip.MustParseAddrPort("127.0.0.1:9")
	r.SetRemote(caller, far)
	r.SetRemote(agent, far)
	fmt.Println(r.Bridge(caller, agent))
	// Output:
	// 127.0.0.1 0 <nil>
	// <nil>
	// <nil>
}
