package digest

import (
	"crypto/hmac"
	"encoding/base64"
	"encoding/binary"
	"hash"
	"math/rand/v2"
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

// A mac is a keyed hash with room for its text and its sum.
type mac struct {
	hash hash.Hash
	room [128]byte
}

func (v *Verifier) newNonce(src netip.Addr) string {
	var n [nonceLen]byte
	binary.BigEndian.PutUint64(n[:], uint64(v.cfg.Now().UnixMilli()))
	// It only has to differ from others of the same millisecond; the HMAC is what nobody guesses.
	binary.BigEndian.PutUint64(n[nonceStamp:], rand.Uint64())
	v.seal(n[nonceBody:], n[:nonceBody], src)
	return base64.RawURLEncoding.EncodeToString(n[:])
}

// seal writes the 16-byte MAC of body into dst.
func (v *Verifier) seal(dst, body []byte, src netip.Addr) {
	m := v.macs.Get().(*mac)
	defer v.macs.Put(m)
	m.hash.Reset()
	text := append(append(m.room[:0], body...), v.cfg.Realm...)
	if v.cfg.BindSource {
		a := src.Unmap().As16()
		text = append(text, a[:]...)
	}
	m.hash.Write(text)
	copy(dst, m.hash.Sum(m.room[:0])) // the hash has read text
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
