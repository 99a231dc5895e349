package media

import (
	"crypto/rand"
	"fmt"
)

// A Suite is how SRTP protects a stream.
type Suite uint8

const (
	// Plain is RTP without protection.
	Plain Suite = iota
	// GCM is AEAD_AES_128_GCM (RFC 7714).
	GCM
	// HMAC is AES_CM_128_HMAC_SHA1_80 (RFC 3711).
	HMAC
)

// Suites are those that LA2 speaks, best first.
func Suites() []Suite { return []Suite{GCM, HMAC} }

// String is the name of s in SDP (RFC 4568 6.2, RFC 7714), "" for Plain.
func (s Suite) String() string {
	switch s {
	case GCM:
		return "AEAD_AES_128_GCM"
	case HMAC:
		return "AES_CM_128_HMAC_SHA1_80"
	case Plain:
	}
	return ""
}

const (
	masterKeyLen = 16 // bytes, of both suites
	maxSaltLen   = 14
)

// SecretLen is the length in bytes of the master key and salt of s, one after the
// other; 0 for Plain.
func (s Suite) SecretLen() int {
	switch s {
	case GCM:
		return masterKeyLen + 12
	case HMAC:
		return masterKeyLen + maxSaltLen
	case Plain:
	}
	return 0
}

// A Secret is the SRTP master key and salt of one direction of a stream. The zero
// value is Plain. It can be compared with ==, and is never printed: whatever
// the verb, a log shows the name of its suite alone.
type Secret struct {
	suite Suite
	bytes [masterKeyLen + maxSaltLen]byte
}

// NewSecret draws a secret at random.
func NewSecret(s Suite) Secret {
	out := Secret{suite: s}
	rand.Read(out.bytes[:s.SecretLen()]) // ends the program rather than fail
	return out
}

// SecretOf takes the master key and salt from b; false when b has not their
// length.
func SecretOf(s Suite, b []byte) (Secret, bool) {
	if s == Plain || len(b) != s.SecretLen() {
		return Secret{}, false
	}
	out := Secret{suite: s}
	copy(out.bytes[:], b)
	return out, true
}

// Suite is what the secret is for.
func (s Secret) Suite() Suite { return s.suite }

// Key is a copy of the master key.
func (s Secret) Key() []byte { return append([]byte(nil), s.bytes[:masterKeyLen]...) }

// Salt is a copy of the master salt.
func (s Secret) Salt() []byte {
	return append([]byte(nil), s.bytes[masterKeyLen:max(masterKeyLen, s.suite.SecretLen())]...)
}

// Format writes the name of the suite, for every verb.
func (s Secret) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "secret(%s)", s.suite) }

// MarshalText is what logs in JSON get: the name of the suite.
func (s Secret) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "secret(%s)", s.suite), nil }
