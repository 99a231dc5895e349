package transaction

import "fmt"

// nictState is a state of the client transaction of another request than INVITE
// (RFC 3261 17.1.2).
//
//	         | request: send, E, F
//	         V                     E: resend
//	   +------------+
//	   |   Trying   |--- F, transport error: tell user ---+
//	   +------------+                                     |
//	1xx: |     | 200-699: K                               |
//	user |     +----------------+                         |
//	     V                      |                         |
//	   +------------+           |                         |
//	   | Proceeding |-----------|-- F, transport error -->|
//	   +------------+ 1xx: user |                         |
//	     | 200-699: K           |  E: resend              |
//	     V                      |                         |
//	   +------------+           |                         V
//	   | Completed  |<----------+              K   +------------+
//	   +------------+----------------------------->| Terminated |
//	                                               +------------+
type nictState uint8

const (
	nictInit nictState = iota
	nictTrying
	nictProceeding
	nictCompleted
	nictTerminated
)

type nictEvent uint8

const (
	nictRequest   nictEvent = iota // the user sends a request
	nict1xx                        // a response, by class
	nictFinal                      // 200 to 699
	nictRetry                      // timer E
	nictExpire                     // timer F or K, whichever the state armed
	nictTransport                  // the flow failed
	nictEvents
)

// stepNICT is the client transaction of another request than INVITE.
func stepNICT(s nictState, e nictEvent) (nictState, actions) {
	switch s {
	case nictInit:
		if e == nictRequest {
			return nictTrying, do(send, startRetry, armF)
		}
	case nictTrying, nictProceeding:
		switch e {
		case nict1xx:
			return nictProceeding, do(deliver)
		case nictFinal:
			return nictCompleted, do(stopRetry, armK, deliver)
		case nictRetry:
			if s == nictProceeding {
				return s, do(resend, steadyT2)
			}
			return s, do(resend, backOffT2)
		case nictExpire:
			return nictTerminated, do(stopRetry, timeout)
		case nictTransport:
			return nictTerminated, do(stopRetry, fail)
		}
	case nictCompleted:
		switch e {
		case nict1xx, nictFinal, nictTransport:
			return s, nothing
		case nictExpire:
			return nictTerminated, nothing
		}
	}
	return s, ignored
}

func (s nictState) String() string {
	names := [...]string{"Init", "Trying", "Proceeding", "Completed", "Terminated"}
	if int(s) < len(names) {
		return names[s]
	}
	return fmt.Sprintf("nictState(%d)", uint8(s))
}
