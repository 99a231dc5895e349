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

// readVia reads the first Via value of the message.
func (m *Message) readVia() {
	i := m.first[hVia]
	if i < 0 {
		m.fail(400, "Missing Via", m.headEnd)
		return
	}
	s := m.fields[i].value
	if m.via.read(m.raw, s) {
		return
	}
	m.fail(400, "Bad Via", int(s.off))
	if m.via.Host == nil {
		m.via = Via{}
		return
	}
	// Transport and sent-by are enough for an answer, which repeats the whole line.
	m.via = Via{Transport: m.via.Transport, Host: m.via.Host, Port: m.via.Port,
		Raw: s.of(m.raw), start: s.off, end: s.end}
}

// read takes the first value of s: "SIP/2.0/UDP host:port;params". White space and folds may be
// around each separator.
func (v *Via) read(b []byte, s span) bool {
	p := params{b: b, pos: int(s.off), end: int(s.end)}
	if !p.word("SIP") || !p.sign('/') {
		return false
	}
	version := p.run(clToken)
	if !p.sign('/') {
		return false
	}
	v.Transport = p.run(clToken)
	if v.Transport == nil || p.pos >= p.end || !lws(b[p.pos]) {
		return false
	}
	p.skip()
	if !v.sentBy(&p) || !v.params(&p) {
		return false
	}
	p.skip()
	if p.pos < p.end && b[p.pos] != ',' || string(version) != "2.0" {
		return false
	}
	end := p.pos
	for lws(b[end-1]) {
		end--
	}
	v.start, v.end = s.off, uint16(end)
	v.Raw = b[s.off:end:end]
	return true
}

func (v *Via) sentBy(p *params) bool {
	if p.pos < p.end && p.b[p.pos] == '[' {
		s := p.pos + 1
		for p.pos < p.end && p.b[p.pos] != ']' {
			p.pos++
		}
		if p.pos == p.end || !ipv6(p.b[s:p.pos]) {
			return false
		}
		v.Host = p.b[s:p.pos:p.pos]
		p.pos++
	} else {
		v.Host = p.run(clHost)
	}
	if v.Host == nil {
		return false
	}
	mark := p.pos
	if !p.sign(':') {
		p.pos = mark
		return true
	}
	s := p.pos
	for p.pos < p.end && p.b[p.pos] >= '0' && p.b[p.pos] <= '9' {
		p.pos++
	}
	n, ok := number(p.b[s:p.pos], 65535)
	v.Port = uint16(n)
	return ok && n > 0 && n <= 65535
}

func ipv6(b []byte) bool {
	for _, c := range b {
		if !(c >= '0' && c <= '9' || lower(c) >= 'a' && lower(c) <= 'f' || c == ':' || c == '.') {
			return false
		}
	}
	return len(b) >= 2 && len(b) <= 45
}

func (v *Via) params(p *params) bool {
	for p.next() {
		name, value := p.name.of(p.b), p.value.of(p.b)
		whole := span{uint16(p.from), uint16(p.pos)}
		switch {
		case equalFold("branch", name):
			if v.Branch != nil || len(value) == 0 || len(value) > MaxToken {
				return false
			}
			v.Branch = value
		case equalFold("received", name):
			if v.Received != nil {
				return false
			}
			v.Received, v.received = value, whole
		case equalFold("maddr", name):
			v.MAddr = value
		case equalFold("rport", name):
			n, ok := number(value, 65535)
			if v.RPort || len(value) > 0 && (!ok || n > 65535) {
				return false
			}
			v.RPort, v.RPortNum, v.rport = true, uint16(n), whole
		}
	}
	return !p.bad
}

// word skips a fixed word, without case.
func (p *params) word(w string) bool {
	p.skip()
	if p.end-p.pos < len(w) || !equalFold(w, p.b[p.pos:p.pos+len(w)]) {
		return false
	}
	p.pos += len(w)
	return true
}

// sign skips a separator with white space around it.
func (p *params) sign(c byte) bool {
	p.skip()
	if p.pos >= p.end || p.b[p.pos] != c {
		return false
	}
	p.pos++
	p.skip()
	return true
}

// run takes the octets of a class, nil when there are none.
func (p *params) run(cl uint8) []byte {
	s := p.pos
	for p.pos < p.end && class[p.b[p.pos]]&cl != 0 {
		p.pos++
	}
	if s == p.pos {
		return nil
	}
	return p.b[s:p.pos:p.pos]
}
