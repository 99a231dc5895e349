package flow

import (
	"context"
	"errors"
	"net"
	"net/netip"

	"github.com/lineaamica/la2/sip/wire"
)

// Why a message could not be sent.
var (
	// ErrGone: the connection of the flow is closed, or no socket has its local address.
	ErrGone = errors.New("flow: gone")
	// ErrFull: the peer reads too slowly; the message is lost and the connection stays.
	ErrFull = errors.New("flow: send queue full")
	// ErrAddress: the remote address is unspecified, multicast or broadcast, or has port 0.
	ErrAddress = errors.New("flow: address not to be sent to")
	// ErrSize: the message does not fit into a datagram, or is empty.
	ErrSize = errors.New("flow: message size")
	// ErrNoRoute: no socket of ours can reach the address.
	ErrNoRoute = errors.New("flow: no socket for the address")
	// ErrClosed: the layer was closed.
	ErrClosed = errors.New("flow: layer closed")
)

// A Handler takes a message. It runs on the reader of the flow, so it must return soon; m and
// its bytes are valid only during the call. It may call Send. A panic is contained and counted.
type Handler func(f Flow, m *wire.Message)

// A Layer owns the SIP sockets of a node. Its methods are safe for concurrent use.
type Layer struct {
	cfg    Config
	handle Handler
}

// New returns a layer without sockets. The caller closes it.
func New(cfg Config, h Handler) *Layer { return &Layer{cfg: cfg, handle: h} }

// ServeUDP reads pc until pc or the layer is closed, and returns nil then.
func (l *Layer) ServeUDP(pc PacketConn) error { return nil }

// ServeTCP accepts connections until ln or the layer is closed, and returns nil then. Accept
// errors are waited out, 5 ms to 1 s.
func (l *Layer) ServeTCP(ln net.Listener) error { return nil }

// Send puts the message b on f and returns; b may be used again at once. UDP: one datagram.
// TCP: the queue of the connection's writer.
func (l *Layer) Send(f Flow, b []byte) error { return ErrGone }

// Dial returns a flow to remote: for UDP from the first socket that can reach it, for TCP the
// connection that is there, or a new one. Callers with the same remote share one attempt.
func (l *Layer) Dial(ctx context.Context, t Transport, remote netip.AddrPort) (Flow, error) {
	return Flow{}, ErrNoRoute
}

// Local returns the address of our first socket of t: what Via and Contact say. Zero when there
// is none.
func (l *Layer) Local(t Transport) netip.AddrPort { return netip.AddrPort{} }

// Alive reports whether Send could work on f: its socket or connection is open.
func (l *Layer) Alive(f Flow) bool { return false }

// Stats returns the counters since New, and how many connections are open.
func (l *Layer) Stats() Stats { return Stats{} }

// Close closes all sockets and connections and returns when all goroutines of the layer and
// all Serve calls have ended. Handlers must return for that.
func (l *Layer) Close() error { return nil }

// Stats counts what the layer did. Counters only grow, except the gauge.
type Stats struct {
	Connections int64 // TCP connections open now

	Received  uint64 // messages given to the handler
	Sent      uint64 // messages written
	KeepAlive uint64 // CRLF keep-alives answered
	Junk      uint64 // datagrams that cannot be SIP: STUN, RTP, less than five octets
	Filtered  uint64 // messages and connections that the filter refused
	Malformed uint64 // messages that the parser refused
	Refused   uint64 // of these, requests answered with a stateless response
	Panics    uint64 // panics of the handler, contained
	SendFull  uint64 // messages lost to a full queue
	SendFail  uint64 // datagrams that the socket refused, messages lost with a connection
	Accepted  uint64 // TCP connections accepted
	Dialled   uint64 // TCP connections made
	Capped    uint64 // TCP connections refused because of a limit
	TimedOut  uint64 // TCP connections closed because idle, slow to send or slow to read
}
