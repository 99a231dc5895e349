package wire

// typed reads the fields that transport and transactions need, and complains about those missing.
func (m *Message) typed() {
	m.readVia()
	m.fromTag = m.readTag(hFrom)
	m.toTag = m.readTag(hTo)
	m.readCallID()
	m.readCSeq()
	m.readNumbers()
}

// get returns the value of a field that must be there.
func (m *Message) get(id headerID, reason string) (span, bool) {
	i := m.first[id]
	if i < 0 || m.fields[i].value.empty() {
		m.fail(400, reason, m.headEnd)
		return span{}, false
	}
	return m.fields[i].value, true
}

func (m *Message) readCallID() {
	v, ok := m.get(hCallID, "Missing Call-ID")
	if !ok {
		return
	}
	for _, c := range v.of(m.raw) {
		if c <= ' ' || c == 0x7f {
			m.fail(400, "Bad Call-ID", int(v.off))
			return
		}
	}
	if v.end-v.off > MaxToken {
		m.fail(400, "Call-ID Too Long", int(v.off))
		return
	}
	m.callID = v
}

// readCSeq reads "4711 INVITE": below 2^31, and of the method of the request (RFC 3261 8.1.1.5).
func (m *Message) readCSeq() {
	v, ok := m.get(hCSeq, "Missing CSeq")
	if !ok {
		return
	}
	sp := int(v.off)
	for sp < int(v.end) && !lws(m.raw[sp]) {
		sp++
	}
	name := sp
	for name < int(v.end) && lws(m.raw[name]) {
		name++
	}
	const limit = 1<<31 - 1
	n, ok := number(m.raw[v.off:sp], limit)
	if !ok || n > limit || !only(m.raw[name:v.end], clToken) {
		m.fail(400, "Bad CSeq", int(v.off))
		return
	}
	m.cseq = uint32(n)
	m.cseqName = span{uint16(name), v.end}
	if m.request && string(m.raw[name:v.end]) != string(m.MethodBytes()) {
		m.fail(400, "CSeq Method Differs", name)
	}
}

// readNumbers reads Max-Forwards (0 to 255, RFC 3261 20.22) and Content-Length (20.14).
func (m *Message) readNumbers() {
	if i := m.first[hMaxForwards]; i >= 0 {
		v := m.fields[i].value
		n, ok := number(v.of(m.raw), 255)
		if !ok || n > 255 {
			m.fail(400, "Bad Max-Forwards", int(v.off))
		} else {
			m.maxFwd = n
		}
	}
	if i := m.first[hContentLength]; i >= 0 {
		v := m.fields[i].value
		n, ok := number(v.of(m.raw), MaxMessage)
		if !ok {
			m.fail(400, "Bad Content-Length", int(v.off))
		} else {
			m.length = n
		}
	}
}

// readTag checks From or To as far as needed to find the tag and returns it.
func (m *Message) readTag(id headerID) (tag span) {
	reason := "Bad From"
	missing := "Missing From"
	if id == hTo {
		reason, missing = "Bad To", "Missing To"
	}
	v, ok := m.get(id, missing)
	if !ok {
		return span{}
	}
	p, ok := m.afterAddress(v)
	if !ok {
		m.fail(400, reason, int(v.off))
		return span{}
	}
	s := params{b: m.raw, pos: p, end: int(v.end)}
	for s.next() {
		if !equalFold("tag", s.name.of(m.raw)) {
			continue
		}
		if !tag.empty() || !only(s.value.of(m.raw), clToken) || s.value.end-s.value.off > MaxToken {
			m.fail(400, reason+" Tag", int(s.name.off))
			return span{}
		}
		tag = s.value
	}
	if s.bad || s.pos != s.end {
		m.fail(400, reason, s.pos)
	}
	return tag
}

// afterAddress skips a name-addr or addr-spec and returns where its parameters begin.
func (m *Message) afterAddress(v span) (int, bool) {
	b, end := m.raw, int(v.end)
	open := -1
	i := int(v.off)
	for ; i < end && open < 0; i++ {
		switch b[i] {
		case '"':
			if i = quotedEnd(b, i, end); i < 0 {
				return 0, false
			}
		case '<':
			open = i
		}
	}
	if open < 0 { // addr-spec: what follows a semicolon is of the header (RFC 3261 20)
		for i = int(v.off); i < end && b[i] != ';'; i++ {
			if class[b[i]]&clURI == 0 && !lws(b[i]) {
				return 0, false
			}
		}
		return i, i > int(v.off)
	}
	for ; i < end && b[i] != '>'; i++ {
		if b[i] == '<' || b[i] == '"' {
			return 0, false
		}
	}
	return i + 1, i < end && i > open+1
}

// quotedEnd returns where the closing quote of the string that begins at i is, -1 without one.
func quotedEnd(b []byte, i, end int) int {
	for i++; i < end; i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return -1
}

// params walks over ";name=value" (RFC 3261 25.1 generic-param) and stops at the end or at what
// is no parameter, a comma for instance.
type params struct {
	b        []byte
	pos, end int
	from     int // of the semicolon
	name     span
	value    span // empty when there is none
	bad      bool
}

func (p *params) skip() {
	for p.pos < p.end && lws(p.b[p.pos]) {
		p.pos++
	}
}

func (p *params) next() bool {
	p.skip()
	if p.pos >= p.end || p.b[p.pos] != ';' {
		return false
	}
	p.from = p.pos
	p.pos++
	p.skip()
	s := p.pos
	for p.pos < p.end && class[p.b[p.pos]]&clToken != 0 {
		p.pos++
	}
	p.name, p.value = span{uint16(s), uint16(p.pos)}, span{}
	if s == p.pos {
		p.bad = true
		return false
	}
	mark := p.pos
	p.skip()
	if p.pos >= p.end || p.b[p.pos] != '=' {
		p.pos = mark
		return true
	}
	p.pos++
	p.skip()
	s = p.pos
	if s < p.end && p.b[s] == '"' {
		q := quotedEnd(p.b, s, p.end)
		if q < 0 {
			p.bad = true
			return false
		}
		p.pos = q + 1
	} else {
		for p.pos < p.end && !lws(p.b[p.pos]) && p.b[p.pos] != ';' && p.b[p.pos] != ',' {
			p.pos++
		}
	}
	p.value = span{uint16(s), uint16(p.pos)}
	p.bad = s == p.pos
	return !p.bad
}
