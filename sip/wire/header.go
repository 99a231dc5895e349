package wire

// Header returns the first value of the header field name, canonical or compact, in any case;
// nil when it is absent, empty when its value is. A list stays one value.
func (m *Message) Header(name string) []byte {
	for _, v := range m.Values(name) {
		return v
	}
	return nil
}

// Values ranges over the values of all fields called name, canonical or compact, in order.
// The first of the pair is their number, from 0.
func (m *Message) Values(name string) func(yield func(int, []byte) bool) {
	return func(yield func(int, []byte) bool) {}
}

// Headers ranges over all header fields in order as (name, value). A known name is given in
// its canonical form whatever the message wrote, another one as written.
func (m *Message) Headers(yield func(name, value []byte) bool) {}

type headerID uint8

const headerIDs = 40

func hasPrefixFold(b []byte, lower string) bool { return false }
