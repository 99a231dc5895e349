package siptest

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func sockets(t *testing.T, nw *Network) (*Socket, *Socket) {
	t.Helper()
	a, err := nw.Listen(aliceAddr.String())
	if err != nil {
		t.Fatal(err)
	}
	b, err := nw.Listen(bobAddr.String())
	if err != nil {
		t.Fatal(err)
	}
	return a, b
}

func TestDeliveryKeepsOrderAndDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nw := NewNetwork(7)
		nw.SetDefault(Link{Delay: 80 * time.Millisecond, Jitter: 30 * time.Millisecond})
		a, b := sockets(t, nw)
		start := time.Now()
		for i := range 100 {
			if _, err := a.WriteToUDPAddrPort([]byte{byte(i)}, bobAddr); err != nil {
				t.Fatal(err)
			}
		}
		buf := make([]byte, 10)
		for i := range 100 {
			n, from, err := b.ReadFromUDPAddrPort(buf)
			if err != nil || n != 1 || buf[0] != byte(i) || from != aliceAddr {
				t.Fatalf("read %d: got %v from %v, %v", i, buf[:n], from, err)
			}
			if d := time.Since(start); d < 80*time.Millisecond || d > 110*time.Millisecond {
				t.Fatalf("read %d took %v, want 80 to 110 ms", i, d)
			}
		}
	})
}

// run sends 1000 datagrams and returns what arrives.
func run(t *testing.T, seed uint64, l Link) []byte {
	t.Helper()
	nw := NewNetwork(seed)
	nw.SetDefault(l)
	a, b := sockets(t, nw)
	for i := range 1000 {
		_, _ = a.WriteToUDPAddrPort([]byte{byte(i)}, bobAddr)
		time.Sleep(time.Millisecond)
	}
	time.Sleep(time.Second)
	if err := b.SetReadDeadline(time.Now()); err != nil {
		t.Fatal(err)
	}
	var got []byte
	buf := make([]byte, 1)
	for range nw.Stats().Delivered {
		if _, _, err := b.ReadFromUDPAddrPort(buf); err == nil {
			got = append(got, buf[0])
		}
	}
	return got
}

func TestKnobs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		if got := len(run(t, 1, Link{Delay: time.Millisecond, Loss: 0.1})); got < 850 || got > 950 {
			t.Errorf("10 %% loss let %d of 1000 through", got)
		}
		if got := len(run(t, 1, Link{Delay: time.Millisecond, Duplicate: 0.1})); got < 1050 || got > 1150 {
			t.Errorf("10 %% duplicates made %d of 1000", got)
		}
		late := run(t, 1, Link{Delay: 5 * time.Millisecond, Reorder: 0.1})
		swaps := 0
		for i := 1; i < len(late); i++ {
			if int8(late[i]-late[i-1]) < 0 {
				swaps++
			}
		}
		if len(late) != 1000 || swaps < 50 {
			t.Errorf("10 %% reordering gave %d datagrams, %d out of order", len(late), swaps)
		}
		x := Link{Delay: time.Millisecond, Loss: 0.3, Duplicate: 0.2, Reorder: 0.2}
		if !slices.Equal(run(t, 5, x), run(t, 5, x)) {
			t.Error("the same seed gave two histories")
		}
		if slices.Equal(run(t, 5, x), run(t, 6, x)) {
			t.Error("two seeds gave the same history")
		}
	})
}

func TestSocketErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nw := NewNetwork(1)
		a, b := sockets(t, nw)
		if _, err := nw.Listen(aliceAddr.String()); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("second Listen: %v, want address in use", err)
		}
		if err := a.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, _, err := a.ReadFromUDPAddrPort(nil); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("read: %v, want deadline", err)
		}
		time.AfterFunc(time.Second, func() { _ = b.Close() }) // ends by itself
		if _, _, err := b.ReadFromUDPAddrPort(nil); !errors.Is(err, net.ErrClosed) {
			t.Errorf("read: %v, want closed", err)
		}
		nw.Cut(aliceAddr.Addr(), bobAddr.Addr())
		_, _ = a.WriteToUDPAddrPort([]byte("x"), bobAddr)
		nw.Heal(aliceAddr.Addr(), bobAddr.Addr())
		_, _ = a.WriteToUDPAddrPort([]byte("x"), bobAddr)
		time.Sleep(time.Second)
		if s := nw.Stats(); s.Lost != 1 || s.Unreachable != 1 {
			t.Errorf("stats %+v, want one lost and one unreachable", s)
		}
		free, err := nw.ListenAddrPort(netip.AddrPortFrom(aliceAddr.Addr(), 0))
		if err != nil || free.AddrPort().Port() < 49152 {
			t.Errorf("port 0 gave %v, %v", free.AddrPort(), err)
		}
	})
}

func TestStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nw := NewNetwork(1)
		ln, err := nw.ListenTCP(bobAddr.String())
		if err != nil {
			t.Fatal(err)
		}
		dial := nw.Dialer(aliceAddr.Addr())
		go func() { // ends with the echo
			c, err := ln.Accept()
			if err != nil {
				return
			}
			_, _ = io.Copy(c, io.LimitReader(c, 5))
			_ = c.Close()
		}()
		c, err := dial(t.Context(), "tcp", bobAddr.String())
		if err != nil {
			t.Fatal(err)
		}
		if c.RemoteAddr().String() != bobAddr.String() {
			t.Errorf("remote is %v, want %v", c.RemoteAddr(), bobAddr)
		}
		if _, err := c.Write([]byte("hello")); err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(c); string(b) != "hello" || err != nil {
			t.Errorf("echo %q, %v", b, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := dial(ctx, "tcp", bobAddr.String()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("dial nobody accepts: %v, want deadline", err)
		}
		_ = ln.Close()
		if _, err := dial(t.Context(), "tcp", bobAddr.String()); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("dial a closed listener: %v, want refused", err)
		}
	})
}
