package wire

import "net/netip"

// A Field is a header field to add.
type Field struct{ Name, Value string }

// AppendReply appends a stateless response to the request m (RFC 3261 8.2.6, 8.2.7): all Via,
// From, To, Call-ID and CSeq, and Timestamp for a 100, then extra and an empty body. toTag is
// put on To unless To has a tag or status is 100. CR, LF and NUL in the texts become spaces.
// m must be Answerable.
func AppendReply(dst []byte, m *Message, status int, reason, toTag string, extra ...Field) []byte {
	return AppendReplyTo(dst, m, netip.AddrPort{}, status, reason, toTag, extra...)
}

// AppendReplyTo is AppendReply for a request that came from src: the top Via says received and,
// when asked for, rport (RFC 3261 18.2.1, RFC 3581 4).
func AppendReplyTo(dst []byte, m *Message, src netip.AddrPort, status int, reason, toTag string, extra ...Field) []byte {
	return dst
}

// AppendCanonical appends the message in the one form that the typed parser reads without
// surprises: names canonical and never compact, folded lines joined, white space around
// separators of Via, From, To, Contact and CSeq gone, Content-Length present and true.
func AppendCanonical(dst []byte, m *Message) []byte { return dst }
