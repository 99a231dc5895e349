package proxy

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"hash"
	"net/netip"
	"sync"

	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/wire"
)

// parameter names the token in our Record-Route URI.
const parameter = "la2"

// Octets of a token: a kind, two ends, the MAC. An end is an address of 4 or of 16 octets, or a flow.
const (
	macSize   = 12
	flowSize  = 1 + 2*(16+2) + 8
	maxToken  = 1 + 2*flowSize + macSize
	tokenText = (maxToken*8 + 5) / 6 // octets of the longest as text
)

// Bits of the kind.
const (
	wide       = 1 << iota // addresses have 16 octets
	callerFlow             // the caller's end is a flow
	calleeFlow
)

// A Dialog is what a token says: the two ends between which we recorded our route.
type Dialog struct {
	Caller End // where the first INVITE came from
	Callee End // where it went
}

// An End is where requests of a dialog go. Flow is set when they reach it by this path only
// (RFC 5626 5.3): over its connection, or through its NAT. Else they go where its Contact says, as
// long as that is on the host Addr.
type End struct {
	Addr netip.Addr
	Flow flow.Flow
}

func (e End) kept() bool { return e.Flow.Transport != 0 }

// endOf is the end at f, which is reached by f only when keep says so.
func endOf(f flow.Flow, keep bool) End {
	e := End{Addr: f.Remote.Addr().Unmap()}
	if keep {
		e.Flow = f
	}
	return e
}

// A signer makes and checks tokens. It is safe for concurrent use.
type signer struct{ macs sync.Pool }

// A mac is the scratch memory of one token.
type mac struct {
	hash hash.Hash
	ends [maxToken]byte
	sum  [sha256.Size]byte
}

func newSigner(secret []byte) *signer {
	s := &signer{}
	s.macs.New = func() any { return &mac{hash: hmac.New(sha256.New, secret)} }
	return s
}

// appendToken appends the token of the dialog that m may open, as URI text.
func (s *signer) appendToken(dst []byte, m *wire.Message, d Dialog) []byte {
	x := s.macs.Get().(*mac)
	defer s.macs.Put(x)
	tok := d.appendTo(x.ends[:0])
	tok = append(tok, x.over(tok, m.CallID(), m.FromTag())...)
	return base64.RawURLEncoding.AppendEncode(dst, tok)
}

// over returns the MAC over the parts; neither Call-ID nor tag holds a NUL.
func (x *mac) over(ends, callID, tag []byte) []byte {
	x.hash.Reset()
	_, _ = x.hash.Write(ends)
	_, _ = x.hash.Write(callID)
	_, _ = x.hash.Write([]byte{0})
	_, _ = x.hash.Write(tag)
	return x.hash.Sum(x.sum[:0])[:macSize]
}

func (d Dialog) appendTo(b []byte) []byte {
	kind := byte(0)
	for _, a := range [...]netip.Addr{d.Caller.Addr, d.Callee.Addr, d.Caller.Flow.Local.Addr(), d.Callee.Flow.Local.Addr()} {
		if a.IsValid() && !a.Is4() {
			kind |= wide
		}
	}
	if d.Caller.kept() {
		kind |= callerFlow
	}
	if d.Callee.kept() {
		kind |= calleeFlow
	}
	b = append(b, kind)
	return d.Callee.appendTo(d.Caller.appendTo(b, kind&wide != 0), kind&wide != 0)
}

func (e End) appendTo(b []byte, wide bool) []byte {
	if !e.kept() {
		return appendAddr(b, e.Addr, wide)
	}
	b = append(b, byte(e.Flow.Transport))
	for _, a := range [...]netip.AddrPort{e.Flow.Local, e.Flow.Remote} {
		b = binary.BigEndian.AppendUint16(appendAddr(b, a.Addr(), wide), a.Port())
	}
	return binary.BigEndian.AppendUint64(b, e.Flow.ID)
}

func appendAddr(b []byte, a netip.Addr, wide bool) []byte {
	if wide {
		octets := a.As16()
		return append(b, octets[:]...)
	}
	octets := a.As4()
	return append(b, octets[:]...)
}

// check reads a token and reports whether it was made for the dialog of m, and whether m goes from
// the caller to the callee. The caller's tag is in From of its requests and in To of those of the
// callee.
func (s *signer) check(text []byte, m *wire.Message) (d Dialog, forth, ok bool) {
	if len(text) > tokenText {
		return Dialog{}, false, false
	}
	x := s.macs.Get().(*mac)
	defer s.macs.Put(x)
	tok, err := base64.RawURLEncoding.AppendDecode(x.ends[:0], text)
	if err != nil || len(tok) < 1+2*4+macSize {
		return Dialog{}, false, false
	}
	ends, sum := tok[:len(tok)-macSize], tok[len(tok)-macSize:]
	forth = subtle.ConstantTimeCompare(x.over(ends, m.CallID(), m.FromTag()), sum) == 1
	if !forth && subtle.ConstantTimeCompare(x.over(ends, m.CallID(), m.ToTag()), sum) != 1 {
		return Dialog{}, false, false
	}
	d, ok = readDialog(ends)
	return d, forth, ok
}

func readDialog(b []byte) (d Dialog, ok bool) {
	kind, r := b[0], reader{b: b[1:], octets: 4}
	if kind&wide != 0 {
		r.octets = 16
	}
	d.Caller = r.end(kind&callerFlow != 0)
	d.Callee = r.end(kind&calleeFlow != 0)
	return d, !r.short && len(r.b) == 0
}

// A reader takes an ends part apart; short is set when it is too short.
type reader struct {
	b      []byte
	octets int // of an address
	short  bool
}

func (r *reader) take(n int) []byte {
	if len(r.b) < n {
		r.short = true
		return make([]byte, n)
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) addr() netip.Addr {
	a, _ := netip.AddrFromSlice(r.take(r.octets))
	return a.Unmap()
}

func (r *reader) port() uint16 { return binary.BigEndian.Uint16(r.take(2)) }

func (r *reader) end(kept bool) End {
	if !kept {
		return End{Addr: r.addr()}
	}
	f := flow.Flow{Transport: flow.Transport(r.take(1)[0])}
	f.Local = netip.AddrPortFrom(r.addr(), r.port())
	f.Remote = netip.AddrPortFrom(r.addr(), r.port())
	f.ID = binary.BigEndian.Uint64(r.take(8))
	return End{Addr: f.Remote.Addr(), Flow: f}
}
