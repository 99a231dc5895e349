package events

import "fmt"

// MessageSummary is the media type of the message-summary package (RFC 3842 3.4).
const MessageSummary = "application/simple-message-summary"

// A Summary counts the messages of an account (RFC 3842 5.1).
type Summary struct{ New, Old int }

// WriteSummary is the body of a NOTIFY (RFC 3842 5.2).
func WriteSummary(account string, s Summary) []byte {
	waiting := "no"
	if s.New > 0 {
		waiting = "yes"
	}
	return fmt.Appendf(nil, "Messages-Waiting: %s\r\nMessage-Account: %s\r\nVoice-Message: %d/%d (0/0)\r\n", waiting, account, s.New, s.Old)
}
