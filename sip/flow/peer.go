package flow

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// A Peer is what we know of who is at the far end of a connection, beyond its address.
type Peer struct {
	// Secure says that nobody in between can read or change what is sent: TLS.
	Secure bool
	// Names are the SIP domains that the certificate of the peer proves, in lower case
	// (RFC 5922 7.1), and after them its literal addresses. Empty without a certificate that
	// leads to an authority of ours.
	Names []string
	// Certificate is the proven one, nil without. Not to be changed.
	Certificate *x509.Certificate
	// User is who a WebSocket session belongs to, as Authorize said; "" for nobody.
	User string
}

// Is reports whether the peer proved to be name, a domain or a literal address. Only the whole
// name counts, without regard to case: a wildcard or a parent domain proves nothing (RFC 5922 7.2).
func (p Peer) Is(name string) bool {
	return name != "" && slices.Contains(p.Names, canonicalName(name))
}

// canonicalName gives each name one spelling.
func canonicalName(name string) string {
	if a, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
		return a.Unmap().WithZone("").String()
	}
	return strings.TrimSuffix(strings.ToLower(name), ".")
}

// Peer tells who is at the far end of f; zero for UDP, plain TCP and a connection that has ended.
func (l *Layer) Peer(f Flow) Peer {
	if f.Transport <= TCP {
		return Peer{}
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	c := l.conns[f.ID]
	if c == nil || c.flow != f || c.peer == nil {
		return Peer{}
	}
	return *c.peer
}

// peerOf reads the end of a handshake. Only a chain that was verified proves a name.
func peerOf(cs *tls.ConnectionState) *Peer {
	p := &Peer{Secure: true}
	if len(cs.VerifiedChains) > 0 {
		p.Certificate = cs.PeerCertificates[0]
		p.Names = identities(p.Certificate)
	}
	return p
}

// identities are the names that a certificate proves: the hosts of its URIs of scheme sip that name
// no user, and only when there is none its DNS names (RFC 5922 7.1). Ours beyond the RFC: literal
// addresses count, too, because trunks are configured by address.
func identities(c *x509.Certificate) []string {
	var out []string
	for _, u := range c.URIs {
		host := u.Opaque // sip:example.org has no slashes
		host, _, _ = strings.Cut(host, ";")
		host, _, _ = strings.Cut(host, "?")
		if !strings.EqualFold(u.Scheme, "sip") || host == "" || strings.Contains(host, "@") {
			continue
		}
		if at, err := netip.ParseAddrPort(host); err == nil {
			host = at.Addr().String()
		} else if name, _, ok := strings.Cut(host, ":"); ok && !strings.HasPrefix(host, "[") {
			host = name
		}
		out = append(out, canonicalName(host))
	}
	if len(out) == 0 {
		for _, name := range c.DNSNames {
			out = append(out, canonicalName(name))
		}
	}
	for _, ip := range c.IPAddresses {
		if a, ok := netip.AddrFromSlice(ip); ok {
			out = append(out, a.Unmap().String())
		}
	}
	return slices.Compact(out)
}

// errName: the certificate is good and names somebody else.
var errName = errors.New("the certificate names somebody else")

// clientTLS is how we connect to the server called name; cfg holds our authorities and our own
// certificate. The chain is verified here and not by crypto/tls, which does not know SIP names.
func clientTLS(cfg *tls.Config, name string) *tls.Config {
	c := &tls.Config{}
	if cfg != nil {
		c = cfg.Clone()
	}
	c.MinVersion = max(c.MinVersion, tls.VersionTLS12)
	c.ServerName = name
	c.InsecureSkipVerify = true // VerifyConnection does it, resumed sessions included
	roots, now := c.RootCAs, c.Time
	c.VerifyConnection = func(cs tls.ConnectionState) error {
		opts := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool()}
		if now != nil {
			opts.CurrentTime = now()
		}
		for _, cert := range cs.PeerCertificates[1:] {
			opts.Intermediates.AddCert(cert)
		}
		if _, err := cs.PeerCertificates[0].Verify(opts); err != nil {
			return err
		}
		if p := (Peer{Names: identities(cs.PeerCertificates[0])}); !p.Is(name) {
			return fmt.Errorf("%w: want %s, it proves %s", errName, name, strings.Join(p.Names, ", "))
		}
		return nil
	}
	return c
}
