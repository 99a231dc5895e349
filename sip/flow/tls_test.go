package flow_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/siptest"
)

var tlsAddr = netip.MustParseAddrPort("10.0.0.9:5061")

// serveTLS opens a TLS listener on the node.
func (n *node) serveTLS(t *testing.T, at netip.AddrPort, cfg *tls.Config) {
	t.Helper()
	ln, err := n.net.ListenTCP(at.String())
	if err != nil {
		t.Fatal(err)
	}
	accept := n.OpenTLS(ln, cfg)
	go func() { _ = accept() }() // ends with Close
}

// dialTLS connects a client to a TLS listener and shakes hands.
func dialTLS(t *testing.T, n *node, from string, cfg *tls.Config) (*tls.Conn, error) {
	t.Helper()
	nc, err := n.net.Dialer(netip.MustParseAddr(from))(t.Context(), "tcp", tlsAddr.String())
	if err != nil {
		t.Fatal(err)
	}
	c := tls.Client(nc, cfg)
	t.Cleanup(func() { _ = nc.Close() })
	return c, c.HandshakeContext(t.Context())
}

func exchange(t *testing.T, c io.ReadWriter, text string) string {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 4096)
	k, err := c.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(b[:k])
}

func TestTLSServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca := siptest.NewAuthority(t)
		n := newNode(t, flow.Config{})
		n.serveTLS(t, tlsAddr, &tls.Config{Certificates: []tls.Certificate{ca.Issue("office.example")}})
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			c, err := dialTLS(t, n, "10.0.0.1", &tls.Config{RootCAs: ca.Pool(), ServerName: "office.example", MinVersion: version, MaxVersion: version})
			if err != nil {
				t.Fatal(err)
			}
			if got := exchange(t, c, options); !strings.HasPrefix(got, "SIP/2.0 200") {
				t.Errorf("got %q", got)
			}
		}
		f := n.firstFlow()
		if f.Transport != flow.TLS || n.Address(f) != tlsAddr || n.Local(flow.TLS) != tlsAddr {
			t.Errorf("flow %+v, address %v", f, n.Address(f))
		}
		if p := n.Peer(f); !p.Secure || len(p.Names) > 0 || p.Certificate != nil {
			t.Errorf("peer without a certificate: %+v", p)
		}
		if _, err := dialTLS(t, n, "10.0.0.1", &tls.Config{RootCAs: ca.Pool(), ServerName: "office.example", MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}); err == nil {
			t.Error("TLS 1.1 was accepted")
		}
	})
}

// The identity of a client is what a proven certificate says, and nothing else.
func TestTLSClientCertificate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca, stranger := siptest.NewAuthority(t), siptest.NewAuthority(t)
		n := newNode(t, flow.Config{})
		n.serveTLS(t, tlsAddr, &tls.Config{Certificates: []tls.Certificate{ca.Issue("office.example")},
			ClientAuth: tls.VerifyClientCertIfGiven, ClientCAs: ca.Pool()})
		c, err := dialTLS(t, n, "10.0.0.1", &tls.Config{RootCAs: ca.Pool(), ServerName: "office.example",
			Certificates: []tls.Certificate{ca.Issue("Trunk.Example", "10.0.0.1")}})
		if err != nil {
			t.Fatal(err)
		}
		exchange(t, c, options)
		f := n.firstFlow()
		p := n.Peer(f)
		if want := []string{"trunk.example", "10.0.0.1"}; !slices.Equal(p.Names, want) {
			t.Errorf("names %q, want %q", p.Names, want)
		}
		if !p.Is("trunk.example.") || p.Is("other.trunk.example") || p.Is("example") || p.Is("") {
			t.Errorf("Is does not compare whole names: %+v", p)
		}
		if p := n.Peer(flow.Flow{Transport: flow.TLS, ID: f.ID}); p.Secure {
			t.Error("another flow of the same number has a peer")
		}
		_ = c.Close()
		synctest.Wait()
		if p := n.Peer(f); p.Secure {
			t.Error("a connection that has ended has a peer")
		}
		bad, err := dialTLS(t, n, "10.0.0.1", &tls.Config{RootCAs: ca.Pool(), ServerName: "office.example",
			Certificates: []tls.Certificate{stranger.Issue("trunk.example")}})
		if err == nil { // TLS 1.3: the refusal comes with the first read
			_, err = bad.Read(make([]byte, 1))
		}
		if err == nil {
			t.Error("a certificate of nobody's was accepted")
		}
		synctest.Wait()
		if got := n.Stats().Handshakes; got != 1 {
			t.Errorf("%d failed handshakes, want 1", got)
		}
	})
}

