// Package flow carries SIP messages over our sockets: UDP datagrams and framed TCP connections
// (RFC 3261 18, RFC 3581, RFC 5626 for what a flow is and its keep-alive).
//
// A reader filters, frames and indexes what comes and hands it to one handler; senders name a
// Flow and never wait. What cannot be a message is dropped and counted; a malformed request
// that can be answered gets one stateless 400, rate limited. No name is ever looked up here, and
// nothing is sent to an address because a header says so.
//
// Left out: TLS and WebSocket (their names are reserved), the change from UDP to TCP for large
// requests (18.1.1), maddr.
//
// Goroutines: ServeUDP and ServeTCP run on the caller's. Each TCP connection has a reader and a
// writer, owned by the Layer; both end with the connection, all of them by Close.
package flow
