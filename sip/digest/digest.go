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
	"strings"
)

// Errors of Verify. Test with errors.Is; the answer to each is a challenge.
var (
	// ErrMissing: the request has no credentials for our realm.
	ErrMissing = errors.New("digest: no credentials for this realm")
	// ErrStale: the nonce was not given to this network, and nothing else was looked at;
	// or the credentials are right but their nonce is too old or used before. The new challenge says stale=true, and the client tries again
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

// An HA1 is H(user:realm:password) in lower-case hex for each algorithm, "" where the
// account has none.
type HA1 struct{ MD5, SHA256 string }

// Password derives HA1 for every algorithm from a password kept in plain text.
func Password(realm, user, password string) HA1 {
	text := []byte(user + ":" + realm + ":" + password)
	return HA1{MD5: string(appendHash(nil, MD5, text)), SHA256: string(appendHash(nil, SHA256, text))}
}

// of is the one for an algorithm, "" when there is none.
func (h HA1) of(algorithm string) string {
	switch algorithm {
	case MD5:
		return h.MD5
	case SHA256:
		return h.SHA256
	}
	return ""
}

// hexLen is the length of a hash in hex, 0 for an algorithm that we do not have.
func hexLen(algorithm string) int {
	switch algorithm {
	case MD5:
		return 2 * md5.Size
	case SHA256:
		return 2 * sha256.Size
	}
	return 0
}

// appendHash appends H(text) in lower-case hex; nothing for an algorithm that we do not have.
func appendHash(dst []byte, algorithm string, text []byte) []byte {
	switch algorithm {
	case MD5:
		sum := md5.Sum(text)
		return hex.AppendEncode(dst, sum[:])
	case SHA256:
		sum := sha256.Sum256(text)
		return hex.AppendEncode(dst, sum[:])
	}
	return dst
}

// appendResponse appends request-digest with qop=auth (RFC 7616 3.4.1).
func appendResponse(dst []byte, algorithm, ha1, method string, c *Credentials) []byte {
	var room [512]byte
	text := append(room[:0], method...)
	text = append(append(text, ':'), c.URI...)
	var ha2 [2 * sha256.Size]byte
	a2 := appendHash(ha2[:0], algorithm, text)
	text = append(room[:0], ha1...)
	for _, part := range [...]string{c.Nonce, c.NC, c.CNonce, c.QOP} {
		text = append(append(text, ':'), part...)
	}
	return appendHash(dst, algorithm, append(append(text, ':'), a2...))
}
