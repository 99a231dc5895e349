package cti

import "fmt"

// A Cause says why something ended. It is a closed set: CDRs, metrics and
// desktops branch on it; package b2bua maps SIP statuses to it and back.
type Cause string

const (
	// CauseNormal is an ordinary hang-up after conversation.
	CauseNormal Cause = "normal"
	// CauseAbandoned is a caller who left before an agent answered.
	CauseAbandoned Cause = "abandoned"
	// CauseClosed is a call outside the hours of the service.
	CauseClosed Cause = "closed"
	// CauseBusy is 486 or 600.
	CauseBusy Cause = "busy"
	// CauseNoAnswer is a device that rang until the ring time was over.
	CauseNoAnswer Cause = "no_answer"
	// CauseRejected is a person who declined (603, 403 from a device).
	CauseRejected Cause = "rejected"
	// CauseUnreachable is a device or trunk without a path (no binding, 408, 480, 503).
	CauseUnreachable Cause = "unreachable"
	// CauseNotFound is a number nobody has.
	CauseNotFound Cause = "not_found"
	// CauseForbidden is a policy that refused.
	CauseForbidden Cause = "forbidden"
	// CauseTransferred is a leg that left because another replaced it.
	CauseTransferred Cause = "transferred"
	// CauseAnsweredElsewhere is a leg that lost the race.
	CauseAnsweredElsewhere Cause = "answered_elsewhere"
	// CauseRedirected is a waiting caller whom another office took over.
	CauseRedirected Cause = "redirected"
	// CauseMediaTimeout is a leg without RTP for the media time-out.
	CauseMediaTimeout Cause = "media_timeout"
	// CauseNoAck is a 2xx that nobody acknowledged for 64*T1.
	CauseNoAck Cause = "no_ack"
	// CauseIncompatible is an offer without a codec in common (488).
	CauseIncompatible Cause = "incompatible"
	// CauseOverload is a refusal that protects running calls (503).
	CauseOverload Cause = "overload"
	// CauseMaxDuration is a call longer than allowed.
	CauseMaxDuration Cause = "max_duration"
	// CauseShutdown is a node that was stopped by its administrator.
	CauseShutdown Cause = "shutdown"
	// CauseRestart is a call found open in the journal after a crash.
	CauseRestart Cause = "restart"
	// CauseFailed is everything that is our own fault.
	CauseFailed Cause = "failed"
)

// A Failure is an error that carries its cause across packages.
type Failure struct {
	Cause Cause
	// Detail is for logs: no personal data, no internals that a peer may see.
	Detail string
}

func (f *Failure) Error() string {
	if f.Detail == "" {
		return "call: " + string(f.Cause)
	}
	return fmt.Sprintf("call: %s: %s", f.Cause, f.Detail)
}

// Fail makes a Failure.
func Fail(c Cause, detail string) *Failure { return &Failure{Cause: c, Detail: detail} }
