package wire

import "net/netip"

// An Edit collects small changes to a message and writes the changed one (RFC 3261 16.6, 16.7).
// Values are copied when Append runs, so they must not change before. The zero value is ready
// after Reset. Not safe for concurrent use.
type Edit struct {
	m *Message
}

// Reset forgets all changes and takes m as the message to change.
func (e *Edit) Reset(m *Message) { e.m = m }

// PushVia puts a Via value above all others, without its name: "SIP/2.0/UDP host;branch=...".
func (e *Edit) PushVia(value string) {}

// PopVia removes the topmost Via value, and its line when it was alone there.
func (e *Edit) PopVia() {}

// Stamp adds received and rport of the source to the top Via (RFC 3261 18.2.1, RFC 3581 4).
// What a sender wrote there itself is replaced.
func (e *Edit) Stamp(src netip.AddrPort) {}

// SetRequestURI replaces the Request-URI.
func (e *Edit) SetRequestURI(uri string) {}

// Set replaces all fields called name by one, in the place of the first or after Via.
func (e *Edit) Set(name, value string) {}

// Delete removes all fields called name, compact or with a space before the colon as well.
func (e *Edit) Delete(name string) {}

// Append appends the changed message to dst. The message itself stays as it is.
func (e *Edit) Append(dst []byte) []byte { return dst }
