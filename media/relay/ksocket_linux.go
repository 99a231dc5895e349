package relay

import (
	"fmt"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// expedited is the DSCP of voice, EF (RFC 3246), as a TOS byte.
const expedited = 46 << 2

// kernelSocket is the pair of sockets of one leg. aim, send and close are called
// by the shard only.
type kernelSocket struct {
	rtp, rtcp int
	owner     *kernel // set by watch
	to        unix.RawSockaddrInet6
	toLen     uintptr
	v6        bool
}

func (k *kernel) listen(ip netip.Addr, port uint16) (socket, error) {
	rtp, err := bind(ip, port)
	if err != nil {
		return nil, err
	}
	rtcp, err := bind(ip, port+1)
	if err != nil {
		unix.Close(rtp)
		return nil, err
	}
	return &kernelSocket{rtp: rtp, rtcp: rtcp, v6: ip.Is6()}, nil
}

func bind(ip netip.Addr, port uint16) (int, error) {
	family, level, option := unix.AF_INET, unix.IPPROTO_IP, unix.IP_TOS
	var sa unix.Sockaddr
	if ip.Is4() {
		sa = &unix.SockaddrInet4{Port: int(port), Addr: ip.As4()}
	} else {
		family, level, option = unix.AF_INET6, unix.IPPROTO_IPV6, unix.IPV6_TCLASS
		sa = &unix.SockaddrInet6{Port: int(port), Addr: ip.As16()}
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("socket: %w", err)
	}
	if err := unix.Bind(fd, sa); err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("bind port %d: %w", port, err)
	}
	unix.SetsockoptInt(fd, level, option, expedited) // a wish; some systems refuse it
	return fd, nil
}

// aim writes to as a raw address once, so that send copies nothing.
func (s *kernelSocket) aim(to netip.AddrPort) { s.toLen = s.raw(&s.to, to) }

// raw writes to as the kernel wants it and returns its length.
func (s *kernelSocket) raw(sa *unix.RawSockaddrInet6, to netip.AddrPort) (length uintptr) {
	*sa = unix.RawSockaddrInet6{}
	port := (*[2]byte)(unsafe.Pointer(&sa.Port))
	port[0], port[1] = byte(to.Port()>>8), byte(to.Port())
	if to.Addr().Is4() && !s.v6 {
		v4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(sa))
		v4.Family, v4.Addr = unix.AF_INET, to.Addr().As4()
		return unix.SizeofSockaddrInet4
	}
	sa.Family, sa.Addr = unix.AF_INET6, to.Addr().As16()
	return unix.SizeofSockaddrInet6
}

func (s *kernelSocket) send(b []byte) bool {
	_, _, e := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(s.rtp), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)),
		unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, uintptr(unsafe.Pointer(&s.to)), s.toLen)
	return e == 0
}

func (s *kernelSocket) report(b []byte, to netip.AddrPort, multiplexed bool) bool {
	fd := s.rtcp
	if multiplexed {
		fd = s.rtp
	}
	var sa unix.RawSockaddrInet6
	length := s.raw(&sa, to)
	_, _, e := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)),
		unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, uintptr(unsafe.Pointer(&sa)), length)
	return e == 0
}

// close also takes the sockets out of the epoll set. Their numbers may be used
// again at once; an event that is still in hand finds no leg.
func (s *kernelSocket) close() {
	if s.owner != nil {
		s.owner.legs[s.rtp], s.owner.legs[s.rtcp] = watched{}, watched{}
	}
	unix.Close(s.rtp)
	unix.Close(s.rtcp)
}
