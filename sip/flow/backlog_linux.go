package flow

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// queued returns how many octets wait in the receive buffer, and how many fit: the first two values
// of sk_meminfo (linux/sock_diag.h), rmem_alloc and rcvbuf.
func (k *kernelConn) queued() (used, room int) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	if k.closed.Load() {
		return 0, 0
	}
	var info [16]uint32
	size := uint32(unsafe.Sizeof(info))
	_, _, e := unix.Syscall6(unix.SYS_GETSOCKOPT, k.fd, unix.SOL_SOCKET, unix.SO_MEMINFO,
		uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
	if e != 0 || size < 8 {
		return 0, 0
	}
	return int(info[0]), int(info[1])
}
