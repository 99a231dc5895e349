package wire

// A headerID names a header field that the stack looks for; 0 is any other.
type headerID uint8

const (
	unknown headerID = iota
	hVia
	hFrom
	hTo
	hCallID
	hCSeq
	hMaxForwards
	hContact
	hContentLength
	hContentType
	hContentEncoding
	hRoute
	hRecordRoute
	hPath
	hSupported
	hRequire
	hProxyRequire
	hAllow
	hAllowEvents
	hEvent
	hSubject
	hReferTo
	hReferredBy
	hReplaces
	hAuthorization
	hProxyAuthorization
	hWWWAuthenticate
	hProxyAuthenticate
	hExpires
	hUserAgent
	hTimestamp
	hSessionExpires
	hMinSE
	hPAssertedIdentity
	hPrivacy
	hUserToUser
	hReason
	hAcceptContact
	hRejectContact
	hRequestDisposition
	hIdentity
	headerIDs
)

// names holds the canonical name of each headerID; nobody changes it.
var names = [headerIDs][]byte{
	hVia: []byte("Via"), hFrom: []byte("From"), hTo: []byte("To"), hCallID: []byte("Call-ID"),
	hCSeq: []byte("CSeq"), hMaxForwards: []byte("Max-Forwards"), hContact: []byte("Contact"),
	hContentLength: []byte("Content-Length"), hContentType: []byte("Content-Type"),
	hContentEncoding: []byte("Content-Encoding"), hRoute: []byte("Route"),
	hRecordRoute: []byte("Record-Route"), hPath: []byte("Path"), hSupported: []byte("Supported"),
	hRequire: []byte("Require"), hProxyRequire: []byte("Proxy-Require"), hAllow: []byte("Allow"),
	hAllowEvents: []byte("Allow-Events"), hEvent: []byte("Event"), hSubject: []byte("Subject"),
	hReferTo: []byte("Refer-To"), hReferredBy: []byte("Referred-By"), hReplaces: []byte("Replaces"),
	hAuthorization: []byte("Authorization"), hProxyAuthorization: []byte("Proxy-Authorization"),
	hWWWAuthenticate: []byte("WWW-Authenticate"), hProxyAuthenticate: []byte("Proxy-Authenticate"),
	hExpires: []byte("Expires"), hUserAgent: []byte("User-Agent"), hTimestamp: []byte("Timestamp"),
	hSessionExpires: []byte("Session-Expires"), hMinSE: []byte("Min-SE"),
	hPAssertedIdentity: []byte("P-Asserted-Identity"), hPrivacy: []byte("Privacy"),
	hUserToUser: []byte("User-to-User"), hReason: []byte("Reason"),
	hAcceptContact: []byte("Accept-Contact"), hRejectContact: []byte("Reject-Contact"),
	hRequestDisposition: []byte("Request-Disposition"), hIdentity: []byte("Identity"),
}

// compactID maps the one-letter names (RFC 3261 7.3.3 and the IANA registry of SIP headers).
func compactID(c byte) headerID {
	switch c | 0x20 {
	case 'a':
		return hAcceptContact
	case 'b':
		return hReferredBy
	case 'c':
		return hContentType
	case 'd':
		return hRequestDisposition
	case 'e':
		return hContentEncoding
	case 'f':
		return hFrom
	case 'i':
		return hCallID
	case 'j':
		return hRejectContact
	case 'k':
		return hSupported
	case 'l':
		return hContentLength
	case 'm':
		return hContact
	case 'o':
		return hEvent
	case 'r':
		return hReferTo
	case 's':
		return hSubject
	case 't':
		return hTo
	case 'u':
		return hAllowEvents
	case 'v':
		return hVia
	case 'x':
		return hSessionExpires
	case 'y':
		return hIdentity
	}
	return unknown
}

// idOf finds a name, which is a token; case does not matter (RFC 3261 7.3.1).
func idOf[T string | []byte](name T) headerID {
	if len(name) == 1 {
		return compactID(name[0])
	}
	if len(name) == 0 || len(name) > longestName {
		return unknown
	}
	for _, id := range byLength[len(name)] {
		if id == unknown {
			break
		}
		if n := names[id]; n[0]|0x20 == name[0]|0x20 && equalFold(name, n) {
			return id
		}
	}
	return unknown
}

// byLength holds the headerIDs by the length of their name; nobody changes it.
var byLength = sortNames()

const longestName = len("Request-Disposition")

func sortNames() (t [longestName + 1][8]headerID) {
	var n [longestName + 1]int
	for id := hVia; id < headerIDs; id++ {
		l := len(names[id])
		t[l][n[l]] = id
		n[l]++
	}
	return t
}

// singleton tells header fields that a message may have only once and that two readers must
// never understand in two ways.
func (id headerID) singleton() bool {
	switch id {
	case hFrom, hTo, hCallID, hCSeq, hMaxForwards, hContentLength:
		return true
	}
	return false
}

// Header returns the first value of the header field name, canonical or compact, in any case;
// nil when it is absent, empty when its value is. A list stays one value; folds stay.
func (m *Message) Header(name string) []byte {
	if i := m.find(name); i >= 0 {
		return m.fields[i].value.of(m.raw)
	}
	return nil
}

// Count returns how many lines carry the header field name.
func (m *Message) Count(name string) int {
	n := 0
	for range m.Values(name) {
		n++
	}
	return n
}

// Values ranges over the values of all fields called name, canonical or compact, in order.
// The first of the pair is their number, from 0.
func (m *Message) Values(name string) func(yield func(int, []byte) bool) {
	return func(yield func(int, []byte) bool) {
		for i, k := m.find(name), 0; i >= 0; i, k = m.after(i, name), k+1 {
			if !yield(k, m.fields[i].value.of(m.raw)) {
				return
			}
		}
	}
}

// Headers ranges over all header fields in order as (name, value). A known name is given in
// its canonical form whatever the message wrote, another one as written. Names are read only.
func (m *Message) Headers(yield func(name, value []byte) bool) {
	for i := range m.fields[:m.n] {
		f := &m.fields[i]
		if !yield(m.nameOf(f), f.value.of(m.raw)) {
			return
		}
	}
}

func (m *Message) nameOf(f *field) []byte {
	if f.id != unknown {
		return names[f.id]
	}
	return f.name.of(m.raw)
}

// find returns the number of the first field called name, -1 when there is none.
func (m *Message) find(name string) int {
	if id := idOf(name); id != unknown {
		return int(m.first[id])
	}
	return m.findFrom(0, name)
}

// after returns the number of the next field with the name of field i, -1 at the end.
func (m *Message) after(i int, name string) int {
	if m.fields[i].id != unknown {
		return int(m.fields[i].next)
	}
	return m.findFrom(i+1, name)
}

func (m *Message) findFrom(i int, name string) int {
	for ; i < m.n; i++ {
		if f := &m.fields[i]; f.id == unknown && equalFold(name, f.name.of(m.raw)) {
			return i
		}
	}
	return -1
}
