package flow_test

import (
	"encoding/binary"
	"io"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/wire"
)

// wsFrame is a masked frame as a client writes it, of at most 65,535 octets.
func wsFrame(first byte, payload string) []byte {
	b := []byte{first, 0x80 | byte(len(payload))}
	if len(payload) > 125 {
		b = binary.BigEndian.AppendUint16([]byte{first, 0x80 | 126}, uint16(len(payload)))
	}
	return append(append(b, 0, 0, 0, 0), payload...) // a mask of zeros changes nothing
}

// FuzzWebSocket: whatever follows the handshake, nothing panics, the handler sees only what parses,
// the peer is not sent much more than it wrote, and the session ends.
func FuzzWebSocket(f *testing.F) {
	f.Add(wsFrame(0x81, options))
	f.Add(append(wsFrame(0x01, options[:50]), wsFrame(0x80, options[50:])...)) // two fragments
	f.Add(append(wsFrame(0x89, "ping"), wsFrame(0x88, "\x03\xe8")...))
	f.Add(wsFrame(0x82, "\r\n\r\n"))
	f.Add([]byte{0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, in []byte) {
		synctest.Test(t, func(t *testing.T) {
			n := newNode(t, flow.Config{})
			var seen atomic.Int32
			n.mu.Lock()
			n.onMsg = func(_ flow.Flow, m *wire.Message) {
				seen.Add(1)
				var again wire.Message
				if err := again.Parse(m.Raw()); err != nil {
					t.Errorf("the handler got %q: %v", m.Raw(), err)
				}
			}
			n.mu.Unlock()
			n.serveWS(t, nil, nil)
			nc := rawWS(t, n, "10.0.0.1")
			back := make(chan int, 1)
			go func() { // ends with the connection
				k, _ := io.Copy(io.Discard, nc)
				back <- int(k)
			}()
			_, _ = nc.Write(in)
			time.Sleep(time.Second)
			_ = nc.Close()
			if k := <-back; k > 4*len(in)+1000 {
				t.Errorf("%d octets for %d", k, len(in))
			}
			time.Sleep(time.Minute)
			synctest.Wait()
			if s := n.Stats(); s.Panics != 0 || s.Connections != 0 || int(s.Received) != int(seen.Load()) {
				t.Errorf("stats %+v, %d messages seen", s, seen.Load())
			}
		})
	})
}
