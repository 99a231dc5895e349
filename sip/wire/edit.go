package wire

import (
	"net/netip"
	"strconv"
)

// Most changes of one kind in an Edit; more are a programmer's error and panic.
const maxEdits = 8

// An Edit collects small changes to a message and writes the changed one (RFC 3261 16.6, 16.7).
// The zero value is ready after Reset; it allocates nothing. Not safe for concurrent use.
type Edit struct {
	m      *Message
	via    [maxEdits]string
	vias   int
	pop    bool
	source netip.AddrPort
	uri    string
	status int
	reason string
	record [maxEdits]string
	routes int // Route values to remove
	nrec   int
	sets   [maxEdits]change
	n      int
}

// A change replaces all fields of a name by one, or by none.
type change struct {
	name, value string
	id          headerID
	keep        bool // false deletes
	add         bool // leaves the fields of the name that are there
	done        bool
	when        func(value []byte) bool // nil: always
}

// Reset forgets all changes and takes m, which Parse accepted, as the message to change.
func (e *Edit) Reset(m *Message) { *e = Edit{m: m} }

// PushVia puts a Via value above all others, without its name: "SIP/2.0/UDP host;branch=...".
func (e *Edit) PushVia(value string) {
	e.via[e.vias] = value
	e.vias++
}

// PopVia removes the topmost Via value of the message, and its line when it was alone there.
// The message must not be sent on when no Via is left.
func (e *Edit) PopVia() { e.pop = true }

// Stamp adds received and rport of the source to the top Via (RFC 3261 18.2.1, RFC 3581 4).
// What a sender wrote there itself is replaced.
func (e *Edit) Stamp(src netip.AddrPort) { e.source = src }

// SetRequestURI replaces the Request-URI.
func (e *Edit) SetRequestURI(uri string) { e.uri = uri }

// SetStatus replaces status and reason phrase of a response.
func (e *Edit) SetStatus(status int, reason string) { e.status, e.reason = status, reason }

// PushRecordRoute puts a Record-Route value, "<sip:host;lr>", above all others
// (RFC 3261 16.6 step 4).
func (e *Edit) PushRecordRoute(value string) {
	e.record[e.nrec] = value
	e.nrec++
}

// PopRoutes removes the first n Route values (RFC 3261 16.4).
func (e *Edit) PopRoutes(n int) { e.routes = n }

// Set replaces all fields called name by one, in the place of the first or at the end of the
// header. Via and Content-Length are not for Set.
func (e *Edit) Set(name, value string) { e.change(change{name: name, value: value, keep: true}) }

// Add puts one more field called name at the end of the header.
func (e *Edit) Add(name, value string) {
	e.sets[e.n] = change{name: name, value: value, keep: true, add: true}
	e.n++
}

// Delete removes all fields called name, compact or with a space before the colon as well.
func (e *Edit) Delete(name string) { e.change(change{name: name}) }

// DeleteIf removes the fields called name whose value, folds included, when accepts. Append
// calls it once for each.
func (e *Edit) DeleteIf(name string, when func(value []byte) bool) {
	e.change(change{name: name, when: when})
}

func (e *Edit) change(c change) {
	c.id = idOf(c.name)
	for i := range e.sets[:e.n] {
		if old := &e.sets[i]; !old.add && old.id == c.id && (c.id != unknown || equalFold(c.name, []byte(old.name))) {
			*old = c
			return
		}
	}
	e.sets[e.n] = c
	e.n++
}

// Append appends the changed message to dst. The message itself stays as it is. It can be
// called again.
func (e *Edit) Append(dst []byte) []byte {
	m := e.m
	head := m.headEnd - 2 // before the empty line
	dst, pos := e.appendStart(dst)
	for i := range e.sets[:e.n] {
		e.sets[i].done = false
	}
	routes := e.routes
	for i := range m.fields[:m.n] {
		f := &m.fields[i]
		c := e.changed(f)
		switch {
		case i == int(m.first[hVia]):
			dst = append(dst, m.raw[pos:f.line.off]...)
			dst = e.appendTop(dst, f)
			if m.first[hRecordRoute] < 0 {
				dst = e.appendRecord(dst)
			}
		case i == int(m.first[hRecordRoute]) && e.nrec > 0:
			dst = append(dst, m.raw[pos:f.line.off]...)
			dst = e.appendRecord(dst)
			pos = int(f.line.off)
			continue
		case f.id == hRoute && routes > 0:
			dst = append(dst, m.raw[pos:f.line.off]...)
			dst, routes = e.appendRoutes(dst, f, routes)
		case c != nil:
			dst = append(dst, m.raw[pos:f.line.off]...)
			if c.keep && !c.done {
				dst = appendField(dst, c.name, c.value)
				c.done = true
			}
		default:
			continue
		}
		pos = int(f.line.end)
	}
	dst = append(dst, m.raw[pos:head]...)
	for i := range e.sets[:e.n] {
		if c := &e.sets[i]; c.keep && !c.done {
			dst = appendField(dst, c.name, c.value)
		}
	}
	return append(dst, m.raw[head:]...)
}

// appendStart writes the start line as far as it changes, and returns where the rest begins.
func (e *Edit) appendStart(dst []byte) ([]byte, int) {
	m := e.m
	switch {
	case e.uri != "" && m.request:
		dst = append(dst, m.raw[:m.uri.off]...)
		return appendText(dst, e.uri), int(m.uri.end)
	case e.status != 0 && !m.request:
		dst = append(dst, "SIP/2.0 "...)
		dst = strconv.AppendInt(dst, int64(e.status), 10)
		dst = append(dst, ' ')
		return appendText(dst, e.reason), int(m.token.end)
	}
	return dst, 0
}

func (e *Edit) appendRecord(dst []byte) []byte {
	for i := e.nrec - 1; i >= 0; i-- {
		dst = appendField(dst, "Record-Route", e.record[i])
	}
	return dst
}

// appendRoutes writes a Route line without its first n values, and returns how many are still to
// be removed.
func (e *Edit) appendRoutes(dst []byte, f *field, n int) ([]byte, int) {
	pos, end := int(f.value.off), int(f.value.end)
	for n > 0 && pos < end {
		_, next, ok := e.m.routeValue(pos, end)
		if !ok {
			break
		}
		pos = next
		n--
	}
	if pos == end {
		return dst, n
	}
	return appendSpan(dst, "Route", e.m.raw[pos:end]), n
}

// changed returns the change that concerns f, nil when none does.
func (e *Edit) changed(f *field) *change {
	for i := range e.sets[:e.n] {
		c := &e.sets[i]
		if !c.add && c.id == f.id && (f.id != unknown || equalFold(c.name, f.name.of(e.m.raw))) {
			if c.when != nil && !c.when(f.value.of(e.m.raw)) {
				return nil
			}
			return c
		}
	}
	return nil
}

// appendTop writes the line of the top Via with what is above it.
func (e *Edit) appendTop(dst []byte, f *field) []byte {
	m := e.m
	for i := e.vias - 1; i >= 0; i-- {
		dst = appendField(dst, "Via", e.via[i])
	}
	rest := m.raw[m.via.end:f.value.end] // empty, or from a comma on
	if e.pop {
		for len(rest) > 0 && (lws(rest[0]) || rest[0] == ',') {
			rest = rest[1:]
		}
		if len(rest) == 0 {
			return dst
		}
		dst = append(dst, "Via: "...)
	} else {
		dst = append(dst, "Via: "...)
		dst = m.appendStamped(dst, e.source)
	}
	dst = appendUnfolded(dst, rest)
	return append(dst, '\r', '\n')
}
