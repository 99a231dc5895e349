package flow

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"

	"github.com/lineaamica/la2/sip/wire"
)

// WebSocketConfig sets SIP over WebSocket (RFC 7118). The zero value of each field works.
type WebSocketConfig struct {
	// Origins are the web origins, https://desk.example, whose pages may connect besides those of
	// our own host. Programs that are no browsers name no origin and may. Default: none.
	Origins []string
	// PingInterval is how often we look whether the peer lives; it has ten seconds to answer.
	// Default 20 s.
	PingInterval time.Duration
}

// How long a peer may take for its pong.
const pongTimeout = 10 * time.Second

// Pings of one peer that we answer: so many at once, and one a second. No browser sends any.
const pingBurst = 20

// subprotocol is the name of SIP in the handshake (RFC 7118 4.1).
const subprotocol = "sip"

// Authorize says whose session a WebSocket will be, by a cookie or a token in the query (RFC 7118
// 7); an error refuses it. See Peer.User.
type Authorize func(r *http.Request) (user string, err error)

// WebSocket returns the handler that makes connections of requests for SIP over WebSocket. It
// stays with each until it ends. may is nil when everybody may connect: digest says later who may
// register and call. Behind a proxy all peers have the proxy's address.
func (l *Layer) WebSocket(may Authorize) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { l.upgrade(w, r, may) })
}

func (l *Layer) upgrade(w http.ResponseWriter, r *http.Request, may Authorize) {
	if !l.enter() {
		http.Error(w, "stopping", http.StatusServiceUnavailable)
		return
	}
	defer l.wg.Done()
	peer := &Peer{}
	if r.TLS != nil {
		peer = peerOf(r.TLS)
	}
	if may != nil {
		var err error
		if peer.User, err = may(r); err != nil {
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
	}
	s := &session{l: l, pings: level{left: pingBurst, at: time.Now()}}
	if err := s.accept(w, r); err != nil {
		return // answered
	}
	t := WS
	if r.TLS != nil {
		t = WSS
	}
	c := newConn(l, t, s.raw)
	c.link, c.incoming, c.peer = s, true, peer
	if l.cfg.Filter(c.flow, nil) == Drop {
		l.count.filtered.Add(1)
		s.cut()
		return
	}
	if l.adopt(c) == nil {
		l.count.accepted.Add(1)
		c.run()
	}
}

// A session is a link over a WebSocket: each message is one of ours.
type session struct {
	l   *Layer
	ws  *websocket.Conn
	nc  net.Conn // what was hijacked
	raw net.Conn // the same without TLS

	pings level // of the peer; only its reader looks

	mu      sync.Mutex     // guards next and over
	next    *time.Timer    // our next ping
	over    bool           // no more pings of ours
	pinging sync.WaitGroup // the one that is under way
}

// accept answers the handshake, or refuses it with a reason.
func (s *session) accept(w http.ResponseWriter, r *http.Request) (err error) {
	if !offers(r) {
		http.Error(w, "want Sec-WebSocket-Protocol: sip", http.StatusBadRequest)
		return errors.New("flow: not SIP")
	}
	h := &hijacked{ResponseWriter: w}
	s.ws, err = websocket.Accept(h, r, &websocket.AcceptOptions{Subprotocols: []string{subprotocol},
		OriginPatterns: s.l.cfg.WebSocket.Origins, OnPingReceived: s.pinged})
	if err != nil {
		return err
	}
	s.ws.SetReadLimit(wire.MaxMessage)
	s.nc, s.raw = h.nc, h.nc
	if t, ok := h.nc.(*tls.Conn); ok {
		s.raw = t.NetConn()
	}
	if g, ok := s.raw.(*gated); ok {
		g.leave() // it counts as a connection from now on
	}
	return nil
}

// offers tells whether the client speaks SIP.
func offers(r *http.Request) bool {
	for _, v := range r.Header.Values("Sec-WebSocket-Protocol") {
		for _, p := range bytes.Split([]byte(v), []byte(",")) {
			if bytes.EqualFold(bytes.TrimSpace(p), []byte(subprotocol)) {
				return true
			}
		}
	}
	return false
}

// hijacked remembers the connection that leaves net/http.
type hijacked struct {
	http.ResponseWriter
	nc net.Conn
}

func (h *hijacked) Unwrap() http.ResponseWriter { return h.ResponseWriter }

// Hijack is for websocket.Accept.
func (h *hijacked) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	nc, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	h.nc = nc
	return nc, rw, err
}

