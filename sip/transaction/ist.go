package transaction

import "fmt"

// istState is a state of the INVITE server transaction (RFC 3261 17.2.1, RFC 6026 7.1).
//
//	          | INVITE: 100, tell user
//	          V
//	   +------------+  1xx of user: send
//	   | Proceeding |  INVITE: resend the last 1xx
//	   +------------+  CANCEL: tell user
//	     |        |
//	     |        | 2xx of user: send, R, L
//	     |        +---------------------------+
//	     | 300-699 of user: send, G, H        V
//	     V                              +------------+ R: resend
//	+-----------+ INVITE, G: resend     |  Accepted  | INVITE: absorb
//	| Completed |                       +------------+
//	+-----------+                         |      | ACK: tell user
//	 |     | ACK: I                       |      V
//	 |     V                              |  +--------------+ INVITE: absorb
//	 |  +-----------+ INVITE, ACK:        |  | Acknowledged | ACK: tell user
//	 |  | Confirmed | absorb              |  +--------------+
//	 |  +-----------+                     |      |
//	 |     | I            L: tell user:   |      | L
//	 | H   V                 no ACK       V      V
//	 |  +-----------------------------------------+
//	 +->|               Terminated                |
//	    +-----------------------------------------+
//
// Relayed, which Proceeding enters with the first 2xx that a proxy passes on, is Accepted as
// RFC 6026 7.1 has it: INVITE and CANCEL absorbed, each 2xx sent, ACK to the user, L ends it.
//
// RFC 6026 has Accepted alone and leaves to the user to send the 2xx again until its ACK
// (RFC 3261 13.3.1.4). Here the transaction does that: R begins at T1 and doubles up to T2 on
// every transport, and Acknowledged is Accepted after the ACK.
type istState uint8

const (
	istInit istState = iota
	istProceeding
	istCompleted
	istConfirmed
	istAccepted
	istAcknowledged
	istRelayed
	istTerminated
)

type istEvent uint8

const (
	istInvite    istEvent = iota // INVITE, the first or repeated
	istAck                       // ACK: by branch for a failure, by dialog for a 2xx
	istCancel                    // CANCEL
	istTU1xx                     // the user's response, by class
	istTU2xx                     //
	istTU3xx                     // 300 to 699
	istPassed2xx                 // a 2xx that a proxy passes on
	istRetry                     // timer G, or R for a 2xx
	istExpire                    // timer H, I or L, whichever the state armed
	istEvents
)

// stepIST is the INVITE server transaction.
func stepIST(s istState, e istEvent) (istState, actions) {
	switch s {
	case istInit:
		if e == istInvite {
			return istProceeding, do(trying, pass)
		}
	case istProceeding:
		switch e {
		case istInvite:
			return s, do(resend)
		case istCancel:
			return s, do(passCancel)
		case istTU1xx:
			return s, do(send)
		case istTU2xx:
			return istAccepted, do(send, startR, armL)
		case istTU3xx:
			return istCompleted, do(send, startRetry, armH)
		case istPassed2xx:
			return istRelayed, do(send, armL)
		}
	case istCompleted:
		switch e {
		case istInvite:
			return s, do(resend)
		case istAck:
			return istConfirmed, do(stopRetry, armI)
		case istCancel:
			return s, nothing
		case istRetry:
			return s, do(resend, backOffT2)
		case istExpire:
			return istTerminated, do(stopRetry)
		}
	case istConfirmed:
		switch e {
		case istInvite, istAck, istCancel:
			return s, nothing
		case istExpire:
			return istTerminated, nothing
		}
	case istAccepted, istAcknowledged:
		return stepISTAccepted(s, e)
	case istRelayed:
		switch e {
		case istInvite, istCancel:
			return s, nothing
		case istAck:
			return s, do(passAck)
		case istPassed2xx:
			return s, do(send)
		case istExpire:
			return istTerminated, nothing
		}
	}
	return s, ignored
}

func stepISTAccepted(s istState, e istEvent) (istState, actions) {
	switch e {
	case istInvite, istCancel:
		return s, nothing
	case istAck:
		return istAcknowledged, do(stopRetry, passAck)
	case istRetry:
		if s == istAccepted {
			return s, do(resend, backOffT2)
		}
	case istExpire:
		if s == istAccepted {
			return istTerminated, do(stopRetry, unacked)
		}
		return istTerminated, nothing
	}
	return s, ignored
}

func (s istState) String() string {
	names := [...]string{"Init", "Proceeding", "Completed", "Confirmed", "Accepted", "Acknowledged", "Relayed", "Terminated"}
	if int(s) < len(names) {
		return names[s]
	}
	return fmt.Sprintf("istState(%d)", uint8(s))
}
