package wire

// A Method is a request method. The zero value is no method.
type Method uint8

// The methods that a node tells apart.
const (
	Invite Method = iota + 1
	Ack
	Bye
	Cancel
	Options
	Register
	Info           // RFC 6086
	Prack          // RFC 3262
	Update         // RFC 3311
	Subscribe      // RFC 6665
	Notify         // RFC 6665
	Refer          // RFC 3515
	InstantMessage // MESSAGE, RFC 3428
	Publish        // RFC 3903
	Other          // any other token: see MethodBytes
)

// String returns the name of the method, "OTHER" for Other and "" for 0.
func (m Method) String() string {
	switch m {
	case Invite:
		return "INVITE"
	case Ack:
		return "ACK"
	case Bye:
		return "BYE"
	case Cancel:
		return "CANCEL"
	case Options:
		return "OPTIONS"
	case Register:
		return "REGISTER"
	case Info:
		return "INFO"
	case Prack:
		return "PRACK"
	case Update:
		return "UPDATE"
	case Subscribe:
		return "SUBSCRIBE"
	case Notify:
		return "NOTIFY"
	case Refer:
		return "REFER"
	case InstantMessage:
		return "MESSAGE"
	case Publish:
		return "PUBLISH"
	case Other:
		return "OTHER"
	}
	return ""
}

func methodOf(b []byte) Method {
	switch string(b) {
	case "INVITE":
		return Invite
	case "ACK":
		return Ack
	case "BYE":
		return Bye
	case "CANCEL":
		return Cancel
	case "OPTIONS":
		return Options
	case "REGISTER":
		return Register
	case "INFO":
		return Info
	case "PRACK":
		return Prack
	case "UPDATE":
		return Update
	case "SUBSCRIBE":
		return Subscribe
	case "NOTIFY":
		return Notify
	case "REFER":
		return Refer
	case "MESSAGE":
		return InstantMessage
	case "PUBLISH":
		return Publish
	case "":
		return 0
	}
	return Other
}
