//go:build !linux

package node

import "syscall"

// mark does nothing: how a socket is given a class differs from system to system.
func mark(string, string, syscall.RawConn) error { return nil }
