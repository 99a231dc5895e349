package wire

import "bytes"

// Parse indexes raw and checks it (package comment). It keeps raw without a copy, skips empty
// lines before the message (RFC 3261 7.5) and cuts it after the body when Content-Length says so.
//
// The error is an *Error. After an error the index holds what could still be read: Answerable
// tells whether AppendReply may be used.
func (m *Message) Parse(raw []byte) error {
	m.reset()
	for len(raw) >= 2 && raw[0] == '\r' && raw[1] == '\n' {
		raw = raw[2:]
	}
	m.raw = raw
	if len(raw) > MaxMessage {
		m.raw = raw[:0:0]
		return &Error{513, "Message Too Large", 0}
	}
	pos := m.startLine()
	m.headerLines(pos)
	m.control()
	m.typed()
	m.body()
	if m.fault != nil {
		return m.fault
	}
	return nil
}

func (m *Message) reset() {
	m.n, m.headEnd = 0, 0
	for i := range m.first {
		m.first[i] = -1
	}
	m.request, m.unsafe, m.fault = false, false, nil
	m.method, m.status, m.cseq = 0, 0, 0
	m.token, m.uri, m.callID, m.cseqName = span{}, span{}, span{}, span{}
	m.fromTag, m.toTag = span{}, span{}
	m.via = Via{}
	m.maxFwd, m.length = -1, -1
}

// fail keeps the first fault.
func (m *Message) fail(status int, reason string, off int) {
	if m.fault == nil {
		m.fault = &Error{status, reason, off}
	}
}

// Answerable reports whether a stateless response can be made from the index, also after
// Parse refused the message: a request other than ACK with a Via that could be read and without
// octets that would break the header of the response. From, To, Call-ID or CSeq may be missing,
// and are in the response, too (RFC 4475 3.3.1); without CSeq nobody could tell what it answers.
func (m *Message) Answerable() bool {
	if !m.request || m.method == Ack || m.unsafe || m.via.Raw == nil {
		return false
	}
	i := m.first[hCSeq]
	return i >= 0 && !m.fields[i].value.empty()
}

// line finds the end of the line at pos: end is before CRLF, next after it. A line without CRLF
// gives next 0.
func (m *Message) line(pos int) (end, next int) {
	i := bytes.IndexByte(m.raw[pos:], '\n')
	if i < 0 {
		return len(m.raw), 0
	}
	end, next = pos+i, pos+i+1
	if i == 0 || m.raw[end-1] != '\r' {
		m.unsafe = true
		m.fail(400, "Bare Line Feed", end)
		return end, next
	}
	end--
	if k := bytes.IndexByte(m.raw[pos:end], '\r'); k >= 0 {
		m.unsafe = true
		m.fail(400, "Bare Carriage Return", pos+k)
	}
	return end, next
}

// startLine reads the request line or status line and returns where the header begins.
func (m *Message) startLine() int {
	end, next := m.line(0)
	if next == 0 {
		m.unsafe = true
		m.fail(400, "No Start Line", 0)
		return len(m.raw)
	}
	l := m.raw[:end]
	if hasPrefixFold(l, "SIP/") {
		m.statusLine(l)
	} else {
		m.requestLine(l)
	}
	return next
}

// statusLine reads "SIP/2.0 200 OK"; the space before an empty reason may be missing.
func (m *Message) statusLine(l []byte) {
	if !hasPrefixFold(l, "SIP/2.0 ") {
		m.fail(505, "Version Not Supported", 0)
		return
	}
	if len(l) < 11 || len(l) > 11 && l[11] != ' ' {
		m.fail(400, "Bad Status Line", 8)
		return
	}
	n, ok := number(l[8:11], 699)
	if !ok || n < 100 || n > 699 {
		m.fail(400, "Bad Status Code", 8)
		return
	}
	m.status = n
	m.token = span{uint16(min(12, len(l))), uint16(len(l))}
}

// requestLine reads "INVITE sip:x SIP/2.0" with exactly two spaces (RFC 3261 7.1).
func (m *Message) requestLine(l []byte) {
	m.request = true
	sp := bytes.IndexByte(l, ' ')
	if sp < 0 || !only(l[:sp], clToken) {
		m.request = false // what it is nobody knows: no answer
		m.fail(400, "Bad Method", 0)
		return
	}
	m.token = span{0, uint16(sp)}
	m.method = methodOf(l[:sp])
	last := bytes.LastIndexByte(l, ' ')
	version := l[last+1:]
	switch {
	case last == sp || !hasPrefixFold(version, "SIP/"):
		m.fail(400, "Bad Request Line", sp)
		return
	case !equalFold("SIP/2.0", version):
		m.fail(505, "Version Not Supported", last+1)
	}
	m.uri = span{uint16(sp + 1), uint16(last)}
	m.checkURI(l[sp+1:last], sp+1)
}

