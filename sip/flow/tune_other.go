//go:build !linux

package flow

import "net"

func tuneUDP(*net.UDPConn) error { return nil }

func tuneTCP(c *net.TCPConn) error { return c.SetKeepAlive(true) }

func ofKernel(c *net.UDPConn) PacketConn { return c }
