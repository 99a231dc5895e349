package node

import (
	"net/netip"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// What leaves a SIP socket says that it is signalling.
func TestSignallingIsMarked_CS3(t *testing.T) {
	pc, err := listenUDP(netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	defer pc.Close()
	raw, err := pc.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var tos int
	if err2 := raw.Control(func(fd uintptr) { tos, err = unix.GetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_TOS) }); err != nil || err2 != nil || tos>>2 != 24 {
		t.Errorf("TOS %#x, %v, %v", tos, err, err2)
	}
}
