package flow_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/siptest"
	"github.com/lineaamica/la2/sip/wire"
)

var wsAddr = netip.MustParseAddrPort("10.0.0.9:8088")

// serveWS opens a WebSocket listener on the node; cfg is nil without TLS.
func (n *node) serveWS(t *testing.T, cfg *tls.Config, may flow.Authorize) {
	t.Helper()
	ln, err := n.net.ListenTCP(wsAddr.String())
	if err != nil {
		t.Fatal(err)
	}
	accept := n.OpenWS(ln, cfg, may)
	go func() { _ = accept() }() // ends with Close
}

// A browser dials WebSockets from an address.
type browser struct {
	n     *node
	from  string
	roots *tls.Config
}

func (b browser) dial(t *testing.T, url string, header http.Header, protocols ...string) (*websocket.Conn, int, error) {
	t.Helper()
	tr := &http.Transport{TLSClientConfig: b.roots, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return b.n.net.Dialer(netip.MustParseAddr(b.from))(ctx, network, wsAddr.String())
	}}
	c, res, err := websocket.Dial(t.Context(), url, &websocket.DialOptions{HTTPClient: &http.Client{Transport: tr}, HTTPHeader: header, Subprotocols: protocols})
	status := 0
	if res != nil {
		status = res.StatusCode
	}
	t.Cleanup(func() {
		if c != nil {
			_ = c.CloseNow()
		}
		tr.CloseIdleConnections()
		time.Sleep(6 * time.Second) // the ends of TLS wait for each other, five seconds at most
	})
	return c, status, err
}

func (b browser) open(t *testing.T) *websocket.Conn {
	t.Helper()
	c, _, err := b.dial(t, "ws://"+wsAddr.String()+"/", nil, "sip")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const register = "OPTIONS sip:office.example SIP/2.0\r\n" +
	"Via: SIP/2.0/WSS df7jal23ls0d.invalid;branch=z9hG4bKa\r\n" +
	"From: <sip:a@office.example>;tag=1\r\nTo: <sip:a@office.example>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n" +
	"Contact: <sip:a@df7jal23ls0d.invalid;transport=ws>\r\nMax-Forwards: 70\r\n\r\n"

// hear reads one message within a second.
func hear(t *testing.T, c *websocket.Conn) (websocket.MessageType, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	kind, b, err := c.Read(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return kind, string(b)
}

func say(t *testing.T, c *websocket.Conn, kind websocket.MessageType, text string) {
	t.Helper()
	if err := c.Write(t.Context(), kind, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

// RFC 7118: a message is one WebSocket message, text or binary, in one frame or many, without
// Content-Length; the peer is reached over its connection whatever its headers say.
func TestWebSocket_RFC7118(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, flow.Config{})
		n.serveWS(t, nil, nil)
		c := browser{n: n, from: "10.0.0.1"}.open(t)
		if c.Subprotocol() != "sip" {
			t.Errorf("subprotocol %q", c.Subprotocol())
		}
		for _, kind := range []websocket.MessageType{websocket.MessageText, websocket.MessageBinary} {
			say(t, c, kind, register)
			if got, text := hear(t, c); got != websocket.MessageText || !strings.HasPrefix(text, "SIP/2.0 200") {
				t.Errorf("got %v %q", got, text)
			}
		}
		w, err := c.Writer(t.Context(), websocket.MessageText)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range []string{register[:10], register[10:100], register[100:]} {
			if _, err := io.WriteString(w, part); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if _, text := hear(t, c); !strings.HasPrefix(text, "SIP/2.0 200") {
			t.Errorf("fragments: got %q", text)
		}
		say(t, c, websocket.MessageText, "\r\n\r\n")
		if _, text := hear(t, c); text != "\r\n" {
			t.Errorf("keep-alive: got %q", text)
		}
		f := n.firstFlow()
		if f.Transport != flow.WS || f.ID == 0 || n.Address(f) != wsAddr || n.Local(flow.WS) != wsAddr {
			t.Errorf("flow %+v, address %v", f, n.Address(f))
		}
		if err := n.Send(f, []byte("MESSAGE \xff")); err != nil {
			t.Fatal(err)
		}
		if kind, text := hear(t, c); kind != websocket.MessageBinary || text != "MESSAGE \xff" {
			t.Errorf("what is no UTF-8 came as %v %q", kind, text)
		}
		if len(n.received()) != 3 || n.received()[2] != register {
			t.Errorf("received %q", n.received())
		}
		_ = c.CloseNow()
		time.Sleep(time.Second)
		if n.gone() != 1 || n.Alive(f) || !errors.Is(n.Send(f, []byte("x")), flow.ErrGone) {
			t.Error("a session that ended is alive")
		}
	})
}

func TestSecureWebSocket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca := siptest.NewAuthority(t)
		n := newNode(t, flow.Config{})
		n.serveWS(t, &tls.Config{Certificates: []tls.Certificate{ca.Issue("office.example")}}, func(r *http.Request) (string, error) {
			if r.URL.Query().Get("token") != "good" {
				return "", errors.New("no such token")
			}
			return "1001", nil
		})
		b := browser{n: n, from: "10.0.0.1", roots: &tls.Config{RootCAs: ca.Pool()}}
		if _, status, err := b.dial(t, "wss://office.example/?token=bad", nil, "sip"); err == nil || status != 401 {
			t.Errorf("bad token: %d, %v", status, err)
		}
		c, _, err := b.dial(t, "wss://office.example/?token=good", nil, "sip")
		if err != nil {
			t.Fatal(err)
		}
		say(t, c, websocket.MessageText, register)
		hear(t, c)
		f := n.firstFlow()
		if p := n.Peer(f); f.Transport != flow.WSS || !p.Secure || p.User != "1001" {
			t.Errorf("flow %+v, peer %+v", f, p)
		}
	})
}