// RFC 5922 7.1 to 7.3: which names a server's certificate proves to us.
func TestDialTLS_RFC5922_7(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca, stranger := siptest.NewAuthority(t), siptest.NewAuthority(t)
		n := newNode(t, flow.Config{TLS: &tls.Config{RootCAs: ca.Pool()}})
		for i, tt := range []struct {
			about, name string
			cert        tls.Certificate
			ok          bool
		}{
			{"the address itself", "", ca.Issue("10.0.0.7"), true},
			{"another address", "", ca.Issue("10.0.0.8"), false},
			{"a DNS name", "Carrier.Example", ca.Issue("carrier.example"), true},
			{"another name", "carrier.example", ca.Issue("other.example"), false},
			{"a wildcard", "sip.carrier.example", ca.Issue("*.carrier.example"), false},
			{"a parent", "sip.carrier.example", ca.Issue("carrier.example"), false},
			{"a URI", "carrier.example", ca.Issue("sip:carrier.example"), true},
			{"a URI with port and parameter", "carrier.example", ca.Issue("sip:carrier.example:5061;transport=tls"), true},
			{"a URI beats a DNS name", "dns.example", ca.Issue("sip:carrier.example", "dns.example"), false},
			{"a URI of a person", "carrier.example", ca.Issue("sip:alice@carrier.example"), false},
			{"a URI of another scheme", "carrier.example", ca.Issue("https://carrier.example"), false},
			{"an unknown authority", "carrier.example", stranger.Issue("carrier.example"), false},
		} {
			at := netip.AddrPortFrom(netip.MustParseAddr("10.0.0.7"), uint16(5100+i))
			ln, err := n.net.ListenTCP(at.String())
			if err != nil {
				t.Fatal(err)
			}
			got := make(chan string, 1)
			go func() { // ends with the connection
				nc, err := ln.Accept()
				if err != nil {
					return
				}
				c := tls.Server(nc, &tls.Config{Certificates: []tls.Certificate{tt.cert}})
				b := make([]byte, 2000)
				k, _ := c.Read(b)
				got <- string(b[:k])
				_ = c.Close()
			}()
			f, err := n.DialName(t.Context(), flow.TLS, at, tt.name)
			if (err == nil) != tt.ok {
				t.Errorf("%s: got %v", tt.about, err)
			}
			if err == nil {
				if again, err := n.DialName(t.Context(), flow.TLS, at, strings.ToUpper(tt.name)); again != f || err != nil {
					t.Errorf("%s: not used again: %+v, %v", tt.about, again, err)
				}
				if name := tt.name; name != "" && !n.Peer(f).Is(name) {
					t.Errorf("%s: peer %+v", tt.about, n.Peer(f))
				}
				if err := n.Send(f, []byte(options)); err != nil {
					t.Error(err)
				}
			}
			if text := <-got; (text == options) != tt.ok {
				t.Errorf("%s: the server read %q", tt.about, text)
			}
			_ = ln.Close()
		}
	})
}

// A connection that was made for one name is never used for another.
func TestDialTLSForAnotherName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca := siptest.NewAuthority(t)
		n := newNode(t, flow.Config{TLS: &tls.Config{RootCAs: ca.Pool()}})
		n.serveTLS(t, tlsAddr, &tls.Config{Certificates: []tls.Certificate{ca.Issue("a.example")}})
		if _, err := n.DialName(t.Context(), flow.TLS, tlsAddr, "a.example"); err != nil {
			t.Fatal(err)
		}
		if _, err := n.DialName(t.Context(), flow.TLS, tlsAddr, "b.example"); err == nil {
			t.Error("the connection of another name was used")
		}
		for _, tr := range []flow.Transport{flow.WS, flow.WSS, 0} {
			if _, err := n.Dial(t.Context(), tr, tlsAddr); !errors.Is(err, flow.ErrNoRoute) {
				t.Errorf("dial %v: %v", tr, err)
			}
		}
	})
}

// Half handshakes neither stay nor keep others out.
func TestHalfHandshakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca := siptest.NewAuthority(t)
		n := newNode(t, flow.Config{MaxHandshakesPerIP: 3})
		n.serveTLS(t, tlsAddr, &tls.Config{Certificates: []tls.Certificate{ca.Issue("office.example")}})
		for i := range 5 {
			nc, err := n.net.Dialer(phoneAddr.Addr())(t.Context(), "tcp", tlsAddr.String())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(nc, "\x16\x03\x01\x02\x00\x01"); (err == nil) != (i < 3) {
				t.Errorf("connection %d: %v", i, err)
			}
			t.Cleanup(func() { _ = nc.Close() })
		}
		if s := n.Stats(); s.Connections != 3 || s.Capped != 2 {
			t.Errorf("stats %+v", s)
		}
		c, err := dialTLS(t, n, "10.0.0.2", &tls.Config{RootCAs: ca.Pool(), ServerName: "office.example"})
		if err != nil {
			t.Fatalf("another address: %v", err)
		}
		exchange(t, c, options)
		time.Sleep(5100 * time.Millisecond)
		if s := n.Stats(); s.Connections != 1 || s.Handshakes != 3 {
			t.Errorf("stats %+v", s)
		}
		if _, err := dialTLS(t, n, "10.0.0.1", &tls.Config{RootCAs: ca.Pool(), ServerName: "office.example"}); err != nil {
			t.Errorf("after the time of half handshakes: %v", err)
		}
	})
}
