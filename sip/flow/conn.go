package flow

import (
	"bytes"
	"errors"
	"net"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/lineaamica/la2/sip/wire"
)

// Messages that one write to a connection may carry.
const batch = 32

// A conn is one TCP connection. Its reader owns the framer, its writer the writing side.
type conn struct {
	l        *Layer
	nc       net.Conn
	flow     Flow
	incoming bool          // the peer made it
	out      chan []byte   // owned copies, for the writer
	quit     chan struct{} // closed when the reader ended
	once     sync.Once     // of nc.Close
}

// send queues a copy of b.
func (c *conn) send(b []byte) error {
	select {
	case <-c.quit:
		return ErrGone
	default:
	}
	select {
	case c.out <- slices.Clone(b):
		return nil
	default:
		c.l.count.sendFull.Add(1)
		return ErrFull
	}
}

// abort closes the connection at once; reader and writer end.
func (c *conn) abort() {
	c.once.Do(func() { _ = c.nc.Close() }) // whoever waits on it sees it
}

// read frames messages until the connection ends.
func (c *conn) read() {
	defer c.l.wg.Done()
	c.frames()
	c.l.forget(c)
	close(c.quit) // the writer sends what is queued, then closes
	if c.l.cfg.OnClosed != nil {
		c.l.cfg.OnClosed(c.flow)
	}
}

func (c *conn) frames() {
	var fr wire.Framer
	var m wire.Message
	begun := time.Now() // of the message that is not whole, or of the connection before its first
	waiting := c.incoming
	for {
		space := fr.Space()
		if err := c.nc.SetReadDeadline(c.deadline(waiting || fr.Pending(), begun)); err != nil {
			return
		}
		had := fr.Pending()
		n, err := c.nc.Read(space)
		if err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				c.l.count.timedOut.Add(1)
			}
			return
		}
		fr.Filled(n)
		whole, ok := c.next(&fr, &m)
		if !ok {
			return
		}
		if whole {
			waiting = false
		}
		if whole || !had && !waiting {
			begun = time.Now()
		}
		c.pong(fr.Pings())
	}
}

func (c *conn) deadline(busy bool, begun time.Time) time.Time {
	if busy {
		return begun.Add(c.l.cfg.MessageTimeout)
	}
	return time.Now().Add(c.l.cfg.IdleTimeout)
}

// next handles all whole messages; ok is false when the stream cannot be read on.
func (c *conn) next(fr *wire.Framer, m *wire.Message) (whole, ok bool) {
	for {
		b, err := fr.Next()
		switch {
		case err != nil:
			c.refuse(b, m, err)
			return whole, false
		case b == nil:
			return whole, true
		}
		whole = true
		c.l.message(c.flow, b, m)
	}
}

// refuse answers the message whose frame could not be found, if there is its header.
func (c *conn) refuse(head []byte, m *wire.Message, err error) {
	if head == nil {
		c.l.count.malformed.Add(1)
		return
	}
	_ = m.Parse(head) // its own fault is the lesser one
	c.l.malformed(c.flow, m, err, len(head))
}

// pong answers keep-alives (RFC 5626 4.4.1), a few at most: a flood is not worth more.
func (c *conn) pong(pings int) {
	if pings == 0 {
		return
	}
	if c.send(bytes.Repeat([]byte("\r\n"), min(pings, 8))) == nil {
		c.l.count.keepAlive.Add(uint64(pings))
	}
}

// write sends what is queued; when the reader has ended, what is left, and closes.
func (c *conn) write() {
	defer c.l.wg.Done()
	defer c.abort()
	for {
		select {
		case b := <-c.out:
			if !c.flush(b) {
				return
			}
		case <-c.quit:
			select {
			case b := <-c.out:
				if !c.flush(b) {
					return
				}
			default:
				return
			}
		}
	}
}

// flush writes b and what else is queued, as one segment where the system can.
func (c *conn) flush(b []byte) bool {
	bufs := net.Buffers{b}
	for len(bufs) < batch {
		select {
		case b = <-c.out:
			bufs = append(bufs, b)
			continue
		default:
		}
		break
	}
	messages := 0
	for _, b := range bufs {
		if len(b) > 2*8 { // not a keep-alive
			messages++
		}
	}
	err := c.nc.SetWriteDeadline(time.Now().Add(c.l.cfg.WriteTimeout))
	if err == nil {
		_, err = bufs.WriteTo(c.nc)
	}
	if err != nil {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			c.l.count.timedOut.Add(1)
		}
		c.l.count.sendFail.Add(uint64(messages))
		return false
	}
	c.l.count.sent.Add(uint64(messages))
	return true
}
