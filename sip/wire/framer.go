package wire

import "bytes"

// Size of the first buffer of a Framer; most messages fit. It doubles when full of one message.
const firstBuffer = 4096

// A buffer beyond this is given back when it is empty: one large message must not cost an idle
// connection memory for ever.
const largeBuffer = 4 * firstBuffer

// A Framer cuts a byte stream into messages by Content-Length (RFC 3261 18.3) and counts the
// keep-alives between them (RFC 5626 3.5.1). Its buffer grows with what arrived, never with what
// a header claims, and not beyond Max. The zero value is ready. Not safe for concurrent use.
//
//	n, err := conn.Read(f.Space())
//	f.Filled(n)
//	for {
//		b, err := f.Next()
//		if b == nil || err != nil {
//			break
//		}
//		handle(b)
//	}
type Framer struct {
	// Max is the longest message in octets. Default and limit MaxMessage.
	Max int

	buf   []byte // from the first octet not yet given out to the last received
	start int    // in buf, of the message that begins
	end   int    // in buf, of what was received
	scan  int    // in buf: no end of header begins before
	total int    // length of the message that begins, 0 when not known yet
	crlfs int    // CRLFs since the last message or keep-alive
	pings int
	err   error
}

// Space returns where the next octets of the stream go; it is never empty. It ends the life of
// slices that Next returned. Next must have returned nil before.
func (f *Framer) Space() []byte {
	if f.buf == nil || f.start == f.end && len(f.buf) > largeBuffer {
		f.buf, f.start, f.end, f.scan = make([]byte, firstBuffer), 0, 0, 0
	}
	if f.start > 0 {
		copy(f.buf, f.buf[f.start:f.end])
		f.end -= f.start
		f.scan -= f.start
		f.start = 0
	}
	if f.end == len(f.buf) {
		bigger := make([]byte, 2*len(f.buf))
		copy(bigger, f.buf[:f.end])
		f.buf = bigger
	}
	return f.buf[f.end:]
}

// Filled says that n octets were put into Space.
func (f *Framer) Filled(n int) { f.end += n }

// Pings returns how many keep-alives (CRLF CRLF) came since the last call; each wants a CRLF.
func (f *Framer) Pings() int {
	n := f.pings
	f.pings = 0
	return n
}

// Pending reports whether a message has begun and is not whole.
func (f *Framer) Pending() bool { return f.end > f.start }

// Next returns the next whole message, or nil when more octets are needed. The error is an
// *Error; after it the stream cannot be read on: close it. With the error comes the header of
// the refused message, if it is whole, for a last response.
func (f *Framer) Next() ([]byte, error) {
	if f.err != nil {
		return nil, f.err
	}
	if !f.skipEmpty() {
		return nil, nil
	}
	if f.total == 0 {
		head, err := f.head()
		if head == nil || err != nil {
			f.err = err
			return head, err
		}
	}
	if f.end-f.start < f.total {
		return nil, nil
	}
	b := f.buf[f.start : f.start+f.total : f.start+f.total]
	f.start += f.total
	f.scan, f.total, f.crlfs = f.start, 0, 0
	return b, nil
}

// skipEmpty passes CRLFs before a message and reports whether something else is there.
func (f *Framer) skipEmpty() bool {
	for f.total == 0 && f.end-f.start >= 2 && f.buf[f.start] == '\r' && f.buf[f.start+1] == '\n' {
		f.start += 2
		f.scan = f.start
		if f.crlfs++; f.crlfs == 2 {
			f.crlfs = 0
			f.pings++
		}
	}
	return f.end > f.start && !(f.end-f.start == 1 && f.buf[f.start] == '\r')
}

func (f *Framer) limit() int {
	if f.Max <= 0 || f.Max > MaxMessage {
		return MaxMessage
	}
	return f.Max
}

// head looks for the end of the header and sets total. It returns the header when it is whole.
func (f *Framer) head() ([]byte, error) {
	if !printable(f.buf[f.start]) {
		return nil, &Error{400, "Not A Message", 0}
	}
	i := bytes.Index(f.buf[f.scan:f.end], []byte("\r\n\r\n"))
	if i < 0 {
		f.scan = max(f.scan, f.end-3)
		if f.end-f.start > f.limit() {
			return nil, &Error{513, "Message Too Large", 0}
		}
		return nil, nil
	}
	end := f.scan + i + 4
	head := f.buf[f.start:end:end]
	length, err := contentLength(head)
	if err != nil {
		return head, err
	}
	if total := len(head) + length; total <= f.limit() {
		f.total = total
		return head, nil
	}
	return head, &Error{513, "Message Too Large", 0}
}

// printable tells the first octet of a start line, a token, from the noise of other protocols.
func printable(c byte) bool { return class[c]&clToken != 0 }

// contentLength finds the length of the body in a header. It must be there on a stream
// (RFC 3261 20.14) and only once, or two readers would part the stream in two ways.
func contentLength(head []byte) (int, error) {
	n := -1
	for pos := bytes.IndexByte(head, '\n') + 1; pos > 0 && pos < len(head); {
		next := pos + bytes.IndexByte(head[pos:], '\n') + 1
		for next < len(head) && blank(head[next]) { // folded
			next += bytes.IndexByte(head[next:], '\n') + 1
		}
		line := head[pos:next]
		at := pos
		pos = next
		colon := bytes.IndexByte(line, ':')
		if colon < 1 || line[0]|0x20 != 'c' && line[0]|0x20 != 'l' {
			continue
		}
		name := trim(line[:colon])
		if len(name) != 1 && len(name) != len("Content-Length") || idOf(name) != hContentLength {
			continue
		}
		v, ok := number(trim(line[colon+1:]), MaxMessage)
		if !ok || n >= 0 {
			return 0, &Error{400, "Bad Content-Length", at}
		}
		n = v
	}
	if n < 0 {
		return 0, &Error{400, "Missing Content-Length", len(head)}
	}
	return n, nil
}

func trim(b []byte) []byte {
	for len(b) > 0 && lws(b[0]) {
		b = b[1:]
	}
	for len(b) > 0 && lws(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}
