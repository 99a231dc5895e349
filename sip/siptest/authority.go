package siptest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// An Authority issues certificates for tests; nobody else trusts it. It lives for a day of the
// clock at which it was made.
type Authority struct {
	tb     TB
	cert   *x509.Certificate
	key    *ecdsa.PrivateKey
	serial int64
}

// NewAuthority makes an authority.
func NewAuthority(tb TB) *Authority {
	tb.Helper()
	a := &Authority{tb: tb, key: newKey(tb)}
	t := a.template()
	t.Subject = pkix.Name{CommonName: "siptest authority"}
	t.IsCA, t.BasicConstraintsValid, t.KeyUsage = true, true, x509.KeyUsageCertSign
	a.cert = a.sign(t, t, a.key)
	return a
}

func newKey(tb TB) *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatalf("key: %v", err)
	}
	return key
}

func (a *Authority) template() *x509.Certificate {
	a.serial++
	return &x509.Certificate{SerialNumber: big.NewInt(a.serial), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour)}
}

func (a *Authority) sign(t, parent *x509.Certificate, key *ecdsa.PrivateKey) *x509.Certificate {
	der, err := x509.CreateCertificate(rand.Reader, t, parent, &key.PublicKey, a.key)
	if err != nil {
		a.tb.Fatalf("certificate: %v", err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		a.tb.Fatalf("certificate: %v", err)
	}
	return c
}

// Pool holds the authority: what verifies its certificates.
func (a *Authority) Pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}

// Issue makes a certificate for servers and clients. Each name is a literal address, a URI or a
// DNS name.
func (a *Authority) Issue(names ...string) tls.Certificate {
	a.tb.Helper()
	t, key := a.template(), newKey(a.tb)
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	for _, name := range names {
		switch ip := net.ParseIP(name); {
		case ip != nil:
			t.IPAddresses = append(t.IPAddresses, ip)
		case strings.Contains(name, ":"):
			u, err := url.Parse(name)
			if err != nil {
				a.tb.Fatalf("name %q: %v", name, err)
			}
			t.URIs = append(t.URIs, u)
		default:
			t.DNSNames = append(t.DNSNames, name)
		}
	}
	c := a.sign(t, a.cert, key)
	return tls.Certificate{Certificate: [][]byte{c.Raw}, PrivateKey: key, Leaf: c}
}

// Files writes a certificate of names with its key, and that of the authority, as PEM into dir.
func (a *Authority) Files(dir string, names ...string) (certificate, key, authority string) {
	a.tb.Helper()
	c := a.Issue(names...)
	der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		a.tb.Fatalf("key: %v", err)
	}
	write := func(name, kind string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}), 0o600); err != nil {
			a.tb.Fatalf("%v", err)
		}
		return path
	}
	return write("cert.pem", "CERTIFICATE", c.Certificate[0]), write("key.pem", "PRIVATE KEY", der), write("ca.pem", "CERTIFICATE", a.cert.Raw)
}
