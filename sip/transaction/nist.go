package transaction

import "fmt"

// nistState is a state of the server transaction of another request than INVITE
// (RFC 3261 17.2.2).
//
//	        | request: tell user, F
//	        V
//	  +------------+
//	  |   Trying   |  request: absorb
//	  +------------+
//	    |     |   | F
//	    |     |   +---------------------------------+
//	    |     | 200-699 of user: send, J            |
//	    |     +----------------+                    |
//	1xx of user: send          |                    |
//	    V                      |                    |
//	  +------------+ 1xx: send |                    |
//	  | Proceeding | request:  |                    |
//	  +------------+ resend    |                    |
//	    |       | F            |                    |
//	    |       +--------------|------------------->|
//	    | 200-699: send, J     |                    |
//	    V                      |                    V
//	  +------------+           |             +------------+
//	  | Completed  |<----------+      J      | Terminated |
//	  +------------+------------------------>+------------+
//	             request: resend
//
// F in Trying and Proceeding is ours: after 64*T1 the client has given up (its timer F), so an
// answer helps nobody, and a user that forgot one must not leak the transaction.
type nistState uint8

const (
	nistInit nistState = iota
	nistTrying
	nistProceeding
	nistCompleted
	nistTerminated
)

type nistEvent uint8

const (
	nistRequest nistEvent = iota // the request, the first or repeated
	nistTU1xx                    // the user's response, by class
	nistTUFinal                  // 200 to 699
	nistExpire                   // timer F or J, whichever the state armed
	nistEvents
)

// stepNIST is the server transaction of another request than INVITE.
func stepNIST(s nistState, e nistEvent) (nistState, actions) {
	switch s {
	case nistInit:
		if e == nistRequest {
			return nistTrying, do(armF, pass)
		}
	case nistTrying, nistProceeding:
		switch e {
		case nistRequest:
			if s == nistTrying {
				return s, nothing
			}
			return s, do(resend)
		case nistTU1xx:
			return nistProceeding, do(send)
		case nistTUFinal:
			return nistCompleted, do(send, armJ)
		case nistExpire:
			return nistTerminated, nothing
		}
	case nistCompleted:
		switch e {
		case nistRequest:
			return s, do(resend)
		case nistExpire:
			return nistTerminated, nothing
		}
	}
	return s, ignored
}

func (s nistState) String() string {
	names := [...]string{"Init", "Trying", "Proceeding", "Completed", "Terminated"}
	if int(s) < len(names) {
		return names[s]
	}
	return fmt.Sprintf("nistState(%d)", uint8(s))
}
