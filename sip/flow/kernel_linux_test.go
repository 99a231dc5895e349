package flow

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"
)

// kernelAt is a socket of the kernel outside the runtime's poller.
func kernelAt(t *testing.T, network, addr string) *kernelConn {
	t.Helper()
	c, err := net.ListenUDP(network, net.UDPAddrFromAddrPort(netip.MustParseAddrPort(addr)))
	if err != nil {
		t.Fatal(err)
	}
	k, ok := ofKernel(c).(*kernelConn)
	if !ok {
		t.Fatal("the socket stays in the poller")
	}
	return k
}

// Both families, and a socket of both, to and from one of package net.
func TestKernelConn_BothWays(t *testing.T) {
	for _, tt := range []struct{ name, network, local, peerNetwork, peer, seen string }{
		{"IPv4", "udp4", "127.0.0.1:0", "udp4", "127.0.0.1:0", "127.0.0.1"},
		{"IPv6", "udp6", "[::1]:0", "udp6", "[::1]:0", "::1"},
		{"both, from IPv4", "udp", "[::]:0", "udp4", "127.0.0.1:0", "127.0.0.1"},
		{"both, from IPv6", "udp", "[::]:0", "udp6", "[::1]:0", "::1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			k := kernelAt(t, tt.network, tt.local)
			defer k.Close()
			peer, err := net.ListenUDP(tt.peerNetwork, net.UDPAddrFromAddrPort(netip.MustParseAddrPort(tt.peer)))
			if err != nil {
				t.Fatal(err)
			}
			defer peer.Close()
			_ = peer.SetDeadline(time.Now().Add(5 * time.Second))
			to := netip.AddrPortFrom(netip.MustParseAddr(tt.seen), addrPort(k.LocalAddr()).Port())
			if _, err := peer.WriteToUDPAddrPort([]byte("ping"), to); err != nil {
				t.Fatal(err)
			}
			buf := make([]byte, 100)
			n, from, err := k.ReadFromUDPAddrPort(buf)
			if err != nil || string(buf[:n]) != "ping" || unmap(from) != unmap(addrPort(peer.LocalAddr())) {
				t.Fatalf("got %q from %v, %v; want it from %v", buf[:n], from, err, peer.LocalAddr())
			}
			if n, err := k.WriteToUDPAddrPort([]byte("pong"), unmap(from)); n != 4 || err != nil {
				t.Fatalf("sent %d, %v", n, err)
			}
			n, from, err = peer.ReadFromUDPAddrPort(buf)
			if err != nil || string(buf[:n]) != "pong" || unmap(from) != to {
				t.Errorf("got %q from %v, %v; want it from %v", buf[:n], from, err, to)
			}
		})
	}
}

func TestKernelConn_WrongAddress(t *testing.T) {
	k := kernelAt(t, "udp4", "127.0.0.1:0")
	defer k.Close()
	if _, err := k.WriteToUDPAddrPort([]byte("x"), netip.MustParseAddrPort("[2001:db8::1]:5060")); !errors.Is(err, ErrNoRoute) {
		t.Errorf("IPv6 from a socket of IPv4: %v, want ErrNoRoute", err)
	}
	six := kernelAt(t, "udp6", "[::1]:0")
	defer six.Close()
	if _, err := six.WriteToUDPAddrPort([]byte("x"), netip.MustParseAddrPort("[fe80::1%no-such]:5060")); err == nil {
		t.Error("sent into a zone that is none")
	}
	if scope, err := scopeOf("lo"); err != nil || scope == 0 {
		t.Errorf("lo has the number %d, %v", scope, err)
	}
}

// Close ends a read that waits, whoever sends meanwhile, and leaves no descriptor behind.
func TestKernelConn_Close(t *testing.T) {
	files := func() int {
		list, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	kernelAt(t, "udp4", "127.0.0.1:0").Close() // the runtime's own files are open after this
	before := files()
	for range 20 {
		k := kernelAt(t, "udp4", "127.0.0.1:0")
		sink := netip.MustParseAddrPort("127.0.0.1:9")
		var wg sync.WaitGroup
		wg.Go(func() { // ends when k is closed
			buf := make([]byte, 100)
			for {
				if _, _, err := k.ReadFromUDPAddrPort(buf); err != nil {
					if !errors.Is(err, net.ErrClosed) {
						t.Errorf("read: %v", err)
					}
					return
				}
			}
		})
		started := make(chan struct{})
		wg.Go(func() { // ends when k is closed
			_, err := k.WriteToUDPAddrPort([]byte("x"), sink)
			close(started)
			for err == nil {
				_, err = k.WriteToUDPAddrPort([]byte("x"), sink)
			}
		})
		<-started
		if err := k.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		if err := k.Close(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("second close: %v", err)
		}
		wg.Wait()
		if _, err := k.WriteToUDPAddrPort([]byte("x"), sink); !errors.Is(err, net.ErrClosed) {
			t.Errorf("write to a closed socket: %v", err)
		}
	}
	if n := files(); n != before {
		t.Errorf("%d descriptors are left open", n-before)
	}
}

// An empty datagram is no end, and neither call allocates.
func TestKernelConn_Allocates(t *testing.T) {
	k := kernelAt(t, "udp4", "127.0.0.1:0")
	defer k.Close()
	self := addrPort(k.LocalAddr())
	msg, buf := bytes.Repeat([]byte("x"), 500), make([]byte, 2000)
	for _, b := range [][]byte{nil, msg} {
		n := testing.AllocsPerRun(100, func() {
			if _, err := k.WriteToUDPAddrPort(b, self); err != nil {
				t.Fatal(err)
			}
			if n, from, err := k.ReadFromUDPAddrPort(buf); n != len(b) || from != self || err != nil {
				t.Fatalf("read %d from %v, %v", n, from, err)
			}
		})
		if n != 0 {
			t.Errorf("%d octets: %v allocations to send and receive, want none", len(b), n)
		}
	}
}
