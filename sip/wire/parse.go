package wire

// Parse indexes raw and checks it (package comment). It keeps raw without a copy, and cuts it
// after the body when Content-Length says so.
//
// The error is an *Error. After an error the index holds what could still be read: Answerable
// tells whether AppendReply may be used.
func (m *Message) Parse(raw []byte) error { return &Error{Status: 400, Reason: "Bad Request"} }

// Answerable reports whether a stateless response can be made from the index, also after
// Parse refused the message: a request other than ACK with Via, From, To, Call-ID and CSeq and
// without octets that would break the header of the response.
func (m *Message) Answerable() bool { return false }
