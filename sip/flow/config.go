package flow

import (
	"context"
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

// Config sets a Layer. The zero value of each field works.
type Config struct {
	// Filter sees each datagram and framed message before it is parsed, and each new connection
	// (b is nil then). It runs on readers, concurrently, and must not block or keep b.
	// Default: NewRateFilter(RateConfig{}).Verdict.
	Filter func(t Transport, src netip.AddrPort, b []byte) Verdict
	// OnClosed is told of each connection that ended, once, on its reader. Default: nobody.
	OnClosed func(Flow)
	// Dial makes outgoing connections. Default: a net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// DialTimeout bounds one attempt. Default 5 s.
	DialTimeout time.Duration
	// MaxConns is how many TCP connections are open at once, both ways. Default 10,000.
	MaxConns int
	// MaxConnsPerIP is the same for accepted ones of one address, loopback included. Default 512.
	MaxConnsPerIP int
	// IdleTimeout closes a connection on which nothing came for so long. Default 15 min.
	IdleTimeout time.Duration
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
