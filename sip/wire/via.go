package wire

// A Via is one value of the Via header field (RFC 3261 20.42). Its slices alias the message.
type Via struct {
	Raw       []byte // the whole value
	Transport []byte // as written: "UDP", "TCP", "WS"...
	Host      []byte // sent-by host; an IPv6 address without its brackets
	Port      uint16 // sent-by port; 0 when absent: 5060, or 5061 for TLS
	Branch    []byte // nil when absent (RFC 2543 clients)
	Received  []byte // nil when absent
	RPort     bool   // the parameter is there, with or without value (RFC 3581)
	RPortNum  uint16 // its value; 0 when it has none
	MAddr     []byte // nil when absent; never a reason to send anywhere

	start, end uint16 // in Message.raw
	received   span   // ";received=..." in Message.raw, empty when absent
	rport      span   // ";rport..." in Message.raw
}

// Cookie is what a branch made by RFC 3261 begins with (8.1.1.7).
const Cookie = "z9hG4bK"

// Magic reports whether Branch names the transaction alone (RFC 3261 17.2.3).
func (v Via) Magic() bool { return len(v.Branch) > len(Cookie) && hasPrefixFold(v.Branch, Cookie) }
