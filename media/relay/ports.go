package relay

import (
	"math/rand/v2"
	"sync"
	"time"
)

// ports is the free list of RTP ports (each even, with the odd one above it for
// RTCP): first in, first out, and none is given out within rest of its return,
// lest a call hear the late packets of the one before (ports start in random
// order, so that they are hard to guess). Safe for concurrent use.
type ports struct {
	rest time.Duration

	mu   sync.Mutex // guards what follows
	used map[uint16]bool
	free []freePort // ring
	head int
	n    int
}

type freePort struct {
	port uint16
	from time.Time
}

func newPorts(lo, hi int, rest time.Duration) *ports {
	p := &ports{rest: rest, used: map[uint16]bool{}}
	for port := (lo + 1) &^ 1; port+1 <= hi; port += 2 {
		p.free = append(p.free, freePort{port: uint16(port)})
	}
	rand.Shuffle(len(p.free), func(i, j int) { p.free[i], p.free[j] = p.free[j], p.free[i] })
	p.n = len(p.free)
	return p
}

// take removes the port that rested longest; false when none has rested enough.
func (p *ports) take(now time.Time) (uint16, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.n == 0 || now.Before(p.free[p.head].from) {
		return 0, false
	}
	port := p.free[p.head].port
	p.head = (p.head + 1) % len(p.free)
	p.n--
	p.used[port] = true
	return port, true
}

// give returns a port, which rests from now on.
func (p *ports) give(port uint16, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.n == len(p.free) {
		panic("relay: a port was given back twice")
	}
	p.free[(p.head+p.n)%len(p.free)] = freePort{port: port, from: now.Add(p.rest)}
	p.n++
	delete(p.used, port)
}

// taken tells whether port, or the even one below it, is in use.
func (p *ports) taken(port uint16) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.used[port&^1]
}

// available is how many ports are free, resting ones included.
func (p *ports) available() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.n
}
