package relay

import (
	"testing"
	"time"
)

func TestPorts(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	p := newPorts(20001, 20009, time.Second) // 20002, 4, 6, 8
	seen := map[uint16]bool{}
	var order []uint16
	for range 4 {
		port, ok := p.take(now)
		if !ok || port%2 != 0 || port < 20002 || port > 20008 || seen[port] {
			t.Fatalf("got %d, %v", port, ok)
		}
		seen[port] = true
		order = append(order, port)
	}
	if _, ok := p.take(now); ok {
		t.Fatal("a fifth port")
	}
	for i := range order {
		p.give(order[i], now.Add(time.Duration(i)*time.Millisecond))
	}
	if _, ok := p.take(now.Add(999 * time.Millisecond)); ok {
		t.Error("a port was given out before it rested")
	}
	for i := range order {
		if port, ok := p.take(now.Add(2 * time.Second)); !ok || port != order[i] {
			t.Errorf("got %d, want %d: first in, first out", port, order[i])
		}
	}
	if p.available() != 0 {
		t.Errorf("%d ports available, want 0", p.available())
	}
}
