// Package digest is Digest authentication for SIP (RFC 3261 22 with the
// algorithms of RFC 8760 and the rules of RFC 7616), on the server's side
// without any state but a bounded replay window.
//
// A Verifier makes challenges and checks what comes back. Its nonces carry
// their time and an HMAC (nonce.go), so a flood of unauthenticated requests
// costs no memory. An unknown user and a wrong password cost the same work and
// give the same error. A Client answers challenges for our own requests.
//
// Algorithms are MD5 and SHA-256; qop is "auth" and required of the client.
// Omitted: auth-int, the -sess algorithms, userhash, username*, SHA-512-256,
// Authentication-Info. Who may use which address-of-record is the caller's
// question, not this package's. It owns no goroutine.
package digest

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"strings"
)

// Errors of Verify. Test with errors.Is; the answer to each is a challenge.
var (
	// ErrMissing: the request has no credentials for our realm.
	ErrMissing = errors.New("digest: no credentials for this realm")
	// ErrStale: the credentials are right but their nonce is too old, unknown or
	// used before. The new challenge says stale=true, and the client tries again
	// without asking its user (RFC 7616 3.3).
	ErrStale = errors.New("digest: nonce is stale")
	// ErrDenied: everything else. Unknown users, wrong passwords and malformed
	// credentials look alike.
	ErrDenied = errors.New("digest: denied")
)

// Algorithm names, as in the algorithm parameter (RFC 7616 6.1).
const (
	MD5    = "MD5"
	SHA256 = "SHA-256"
)

// Algorithms reads the configuration words: "md5", "sha-256", or "both", which
// challenges twice with the stronger first (RFC 8760 2.4). Several phones fail
// on two challenges. The result is nil for any other word.
func Algorithms(word string) []string {
	switch strings.ToLower(word) {
	case "md5":
		return []string{MD5}
	case "sha-256":
		return []string{SHA256}
	case "both":
		return []string{SHA256, MD5}
	}
	return nil
}

// A HA1 gives H(user:realm:password) in lower-case hex for an algorithm, "" when
// the account has none for it.
type HA1 = func(algorithm string) string

// Password derives HA1 for every algorithm from a password kept in plain text.
func Password(realm, user, password string) HA1 {
	return func(algorithm string) string {
		h := newHash(algorithm)
		if h == nil {
			return ""
		}
		return join(h, user, realm, password)
	}
}

// newHash is nil for an algorithm that we do not have.
func newHash(algorithm string) hash.Hash {
	switch algorithm {
	case MD5:
		return md5.New()
	case SHA256:
		return sha256.New()
	}
	return nil
}

// join is H(parts joined by colons) in lower-case hex.
func join(h hash.Hash, parts ...string) string {
	h.Reset()
	for i, p := range parts {
		if i > 0 {
			h.Write([]byte{':'})
		}
		h.Write([]byte(p))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// response is request-digest with qop=auth (RFC 7616 3.4.1).
func response(h hash.Hash, ha1, method string, c *Credentials) string {
	ha2 := join(h, method, c.URI)
	return join(h, ha1, c.Nonce, c.NC, c.CNonce, c.QOP, ha2)
}
