package proxy

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"hash"
	"net/netip"
	"sync"

	"github.com/lineaamica/la2/sip/wire"
)

// parameter names the token in our Record-Route URI.
const parameter = "la2"

// Octets of a token: two addresses of 4 or of 16, then the MAC.
const (
	macSize = 12
	short   = 4 + 4 + macSize
	long    = 16 + 16 + macSize

	tokenText = (long*8 + 5) / 6 // octets of a long one as text
)

// A Dialog is what a token says: the hosts between which we recorded our route.
type Dialog struct {
	Caller netip.Addr // where the first INVITE came from
	Callee netip.Addr // where it went
}

// A signer makes and checks tokens. It is safe for concurrent use.
type signer struct{ macs sync.Pool }

func newSigner(secret []byte) *signer {
	s := &signer{}
	s.macs.New = func() any { return hmac.New(sha256.New, secret) }
	return s
}

// appendToken appends the token of the dialog that m may open, as URI text.
func (s *signer) appendToken(dst []byte, m *wire.Message, d Dialog) []byte {
	var buf [long + sha256.Size]byte
	tok := buf[:0]
	if d.Caller.Is4() && d.Callee.Is4() {
		a, b := d.Caller.As4(), d.Callee.As4()
		tok = append(append(tok, a[:]...), b[:]...)
	} else {
		a, b := d.Caller.As16(), d.Callee.As16()
		tok = append(append(tok, a[:]...), b[:]...)
	}
	tok = s.sum(tok, tok, m.CallID(), m.FromTag())[:len(tok)+macSize]
	return base64.RawURLEncoding.AppendEncode(dst, tok)
}

// check reads a token and reports whether it was made for the dialog of m. The caller's tag is
// in From of its requests and in To of those of the callee.
func (s *signer) check(text []byte, m *wire.Message) (Dialog, bool) {
	var buf [long]byte
	if len(text) > tokenText {
		return Dialog{}, false
	}
	tok, err := base64.RawURLEncoding.AppendDecode(buf[:0], text)
	if err != nil || len(tok) != short && len(tok) != long {
		return Dialog{}, false
	}
	ends, mac := tok[:len(tok)-macSize], tok[len(tok)-macSize:]
	ok := false
	for _, tag := range [...][]byte{m.FromTag(), m.ToTag()} {
		var want [sha256.Size]byte
		sum := s.sum(want[:0], ends, m.CallID(), tag)
		ok = subtle.ConstantTimeCompare(sum[:macSize], mac) == 1 || ok
	}
	if !ok {
		return Dialog{}, false
	}
	half := len(ends) / 2
	caller, _ := netip.AddrFromSlice(ends[:half])
	callee, _ := netip.AddrFromSlice(ends[half:])
	return Dialog{caller.Unmap(), callee.Unmap()}, true
}

// sum appends the MAC over the parts; neither Call-ID nor tag holds a NUL.
func (s *signer) sum(dst, ends, callID, tag []byte) []byte {
	h := s.macs.Get().(hash.Hash)
	defer s.macs.Put(h)
	h.Reset()
	_, _ = h.Write(ends)
	_, _ = h.Write(callID)
	_, _ = h.Write([]byte{0})
	_, _ = h.Write(tag)
	return h.Sum(dst)
}
