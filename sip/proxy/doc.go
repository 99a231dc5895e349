// Package proxy is the core of a stateful, record-routing proxy (RFC 3261 16). It edits messages by
// span and parses none: what it does not have to change leaves as it came.
//
// Done here: checks of a request (16.3: Max-Forwards, Proxy-Require, loops by a token in our Via
// branch), Record-Route, and requests along it (16.4, 16.6, 16.12), ACK for a 2xx without state,
// responses (16.7), 408 on time-out. Fork sends one request to several targets at a time or one
// after the other; step is its response context. The transaction layer sends 100, CANCEL, the ACK
// for a refusal and each 2xx, and owns timer C (see transaction.Relay).
//
// Nobody uses us to reach a third party. Our Record-Route URI carries a token: the two ends, signed
// together with Call-ID and the caller's tag. A request in a dialog follows its route only when
// that token fits its dialog, and only to a literal address that Config.Allow accepts: by default
// one of the two hosts of the token. No name is resolved. An end that is reached by one flow only,
// over its connection or through its NAT, has that flow in the token (RFC 5626 5.3), so that
// requests find it although its Contact is no address. Strict routers on either side are met
// (16.4, 16.6 step 6).
//
// Responses that belong to no client transaction are dropped, not passed on: RFC 6026 7.3 takes
// that part of 16.7 back, because it lets strangers bounce messages off a proxy. A CANCEL without
// INVITE gets 481, as our branches are random and no other element could match it.
//
// The package starts no goroutine. A Proxy is safe for concurrent use; its methods run on the
// shards of the transaction layer and do not block.
package proxy
