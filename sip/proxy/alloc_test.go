//go:build !race

package proxy

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/transaction"
)

// A taker is a loop that keeps what the proxy sends.
type taker struct {
	*loop
	flows []flow.Flow
	sent  [][]byte
}

func (s *taker) Send(f flow.Flow, b []byte) error {
	s.flows, s.sent = append(s.flows, f), append(s.sent, bytes.Clone(b))
	return s.loop.Send(f, b)
}

// A call through the proxy brings six messages. Each costs few allocations: what lives on is a
// transaction with its key, and headers are written through a string. The race detector empties
// pools at random.
func TestAllocations(t *testing.T) {
	const perMessage = 3.5
	l := newLoop(t, 500*time.Millisecond)
	defer l.layer.Close()
	n := 0
	call := func() {
		n++
		l.invite(fmt.Sprintf("c%d", n))
		<-l.done
	}
	for range 100 { // tables and buffers grow
		call()
	}
	all := testing.AllocsPerRun(1000, call)

	s := &taker{loop: &loop{b: t, done: make(chan struct{}, 64)}}
	s.p = New(l.p.cfg, s)
	s.layer = transaction.New(transaction.Config{Shards: 1}, s, s)
	s.invite("c1")
	s.layer.Close() // what was brought is done
	if len(s.sent) != 7 {
		t.Fatalf("%d messages sent in a call, want 7", len(s.sent))
	}
	ends := &loop{b: t, done: make(chan struct{}, 64)}
	alone := testing.AllocsPerRun(1000, func() {
		ends.invite(fmt.Sprintf("c%d", n))
		for i, b := range s.sent {
			_ = ends.Send(s.flows[i], b)
		}
		<-ends.done
	})
	if got := (all - alone) / 6; alone == 0 || got > perMessage {
		t.Errorf("%.1f allocations a message (%.0f a call, of which the ends %.0f), want %v at most", got, all, alone, perMessage)
	} else {
		t.Logf("%.1f allocations a message", got)
	}
}
