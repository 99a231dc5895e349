package transaction

import "sync/atomic"

// Stats counts what the layer did. Counters only grow, except the two gauges.
type Stats struct {
	Servers, Clients int64 // transactions alive now

	Requests        uint64 // new requests given to the transaction user
	Retransmissions uint64 // repeated requests absorbed or answered from the cache
	Resent          uint64 // messages that a timer sent again
	Shed            uint64 // new requests refused with 503 because the shard was full
	Dropped         uint64 // messages dropped because the shard was full beyond refusing
	Malformed       uint64 // messages that the typed parser refused
	Merged          uint64 // requests refused with 482 (RFC 3261 8.2.2.2)
	Strays          uint64 // responses without transaction
	Unmatched       uint64 // CANCEL without transaction, answered 481
	Timeouts        uint64 // client transactions ended by timer B or F, or after CANCEL
	Unacked         uint64 // 2xx that no ACK answered
	SendErrors      uint64 // messages that the flow refused
	Ignored         uint64 // events that do not belong to the state of a machine
	Panics          uint64 // panics of the transaction user, contained
}

// counters are those of one shard; others read them.
type counters struct {
	servers, clients atomic.Int64

	requests, retransmissions, resent, shed, dropped, malformed, merged atomic.Uint64
	strays, unmatched, timeouts, unacked, sendErrors, ignored, panics   atomic.Uint64
}

// Stats returns the counters since New, and how many transactions live now.
func (l *Layer) Stats() Stats {
	var s Stats
	for _, sh := range l.shards {
		n := &sh.n
		s.Servers += n.servers.Load()
		s.Clients += n.clients.Load()
		s.Requests += n.requests.Load()
		s.Retransmissions += n.retransmissions.Load()
		s.Resent += n.resent.Load()
		s.Shed += n.shed.Load()
		s.Dropped += n.dropped.Load()
		s.Malformed += n.malformed.Load()
		s.Merged += n.merged.Load()
		s.Strays += n.strays.Load()
		s.Unmatched += n.unmatched.Load()
		s.Timeouts += n.timeouts.Load()
		s.Unacked += n.unacked.Load()
		s.SendErrors += n.sendErrors.Load()
		s.Ignored += n.ignored.Load()
		s.Panics += n.panics.Load()
	}
	return s
}
