package flow

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/netip"
	"time"
)

// A Verdict is what a filter decides.
type Verdict uint8

const (
	Pass Verdict = iota // go on
	Drop                // say nothing; close a connection
)

func pass(Flow, []byte) Verdict { return Pass }

// A Fault is what is wrong with something that came.
type Fault uint8

const (
	Junk      Fault = iota + 1 // it cannot be SIP
	Malformed                  // the parser refused it
)

// Config sets a Layer. The zero value of each field works.
type Config struct {
	// Filter sees each datagram and framed message before it is parsed, and each new connection
	// (b is nil then). It runs on readers, concurrently, and must not block or keep b. Default:
	// all pass.
	Filter func(f Flow, b []byte) Verdict
	// Outgoing sees each message before it leaves and returns what is sent in its place; nil:
	// nothing, which is counted. It must not block, change or keep b. Default: b.
	Outgoing func(f Flow, b []byte) []byte
	// OnFault is told of what came on f and was no message. It runs on readers, concurrently, and
	// must not block. Default: nobody.
	OnFault func(f Flow, what Fault)
	// OnClosed is told of each connection that ended, once, on its reader. Default: nobody.
	OnClosed func(Flow)
	// Advertise says, for endpoints behind a NAT, under which address peers reach them: what Via,
	// Contact and Record-Route say. Default: the endpoints' own addresses.
	Advertise map[Endpoint]netip.AddrPort
	// TLS is for outgoing connections: RootCAs are whom we believe (default: the system's), our own
	// certificate, and Time. Names are verified by RFC 5922, whatever it says. Default: the zero Config.
	TLS *tls.Config
	// WebSocket is for WS and WSS.
	WebSocket WebSocketConfig
	// Dial makes outgoing connections. Default: a net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// DialTimeout bounds one attempt. Default 5 s.
	DialTimeout time.Duration
	// HandshakeTimeout bounds one handshake of TLS, both ways, and one of WebSocket. Default 5 s.
	HandshakeTimeout time.Duration
	// MaxHandshakesPerIP is how many handshakes of one address, or IPv6 /64, may be under way.
	// Default 64.
	MaxHandshakesPerIP int
	// MaxConns is how many connections are open at once, both ways. Default 16,384.
	MaxConns int
	// MaxConnsPerIP is the same for accepted ones of one address, or IPv6 /64. Default 1024.
	MaxConnsPerIP int
	// Trusted reports addresses for which only MaxConns holds; an eighth of it is theirs alone, so
	// that strangers cannot take all places. It must not block. Default: none.
	Trusted func(netip.Addr) bool
	// IdleTimeout closes a connection on which nothing came for so long. Default 20 min: more than
	// half of the session interval that we ask for (RFC 4028).
	IdleTimeout time.Duration
	// Keep is asked then, on the reader; true gives the connection as long again: that of a phone
	// that registers once an hour and sends no keep-alives. Dead peers are noticed by the system,
	// within 30 s. Default: none is kept.
	Keep func(Flow) bool
	// KeepAlive is how long nothing may come on a connection that we made before we send a
	// keep-alive. Default 100 s, of the 95 to 120 s that RFC 5626 4.4.1 allows.
	KeepAlive time.Duration
	// MessageTimeout bounds the time from the first octet of a message to its last, and from
	// accept to the first message. Default 30 s.
	MessageTimeout time.Duration
	// WriteTimeout closes a connection whose peer takes so long for a write. Default 10 s.
	WriteTimeout time.Duration
	// SendQueue is how many messages wait for the writer of a connection. Default 256: one
	// second of a busy trunk.
	SendQueue int
	// RefuseRate is how many malformed requests a second get a response. Default 50; negative: none.
	RefuseRate int
	// Logger gets faults of sockets and panics of the handler. Default: discard.
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.Filter == nil {
		c.Filter = pass
	}
	if c.Outgoing == nil {
		c.Outgoing = func(_ Flow, b []byte) []byte { return b }
	}
	if c.Keep == nil {
		c.Keep = func(Flow) bool { return false }
	}
	if c.Trusted == nil {
		c.Trusted = func(netip.Addr) bool { return false }
	}
	if c.OnFault == nil {
		c.OnFault = func(Flow, Fault) {}
	}
	if c.Dial == nil {
		c.Dial = new(net.Dialer).DialContext
	}
	def(&c.DialTimeout, 5*time.Second)
	def(&c.HandshakeTimeout, 5*time.Second)
	def(&c.WebSocket.PingInterval, 20*time.Second)
	def(&c.MaxHandshakesPerIP, 64)
	def(&c.MaxConns, 16_384)
	def(&c.MaxConnsPerIP, 1024)
	def(&c.IdleTimeout, 20*time.Minute)
	def(&c.KeepAlive, 100*time.Second)
	def(&c.MessageTimeout, 30*time.Second)
	def(&c.WriteTimeout, 10*time.Second)
	def(&c.SendQueue, 256)
	if c.RefuseRate == 0 {
		c.RefuseRate = 50
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// def sets what was left out.
func def[T int | time.Duration](v *T, d T) {
	if *v <= 0 {
		*v = d
	}
}
