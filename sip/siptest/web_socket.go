package siptest

import (
	"context"
	"net"
	"net/netip"

	"github.com/coder/websocket"
)

// A WebSocket gives a client's connection the shape of a flow.PacketConn, one message a packet, so
// that a UA can speak SIP as a browser does (RFC 7118): it has no address that anybody could reach.
type WebSocket struct {
	conn   *websocket.Conn
	server netip.AddrPort
	local  netip.AddrPort
	life   context.Context
	end    context.CancelFunc
}

// NewWebSocket is for a UA whose audio is at the address local; server is where packets seem to
// come from.
func NewWebSocket(conn *websocket.Conn, server, local netip.AddrPort) *WebSocket {
	conn.SetReadLimit(1 << 20)
	w := &WebSocket{conn: conn, server: server, local: local}
	w.life, w.end = context.WithCancel(context.Background())
	return w
}

// Transport tells a UA what its Via and Contact say: a name that leads nowhere (RFC 7118 5).
func (w *WebSocket) Transport() (name, host string) { return "WS", "df7jal23ls0d.invalid" }

// LocalAddr returns the address given.
func (w *WebSocket) LocalAddr() net.Addr { return net.UDPAddrFromAddrPort(w.local) }

// ReadFromUDPAddrPort waits for a message.
func (w *WebSocket) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	_, m, err := w.conn.Read(w.life)
	return copy(b, m), w.server, err
}

// WriteToUDPAddrPort sends a message to the server, whatever the address.
func (w *WebSocket) WriteToUDPAddrPort(b []byte, _ netip.AddrPort) (int, error) {
	if err := w.conn.Write(w.life, websocket.MessageText, b); err != nil {
		return 0, err
	}
	return len(b), nil
}

// Close ends the connection without a word, as a browser does that is killed.
func (w *WebSocket) Close() error {
	w.end()
	return w.conn.CloseNow()
}
