package main

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/lineaamica/la2/bench/internal/proc"
)

// The load: two sockets A and B stand for the far ends of all calls. Every
// millisecond a twentieth of the calls is due, by sendmmsg; what comes back is
// read by recvmmsg once a millisecond. Latency is from the write to the kernel's
// receive timestamp.
const (
	packetLen = 172
	slots     = 20
	batch     = 64
	warmUp    = 700 * time.Millisecond
	drain     = 300 * time.Millisecond
)

type mmsghdr struct {
	hdr unix.Msghdr
	n   uint32
	_   uint32
}

// farEnd is one socket of the load.
type farEnd struct {
	fd   int
	port uint16

	received atomic.Int64
	latency  []time.Duration // of every 16th packet; owned by receive until it ends
}

func newFarEnd() (*farEnd, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 32<<20) != nil {
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 32<<20)
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1); err != nil {
		return nil, err
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return nil, err
	}
	sa, err := unix.Getsockname(fd)
	if err != nil {
		return nil, err
	}
	in4, ok := sa.(*unix.SockaddrInet4)
	if !ok {
		return nil, fmt.Errorf("not an IPv4 socket")
	}
	return &farEnd{fd: fd, port: uint16(in4.Port)}, nil
}

// load runs one relay under load and measures it.
func load(p peer) (result, error) {
	a, err := newFarEnd()
	if err != nil {
		return result{}, err
	}
	defer unix.Close(a.fd)
	b, err := newFarEnd()
	if err != nil {
		return result{}, err
	}
	defer unix.Close(b.fd)
	proc0, ports, err := p.start(a.port, b.port)
	if err != nil {
		return result{}, err
	}
	defer proc0.stop()

	var quiet, stop atomic.Bool // no more sending; no more receiving
	var wg sync.WaitGroup
	var sent atomic.Int64
	wg.Go(func() { a.receive(&stop) })                 // ends when stop is set
	wg.Go(func() { b.receive(&stop) })                 // likewise
	wg.Go(func() { send(a, b, ports, &sent, &quiet) }) // ends when quiet is set

	time.Sleep(warmUp)
	cpu, got := proc.CPU(proc0.pid), a.received.Load()+b.received.Load()
	time.Sleep(time.Duration(*secs * float64(time.Second)))
	cpu, got = proc.CPU(proc0.pid)-cpu, a.received.Load()+b.received.Load()-got
	quiet.Store(true)
	time.Sleep(drain)
	stop.Store(true)
	wg.Wait()
	if got == 0 {
		return result{}, fmt.Errorf("nothing came through (sent %d)", sent.Load())
	}
	lat := slices.Concat(a.latency, b.latency)
	slices.Sort(lat)
	all := float64(a.received.Load() + b.received.Load())
	r := result{cost: cpu.Seconds() / float64(got) * 1e6, loss: max(0, 100*(1-all/float64(sent.Load())))}
	if n := len(lat); n > 0 {
		r.p50, r.p99 = lat[n/2], lat[n*99/100]
	}
	return r, nil
}

// stream is one direction of one call.
type stream struct {
	to  unix.RawSockaddrInet4
	buf [packetLen]byte
	iov unix.Iovec
	seq uint32
}

func newStream(i, side int, port uint16) *stream {
	s := &stream{to: unix.RawSockaddrInet4{Family: unix.AF_INET, Port: port<<8 | port>>8, Addr: netip.MustParseAddr("127.0.0.1").As4()}}
	s.buf[0], s.buf[1] = 0x80, 8
	binary.BigEndian.PutUint32(s.buf[8:], uint32(side<<16|i))
	s.iov.Base = &s.buf[0]
	s.iov.SetLen(packetLen)
	return s
}

// next numbers the packet and stamps the time into its payload.
func (s *stream) next(now int64) {
	s.seq++
	binary.BigEndian.PutUint16(s.buf[2:], uint16(s.seq))
	binary.BigEndian.PutUint32(s.buf[4:], s.seq*160)
	binary.LittleEndian.PutUint64(s.buf[12:], uint64(now))
}

func send(a, b *farEnd, ports [][2]uint16, sent *atomic.Int64, stop *atomic.Bool) {
	var due [slots][2][]*stream
	for i, p := range ports {
		for side := range 2 {
			s := newStream(i, side, p[side])
			due[(i+7*side)%slots][side] = append(due[(i+7*side)%slots][side], s)
		}
	}
	msgs := make([]mmsghdr, batch)
	began := time.Now()
	for t := 0; !stop.Load(); t++ {
		time.Sleep(time.Until(began.Add(time.Duration(t) * time.Millisecond)))
		for side, far := range [2]*farEnd{a, b} {
			for group := range slices.Chunk(due[t%slots][side], batch) {
				now := time.Now().UnixNano()
				for k, s := range group {
					s.next(now)
					msgs[k].hdr = unix.Msghdr{Name: (*byte)(unsafe.Pointer(&s.to)), Namelen: unix.SizeofSockaddrInet4, Iov: &s.iov}
					msgs[k].hdr.SetIovlen(1)
				}
				n, _, e := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(far.fd), uintptr(unsafe.Pointer(&msgs[0])), uintptr(len(group)), 0, 0, 0)
				if e == 0 {
					sent.Add(int64(n))
				}
			}
		}
	}
}

// receive counts what comes, until stop.
func (f *farEnd) receive(stop *atomic.Bool) {
	msgs, iov := make([]mmsghdr, batch), make([]unix.Iovec, batch)
	data, control := make([]byte, batch*256), make([]byte, batch*64)
	for !stop.Load() {
		for i := range msgs {
			iov[i].Base = &data[i*256]
			iov[i].SetLen(256)
			msgs[i].hdr = unix.Msghdr{Iov: &iov[i], Control: &control[i*64]}
			msgs[i].hdr.SetIovlen(1)
			msgs[i].hdr.SetControllen(64)
		}
		n, _, e := unix.Syscall6(unix.SYS_RECVMMSG, uintptr(f.fd), uintptr(unsafe.Pointer(&msgs[0])), batch, unix.MSG_DONTWAIT, 0, 0)
		if e != 0 || n == 0 {
			time.Sleep(time.Millisecond)
			continue
		}
		f.received.Add(int64(n))
		for i := 0; i < int(n); i += 16 {
			c, d := control[i*64:], data[i*256:]
			// struct cmsghdr of 16 bytes, then struct timespec.
			at := int64(binary.LittleEndian.Uint64(c[16:]))*1e9 + int64(binary.LittleEndian.Uint64(c[24:]))
			f.latency = append(f.latency, time.Duration(at-int64(binary.LittleEndian.Uint64(d[12:]))))
		}
	}
}
