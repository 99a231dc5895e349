package flow_test

import (
	"errors"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaamica/la2/sip/flow"
)

func TestUpgrade_RFC3261_18_1_1(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, flow.Config{})
		udp := flow.Flow{Transport: flow.UDP, Local: nodeAddr, Remote: phoneAddr}
		try := func(about string, want bool, wait time.Duration) {
			t.Helper()
			begun := time.Now()
			f, err := n.Upgrade(t.Context(), udp)
			if (err == nil) != want || time.Since(begun) != wait {
				t.Errorf("%s: %+v, %v after %v", about, f, err, time.Since(begun))
			}
			if want && (f.Transport != flow.TCP || f.Remote != phoneAddr) {
				t.Errorf("%s: %+v", about, f)
			}
		}
		try("refused", false, 0)
		ln, err := n.net.ListenTCP(phoneAddr.String())
		if err != nil {
			t.Fatal(err)
		}
		try("refused a moment ago", false, 0)
		time.Sleep(10 * time.Minute)
		try("nobody answers", false, time.Second)
		try("nobody answered a moment ago", false, 0)
		time.Sleep(10 * time.Minute)
		go func() { _, _ = ln.Accept() }() // ends with the first connection
		try("accepted", true, 0)
		try("the connection is there", true, 0)
		if _, err := n.Upgrade(t.Context(), flow.Flow{Transport: flow.WS, Remote: phoneAddr}); !errors.Is(err, flow.ErrNoRoute) {
			t.Errorf("a WebSocket: %v", err)
		}
		_ = ln.Close()
		for i := range 1500 { // strangers cannot fill the memory
			_, _ = n.Upgrade(t.Context(), flow.Flow{Transport: flow.UDP, Local: nodeAddr,
				Remote: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)}), 5060)})
		}
		if got := n.Resting(); got > 1024 {
			t.Errorf("%d peers remembered", got)
		}
	})
}
