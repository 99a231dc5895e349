//go:build !race

package flow_test

import (
	"io"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/wire"
)

// What an idle connection costs us, goroutine included, kernel buffers not: 12 KiB at most, after
// it registered and was answered.
func TestMemoryOfIdleConnections(t *testing.T) {
	const count, most = 400, 12 << 10
	var l *flow.Layer
	l = flow.New(flow.Config{}, func(f flow.Flow, m *wire.Message) {
		_ = l.Send(f, wire.AppendReplyTo(nil, m, f.Remote, 200, "OK", "t"))
	})
	ln := &piped{conns: make(chan net.Conn), done: make(chan struct{})}
	served := make(chan error, 1)
	go func() { served <- l.ServeTCP(ln) }() // ends with Close
	var peers []net.Conn
	used := func() uint64 {
		for range 4 { // each one halves stacks that are too large
			runtime.GC()
		}
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		t.Logf("heap %d, stacks %d", m.HeapAlloc, m.StackInuse)
		return m.HeapAlloc + m.StackInuse
	}
	buf := make([]byte, 4096)
	before := used()
	for range count {
		near, far := net.Pipe()
		ln.conns <- far
		if _, err := io.WriteString(near, options); err != nil {
			t.Fatal(err)
		}
		if _, err := near.Read(buf); err != nil {
			t.Fatal(err)
		}
		peers = append(peers, near)
	}
	for runtime.NumGoroutine() > count+20 { // writers end by themselves
		time.Sleep(time.Millisecond)
	}
	pipe := uint64(1 << 10) // of net.Pipe, which no real connection has
	after := used()
	each := (after-before)/count - pipe
	t.Logf("%d octets a connection", each)
	if each > most {
		t.Errorf("%d octets a connection, want %d at most", each, most)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
	for _, c := range peers {
		_ = c.Close()
	}
}

// piped is a listener of pipes.
type piped struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (p *piped) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *piped) Close() error {
	p.once.Do(func() { close(p.done) })
	return nil
}

func (p *piped) Addr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.MustParseAddrPort("10.0.0.9:5060"))
}
