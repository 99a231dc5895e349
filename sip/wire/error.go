package wire

import (
	"errors"
	"fmt"
)

// An Error says why a message is refused. It never holds parts of the message.
type Error struct {
	Status int    // what a response to it would say, 400 to 699
	Reason string // reason phrase of that response; constant text
	Offset int    // in octets from the start of the message
}

// Error returns the fault with its place.
func (e *Error) Error() string {
	return fmt.Sprintf("wire: %s at octet %d", e.Reason, e.Offset)
}

// ParseStatusFor returns what a response may say of err: status and reason of an *Error, and
// 400 "Bad Request" for anything else.
func ParseStatusFor(err error) (status int, reason string) {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Status, e.Reason
	}
	return 400, "Bad Request"
}
