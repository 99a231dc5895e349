package flow

import (
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"sync"
)

// OpenWS is OpenTCP for WebSocket on ln: every path of it speaks SIP. With a certificate in cfg it
// is WSS; cfg is nil for WS, which belongs behind a proxy that ends TLS, or on loopback. may is as for
// WebSocket.
func (l *Layer) OpenWS(ln net.Listener, cfg *tls.Config, may Authorize) (accept func() error) {
	at := &listener{Listener: ln, at: Endpoint{WS, addrPort(ln.Addr())}}
	if cfg != nil {
		at.at.Transport, at.tls = WSS, cfg.Clone()
		at.tls.MinVersion = max(cfg.MinVersion, tls.VersionTLS12)
	}
	if !l.addListener(at) {
		return ln.Close
	}
	return func() error { return l.serveWS(at, may) }
}

func (l *Layer) serveWS(ln *listener, may Authorize) error {
	if !l.enter() {
		l.removeListener(ln)
		return nil
	}
	defer l.wg.Done()
	defer l.removeListener(ln)
	srv := &http.Server{
		Handler:           l.WebSocket(may),
		ReadHeaderTimeout: l.cfg.HandshakeTimeout, // of the handshake of TLS, too
		WriteTimeout:      l.cfg.WriteTimeout,     // ends with the upgrade
		MaxHeaderBytes:    8 << 10,
		ErrorLog:          log.New(io.Discard, "", 0), // what strangers do wrong is no news
	}
	srv.SetKeepAlivesEnabled(false)
	var in net.Listener = &lobby{l: l, ln: ln}
	if ln.tls != nil {
		in = tls.NewListener(in, ln.tls)
	}
	_ = srv.Serve(in) // the listener was closed
	_ = srv.Close()   // who had not come further than the lobby
	return nil
}

// A lobby is where connections wait for the end of their handshake. It accepts within the limits,
// and only fails when its listener was closed.
type lobby struct {
	l  *Layer
	ln *listener
}

func (y *lobby) Addr() net.Addr { return y.ln.Addr() }
func (y *lobby) Close() error   { return y.ln.Close() }

// Accept waits for a connection that may come in.
func (y *lobby) Accept() (net.Conn, error) {
	var wait backoff
	for {
		nc, err := y.l.next(y.ln, &wait)
		if err != nil {
			return nil, err
		}
		if g := y.l.lead(nc); g != nil {
			return g, nil
		}
		y.l.count.capped.Add(1)
		_ = nc.Close() // nothing was sent
	}
}

// lead gives a connection a place in the lobby, nil when there is none.
func (l *Layer) lead(nc net.Conn) *gated {
	ip := addrPort(nc.RemoteAddr()).Addr()
	g, trusted := &gated{Conn: nc, l: l, from: sourceOf(ip)}, l.cfg.Trusted(ip)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || l.crowded(ip, trusted, true) {
		return nil
	}
	l.waiting++
	l.perIP[g.from]++
	l.greeting[g.from]++
	return g
}

// A gated connection has a place in the lobby until it leaves or closes.
type gated struct {
	net.Conn
	l    *Layer
	from netip.Addr // as sourceOf counts
	once sync.Once
}

func (g *gated) leave() {
	g.once.Do(func() {
		g.l.mu.Lock()
		defer g.l.mu.Unlock()
		g.l.waiting--
		lower(g.l.perIP, g.from)
		lower(g.l.greeting, g.from)
	})
}

// Close gives the place back, too.
func (g *gated) Close() error {
	g.leave()
	return g.Conn.Close()
}
