package flow

import (
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Octets of datagrams that wait for our reader: about a second of 4,000 messages.
const receiveBuffer = 4 << 20

// A peer that acknowledges nothing for so long is gone (the kernel's own limit is 15 min).
const deadPeer = 30 * time.Second

// tuneUDP takes back what package net allows: sending to broadcast addresses (RFC 4475 3.3.13
// shows how a header asks for that), and enlarges the receive buffer as far as the system lets us.
func tuneUDP(c *net.UDPConn) error {
	if err := c.SetReadBuffer(receiveBuffer); err != nil {
		return err
	}
	return control(c, func(fd int) error {
		return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_BROADCAST, 0)
	})
}

// tuneTCP notices dead peers, both when we are silent and when we send.
func tuneTCP(c *net.TCPConn) error {
	err := c.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3})
	if err != nil {
		return err
	}
	return control(c, func(fd int) error {
		return unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(deadPeer.Milliseconds()))
	})
}

func control(c syscall.Conn, set func(fd int) error) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = set(int(fd)) }); err != nil {
		return err
	}
	return failed
}
