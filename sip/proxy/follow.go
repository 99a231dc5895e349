package proxy

import (
	"bytes"
	"cmp"
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
	errNext   = errors.New("proxy: next hop is no literal address")
	errPolicy = errors.New("proxy: next hop is not of this dialog")
	errPath   = errors.New("proxy: no path to the next hop")
	errFlow   = errors.New("proxy: the flow to the next hop has ended")
)

// Most Route values of ours on one request: both sides of a double Record-Route.
const maxOwn = 2

// follow finds where a request that is Mine goes: to the first Route that is not ours, else to
// its Request-URI (16.12, 16.6 step 6), or over the flow that its dialog keeps to that end.
func (p *Proxy) follow(m *wire.Message, from flow.Flow) (hop, error) {
	if text, own := token(m.RequestURI()); own {
		if _, _, ok := p.sign.check(text, m); ok {
			return p.followStrict(m, from)
		}
	}
	h := hop{from: from}
	var d Dialog
	var forth, routed bool
	next := m.RequestURI()
	for i, uri := range m.Routes {
		text, own := token(uri)
		if own && i < maxOwn {
			var of Dialog
			var ahead bool
			if of, ahead, own = p.sign.check(text, m); own { // else it is of another node like us
				d, forth, h.token = of, ahead, text
				h.pop++
				continue
			}
		}
		next, routed = uri, true
		break
	}
	if h.pop == 0 {
		return h, errToken
	}
	if routed && !loose(next) {
		return p.followStrict(m, from)
	}
	return h, p.reach(&h, d, forth, next, routed)
}

// followStrict is follow where a strict router is before us (16.4: it put our route into the
// Request-URI, and the target behind the others) or after us (16.6 step 6: it gets it the same way).
func (p *Proxy) followStrict(m *wire.Message, from flow.Flow) (hop, error) {
	h := hop{from: from, rerouted: true}
	var routes [][]byte
	for _, uri := range m.Routes {
		routes = append(routes, uri)
	}
	target := m.RequestURI()
	var d Dialog
	var forth bool
	if text, own := token(target); own {
		var ok bool
		if d, forth, ok = p.sign.check(text, m); !ok || len(routes) == 0 {
			return h, errToken
		}
		h.token = text
		target, routes = routes[len(routes)-1], routes[:len(routes)-1]
	}
	for n := 0; len(routes) > 0 && n < maxOwn; n++ {
		text, own := token(routes[0])
		if !own {
			break
		}
		dialog, ahead, ok := p.sign.check(text, m)
		if !ok {
			break // of another node like us
		}
		d, forth, h.token = dialog, ahead, text
		routes = routes[1:]
	}
	if h.token == nil {
		return h, errToken
	}
	next, routed := target, len(routes) > 0
	if routed {
		next = routes[0]
		if !loose(next) {
			target, routes = next, append(routes[1:len(routes):len(routes)], target)
		}
	}
	h.uri = string(target)
	for _, r := range routes {
		h.routes = append(h.routes, "<"+string(r)+">")
	}
	return h, p.reach(&h, d, forth, next, routed)
}

// loose reports whether a route is of a loose router (RFC 3261 19.1.1, lr).
func loose(uri []byte) bool {
	u, ok := wire.ParseURI(uri)
	if !ok {
		return true // refused as what it is
	}
	_, lr := u.Param("lr")
	return lr
}

// reach finds the path to next: the flow of the end itself, unless another element is before it,
// or the address.
func (p *Proxy) reach(h *hop, d Dialog, forth bool, next []byte, routed bool) error {
	u, ok := wire.ParseURI(next)
	if !ok || u.Secure {
		return errScheme
	}
	end := d.Caller
	if forth {
		end = d.Callee
	}
	lost := error(nil)
	if end.kept() && !routed {
		if p.cfg.Alive(end.Flow) {
			h.to = end.Flow
			return nil
		}
		lost = errFlow // unless there is another way
	}
	addr, ok := u.Addr()
	if !ok {
		return cmp.Or(lost, errNext)
	}
	if !p.cfg.Allow(d, addr) {
		return cmp.Or(lost, errPolicy)
	}
	t, ok := transportOf(u)
	if !ok {
		return cmp.Or(lost, errNext)
	}
	var err error
	if h.to, err = p.cfg.Dial(t, addr); err != nil {
		return cmp.Or(lost, errPath)
	}
	return nil
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

// ackBranch makes the branch of an ACK: the same for a repeated one (16.11). The bytes are w's.
func (p *Proxy) ackBranch(w *work, m *wire.Message, loop []byte) []byte {
	w.hash.SetSeed(p.seed)
	_, _ = w.hash.Write(m.TopVia().Raw)
	_, _ = w.hash.Write(loop)
	w.branch = append(appendSum(append(w.branch[:0], wire.Cookie...), &w.hash), loop...)
	return w.branch
}

func appendSum(b []byte, h *maphash.Hash) []byte {
	v := h.Sum64()
	sum := [8]byte{byte(v >> 56), byte(v >> 48), byte(v >> 40), byte(v >> 32), byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)}
	return hex.AppendEncode(b, sum[:])
}
