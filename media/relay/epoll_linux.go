package relay

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// kernel is the shell on the kernel's sockets: one locked thread in epoll_wait,
// raw non-blocking system calls for each packet. Level-triggered, one packet a
// readiness: no call is made only to hear that nothing is left.
type kernel struct {
	epfd, eventfd, timerfd int

	// Owned by run.
	legs   []watched // by file descriptor
	events [256]unix.EpollEvent
	buf    [maxPacket]byte
	from   unix.RawSockaddrInet6 // large enough for both families
	ticks  [8]byte

	yielded int64 // ns
	stopped bool  // the timer

	resting bool // nobody looks at the commands; guarded by the shard's lock
}

type watched struct {
	leg  *leg
	rtcp bool
}

func newKernel() (*kernel, error) {
	k := &kernel{epfd: -1, eventfd: -1, timerfd: -1}
	var err error
	if k.epfd, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	if k.eventfd, err = unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC); err != nil {
		k.free()
		return nil, fmt.Errorf("eventfd: %w", err)
	}
	if k.timerfd, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC); err != nil {
		k.free()
		return nil, fmt.Errorf("timerfd: %w", err)
	}
	if err = k.tick(tick); err != nil {
		k.free()
		return nil, err
	}
	for _, fd := range []int{k.eventfd, k.timerfd} {
		if err := k.add(fd); err != nil {
			k.free()
			return nil, err
		}
	}
	return k, nil
}

// tick sets the timer to ring every so many nanoseconds; 0 stops it.
func (k *kernel) tick(every int64) error {
	t := unix.NsecToTimespec(every)
	if err := unix.TimerfdSettime(k.timerfd, 0, &unix.ItimerSpec{Interval: t, Value: t}, nil); err != nil {
		return fmt.Errorf("timerfd: %w", err)
	}
	return nil
}

// rest stops the timer while there is no leg. A thread that wakes 50 times a second costs the
// runtime's monitor 3,000 wake-ups a second: each time it takes a P from a system call it looks
// every 20 us for a while.
func (k *kernel) rest(s *shard) {
	idle := len(s.core.legs) == 0
	if idle {
		s.mu.Lock()
		idle = len(s.queue) == 0
		k.resting = idle
		s.mu.Unlock()
	}
	if idle == k.stopped {
		return
	}
	every := int64(tick)
	if idle {
		every = 0
	}
	if err := k.tick(every); err != nil {
		s.log.Error("relay: timer", "error", err)
		return
	}
	k.stopped = idle
}

func (k *kernel) add(fd int) error {
	if err := unix.EpollCtl(k.epfd, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}); err != nil {
		return fmt.Errorf("epoll: %w", err)
	}
	return nil
}

func (k *kernel) free() {
	for _, fd := range []int{k.epfd, k.eventfd, k.timerfd} {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
}

// wake is called with the shard's lock held and before run frees the eventfd. It
// costs a change of threads, dearer than most commands: what can wait is seen
// with the timer, unless that stands still.
func (k *kernel) wake(now bool) {
	if !now && !k.resting {
		return
	}
	k.resting = false
	one := uint64(1)
	unix.RawSyscall(unix.SYS_WRITE, uintptr(k.eventfd), uintptr(unsafe.Pointer(&one)), 8)
}

func (k *kernel) watch(l *leg) error {
	sock, ok := l.sock.(*kernelSocket)
	if !ok {
		return nil
	}
	for len(k.legs) <= max(sock.rtp, sock.rtcp) {
		k.legs = append(k.legs, watched{})
	}
	k.legs[sock.rtp], k.legs[sock.rtcp] = watched{leg: l}, watched{leg: l, rtcp: true}
	sock.owner = k
	return errors.Join(k.add(sock.rtp), k.add(sock.rtcp))
}

func (k *kernel) run(s *shard) {
	runtime.LockOSThread() // for good: the thread ends with the goroutine
	defer close(s.done)
	for !k.serve(s) { // again after a recovered panic
	}
	s.close()
	k.free()
}

// serve reports true when the shard is to end.
func (k *kernel) serve(s *shard) bool {
	defer s.recovered()
	for {
		n, err := unix.EpollWait(k.epfd, k.events[:], -1)
		if err != nil && err != unix.EINTR {
			s.log.Error("relay: epoll failed", "error", err)
			return true
		}
		now := s.now()
		k.yield(now)
		for i := range max(n, 0) {
			fd := int(k.events[i].Fd)
			switch fd {
			case k.eventfd:
				k.read8(fd)
				s.current = nil
				if s.commands(now) {
					return true
				}
				k.rest(s)
			case k.timerfd:
				s.current = nil
				if s.commands(now) {
					return true
				}
				k.pace(s, now)
				k.rest(s)
			default:
				k.packet(s, fd, now)
			}
		}
	}
}

// yieldEvery is under the 10 ms after which the runtime's monitor takes a
// goroutine that never yields for a hog: it then tries to preempt it every 20 us
// (measured: 8% of the packet path's CPU). Waiting in epoll_wait is no yielding.
const yieldEvery = 7_000_000 // ns

func (k *kernel) yield(now int64) {
	if now-k.yielded > yieldEvery {
		runtime.Gosched()
		k.yielded = now
	}
}

// maxCatchUp is how many missed ticks are made good at once; more are left out
// and the timelines jump.
const maxCatchUp = 5

func (k *kernel) pace(s *shard, now int64) {
	for range min(k.read8(k.timerfd), maxCatchUp) {
		s.core.pace(now)
	}
}

// read8 takes the counter of an eventfd or timerfd.
func (k *kernel) read8(fd int) uint64 {
	n, _, _ := unix.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&k.ticks[0])), 8)
	if n != 8 {
		return 0
	}
	return binary.NativeEndian.Uint64(k.ticks[:])
}

// packet reads one datagram and hands it to the core, which sends it on.
func (k *kernel) packet(s *shard, fd int, now int64) {
	if fd >= len(k.legs) || k.legs[fd].leg == nil {
		return // closed in this round
	}
	w := k.legs[fd]
	size := uint32(unix.SizeofSockaddrInet6)
	n, _, e := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(&k.buf[0])), maxPacket,
		unix.MSG_DONTWAIT, uintptr(unsafe.Pointer(&k.from)), uintptr(unsafe.Pointer(&size)))
	if e != 0 {
		return
	}
	s.current = w.leg
	b := k.buf[:n]
	if w.rtcp {
		s.core.receiveRTCP(w.leg, k.source(), b, false, now)
		return
	}
	s.core.arrive(w.leg, k.source(), b, now)
}

// source is the address that recvfrom wrote.
func (k *kernel) source() netip.AddrPort {
	port := binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(&k.from.Port))[:])
	if k.from.Family == unix.AF_INET {
		v4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(&k.from))
		return netip.AddrPortFrom(netip.AddrFrom4(v4.Addr), port)
	}
	return netip.AddrPortFrom(netip.AddrFrom16(k.from.Addr).Unmap(), port)
}
