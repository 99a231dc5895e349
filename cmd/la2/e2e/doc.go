// Package e2e rings the demo network with real peers: baresip, SIPp, Chromium
// and our own scripted phone. It holds tests only, under the build tag e2e;
// `make e2e` builds bin/la2 and runs them. They bind the demo's ports on
// loopback, so nothing else may run there meanwhile.
//
// One demo network at a time serves the tests, one after the other (see
// network_test.go); the tests end it and every process that they start.
package e2e
