// Package flow carries SIP messages over our sockets: UDP datagrams, framed TCP and TLS connections
// (RFC 3261 18, RFC 3581, RFC 5626 for what a flow is and its keep-alive, RFC 5922 for whom a
// certificate names) and WebSockets (RFC 7118).
//
// A reader filters, frames and indexes what comes and hands it to one handler; senders name a
// Flow and never wait. What cannot be a message is dropped and counted; a malformed request
// that can be answered gets one stateless 400, rate limited. No name is ever looked up here, and
// nothing is sent to an address because a header says so.
//
// Left out: maddr, connection aliases (RFC 5923), WebSocket as a client.
//
// Goroutines: ServeUDP and the functions that accept run on the caller's. Each connection has a
// reader and, while something is queued, a writer, owned by the Layer; both end with the
// connection, all of them by Close. The reader of a WebSocket is the goroutine of its HTTP request.
package flow
