package transaction

import "fmt"

// An action is what a machine asks of its shell. The machines know neither clock nor transport:
// they name timers by the letters of RFC 3261 and RFC 6026, and the shell knows the lengths.
//
// A transaction has two timers at most: one that sends again (A, E, G and, for a 2xx, R) and one
// that ends its state (all others). Arming one replaces what its slot held.
type action uint8

const (
	none action = iota

	pass       // give the new request to the user
	passCancel // tell the user of CANCEL
	passAck    // give the user the ACK for a 2xx
	deliver    // give the response to the user
	timeout    // tell the user ErrTimeout
	fail       // tell the user ErrTransport
	unacked    // tell the user that no ACK came for its 2xx

	trying     // send 100
	send       // send the new message and keep it
	resend     // send the kept message again
	sendAck    // send the ACK for the failure, the kept one if there is one
	sendCancel // send CANCEL in a transaction of its own

	startRetry // send again after T1; not on a reliable transport
	startR     // the same on any transport, for a 2xx (RFC 3261 13.3.1.4)
	backOff    // send again after twice the last interval (timer A)
	backOffT2  // the same, but not above T2 (timers E, G, R)
	steadyT2   // send again after T2 (timer E in Proceeding)
	stopRetry  // stop sending again

	armB     // 64*T1
	armD     // 64*T1, at least 32 s; 0 on a reliable transport
	armF     // 64*T1
	armH     // 64*T1
	armI     // T4; 0 on a reliable transport
	armJ     // 64*T1; 0 on a reliable transport
	armK     // T4; 0 on a reliable transport
	armL     // 64*T1
	armM     // 64*T1
	armX     // 64*T1, after CANCEL (RFC 3261 9.1)
	stopLife // stop B

	lastAction
)

// actions are in order and end with none. An array, so that a step allocates nothing.
type actions [4]action

func do(a ...action) actions {
	var out actions
	copy(out[:], a)
	return out
}

// nothing is the answer to an event that is absorbed on purpose.
var nothing = actions{}

// ignored is the answer to an event that does not belong to the state: it is counted.
var ignored = actions{lastAction}

func (a action) String() string {
	names := [...]string{
		"none", "pass", "passCancel", "passAck", "deliver", "timeout", "fail", "unacked",
		"trying", "send", "resend", "sendAck", "sendCancel",
		"startRetry", "startR", "backOff", "backOffT2", "steadyT2", "stopRetry",
		"armB", "armD", "armF", "armH", "armI", "armJ", "armK", "armL", "armM", "armX", "stopLife", "ignored",
	}
	if int(a) < len(names) {
		return names[a]
	}
	return fmt.Sprintf("action(%d)", uint8(a))
}
