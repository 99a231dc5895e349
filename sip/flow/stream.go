package flow

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"sync"
	"time"

	"github.com/lineaamica/la2/sip/wire"
)

// Most keep-alives that one read is answered with: a flood is not worth more.
const maxPongs = 8

// A stream is a link that carries messages one after the other: TCP, or TLS on it.
type stream struct {
	nc     net.Conn  // what is read and written
	raw    net.Conn  // the same without TLS
	secure *tls.Conn // nil without TLS
}

func newStream(nc net.Conn, cfg *tls.Config) *stream {
	s := &stream{nc: nc, raw: nc}
	if cfg != nil {
		s.secure = tls.Server(nc, cfg)
		s.nc = s.secure
	}
	return s
}

// handshake proves who is there, within the time that the layer gives.
func (s *stream) handshake(ctx context.Context, l *Layer) (*Peer, error) {
	ctx, cancel := context.WithTimeout(ctx, l.cfg.HandshakeTimeout)
	defer cancel()
	if err := s.secure.HandshakeContext(ctx); err != nil {
		l.count.handshakes.Add(1)
		return nil, err
	}
	cs := s.secure.ConnectionState()
	return peerOf(&cs), nil
}

func (s *stream) write(messages [][]byte, deadline time.Time) error {
	if err := s.nc.SetWriteDeadline(deadline); err != nil {
		return err
	}
	if s.secure != nil {
		_, err := s.nc.Write(join(messages))
		return err
	}
	return writeAll(s.nc, messages)
}

func (s *stream) bye() {
	if s.secure != nil {
		_ = s.secure.CloseWrite() // the peer may have gone already
	}
}

func (s *stream) cut() { _ = s.raw.Close() } // whoever waits on it sees it

// read frames messages until the connection ends.
func (s *stream) read(c *conn) {
	if s.secure != nil && c.incoming {
		peer, err := s.handshake(c.l.life, c.l)
		c.l.settled(c)
		if err != nil {
			c.l.cfg.Logger.Debug("no TLS with a peer", "remote", c.flow.Remote.String(), "error", err)
			return
		}
		c.remember(peer)
	}
	var fr wire.Framer
	begun := time.Now() // of the message that is not whole, or of the connection before its first
	heard := begun
	waiting := c.incoming
	for {
		busy := waiting || fr.Pending()
		if err := s.nc.SetReadDeadline(c.deadline(busy, begun, heard)); err != nil {
			return
		}
		had := fr.Pending()
		n, err := s.nc.Read(fr.Space())
		if !busy && errors.Is(err, os.ErrDeadlineExceeded) {
			if time.Since(heard) < c.l.cfg.IdleTimeout {
				_ = c.send([]byte("\r\n\r\n")) // a full queue is as good as a keep-alive
				continue
			}
			if c.l.cfg.Keep(c.flow) {
				heard = time.Now()
				continue
			}
		}
		if err != nil {
			c.slow(err)
			return
		}
		fr.Filled(n)
		heard = time.Now()
		whole, ok := c.next(&fr)
		if !ok {
			return
		}
		if whole {
			waiting = false
		}
		if whole || !had && !waiting {
			begun = time.Now()
		}
		if pings := fr.Pings(); c.incoming { // else they are pongs
			c.pong(pings)
		}
	}
}

// deadline of the next read. On a connection that we made it is when a keep-alive is due
// (RFC 5626 4.4.1): the NAT in between is ours to remind.
func (c *conn) deadline(busy bool, begun, heard time.Time) time.Time {
	end := heard.Add(c.l.cfg.IdleTimeout)
	switch {
	case busy:
		return begun.Add(c.l.cfg.MessageTimeout)
	case c.incoming:
		return end
	}
	if next := time.Now().Add(c.l.cfg.KeepAlive); next.Before(end) {
		return next
	}
	return end
}

// indexes holds messages to parse into: one is larger than all the rest of an idle connection.
type indexes struct{ pool sync.Pool }

func (x *indexes) get() *wire.Message {
	if m, ok := x.pool.Get().(*wire.Message); ok {
		return m
	}
	return new(wire.Message)
}

func (x *indexes) put(m *wire.Message) { x.pool.Put(m) }

// next handles all whole messages; ok is false when the stream cannot be read on.
func (c *conn) next(fr *wire.Framer) (whole, ok bool) {
	m := c.l.indexes.get()
	defer c.l.indexes.put(m)
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
		c.l.cfg.OnFault(c.flow, Malformed)
		return
	}
	_ = m.Parse(head) // its own fault is the lesser one
	c.l.malformed(c.flow, m, err)
}

// pong answers keep-alives (RFC 5626 4.4.1).
func (c *conn) pong(pings int) {
	if pings == 0 {
		return
	}
	if c.send(bytes.Repeat([]byte("\r\n"), min(pings, maxPongs))) == nil {
		c.l.count.keepAlive.Add(uint64(pings))
	}
}
