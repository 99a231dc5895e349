package proxy

import (
	"bytes"
	"encoding/hex"
	"errors"
	"hash/maphash"

	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/wire"
)

// Why a request in a dialog is not forwarded.
var (
	errToken  = errors.New("proxy: route was not recorded by us for this dialog")
	errScheme = errors.New("proxy: next hop is no sip URI")
	errNext   = errors.New("proxy: next hop is no literal address or its transport is not ours")
	errPolicy = errors.New("proxy: next hop is not of this dialog")
	errPath   = errors.New("proxy: no path to the next hop")
)

// Most Route values of ours on one request: both sides of a double Record-Route.
const maxOwn = 2

// follow finds where a request that is Mine goes: to the first Route that is not ours, else to
// its Request-URI (16.12, 16.6 step 6).
func (p *Proxy) follow(m *wire.Message, from flow.Flow) (hop, error) {
	h := hop{from: from}
	next := m.RequestURI()
	var d Dialog
	for i, uri := range m.Routes {
		text, own := token(uri)
		if !own || i == maxOwn {
			next = uri
			break
		}
		var ok bool
		if d, ok = p.sign.check(text, m); !ok {
			return h, errToken
		}
		h.token = text
		h.pop++
	}
	u, ok := wire.ParseURI(next)
	if !ok || u.Secure {
		return h, errScheme
	}
	addr, ok := u.Addr()
	if !ok {
		return h, errNext
	}
	if !p.cfg.Allow(d, addr) {
		return h, errPolicy
	}
	var err error
	t, ok := transportOf(u)
	if !ok {
		return h, errNext
	}
	if h.to, err = p.cfg.Dial(t, addr); err != nil {
		return h, errPath
	}
	return h, nil
}

func transportOf(u wire.URI) (flow.Transport, bool) {
	t, _ := u.Param("transport")
	return flow.ParseTransport(string(t))
}

// loop returns the token of m for loop detection, ".16 hexadecimal digits": a hash of all that
// decides where m goes (16.6 step 8). The top Via is left out: with it, a loop through two
// elements would never close (RFC 5393 4.2).
func (p *Proxy) loop(w *work, m *wire.Message) []byte {
	h := &w.hash
	h.SetSeed(p.seed)
	part := func(b []byte) {
		_, _ = h.Write(b)
		_ = h.WriteByte(0)
	}
	part(m.RequestURI())
	part(m.FromTag())
	part(m.ToTag())
	part(m.CallID())
	part(m.Header("CSeq"))
	for _, name := range [...]string{"Route", "Proxy-Require", "Proxy-Authorization"} {
		for _, v := range m.Values(name) {
			part(v)
		}
		_ = h.WriteByte(1)
	}
	w.loop = appendSum(append(w.loop[:0], '.'), h)
	return w.loop
}

// looped reports whether m has been here before and would go the same way again (16.3 step 4).
// Nobody else makes our tokens, so sent-by need not be compared.
func looped(m *wire.Message, loop []byte) bool {
	for _, via := range m.Values("Via") {
		if bytes.Contains(via, loop) {
			return true
		}
	}
	return false
}

// ackBranch makes the branch of an ACK: the same for a repeated one (16.11).
func (p *Proxy) ackBranch(w *work, m *wire.Message, loop []byte) string {
	w.hash.SetSeed(p.seed)
	_, _ = w.hash.Write(m.TopVia().Raw)
	_, _ = w.hash.Write(loop)
	w.text = appendSum(append(w.text[:0], wire.Cookie...), &w.hash)
	return string(append(w.text, loop...))
}

func appendSum(b []byte, h *maphash.Hash) []byte {
	v := h.Sum64()
	sum := [8]byte{byte(v >> 56), byte(v >> 48), byte(v >> 40), byte(v >> 32), byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)}
	return hex.AppendEncode(b, sum[:])
}
