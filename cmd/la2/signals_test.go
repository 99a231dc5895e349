package main

import (
	"syscall"
	"testing"
)

func TestSignals(t *testing.T) {
	first, second, stop := signals()
	defer stop()
	hurried := make(chan struct{})
	defer hurriedAfter(second, hurried)()
	if first.Err() != nil {
		t.Fatal("ended before a signal")
	}
	tell := func() {
		if err := syscall.Kill(syscall.Getpid(), syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
	}
	tell()
	<-first.Done()
	select {
	case <-second:
		t.Fatal("one signal counted twice")
	default:
	}
	tell()
	<-second
	<-hurried
}

func hurriedAfter(second <-chan struct{}, done chan struct{}) func() {
	return hurried(second, func() { close(done) })
}
