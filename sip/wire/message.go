package wire

// Limits of a message. What is beyond is refused before it is looked at more closely.
const (
	MaxMessage = 65535 // octets of start line, header and body
	MaxHeaders = 256   // header fields, each line of a repeated one counted
	MaxURI     = 2048  // octets of the Request-URI
	MaxToken   = 1024  // octets of a Call-ID, tag or branch
)

// A span is a part of Message.raw: [off, end).
type span struct{ off, end uint16 }

func (s span) of(b []byte) []byte { return b[s.off:s.end:s.end] }

func (s span) empty() bool { return s.off == s.end }

type field struct {
	line  span // with its CRLF, and those of its folded lines
	name  span // as written, without white space
	value span // without white space at both ends; may hold folds
	next  int16
	id    headerID
}

// A Message is the index over the bytes of one SIP message. The zero value is ready for Parse
// and is used again for the next message. Slices it returns alias the bytes given to Parse.
// Not safe for concurrent use.
type Message struct {
	raw      []byte // as given to Parse, cut after the body
	fields   [MaxHeaders]field
	n        int
	first    [headerIDs]int16 // first field of each known name, -1 when absent
	last     [headerIDs]int16
	request  bool
	method   Method
	status   int
	token    span // method of a request, reason phrase of a response
	uri      span
	callID   span
	cseq     uint32
	cseqName span
	via      Via
	fromTag  span
	toTag    span
	maxFwd   int
	length   int // Content-Length, -1 when absent
	headEnd  int
	fault    *Error
	unsafe   bool // the header holds bytes that must not be echoed
}

// Raw returns the message as received, without octets after its body (RFC 3261 18.3).
func (m *Message) Raw() []byte { return m.raw }

// IsRequest tells a request from a response.
func (m *Message) IsRequest() bool { return m.request }

// Method returns the method of a request, Other when it is none of the named ones, and 0 for a
// response. Methods are case-sensitive (RFC 3261 7.1).
func (m *Message) Method() Method { return m.method }

// MethodBytes returns the method of a request as written, nil for a response.
func (m *Message) MethodBytes() []byte {
	if !m.request {
		return nil
	}
	return m.token.of(m.raw)
}

// Status returns the status code of a response, 100 to 699, and 0 for a request.
func (m *Message) Status() int { return m.status }

// Reason returns the reason phrase of a response, nil for a request.
func (m *Message) Reason() []byte {
	if m.request {
		return nil
	}
	return m.token.of(m.raw)
}

// RequestURI returns the Request-URI as written, nil for a response.
func (m *Message) RequestURI() []byte {
	if !m.request {
		return nil
	}
	return m.uri.of(m.raw)
}

// CallID returns the value of Call-ID.
func (m *Message) CallID() []byte { return m.callID.of(m.raw) }

// CSeq returns sequence number and method of CSeq; num is below 2^31 (RFC 3261 8.1.1.5).
func (m *Message) CSeq() (num uint32, method []byte) { return m.cseq, m.cseqName.of(m.raw) }

// CSeqMethod is the method of CSeq as an enumeration.
func (m *Message) CSeqMethod() Method { return methodOf(m.cseqName.of(m.raw)) }

// TopVia returns the first Via value of the message, also when several share a line.
func (m *Message) TopVia() Via { return m.via }

// FromTag returns the tag of From, nil when it has none (RFC 2543 clients).
func (m *Message) FromTag() []byte { return m.tag(m.fromTag) }

// ToTag returns the tag of To, nil when it has none: the request is outside a dialog.
func (m *Message) ToTag() []byte { return m.tag(m.toTag) }

func (m *Message) tag(s span) []byte {
	if s.empty() {
		return nil
	}
	return s.of(m.raw)
}

// MaxForwards returns the value of Max-Forwards, 0 to 255, and -1 when it is absent.
func (m *Message) MaxForwards() int { return m.maxFwd }

// ContentLength returns the value of Content-Length, and -1 when it is absent.
func (m *Message) ContentLength() int { return m.length }

// Body returns the body, nil when there is none. Its length is that of Content-Length, or all
// that a datagram holds when that is absent (RFC 3261 18.3).
func (m *Message) Body() []byte {
	if m.headEnd >= len(m.raw) {
		return nil
	}
	return m.raw[m.headEnd:len(m.raw):len(m.raw)]
}