func TestWebSocketHandshake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, flow.Config{WebSocket: flow.WebSocketConfig{Origins: []string{"https://desk.example"}}})
		n.serveWS(t, nil, nil)
		b := browser{n: n, from: "10.0.0.1"}
		for _, tt := range []struct {
			about, origin string
			protocols     []string
			status        int
		}{
			{"no browser", "", []string{"sip"}, 101},
			{"our own page", "http://" + wsAddr.String(), []string{"sip"}, 101},
			{"a page of the configuration", "https://desk.example", []string{"chat", "sip"}, 101},
			{"a page of somebody else", "https://evil.example", []string{"sip"}, 403},
			{"without TLS", "http://desk.example", []string{"sip"}, 403},
			{"a name like ours", "https://desk.example.evil.example", []string{"sip"}, 403},
			{"a sandbox", "null", []string{"sip"}, 403},
			{"no SIP", "", nil, 400},
			{"another protocol", "", []string{"chat"}, 400},
		} {
			h := http.Header{}
			if tt.origin != "" {
				h.Set("Origin", tt.origin)
			}
			if _, status, err := b.dial(t, "ws://"+wsAddr.String()+"/", h, tt.protocols...); status != tt.status || (err == nil) != (tt.status == 101) {
				t.Errorf("%s: %d, %v, want %d", tt.about, status, err, tt.status)
			}
		}
		synctest.Wait()
		if s := n.Stats(); s.Accepted != 3 {
			t.Errorf("stats %+v", s)
		}
	})
}

// Who sends a message for ever has as long for it as on a stream.
func TestSlowWebSocketMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, flow.Config{WebSocket: flow.WebSocketConfig{PingInterval: time.Hour}})
		n.serveWS(t, nil, nil)
		slow := rawWS(t, n, "10.0.1.2")
		begun := time.Now()
		for i := 0; ; i++ { // a frame of one octet a second, none of them the last
			frame := []byte{0, 0x81, 0, 0, 0, 0, 'O'}
			if i == 0 {
				frame[0] = 1
			}
			if _, err := slow.Write(frame); err != nil {
				break
			}
			time.Sleep(time.Second)
		}
		if d := time.Since(begun); d > 31*time.Second {
			t.Errorf("an octet a second: ended after %v", d)
		}
		synctest.Wait()
		if s := n.Stats(); s.TimedOut != 1 || s.Connections != 0 || s.Received != 0 {
			t.Errorf("stats %+v", s)
		}
	})
}

