package wire

// A Framer cuts a byte stream into messages by Content-Length (RFC 3261 18.3) and counts the
// keep-alives between them (RFC 5626 3.5.1). Its buffer grows with what arrived, never with what
// a header claims, and not beyond Max. The zero value is ready.
//
//	for {
//		n, err := conn.Read(f.Space())
//		f.Filled(n)
//		for {
//			b, ferr := f.Next()
//			if b == nil || ferr != nil { break }
//			... // use b before the next Space
//		}
//	}
type Framer struct {
	// Max is the longest message. Default and limit MaxMessage.
	Max int

	buf []byte
}

// Space returns where the next octets of the stream go; it is never empty. It ends the life of
// slices that Next returned.
func (f *Framer) Space() []byte { return make([]byte, 1) }

// Filled says that n octets were put into Space.
func (f *Framer) Filled(n int) {}

// Next returns the next whole message, or nil when more octets are needed. After an error the
// stream cannot be read on: close it. With the error comes the header of the refused message
// when it is there, for a last response.
func (f *Framer) Next() ([]byte, error) { return nil, nil }

// Pings returns how many keep-alives (CRLF CRLF) came since the last call; each wants a CRLF.
func (f *Framer) Pings() int { return 0 }

// Pending reports whether a message has begun and is not whole.
func (f *Framer) Pending() bool { return false }
