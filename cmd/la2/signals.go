package main

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// signals returns a context that ends with the first SIGTERM or Ctrl-C, and a
// channel that is closed with the second. stop gives both signals back to the system.
func signals() (first context.Context, second <-chan struct{}, stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	in, again := make(chan os.Signal, 2), make(chan struct{})
	signal.Notify(in, os.Interrupt, syscall.SIGTERM)
	over := make(chan struct{})
	go func() { // ends with stop, or with the second signal
		for n := 1; n <= 2; n++ {
			select {
			case <-over:
				return
			case <-in:
				if cancel(); n == 2 {
					close(again)
				}
			}
		}
	}()
	return ctx, again, sync.OnceFunc(func() {
		signal.Stop(in)
		cancel()
		close(over)
	})
}

// hurried calls hurry when second is closed before the function that it returns is called.
func hurried(second <-chan struct{}, hurry func()) (stop func()) {
	over := make(chan struct{})
	go func() { // ends with stop
		select {
		case <-second:
			hurry()
		case <-over:
		}
	}()
	return sync.OnceFunc(func() { close(over) })
}
