package b2bua

import (
	"errors"
	"slices"

	"github.com/lineaamica/la2/cti"
)

// A causeRow is one line of the table SIP status, Q.850 cause, cti.Cause (after
// RFC 3398 7.2.4 and 8.2.6; Q.850 travels in Reason, RFC 3326 and 6432).
type causeRow struct {
	cause  cti.Cause
	status int    // that we send for the cause
	reason string // its phrase
	q850   int    // ITU-T Q.850 cause value, in Reason of BYE, CANCEL and refusals
	text   string // of that Reason: tells causes of one value apart; "" is none
	from   []int  // statuses of a callee that mean the cause
	heard  []int  // Q.850 values that mean it, in Reason of an office; with text only that text
}

func causeTable() []causeRow {
	return []causeRow{
		{cti.CauseNormal, 480, "Temporarily Unavailable", 16, "", nil, nil},
		{cti.CauseAbandoned, 487, "Request Terminated", 16, "", []int{487}, nil},
		{cti.CauseClosed, 480, "Temporarily Unavailable", 31, "closed", nil, []int{31}},
		{cti.CauseBusy, 486, "Busy Here", 17, "", []int{486, 600}, []int{17}},
		{cti.CauseNoAnswer, 480, "Temporarily Unavailable", 19, "", nil, []int{18, 19}},
		{cti.CauseRejected, 603, "Decline", 21, "", []int{403, 603}, []int{21}},
		{cti.CauseUnreachable, 480, "Temporarily Unavailable", 20, "", []int{408, 410, 430, 480, 482, 483, 502, 503, 504}, []int{20, 25, 27, 38, 41}},
		{cti.CauseNotFound, 404, "Not Found", 1, "", []int{404, 416, 484, 485, 604}, []int{1, 3, 22, 28}},
		{cti.CauseForbidden, 403, "Forbidden", 21, "", []int{401, 402, 407}, nil},
		{cti.CauseTransferred, 480, "Temporarily Unavailable", 16, "", nil, nil},
		{cti.CauseAnsweredElsewhere, 480, "Temporarily Unavailable", 26, "", nil, []int{26}},
		{cti.CauseRedirected, 480, "Temporarily Unavailable", 16, "", nil, nil},
		{cti.CauseMediaTimeout, 480, "Temporarily Unavailable", 102, "", nil, nil},
		{cti.CauseNoAck, 504, "Server Time-out", 102, "", nil, nil},
		{cti.CauseIncompatible, 488, "Not Acceptable Here", 65, "", []int{406, 415, 488, 606}, []int{65, 79, 88}},
		{cti.CauseOverload, 503, "Service Unavailable", 42, "", nil, []int{34, 42}},
		{cti.CauseMaxDuration, 480, "Temporarily Unavailable", 31, "", nil, nil},
		{cti.CauseShutdown, 503, "Service Unavailable", 41, "", nil, nil},
		{cti.CauseRestart, 503, "Service Unavailable", 41, "", nil, nil},
		{cti.CauseFailed, 500, "Server Internal Error", 41, "", nil, nil},
	}
}

// StatusOf is the final SIP status and phrase that refuses an INVITE for the
// cause.
func StatusOf(c cti.Cause) (status int, reason string) {
	r := rowOf(c)
	return r.status, r.reason
}

// CauseOf is what the final status (300 to 699) of a callee means.
func CauseOf(status int) cti.Cause {
	for _, r := range causeTable() {
		for _, s := range r.from {
			if s == status {
				return r.cause
			}
		}
	}
	if status >= 500 && status < 600 {
		return cti.CauseUnreachable
	}
	return cti.CauseRejected
}

// causeOfQ850 is what a Q.850 value with that text means, when an office of the
// network or a carrier says it; values without a line of their own go by RFC 3398.
// False: it says less than the status. 16 and 31 (normal), 102 (a timer) and 111 and
// above (protocol) are such values.
func causeOfQ850(value int, text string) (cti.Cause, bool) {
	for _, r := range causeTable() {
		if slices.Contains(r.heard, value) && (r.text == "" || r.text == text) {
			return r.cause, true
		}
	}
	switch status := StatusOfQ850(value); {
	case value == 16 || value == 31 || value == 102 || value >= 111 || status == 0:
		return "", false
	default:
		return CauseOf(status), true
	}
}

func rowOf(c cti.Cause) causeRow {
	rows := causeTable()
	for _, r := range rows {
		if r.cause == c {
			return r
		}
	}
	return rows[len(rows)-1]
}

// causeIn is the cause that err carries, or otherwise fallback.
func causeIn(err error, fallback cti.Cause) cti.Cause {
	var f *cti.Failure
	if errors.As(err, &f) {
		return f.Cause
	}
	return fallback
}

// worse tells whether status a of a failed branch is to be reported rather than b
// (RFC 3261 16.7, step 6): 6xx first, then the lowest class, and inside 4xx those
// that ask for a changed request.
func worse(a, b int) bool { return rankOf(a) < rankOf(b) }

func rankOf(status int) int {
	switch {
	case status >= 600:
		return 0
	case status == 401, status == 407, status == 415, status == 420, status == 484:
		return 400
	case status == 408, status == 503:
		return 900 // says least about the person
	}
	return 100 + status
}
