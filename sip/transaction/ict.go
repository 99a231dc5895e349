package transaction

import "fmt"

// ictState is a state of the INVITE client transaction (RFC 3261 17.1.1, RFC 6026 7.2).
//
//	         | INVITE: send, A, B
//	         V                     A: resend
//	  +-----------+  cancel  +---------------+
//	  |  Calling  |--------->| CancelPending |--- B, transport error: tell user -+
//	  +-----------+          +---------------+                                   |
//	    |   |   |  B, transport     | 1xx: CANCEL, X                             |
//	    |   |   |  error: tell user |                                            |
//	1xx |   |   +-------------------|------------------------------------------->|
//	    V   |                       V                                            |
//	  +------------+  cancel  +------------+                                     |
//	  | Proceeding |--------->| Cancelling |--- X, transport error: tell user -->|
//	  +------------+  CANCEL  +------------+                                     |
//	    |   |   |       X        |     |                                         |
//	    |   | 3xx-6xx: ACK, D    |     |                                         |
//	    |   +----+---------------+     |                                         |
//	    |        V                     |                                         |
//	    | +-----------+                |                                         |
//	    | | Completed |- 3xx-6xx: ACK  |                                         |
//	    | +-----------+                |                                         |
//	    |        | D                   |                                         |
//	    |        +---------------------|---------------------------------------->|
//	    | 2xx: M                       | 2xx: M                                  |
//	    +----------+-------------------+                                         |
//	               V                                                             V
//	         +----------+                                                 +------------+
//	         | Accepted |- 2xx: tell user                            M    | Terminated |
//	         +----------+------------------------------------------------>+------------+
//
// Calling and CancelPending go to Completed and Accepted, too, when the final response is the
// first. CancelPending and Cancelling are ours: RFC 3261 9.1 has the user hold CANCEL back until
// a 1xx and give up 64*T1 after it. Timer C of a proxy (16.8) does in Proceeding what cancel does.
type ictState uint8

const (
	ictInit ictState = iota
	ictCalling
	ictCancelPending
	ictProceeding
	ictCancelling
	ictCompleted
	ictAccepted
	ictTerminated
)

type ictEvent uint8

const (
	ictRequest   ictEvent = iota // the user sends INVITE
	ictCancel                    // the user wants to cancel
	ict1xx                       // a response, by class
	ict2xx                       //
	ict3xx                       // 300 to 699
	ictRetry                     // timer A
	ictExpire                    // timer B, C, D, M or X, whichever the state armed
	ictTransport                 // the flow failed
	ictEvents
)

// stepICT is the INVITE client transaction.
func stepICT(s ictState, e ictEvent) (ictState, actions) {
	switch s {
	case ictInit:
		if e == ictRequest {
			return ictCalling, do(send, startRetry, armB)
		}
	case ictCalling, ictCancelPending:
		return stepICTCalling(s, e)
	case ictProceeding, ictCancelling:
		return stepICTProceeding(s, e)
	case ictCompleted:
		switch e {
		case ict3xx:
			return s, do(sendAck)
		case ict1xx, ictCancel:
			return s, nothing
		case ictExpire, ictTransport:
			return ictTerminated, nothing
		}
	case ictAccepted:
		switch e {
		case ict2xx:
			return s, do(deliver)
		case ict1xx, ictCancel, ictTransport:
			return s, nothing
		case ictExpire:
			return ictTerminated, nothing
		}
	}
	return s, ignored
}

func stepICTCalling(s ictState, e ictEvent) (ictState, actions) {
	switch e {
	case ict1xx:
		if s == ictCancelPending {
			return ictCancelling, do(stopRetry, sendCancel, armX, deliver)
		}
		return ictProceeding, do(stopRetry, stopLife, deliver)
	case ict2xx:
		return ictAccepted, do(stopRetry, armM, deliver)
	case ict3xx:
		return ictCompleted, do(stopRetry, armD, sendAck, deliver)
	case ictRetry:
		return s, do(resend, backOff)
	case ictExpire:
		return ictTerminated, do(timeout)
	case ictTransport:
		return ictTerminated, do(fail)
	case ictCancel:
		return ictCancelPending, nothing
	}
	return s, ignored
}

func stepICTProceeding(s ictState, e ictEvent) (ictState, actions) {
	switch e {
	case ict1xx:
		return s, do(deliver)
	case ict2xx:
		return ictAccepted, do(armM, deliver)
	case ict3xx:
		return ictCompleted, do(armD, sendAck, deliver)
	case ictTransport:
		return ictTerminated, do(fail)
	case ictCancel:
		if s == ictCancelling {
			return s, nothing
		}
		return ictCancelling, do(sendCancel, armX)
	case ictExpire:
		if s == ictCancelling {
			return ictTerminated, do(timeout)
		}
		return ictCancelling, do(sendCancel, armX) // timer C
	}
	return s, ignored
}

func (s ictState) String() string {
	names := [...]string{"Init", "Calling", "CancelPending", "Proceeding", "Cancelling", "Completed", "Accepted", "Terminated"}
	if int(s) < len(names) {
		return names[s]
	}
	return fmt.Sprintf("ictState(%d)", uint8(s))
}