// read hands over messages until the connection ends. A peer has as long for a message as on a
// stream; between messages our pings say whether it lives.
func (s *session) read(c *conn) {
	s.watch()
	defer s.end()
	slow := time.AfterFunc(s.l.cfg.MessageTimeout, func() { // ends with one run
		s.l.count.timedOut.Add(1)
		s.cut()
	})
	defer slow.Stop()
	var buf bytes.Buffer
	for {
		_, r, err := s.ws.Reader(context.Background()) // cut ends it
		if err != nil {
			return
		}
		slow.Reset(s.l.cfg.MessageTimeout)
		if _, err := buf.ReadFrom(r); err != nil {
			return
		}
		slow.Stop()
		s.message(c, buf.Bytes())
		if buf.Reset(); buf.Cap() > largeFrame { // one large message must not cost memory for ever
			buf = bytes.Buffer{}
		}
	}
}

// largeFrame is the largest buffer that an idle session keeps.
const largeFrame = 4096

// message takes one message, or a keep-alive as on a stream, which some clients send.
func (s *session) message(c *conn, b []byte) {
	switch string(b) {
	case "\r\n\r\n":
		c.pong(1)
		return
	case "\r\n", "":
		return
	}
	m := s.l.indexes.get()
	defer s.l.indexes.put(m)
	s.l.message(c.flow, b, m)
}

func (s *session) write(messages [][]byte, deadline time.Time) error {
	ctx, cancel := context.WithDeadline(context.Background(), deadline)
	defer cancel()
	for _, b := range messages {
		kind := websocket.MessageText
		if !utf8.Valid(b) { // a browser would end the connection (RFC 6455 8.1)
			kind = websocket.MessageBinary
		}
		if err := s.ws.Write(ctx, kind, b); err != nil {
			if ctx.Err() != nil {
				return os.ErrDeadlineExceeded
			}
			return err
		}
	}
	return nil
}

func (s *session) bye() {} // whoever reads knows already

func (s *session) cut() { _ = s.raw.Close() } // whoever waits on it sees it

// watch starts our pings.
func (s *session) watch() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next = time.AfterFunc(s.l.cfg.WebSocket.PingInterval, s.ping)
}

// ping looks whether the peer lives. It runs on a timer's goroutine, which end waits for.
func (s *session) ping() {
	s.mu.Lock()
	if s.over {
		s.mu.Unlock()
		return
	}
	s.pinging.Add(1)
	s.mu.Unlock()
	defer s.pinging.Done()
	ctx, cancel := context.WithTimeout(context.Background(), pongTimeout)
	defer cancel()
	if s.ws.Ping(ctx) != nil {
		s.l.count.timedOut.Add(1)
		s.cut()
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.over {
		s.next.Reset(s.l.cfg.WebSocket.PingInterval)
	}
}

func (s *session) end() {
	s.mu.Lock()
	s.over = true
	s.next.Stop()
	s.mu.Unlock()
	_ = s.ws.CloseNow() // it ended already, or is of no use
	s.pinging.Wait()
}

// pinged answers a ping of the peer, unless there are too many.
func (s *session) pinged(context.Context, []byte) bool {
	if s.pings.take(time.Now(), 1, 1, pingBurst) {
		return true
	}
	s.l.count.filtered.Add(1)
	s.cut()
	return false
}