// Peers that are silent, dead, endless or mad: all are ended, and nobody else is kept out.
func TestHostileWebSockets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, flow.Config{})
		n.serveWS(t, nil, nil)
		ended := func(about string, c *websocket.Conn, within time.Duration) {
			t.Helper()
			begun := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), within+time.Second)
			defer cancel()
			for {
				_, _, err := c.Read(ctx)
				switch {
				case err == nil:
				case ctx.Err() != nil:
					t.Errorf("%s: still open after %v", about, within)
					return
				default:
					if d := time.Since(begun); d > within {
						t.Errorf("%s: ended after %v, want %v at most", about, d, within)
					}
					return
				}
			}
		}
		ended("no message", browser{n: n, from: "10.0.1.1"}.open(t), 30*time.Second)

		large := browser{n: n, from: "10.0.1.3"}.open(t)
		go func() { _ = large.Write(t.Context(), websocket.MessageText, bytes.Repeat([]byte("x"), 16<<20)) }() // ends with the connection
		ended("a frame of 16 MiB", large, time.Second)

		flood := browser{n: n, from: "10.0.1.4"}.open(t)
		go func() { // ends with the connection
			for flood.Ping(t.Context()) == nil {
			}
		}()
		ended("pings without end", flood, time.Second)

		dead := browser{n: n, from: "10.0.1.5"}.open(t)
		say(t, dead, websocket.MessageText, register)
		hear(t, dead)
		time.Sleep(31 * time.Second) // it reads nothing, so it answers no ping
		ended("no pong", dead, 0)

		alive := browser{n: n, from: "10.0.1.6"}.open(t)
		say(t, alive, websocket.MessageText, register)
		go func() { // ends with the connection
			for {
				if _, _, err := alive.Read(t.Context()); err != nil {
					return
				}
			}
		}()
		time.Sleep(time.Hour)
		if s := n.Stats(); s.Connections != 1 || s.TimedOut != 2 {
			t.Errorf("an hour of pongs later: %+v", s)
		}
		_ = alive.CloseNow()
	})
}

// rawWS shakes hands and leaves the frames to the caller.
func rawWS(t *testing.T, n *node, from string) net.Conn {
	t.Helper()
	nc, err := n.net.Dialer(netip.MustParseAddr(from))(t.Context(), "tcp", wsAddr.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	if _, err := io.WriteString(nc, "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: sip\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 2000)
	if k, err := nc.Read(b); err != nil || !strings.HasPrefix(string(b[:k]), "HTTP/1.1 101") {
		t.Fatalf("got %q, %v", b[:k], err)
	}
	return nc
}

// A length of 2^63 in a frame allocates nothing and ends the session.
func TestWebSocketFrameLength(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, flow.Config{})
		n.serveWS(t, nil, nil)
		nc := rawWS(t, n, "10.0.0.1")
		frame := binary.BigEndian.AppendUint64([]byte{0x81, 0xff}, 1<<63-1)
		frame = append(frame, 0, 0, 0, 0)
		go func() { _, _ = nc.Write(append(frame, bytes.Repeat([]byte("x"), 100_000)...)) }() // ends with the connection
		if err := nc.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		rest, err := io.ReadAll(nc)
		if err != nil || !bytes.Contains(rest, []byte("read limited at")) {
			t.Errorf("got %q, %v", rest, err)
		}
		synctest.Wait()
		if s := n.Stats(); s.Connections != 0 {
			t.Errorf("stats %+v", s)
		}
	})
}

// The lobby of a WebSocket port has the limits of all connections, and half handshakes end.
func TestWebSocketLobby(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, flow.Config{MaxHandshakesPerIP: 3, MaxConnsPerIP: 4})
		n.serveWS(t, nil, nil)
		b := browser{n: n, from: phoneAddr.Addr().String()}
		for i := range 5 {
			nc, err := n.net.Dialer(phoneAddr.Addr())(t.Context(), "tcp", wsAddr.String())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(nc, "GET / HTTP/1.1\r\nHost: x\r\n"); (err == nil) != (i < 3) {
				t.Errorf("connection %d: %v", i, err)
			}
			t.Cleanup(func() { _ = nc.Close() })
		}
		browser{n: n, from: "10.0.0.2"}.open(t) // another address is not kept out
		time.Sleep(6 * time.Second)
		for i := range 5 {
			_, _, err := b.dial(t, "ws://"+wsAddr.String()+"/", nil, "sip")
			synctest.Wait()
			if (err == nil) != (i < 4) {
				t.Errorf("session %d: %v", i, err)
			}
		}
		if s := n.Stats(); s.Connections != 5 || s.Capped != 3 {
			t.Errorf("stats %+v", s)
		}
	})
}

// A peer that does not read must neither block Send nor live on.
func TestSlowWebSocketReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, flow.Config{SendQueue: 8})
		n.serveWS(t, nil, nil)
		n.mu.Lock()
		n.onMsg = func(flow.Flow, *wire.Message) {}
		n.mu.Unlock()
		c := browser{n: n, from: "10.0.0.1"}.open(t)
		say(t, c, websocket.MessageText, register)
		synctest.Wait()
		full := 0
		for range 100 {
			if err := n.Send(n.firstFlow(), []byte(register)); errors.Is(err, flow.ErrFull) {
				full++
			}
		}
		time.Sleep(11 * time.Second)
		if s := n.Stats(); full < 50 || s.Connections != 0 || s.TimedOut != 1 || n.gone() != 1 {
			t.Errorf("%d met a full queue, stats %+v", full, s)
		}
	})
}
