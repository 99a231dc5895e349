package node

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaamica/la2/configs"
	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/siptest"
)

// shake shows which names the certificate of cfg has, and whether a client may come.
func shake(t *testing.T, cfg, client *tls.Config) ([]string, error) {
	t.Helper()
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	server := tls.Server(b, cfg)
	done := make(chan error, 1)
	go func() { done <- server.HandshakeContext(t.Context()) }() // ends with the pipe
	c := tls.Client(a, client)
	if err := c.HandshakeContext(t.Context()); err != nil {
		return nil, err
	}
	if err := <-done; err != nil {
		return nil, err
	}
	return c.ConnectionState().PeerCertificates[0].DNSNames, nil
}

// A renewed certificate is served after ten seconds; a damaged one never.
func TestKeyringRenews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca, dir := siptest.NewAuthority(t), t.TempDir()
		cert, key, _ := ca.Files(dir, "old.example")
		k, err := newKeyring(configs.TLS{Certificate: cert, Key: key}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		server := k.server()
		serves := func(want string) {
			t.Helper()
			names, err := shake(t, server, &tls.Config{RootCAs: ca.Pool(), ServerName: want})
			if err != nil || len(names) != 1 || names[0] != want {
				t.Errorf("got %q, %v, want %s", names, err, want)
			}
		}
		serves("old.example")
		ca.Files(dir, "renewed.example")
		serves("old.example") // the look at the files is fresh
		time.Sleep(renewal)
		serves("renewed.example")
		if err := os.WriteFile(cert, []byte("damaged"), 0o600); err != nil {
			t.Fatal(err)
		}
		time.Sleep(renewal)
		serves("renewed.example")
		ca.Files(dir, "third.example")
		time.Sleep(renewal)
		serves("third.example")
		if own, err := k.certificate(nil); err != nil || own.Leaf.DNSNames[0] != "third.example" {
			t.Errorf("outgoing connections show %v, %v", own, err)
		}
	})
}

func TestKeyringClients(t *testing.T) {
	ca := siptest.NewAuthority(t)
	cert, key, authority := ca.Files(t.TempDir(), "office.example")
	anonymous := &tls.Config{RootCAs: ca.Pool(), ServerName: "office.example", MaxVersion: tls.VersionTLS12} // 1.2 tells the client at once
	named := anonymous.Clone()
	named.Certificates = []tls.Certificate{ca.Issue("phone.example")}
	for clients, ok := range map[string]bool{"optional": true, "required": false} {
		k, err := newKeyring(configs.TLS{Certificate: cert, Key: key, ClientCA: authority, Clients: clients}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := shake(t, k.server(), anonymous); (err == nil) != ok {
			t.Errorf("%s: a client without a certificate: %v", clients, err)
		}
		if _, err := shake(t, k.server(), named); err != nil {
			t.Errorf("%s: a client with one: %v", clients, err)
		}
	}
}

// Files that no listener could use are told before a node starts.
func TestKeyringFaults(t *testing.T) {
	ca, dir := siptest.NewAuthority(t), t.TempDir()
	cert, key, authority := ca.Files(dir, "office.example")
	missing := filepath.Join(dir, "missing.pem")
	for _, tt := range []struct {
		name  string
		files configs.TLS
		want  string
	}{
		{"no file", configs.TLS{Certificate: missing, Key: key}, "missing.pem: no such file"},
		{"key of another", configs.TLS{Certificate: authority, Key: key}, "private key does not match"},
		{"no certificates", configs.TLS{Certificate: cert, Key: key, ClientCA: key}, "no certificate in PEM form"},
	} {
		if _, err := newKeyring(tt.files, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want …%s…", tt.name, err, tt.want)
		}
		cfg := demoConfig(t, "formezpa", hubIP)
		cfg.SIP.TLS = tt.files
		if err := Verify(cfg); err == nil || !strings.Contains(err.Error(), "sip.tls.certificate: ") {
			t.Errorf("%s: la2 check says %v", tt.name, err)
		}
	}
	if _, err := (*keyring)(nil).outward(configs.TLS{Roots: missing}); err == nil {
		t.Error("missing roots were accepted")
	}
}

// A node with a TLS port behind a NAT: who calls over TLS is told the outside address.
func TestTLSPortBehindNAT(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca := siptest.NewAuthority(t)
		cert, key, _ := ca.Files(t.TempDir(), "office.example")
		w := newWorld(t)
		cfg := demoConfig(t, "formezpa", hubIP)
		cfg.Trunks = nil
		cfg.SIP.TLS = configs.TLS{Certificate: cert, Key: key}
		var l configs.Listen
		if err := l.UnmarshalText([]byte("tls:" + hubIP + ":5061 as 203.0.113.1:5061")); err != nil {
			t.Fatal(err)
		}
		cfg.SIP.Listen = append(cfg.SIP.Listen, l)
		o := w.run(&site{w: w, name: "hub", ip: hubIP, data: t.TempDir()}, cfg)
		defer o.stop()
		layer := flow.New(flow.Config{Dial: w.net.Dialer(netip.MustParseAddr("10.0.9.1")), TLS: &tls.Config{RootCAs: ca.Pool()}}, nil)
		defer func() { _ = layer.Close() }()
		f, err := layer.DialName(context.Background(), flow.TLS, l.Address, "office.example")
		if err != nil {
			t.Fatal(err)
		}
		if got := o.flows.Address(flow.Flow{Transport: flow.TLS, Local: f.Remote}); got != l.As {
			t.Errorf("we say %v, want %v", got, l.As)
		}
		if !o.ours("203.0.113.1") {
			t.Error("the outside address is not ours")
		}
	})
}
