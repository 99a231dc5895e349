package flow

import "sync/atomic"

// Stats counts what the layer did. Counters only grow, except the gauge.
type Stats struct {
	Connections int64 // connections open now

	Received  uint64 // messages given to the handler
	Sent      uint64 // messages written
	KeepAlive uint64 // CRLF keep-alives answered
	Junk      uint64 // datagrams that cannot be SIP: STUN, RTP, less than five octets
	Filtered  uint64 // messages and connections that the filter refused
	Withheld  uint64 // messages that Outgoing dropped
	Malformed uint64 // messages that the parser refused
	Refused   uint64 // of these, requests answered with a stateless response
	Panics    uint64 // panics on readers, contained
	SendFull  uint64 // messages lost to a full queue
	SendFail  uint64 // datagrams that the socket refused, messages lost with a connection
	Accepted  uint64 // connections accepted
	Dialled   uint64 // connections made
	Capped    uint64 // connections refused because of a limit
	TimedOut  uint64 // connections closed because idle, slow to send or slow to read

	Handshakes uint64 // TLS handshakes that failed, both ways
}

type counters struct {
	received, sent, keepAlive, junk, filtered, withheld, malformed, refused, panics atomic.Uint64
	sendFull, sendFail, accepted, dialled, capped, timedOut, handshakes             atomic.Uint64
}

// Stats returns the counters since New, and how many connections are open.
func (l *Layer) Stats() Stats {
	l.mu.RLock()
	open := len(l.conns)
	l.mu.RUnlock()
	c := &l.count
	return Stats{
		Connections: int64(open),
		Received:    c.received.Load(),
		Sent:        c.sent.Load(),
		KeepAlive:   c.keepAlive.Load(),
		Junk:        c.junk.Load(),
		Filtered:    c.filtered.Load(),
		Withheld:    c.withheld.Load(),
		Malformed:   c.malformed.Load(),
		Refused:     c.refused.Load(),
		Panics:      c.panics.Load(),
		SendFull:    c.sendFull.Load(),
		SendFail:    c.sendFail.Load(),
		Accepted:    c.accepted.Load(),
		Dialled:     c.dialled.Load(),
		Capped:      c.capped.Load(),
		TimedOut:    c.timedOut.Load(),
		Handshakes:  c.handshakes.Load(),
	}
}
