package digest

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Config of a Verifier.
type Config struct {
	// Realm is shown to the user and part of every HA1. Required; no quotes.
	Realm string
	// Algorithms to offer, the preferred first, one challenge each. Default MD5
	// alone, which every phone understands.
	Algorithms []string
	// Secret signs nonces, 16 bytes at least. Default: random for this process;
	// nonces from before a restart are then stale, which costs a phone one more
	// round trip and nothing else.
	Secret []byte
	// NonceLife is how long a nonce may be used. Default 5m; 10s at least.
	NonceLife time.Duration
	// BindSource ties a nonce to the address it was given to. It breaks phones
	// whose address changes (two uplinks, carrier NAT).
	BindSource bool
	// AnyUser accepts a digest-uri without the user part of the Request-URI, as
	// some testers send it (SIPp: sip:HOST:PORT).
	AnyUser bool
	// Replay is how many nonces are remembered against replay. Default 65536
	// (about 10 MB when full).
	Replay int
	// Now is the clock. Default time.Now.
	Now func() time.Time
}

func (c *Config) setDefaults() error {
	var errs []error
	if c.Realm == "" || strings.ContainsAny(c.Realm, "\"\\\r\n") {
		errs = append(errs, fmt.Errorf("digest: realm %q: is empty or holds a quote", c.Realm))
	}
	if len(c.Algorithms) == 0 {
		c.Algorithms = []string{MD5}
	}
	for _, a := range c.Algorithms {
		if newHash(a) == nil {
			errs = append(errs, fmt.Errorf("digest: algorithm %q: want %s or %s", a, MD5, SHA256))
		}
	}
	if c.Secret == nil {
		c.Secret = make([]byte, 32)
		rand.Read(c.Secret) // never fails since Go 1.24
	}
	if len(c.Secret) < 16 {
		errs = append(errs, fmt.Errorf("digest: secret of %d bytes: want 16 at least", len(c.Secret)))
	}
	if c.NonceLife == 0 {
		c.NonceLife = 5 * time.Minute
	}
	if c.NonceLife < 10*time.Second {
		errs = append(errs, fmt.Errorf("digest: nonce life %v: want 10s at least", c.NonceLife))
	}
	if c.Replay <= 0 {
		c.Replay = 65536
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return errors.Join(errs...)
}

// A Lookup finds the account of a user name, exactly as sent. It runs on the
// goroutine of Verify. For a user that it does not know it returns false with
// nil, when its HA1 are made by Password, or with a HA1 that costs the same as
// those of real users.
type Lookup func(user string) (ha1 HA1, ok bool)

// A Verifier challenges and verifies for one realm. Safe for concurrent use.
type Verifier struct {
	cfg    Config
	lookup Lookup
	replay *replay
}

// New makes a Verifier. Its error joins every fault of cfg.
func New(cfg Config, lookup Lookup) (*Verifier, error) {
	if err := cfg.setDefaults(); err != nil {
		return nil, err
	}
	// Nonces from before this moment may have been used in an earlier life.
	start := cfg.Now().Add(-time.Millisecond)
	return &Verifier{cfg: cfg, lookup: lookup, replay: newReplay(cfg.Replay, start)}, nil
}

// Realm is the realm of the challenges.
func (v *Verifier) Realm() string { return v.cfg.Realm }

// Challenge makes the values of the WWW-Authenticate (401) or Proxy-Authenticate
// (407) headers, one per algorithm, in order. stale says that the credentials
// were right but for their nonce.
func (v *Verifier) Challenge(src netip.Addr, stale bool) []string {
	nonce := v.newNonce(src)
	out := make([]string, 0, len(v.cfg.Algorithms))
	for _, alg := range v.cfg.Algorithms {
		s := `Digest realm="` + v.cfg.Realm + `", nonce="` + nonce + `", algorithm=` + alg + `, qop="auth"`
		if stale {
			s += ", stale=true"
		}
		out = append(out, s)
	}
	return out
}

// Verify checks one Authorization value of a request with that method and
// Request-URI, and returns the user it proves. The error is ErrMissing, ErrStale
// or ErrDenied.
//
// Work and answer do not depend on whether the user exists. Each success uses
// up one nonce count, so call Verify once per request.
func (v *Verifier) Verify(src netip.Addr, method, uri, authorization string) (user string, err error) {
	if authorization == "" {
		return "", ErrMissing
	}
	c, err := ParseCredentials(authorization)
	if err != nil {
		return "", ErrDenied
	}
	if c.Realm != v.cfg.Realm {
		return "", ErrMissing
	}
	if !v.proves(method, &c) || !sameURI(c.URI, uri, v.cfg.AnyUser) {
		return "", ErrDenied
	}
	// From here on the sender knows the password.
	id, ok := v.openNonce(c.Nonce, src)
	age := v.cfg.Now().Sub(id.time())
	if !ok || age > v.cfg.NonceLife || age < -time.Second {
		return "", ErrStale
	}
	nc, err := strconv.ParseUint(c.NC, 16, 32)
	if err != nil || nc == 0 {
		return "", ErrDenied
	}
	if !v.replay.accept(id, uint32(nc)) {
		return "", ErrStale
	}
	return c.Username, nil
}

// VerifyAny is Verify over all Authorization values of a request: the first for
// our realm with an algorithm of ours counts (RFC 3261 22.3).
func (v *Verifier) VerifyAny(src netip.Addr, method, uri string, authorizations []string) (user string, err error) {
	for _, a := range authorizations {
		if user, err = v.Verify(src, method, uri, a); !errors.Is(err, ErrMissing) {
			return user, err
		}
	}
	return "", ErrMissing
}

// proves tells whether the response was made by somebody who knows the password
// of the user it names. For users and algorithms that we do not have it does the
// same computation with a made-up HA1.
func (v *Verifier) proves(method string, c *Credentials) bool {
	alg, known := c.Algorithm, slices.Contains(v.cfg.Algorithms, c.Algorithm)
	if !known {
		alg = v.cfg.Algorithms[0]
	}
	h := newHash(alg)
	m := hmac.New(sha256.New, v.cfg.Secret)
	m.Write([]byte(c.Username))
	decoy := hex.EncodeToString(m.Sum(nil))[:2*h.Size()]

	ha1, exists := v.lookup(c.Username)
	if ha1 == nil {
		ha1, exists = Password(v.cfg.Realm, c.Username, decoy), false
	}
	secret := strings.ToLower(ha1(alg))
	if !exists || len(secret) != len(decoy) {
		secret, exists = decoy, false
	}
	want := response(h, secret, method, c)
	got := strings.ToLower(c.Response)
	equal := subtle.ConstantTimeCompare([]byte(want), []byte(got)) == 1
	return equal && exists && known && strings.EqualFold(c.QOP, "auth") && len(c.NC) == 8 && c.CNonce != ""
}
