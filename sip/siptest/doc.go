// Package siptest is an in-memory packet network with a scripted user agent, for tests of the
// SIP stack and of the whole switch under testing/synctest.
//
// A Network carries datagrams (SIP and RTP alike) and byte streams between addresses that exist
// only in it, with delay, loss, duplication and reordering drawn from a seed. All waiting is on
// channels and all timers are made by the caller's bubble, so that its clock moves.
//
// A UA is an independent user agent (RFC 3261 8, 9, 12, 13, 15, 17; RFC 4733 for digits): own
// parser, own templates, own retransmissions, so that it can find faults of our stack. It does
// what a well-behaved phone does by itself (ACK of a refusal, 100 not sent, retransmissions over
// UDP, 200 to CANCEL with 487, digest answers); Manual turns all that off and leaves each
// packet to the script.
//
// Left out: TLS for streams, SRTP, RTCP, forked early dialogs as separate calls.
//
// Goroutines: each UA has one reader and each RTP endpoint one reader and, while it sends, one
// sender; a StreamSocket has two for each connection and one that accepts. UA.Close, which the
// test's clean-up calls, ends them.
package siptest
