package flow

import (
	"errors"
	"net"
	"os"
	"slices"
	"sync"
	"time"
)

// Messages that one write to a connection may carry.
const batch = 32

// A conn is one connection. One goroutine reads it; a second one writes, only while something is
// queued: most connections are idle, and a goroutine costs more than all the rest of them.
type conn struct {
	l        *Layer
	link     link
	flow     Flow
	key      target // in Layer.byRemote; zero: nobody else may use the connection
	peer     *Peer  // nil when nothing is known; guarded by Layer.mu
	incoming bool   // holds a place in Layer.perIP

	mu      sync.Mutex // guards all below
	queue   [][]byte   // owned copies, for the writer
	writing bool       // there is a writer
	ended   bool       // nothing more is queued
}

// A link is what a connection runs over.
type link interface {
	// read hands over what comes until the connection ends.
	read(c *conn)
	// write sends messages in order, until the deadline.
	write(messages [][]byte, deadline time.Time) error
	// bye tells the peer that nothing more comes; it may wait a little.
	bye()
	// cut ends the connection at once, also while read, write or bye run.
	cut()
}

// send queues a copy of b.
func (c *conn) send(b []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.ended:
		return ErrGone
	case len(c.queue) >= c.l.cfg.SendQueue:
		c.l.count.sendFull.Add(1)
		return ErrFull
	}
	c.queue = append(c.queue, slices.Clone(b))
	if !c.writing {
		c.writing = true
		c.l.wg.Add(1) // its reader holds one: it is never too late
		go c.write()  // ends when nothing is queued, or with the connection
	}
	return nil
}

// run reads until the connection ends.
func (c *conn) run() {
	defer c.l.wg.Done()
	c.reading()
	c.l.forget(c)
	c.mu.Lock()
	c.ended = true
	writing := c.writing
	c.mu.Unlock()
	if !writing { // else the writer sends what is queued, then closes
		c.shut()
	}
	if c.l.cfg.OnClosed != nil {
		c.l.cfg.OnClosed(c.flow)
	}
}

// reading reads; a panic outside of a handler costs the connection.
func (c *conn) reading() {
	defer c.l.recovered(c.flow)
	c.link.read(c)
}

func (c *conn) shut() {
	c.link.bye()
	c.link.cut()
}

// write sends what is queued.
func (c *conn) write() {
	defer c.l.wg.Done()
	for {
		messages, more := c.take()
		if !more {
			return
		}
		for part := range slices.Chunk(messages, batch) {
			if !c.flush(part) {
				c.drop()
				return
			}
		}
	}
}

// take is the writer's next work; without any it must end.
func (c *conn) take() (messages [][]byte, more bool) {
	c.mu.Lock()
	messages, c.queue = c.queue, nil
	c.writing = len(messages) > 0
	last := !c.writing && c.ended
	c.mu.Unlock()
	if last {
		c.shut()
	}
	return messages, len(messages) > 0
}

// drop ends a connection that cannot be written to.
func (c *conn) drop() {
	c.mu.Lock()
	c.ended, c.writing = true, false
	c.l.count.sendFail.Add(uint64(len(c.queue)))
	c.queue = nil
	c.mu.Unlock()
	c.link.cut() // the reader sees it
}

// flush writes messages, as one segment where the system can.
func (c *conn) flush(messages [][]byte) bool {
	counted := uint64(0)
	for _, b := range messages {
		if len(b) > 2*maxPongs { // not a keep-alive
			counted++
		}
	}
	if err := c.link.write(messages, time.Now().Add(c.l.cfg.WriteTimeout)); err != nil {
		c.slow(err)
		c.l.count.sendFail.Add(counted)
		return false
	}
	c.l.count.sent.Add(counted)
	return true
}

// slow counts the end of a connection whose peer took too long.
func (c *conn) slow(err error) {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.l.count.timedOut.Add(1)
	}
}

// remember makes known who is at the far end.
func (c *conn) remember(p *Peer) {
	c.l.mu.Lock()
	defer c.l.mu.Unlock()
	c.peer = p
}

// join makes one piece of many, for links on which each write is a record of its own.
func join(messages [][]byte) []byte {
	if len(messages) == 1 {
		return messages[0]
	}
	return slices.Concat(messages...)
}

// writeAll sends messages with one call where the system can.
func writeAll(nc net.Conn, messages [][]byte) error {
	bufs := net.Buffers(messages)
	_, err := bufs.WriteTo(nc)
	return err
}
