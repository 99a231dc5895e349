// Package transaction is the transaction layer of RFC 3261 17 with the corrections of RFC 6026.
//
// The four machines (client and server, INVITE and not) are pure step functions, one file
// each: ict.go, nict.go, ist.go, nist.go. Around them stand shards: a transaction belongs to
// the shard of its Call-ID, because an ACK for a 2xx and a CANCEL arrive under other keys but
// under the same Call-ID. A shard is a queue, lanes of timers and its tables, and one goroutine at
// a time works on it, so all that happens to one Call-ID happens in the order of arrival. That
// goroutine is the reader that brings the message when the shard is idle, as it mostly is: no copy,
// no queue, no switch to another goroutine (turn.go).
//
// The layer also does what RFC 3261 gives to the core of a user agent and every user agent
// repeats: it sends 100 at once (17.2.1), answers CANCEL (9.2), finds merged requests
// (8.2.2.2), sends a 2xx to INVITE again until its ACK (13.3.1.4) and gives all responses of
// one transaction one To tag (8.2.6.2).
//
// Not here: choice of a destination (RFC 3263), Route, dialogs, authentication, and
// forwarding: a caller names the flow that a request takes. maddr is ignored, on purpose.
//
// Goroutines: New starts Config.Shards of them, for timers and for what stayed behind; Close ends
// them. Callbacks run on them or on a reader, never on the goroutine of who posts something, and
// must not block.
package transaction
