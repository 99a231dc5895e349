//go:build !linux

package relay

import "errors"

// newKernel: the packet path needs epoll; elsewhere only Config.Net works.
func newKernel() (shell, error) { return nil, errors.New("packet path: Linux only") }
