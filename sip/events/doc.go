// Package events is the notifier of SIP events (RFC 6665): it answers SUBSCRIBE and
// keeps each watcher told by NOTIFY, for the packages that its user gives it.
//
//	watcher                    Notifier                     user
//	   │── SUBSCRIBE ─────────────►│ may it watch? (Package.Allowed)
//	   │◄──────────────────── 200 ─│
//	   │◄───────────── NOTIFY all ─│◄── Body ──────────────────│
//	   │── 200 ───────────────────►│
//	   │                           │◄── Changed(resource) ─────│
//	   │◄──────── NOTIFY, at most ─│    one a second, what changed meanwhile in one
//
// Who sends a SUBSCRIBE was authenticated before; here it is a name. One goroutine,
// Notifier.Run, owns all subscriptions; what a subscription may do next is a pure
// step (step.go). Two formats come along: dialog-info (RFC 4235, busy lamps) and
// simple-message-summary (RFC 3842).
//
// It omits: event lists, filters, conditional subscriptions (RFC 5839), a
// subscription that waits for somebody's consent (pending), PUBLISH.
package events
