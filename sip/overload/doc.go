// Package overload decides which part of the new work a node takes when more comes than it can do
// (the ideas of RFC 6357: local control, by loss): so much that what it has taken is done in time,
// and as much as that allows.
//
// A Controller is told by a Watch, some twenty times a second, how long messages wait: in the
// buffers of the sockets and for a processor. It raises and lowers one number, the share of new
// work that is admitted, and Admit spreads refusals evenly. It knows no messages: package
// transaction says what new work is, and that what belongs to a call or is an emergency passes.
//
// Run is the only goroutine, that of its caller.
package overload
