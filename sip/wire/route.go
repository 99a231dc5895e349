package wire

// Routes ranges over the URIs of all Route values, in order (RFC 3261 20.34), with their number
// from 0. It stops at a value that cannot be read, after giving nil for it.
func (m *Message) Routes(yield func(int, []byte) bool) {
	k := 0
	for i := m.first[hRoute]; i >= 0; i = m.fields[i].next {
		v := m.fields[i].value
		for pos := int(v.off); pos < int(v.end); k++ {
			uri, next, ok := m.routeValue(pos, int(v.end))
			if !ok {
				yield(k, nil)
				return
			}
			if !yield(k, uri.of(m.raw)) {
				return
			}
			pos = next
		}
	}
}

// TopRoute returns the URI of the first Route value; nil when there is none or it cannot be read.
func (m *Message) TopRoute() []byte {
	i := m.first[hRoute]
	if i < 0 {
		return nil
	}
	v := m.fields[i].value
	uri, _, ok := m.routeValue(int(v.off), int(v.end))
	if !ok {
		return nil
	}
	return uri.of(m.raw)
}

// routeValue reads "display <uri>;params" at pos, and returns where the value after its comma
// begins. A route is always in angle brackets (RFC 3261 25.1 route-param).
func (m *Message) routeValue(pos, end int) (uri span, next int, ok bool) {
	b := m.raw
	for ; pos < end && b[pos] != '<'; pos++ {
		switch b[pos] {
		case '"':
			if pos = quotedEnd(b, pos, end); pos < 0 {
				return span{}, 0, false
			}
		case ',':
			return span{}, 0, false
		}
	}
	start := pos + 1
	for ; pos < end && b[pos] != '>'; pos++ {
	}
	if pos >= end || pos == start {
		return span{}, 0, false
	}
	uri = span{uint16(start), uint16(pos)}
	for pos++; pos < end && b[pos] != ','; pos++ {
		if b[pos] == '"' {
			if pos = quotedEnd(b, pos, end); pos < 0 {
				return span{}, 0, false
			}
		}
	}
	for pos++; pos < end && lws(b[pos]); pos++ {
	}
	return uri, min(pos, end), true
}

// MoreVia reports whether there is a Via value below the topmost: a response without one has
// nowhere to be passed on to (RFC 3261 16.7).
func (m *Message) MoreVia() bool {
	i := m.first[hVia]
	if i < 0 {
		return false
	}
	if m.fields[i].next >= 0 {
		return true
	}
	for _, c := range m.raw[m.via.end:m.fields[i].value.end] {
		if !lws(c) && c != ',' {
			return true
		}
	}
	return false
}

// AppendSibling appends the ACK for a refusal (RFC 3261 17.1.1.3) or the CANCEL (9.1) of the
// INVITE m as it was sent: same Request-URI, top Via, Route, From, Call-ID and CSeq number.
// to is the To value of the response, nil for that of m. reason is a Reason value, or nil.
func AppendSibling(dst []byte, m *Message, method string, to, reason []byte) []byte {
	dst = append(dst, method...)
	dst = append(dst, ' ')
	dst = append(dst, m.RequestURI()...)
	dst = append(dst, " SIP/2.0\r\nVia: "...)
	dst = appendUnfolded(dst, m.via.Raw)
	dst = append(dst, "\r\nMax-Forwards: 70\r\n"...)
	for i := m.first[hRoute]; i >= 0; i = m.fields[i].next {
		dst = appendSpan(dst, "Route", m.fields[i].value.of(m.raw))
	}
	if to == nil {
		to = m.Header("To")
	}
	dst = appendSpan(dst, "From", m.Header("From"))
	dst = appendSpan(dst, "To", to)
	dst = appendSpan(dst, "Call-ID", m.CallID())
	cseq := m.Header("CSeq")
	dst = append(dst, "CSeq: "...)
	for _, c := range cseq {
		if c < '0' || c > '9' {
			break
		}
		dst = append(dst, c)
	}
	dst = append(dst, ' ')
	dst = append(dst, method...)
	dst = append(dst, '\r', '\n')
	if reason != nil {
		dst = appendSpan(dst, "Reason", reason)
	}
	return append(dst, "Content-Length: 0\r\n\r\n"...)
}

func appendSpan(dst []byte, name string, value []byte) []byte {
	dst = append(dst, name...)
	dst = append(dst, ": "...)
	dst = appendUnfolded(dst, value)
	return append(dst, '\r', '\n')
}
