// Package acd is the inbound script: one call to a service, from the first ring
// to the agent's wrap-up, as straight-line code in inbound.go.
//
// The script owns nothing: it asks the switch (Call), the floor and the tickets
// through interfaces declared here, and publishes the stages it enters. Serve
// runs on the goroutine of its caller; goroutines that it starts for an overflow
// dial or an announcement end before Serve returns.
package acd