// checkURI looks at the Request-URI as far as every scheme allows (RFC 3261 25.1).
func (m *Message) checkURI(u []byte, off int) {
	colon := bytes.IndexByte(u, ':')
	switch {
	case len(u) > MaxURI:
		m.fail(414, "Request-URI Too Long", off)
	case !only(u, clURI):
		m.fail(400, "Bad Request-URI", off)
	case colon < 1 || colon == len(u)-1 || !only(u[:colon], clToken) || lower(u[0]) < 'a' || lower(u[0]) > 'z':
		m.fail(400, "Request-URI Without Scheme", off)
	case hasPrefixFold(u, "sip:") || hasPrefixFold(u, "sips:"):
		// Header fields are not allowed in a Request-URI (19.1.1, table 1). A question
		// mark before @ belongs to the user part.
		at := bytes.LastIndexByte(u, '@')
		if at == len(u)-1 || bytes.IndexByte(u[at+1:], '?') >= 0 {
			m.fail(400, "Bad Request-URI", off)
		}
	}
}

// headerLines indexes the header fields from pos to the empty line.
func (m *Message) headerLines(pos int) {
	m.headEnd = len(m.raw)
	for {
		if pos >= len(m.raw) {
			m.close(pos)
			m.fail(400, "Header Not Ended", pos)
			return
		}
		end, next := m.line(pos)
		switch {
		case next == 0:
			m.close(pos)
			m.fail(400, "Header Not Ended", pos)
			return
		case end == pos:
			m.close(pos)
			m.headEnd = next
			return
		case blank(m.raw[pos]):
			if m.n == 0 {
				m.fail(400, "Folded Start Line", pos)
			}
		default:
			m.close(pos)
			if m.n == MaxHeaders {
				m.fail(400, "Too Many Header Fields", pos)
				m.unsafe = true
				return
			}
			m.open(pos, end)
		}
		pos = next
	}
}

// open begins a field on the line [pos, end). White space between name and colon is allowed
// (RFC 3261 25.1 HCOLON) and not part of the name, so that no reader takes the field for another.
func (m *Message) open(pos, end int) {
	f := &m.fields[m.n]
	colon := bytes.IndexByte(m.raw[pos:end], ':')
	if colon < 0 {
		m.fail(400, "Header Line Without Colon", pos)
		colon = end - pos
	}
	name := pos + colon
	for name > pos && blank(m.raw[name-1]) {
		name--
	}
	if !only(m.raw[pos:name], clToken) {
		m.fail(400, "Bad Header Name", pos)
	}
	*f = field{
		line:  span{uint16(pos), 0},
		name:  span{uint16(pos), uint16(name)},
		value: span{uint16(min(pos+colon+1, end)), 0},
		next:  -1,
		id:    idOf(m.raw[pos:name]),
	}
	m.n++
}

// close ends the field before pos: its line and value are known now. It links it to its kin.
func (m *Message) close(pos int) {
	if m.n == 0 || m.fields[m.n-1].line.end != 0 {
		return
	}
	i := m.n - 1
	f := &m.fields[i]
	f.line.end = uint16(pos)
	s, e := int(f.value.off), pos
	for e > s && lws(m.raw[e-1]) {
		e--
	}
	for s < e && lws(m.raw[s]) {
		s++
	}
	f.value = span{uint16(s), uint16(e)}
	if f.id == unknown {
		return
	}
	if m.first[f.id] < 0 {
		m.first[f.id] = int16(i)
	} else {
		m.fields[m.last[f.id]].next = int16(i)
		if f.id.singleton() {
			m.fail(400, "Repeated "+string(names[f.id]), int(f.line.off))
		}
	}
	m.last[f.id] = int16(i)
}

// control refuses NUL, except escaped in a quoted string (RFC 3261 25.1 quoted-pair).
func (m *Message) control() {
	head := m.raw[:m.headEnd]
	i := bytes.IndexByte(head, 0)
	if i < 0 {
		return
	}
	quoted := false
	for i := 0; i < len(head); i++ {
		switch c := head[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == '\n':
			quoted = quoted && i+1 < len(head) && blank(head[i+1])
		case c == 0:
			m.unsafe = true
			m.fail(400, "NUL In Header", i)
			return
		}
	}
}

// body compares Content-Length with what is there (RFC 3261 18.3).
func (m *Message) body() {
	if m.length < 0 {
		return
	}
	if m.length > len(m.raw)-m.headEnd {
		m.fail(400, "Content-Length Beyond Message", m.headEnd)
		return
	}
	m.raw = m.raw[: m.headEnd+m.length : m.headEnd+m.length]
}
