package digest

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/netip"
	"time"
)

// A nonce is 32 bytes in base64url without padding (43 characters):
//
//	 0      8          16                 32
//	+------+----------+------------------+
//	| time | random   | HMAC-SHA-256/128 |
//	+------+----------+------------------+
//
// time is milliseconds since 1970, big-endian. The HMAC covers the first 16
// bytes, the realm and, when nonces are bound to the source, its address.
const (
	nonceStamp = 8
	nonceBody  = 16
	nonceLen   = 32
)

// nonceID is the part of a nonce that makes it unique.
type nonceID [nonceBody]byte

func (id nonceID) time() time.Time {
	return time.UnixMilli(int64(binary.BigEndian.Uint64(id[:nonceStamp])))
}

func (v *Verifier) newNonce(src netip.Addr) string {
	var n [nonceLen]byte
	binary.BigEndian.PutUint64(n[:], uint64(v.cfg.Now().UnixMilli()))
	rand.Read(n[nonceStamp:nonceBody]) // never fails since Go 1.24
	v.seal(n[nonceBody:], n[:nonceBody], src)
	return base64.RawURLEncoding.EncodeToString(n[:])
}

// seal writes the 16-byte MAC of body into dst.
func (v *Verifier) seal(dst, body []byte, src netip.Addr) {
	m := hmac.New(sha256.New, v.cfg.Secret)
	m.Write(body)
	m.Write([]byte(v.cfg.Realm))
	if v.cfg.BindSource {
		a := src.Unmap().As16()
		m.Write(a[:])
	}
	var sum [sha256.Size]byte
	copy(dst, m.Sum(sum[:0]))
}

// openNonce checks the MAC; false: we did not make this nonce (for this source).
func (v *Verifier) openNonce(s string, src netip.Addr) (nonceID, bool) {
	var id nonceID
	var n [nonceLen]byte
	if len(s) != base64.RawURLEncoding.EncodedLen(nonceLen) {
		return id, false
	}
	if _, err := base64.RawURLEncoding.Strict().Decode(n[:], []byte(s)); err != nil {
		return id, false
	}
	var want [nonceLen - nonceBody]byte
	v.seal(want[:], n[:nonceBody], src)
	if !hmac.Equal(want[:], n[nonceBody:]) {
		return id, false
	}
	copy(id[:], n[:nonceBody])
	return id, true
}
