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

// A nonce is 21 bytes in base64url (28 characters). It is short because a
// challenge may not be longer than the request of a stranger that it answers.
//
//	 0      6        11                21
//	+------+--------+-----------------+
//	| time | random | HMAC-SHA-256/80 |
//	+------+--------+-----------------+
//
// time is milliseconds since 1970, big-endian. The HMAC covers the first 11
// bytes, the realm and the network that the nonce was given to; 80 bits are the
// least that RFC 2104 5 recommends.
const (
	nonceStamp = 6
	nonceBody  = 11
	nonceLen   = 21
)

// nonceID is the part of a nonce that makes it unique.
type nonceID [nonceBody]byte

func (id nonceID) time() time.Time {
	var ms [8]byte
	copy(ms[8-nonceStamp:], id[:nonceStamp])
	return time.UnixMilli(int64(binary.BigEndian.Uint64(ms[:])))
}

// A mac is a keyed hash with room for its text and its sum.
type mac struct {
	hash hash.Hash
	room [128]byte
}

func (v *Verifier) newNonce(src netip.Addr) string {
	var n [nonceLen]byte
	var word [8]byte
	binary.BigEndian.PutUint64(word[:], uint64(v.cfg.Now().UnixMilli()))
	copy(n[:nonceStamp], word[8-nonceStamp:])
	// It only has to differ from others of the same millisecond; the HMAC is what nobody guesses.
	binary.BigEndian.PutUint64(word[:], rand.Uint64())
	copy(n[nonceStamp:nonceBody], word[:])
	v.seal(n[nonceBody:], n[:nonceBody], src)
	return base64.RawURLEncoding.EncodeToString(n[:])
}

// seal writes the MAC of body, given to src, into dst.
func (v *Verifier) seal(dst, body []byte, src netip.Addr) {
	m := v.macs.Get().(*mac)
	defer v.macs.Put(m)
	m.hash.Reset()
	text := append(append(m.room[:0], body...), v.cfg.Realm...)
	network := sourceOf(src).Addr().As16()
	text = append(text, network[:]...)
	m.hash.Write(text)
	copy(dst, m.hash.Sum(m.room[:0])) // the hash has read text
}

// openNonce checks the MAC; false: we did not make this nonce for this network.
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
