package flow_test

import (
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/siptest"
	"github.com/lineaamica/la2/sip/wire"
)

// framed is a frame with a mask of zeros.
func framed(opcode byte, text string) []byte {
	b := []byte{opcode}
	switch n := len(text); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	default:
		b = append(b, 0x80|126, byte(n>>8), byte(n))
	}
	return append(append(b, 0, 0, 0, 0), text...)
}

// Whatever frames come, no handler panics, no message is longer than a message may be, and the
// session ends with its connection.
func FuzzWebSocket(f *testing.F) {
	var longest atomic.Int64
	ended := make(chan flow.Flow, 1)
	l := flow.New(flow.Config{OnClosed: func(f flow.Flow) { ended <- f }}, func(_ flow.Flow, m *wire.Message) {
		longest.Store(max(longest.Load(), int64(len(m.Raw()))))
	})
	nw := siptest.NewNetwork(1)
	ln, err := nw.ListenTCP(wsAddr.String())
	if err != nil {
		f.Fatal(err)
	}
	served, accept := make(chan error, 1), l.OpenWS(ln, nil, nil)
	go func() { served <- accept() }() // ends with Close
	f.Cleanup(func() {
		if err := errors.Join(l.Close(), <-served); err != nil {
			f.Error(err)
		}
	})
	f.Add(framed(0x81, register))
	f.Add(append(framed(0x01, register[:40]), framed(0x80, register[40:])...))
	f.Add(append(framed(0x89, "ping"), framed(0x88, "\x03\xe8bye")...))
	f.Add([]byte("\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00"))
	f.Add(framed(0xc1, "compressed"))
	f.Fuzz(func(t *testing.T, frames []byte) {
		nc, err := nw.Dialer(phoneAddr.Addr())(t.Context(), "tcp", wsAddr.String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(nc, "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: sip\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		head := make([]byte, 512)
		if n, err := nc.Read(head); err != nil || !strings.HasPrefix(string(head[:n]), "HTTP/1.1 101 ") {
			t.Fatalf("%q, %v", head[:n], err)
		}
		go func() { // ends with the connection
			_, _ = nc.Write(frames)
			_ = nc.Close()
		}()
		_, _ = io.Copy(io.Discard, nc)
		<-ended
		if s := l.Stats(); s.Panics > 0 || s.Connections != 0 || longest.Load() > wire.MaxMessage {
			t.Errorf("longest message %d, stats %+v", longest.Load(), s)
		}
	})
}
