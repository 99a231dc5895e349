// Package relay is the packet path of LA2: it terminates the RTP (RFC 3550) of
// each leg on a port of ours, plays prompts and music, joins two legs, and keeps
// one SSRC with monotone sequence numbers and timestamps towards every far end
// whatever the source is.
//
// A Relay has one or more shards. A shard is one locked thread with its own
// epoll set; it owns all legs of the calls that hash to it, and does per packet
// one recvfrom, a header fix-up in place and one sendto, without allocating. What
// a packet does to a leg is decided by pure functions (step.go, latch.go,
// timeline.go) that know neither sockets nor clocks; a second shell runs the same
// functions on an in-memory network for tests under testing/synctest.
//
// A leg may have SRTP keys (RFC 3711, RFC 7714): then what it is sent is protected,
// whatever the source, and only what authenticates is looked at (guard.go).
//
// RTCP is made and read here for each leg (report.go) and never handed on: what a far
// end says of our SSRC means nothing to the other one.
//
// It omits, for now: DTLS-SRTP, jitter buffering, mixing and codecs other than G.711
// and G.722.
//
// Goroutines: one per shard, ended by Shutdown; with an in-memory Network also
// one reader per socket, ended by Close of the leg.
package relay
