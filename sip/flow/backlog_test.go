package flow_test

import (
	"net"
	"net/netip"
	"runtime"
	"testing"

	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/wire"
)

// What the kernel holds for us is seen, and that the room is limited.
func TestBacklog(t *testing.T) {
	if runtime.GOOS != "linux" {
		return
	}
	l := flow.New(flow.Config{}, func(flow.Flow, *wire.Message) {})
	pc, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	if err != nil {
		t.Fatal(err)
	}
	read, err := l.OpenUDP(pc)
	if err != nil {
		t.Fatal(err)
	}
	if n, full := l.Backlog(); n != 0 || full != 0 {
		t.Errorf("%d datagrams wait, %v full, before any came", n, full)
	}
	c, err := net.Dial("udp", pc.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	msg := make([]byte, 800)
	for range 20 {
		if _, err := c.Write(msg); err != nil {
			t.Fatal(err)
		}
	}
	if n, full := l.Backlog(); n < 8 || n > 40 || full <= 0 || full >= 1 {
		t.Errorf("%d datagrams wait, %v full, want about 20", n, full)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if err := read(); err != nil {
		t.Error(err)
	}
}
