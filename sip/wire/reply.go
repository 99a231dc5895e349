package wire

import (
	"net/netip"
	"strconv"
)

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
	dst = append(dst, "SIP/2.0 "...)
	dst = strconv.AppendInt(dst, int64(status), 10)
	dst = append(dst, ' ')
	dst = appendText(dst, reason)
	dst = append(dst, '\r', '\n')
	for i := m.first[hVia]; i >= 0; i = m.fields[i].next {
		dst = append(dst, "Via: "...)
		if i == m.first[hVia] {
			dst = m.appendStamped(dst, src)
			dst = appendUnfolded(dst, m.raw[m.via.end:m.fields[i].value.end])
		} else {
			dst = appendUnfolded(dst, m.fields[i].value.of(m.raw))
		}
		dst = append(dst, '\r', '\n')
	}
	for _, id := range [...]headerID{hFrom, hTo, hCallID, hCSeq, hTimestamp} {
		i := m.first[id]
		if i < 0 || id == hTimestamp && status != 100 {
			continue
		}
		dst = append(dst, names[id]...)
		dst = append(dst, ": "...)
		dst = appendUnfolded(dst, m.fields[i].value.of(m.raw))
		if id == hTo && m.toTag.empty() && status != 100 && toTag != "" {
			dst = append(dst, ";tag="...)
			dst = appendText(dst, toTag)
		}
		dst = append(dst, '\r', '\n')
	}
	for _, f := range extra {
		dst = appendField(dst, f.Name, f.Value)
	}
	return append(dst, "Content-Length: 0\r\n\r\n"...)
}

func appendField(dst []byte, name, value string) []byte {
	dst = appendText(dst, name)
	dst = append(dst, ": "...)
	dst = appendText(dst, value)
	return append(dst, '\r', '\n')
}

// appendStamped writes the top Via value as received from src: a forged received goes, rport
// gets the source port when it was asked for, and received is there when it was or when sent-by
// is not the source. A zero src leaves the value as it is.
func (m *Message) appendStamped(dst []byte, src netip.AddrPort) []byte {
	v := &m.via
	if !src.IsValid() {
		return appendUnfolded(dst, v.Raw)
	}
	pos := v.start
	cut := [2]span{v.received, v.rport}
	if v.rport.off < v.received.off {
		cut[0], cut[1] = cut[1], cut[0]
	}
	for _, c := range cut {
		if c.empty() {
			continue
		}
		dst = appendUnfolded(dst, m.raw[pos:c.off])
		if c == v.rport {
			dst = append(dst, ";rport="...)
			dst = strconv.AppendUint(dst, uint64(src.Port()), 10)
		}
		pos = c.end
	}
	dst = appendUnfolded(dst, m.raw[pos:v.end])
	var buf [48]byte
	addr := src.Addr().Unmap().WithZone("").AppendTo(buf[:0])
	if v.RPort || !equalFold(addr, v.Host) {
		dst = append(dst, ";received="...)
		dst = append(dst, addr...)
	}
	return dst
}

// appendUnfolded copies a value with each fold as one space (RFC 3261 7.3.1).
func appendUnfolded(dst, v []byte) []byte {
	for i := 0; i < len(v); i++ {
		if v[i] != '\r' && v[i] != '\n' {
			dst = append(dst, v[i])
			continue
		}
		for i+1 < len(v) && lws(v[i+1]) {
			i++
		}
		dst = append(dst, ' ')
	}
	return dst
}

// appendText copies a text of ours without what would begin a new line.
func appendText(dst []byte, s string) []byte {
	for i := range len(s) {
		c := s[i]
		if c == '\r' || c == '\n' || c == 0 {
			c = ' '
		}
		dst = append(dst, c)
	}
	return dst
}
