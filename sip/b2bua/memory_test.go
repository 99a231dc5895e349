//go:build !race

package b2bua

import (
	"context"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

// What a call that stands costs, once the transactions of its INVITEs have ended: both legs, the
// script and its stack, without packet path and stream. The owner is no goroutine then.
func TestEstablishedCallIsSmall(t *testing.T) {
	const count, most = 500, 13 << 10
	synctest.Test(t, func(t *testing.T) {
		l := newLoop(t)
		defer l.layer.Close()
		l.stays = true
		place := func(from, n int) {
			for i := range n {
				l.receive(l.caller, l.invite(from+i))
				<-l.done
			}
			time.Sleep(40 * time.Second) // 64*T1
			synctest.Wait()
		}
		place(0, count) // tables and buffers have their size then
		before, goroutines := inUse(t), runtime.NumGoroutine()
		place(count, count)
		each := (inUse(t) - before) / count
		t.Logf("%d octets a call", each)
		if each > most {
			t.Errorf("a call that stands takes %d octets, want %d at most", each, most)
		}
		if n := runtime.NumGoroutine() - goroutines; n > count {
			t.Errorf("%d calls have %d goroutines, want that of the script alone", count, n)
		}
		now, cancel := context.WithCancel(context.Background())
		cancel()
		l.sw.Drain(now)
		time.Sleep(40 * time.Second)
	})
}

// inUse is heap that is alive, and stacks.
func inUse(t *testing.T) uint64 {
	for range 4 { // each one halves stacks that are too large
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	t.Logf("heap %d, stacks %d, goroutines %d", m.HeapAlloc, m.StackInuse, runtime.NumGoroutine())
	return m.HeapAlloc + m.StackInuse
}
