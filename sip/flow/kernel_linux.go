package flow

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A kernelConn is a datagram socket of the kernel, apart from the runtime's poller: its reader
// blocks in recvfrom, and one system call sends. With the poller each datagram wakes a second
// thread, and reading takes three calls instead of one.
type kernelConn struct {
	local  net.Addr
	family uint16
	closed atomic.Bool

	mu sync.RWMutex // held for reading while fd is in use, for writing to close it
	fd uintptr

	// Owned by the reader.
	from    unix.RawSockaddrInet6 // large enough for both families
	yielded time.Time
}

// ofKernel takes the socket out of c, which is closed then; c itself when that cannot be.
func ofKernel(c *net.UDPConn) PacketConn {
	k := &kernelConn{local: c.LocalAddr()}
	err := control(c, func(fd int) error {
		own, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			return err
		}
		domain, err := unix.GetsockoptInt(own, unix.SOL_SOCKET, unix.SO_DOMAIN)
		if err = errors.Join(err, unix.SetNonblock(own, false)); err != nil {
			return errors.Join(err, unix.Close(own))
		}
		k.fd, k.family = uintptr(own), uint16(domain)
		return nil
	})
	if err != nil {
		return c
	}
	_ = c.Close() // takes it out of the poller; the socket stays, it is ours
	return k
}

func (k *kernelConn) LocalAddr() net.Addr { return k.local }

// yieldEvery is under the 10 ms after which the runtime's monitor takes a goroutine that never
// yields for a hog and looks after it every 20 us. Waiting in a system call is no yielding.
const yieldEvery = 7 * time.Millisecond

// ReadFromUDPAddrPort implements PacketConn, for one reader.
func (k *kernelConn) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	if now := time.Now(); now.Sub(k.yielded) > yieldEvery {
		runtime.Gosched()
		k.yielded = now
	}
	k.mu.RLock()
	defer k.mu.RUnlock()
	for !k.closed.Load() {
		size := uint32(unix.SizeofSockaddrInet6)
		n, _, e := unix.Syscall6(unix.SYS_RECVFROM, k.fd, uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)),
			0, uintptr(unsafe.Pointer(&k.from)), uintptr(unsafe.Pointer(&size)))
		switch {
		case k.closed.Load() || e == unix.EINTR:
		case e != 0:
			return 0, netip.AddrPort{}, os.NewSyscallError("recvfrom", e)
		default:
			return int(n), k.source(), nil
		}
	}
	return 0, netip.AddrPort{}, net.ErrClosed
}

// source is the address that recvfrom wrote.
func (k *kernelConn) source() netip.AddrPort {
	port := binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(&k.from.Port))[:])
	if k.from.Family == unix.AF_INET {
		v4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(&k.from))
		return netip.AddrPortFrom(netip.AddrFrom4(v4.Addr), port)
	}
	a := netip.AddrFrom16(k.from.Addr)
	if k.from.Scope_id != 0 {
		a = a.WithZone(strconv.FormatUint(uint64(k.from.Scope_id), 10))
	}
	return netip.AddrPortFrom(a, port)
}

// WriteToUDPAddrPort implements PacketConn; it is safe for concurrent use. It waits only when the
// send buffer is full.
func (k *kernelConn) WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error) {
	var buf unix.RawSockaddrInet6
	size, err := k.address(&buf, to)
	if err != nil {
		return 0, err
	}
	k.mu.RLock()
	defer k.mu.RUnlock()
	if k.closed.Load() {
		return 0, net.ErrClosed
	}
	data, addr := uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(unsafe.Pointer(&buf))
	_, _, e := unix.RawSyscall6(unix.SYS_SENDTO, k.fd, data, uintptr(len(b)), unix.MSG_DONTWAIT, addr, size)
	for e == unix.EAGAIN || e == unix.EINTR {
		_, _, e = unix.Syscall6(unix.SYS_SENDTO, k.fd, data, uintptr(len(b)), 0, addr, size)
	}
	if e != 0 {
		return 0, os.NewSyscallError("sendto", e)
	}
	return len(b), nil
}

// address writes to as the kernel reads it and returns its size.
func (k *kernelConn) address(buf *unix.RawSockaddrInet6, to netip.AddrPort) (uintptr, error) {
	a := to.Addr()
	binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(&buf.Port))[:], to.Port())
	buf.Family = k.family
	if k.family == unix.AF_INET {
		if a = a.Unmap(); !a.Is4() {
			return 0, ErrNoRoute
		}
		(*unix.RawSockaddrInet4)(unsafe.Pointer(buf)).Addr = a.As4()
		return unix.SizeofSockaddrInet4, nil
	}
	buf.Addr = a.As16()
	if zone := a.Zone(); zone != "" {
		scope, err := scopeOf(zone)
		if err != nil {
			return 0, err
		}
		buf.Scope_id = scope
	}
	return unix.SizeofSockaddrInet6, nil
}

// scopeOf reads the zone of a link-local address: the number or the name of an interface.
func scopeOf(zone string) (uint32, error) {
	if n, err := strconv.ParseUint(zone, 10, 32); err == nil {
		return uint32(n), nil
	}
	i, err := net.InterfaceByName(zone)
	if err != nil {
		return 0, err
	}
	return uint32(i.Index), nil
}

// Close ends a read and closes the socket; done twice it says net.ErrClosed. Shutdown wakes the
// reader also on a socket without peer, though it says ENOTCONN.
func (k *kernelConn) Close() error {
	if k.closed.Swap(true) {
		return net.ErrClosed
	}
	k.mu.RLock()
	_ = unix.Shutdown(int(k.fd), unix.SHUT_RDWR)
	k.mu.RUnlock()
	k.mu.Lock()
	defer k.mu.Unlock()
	return os.NewSyscallError("close", unix.Close(int(k.fd)))
}
