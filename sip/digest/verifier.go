package digest

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
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
	// AnyUser accepts a digest-uri without the user part of the Request-URI, as
	// some testers send it (SIPp: sip:HOST:PORT).
	AnyUser bool
	// Replay is how many nonces are remembered against replay. Default 65536
	// (about 7 MB when full).
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
		if hexLen(a) == 0 {
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

// A Lookup finds the account of a user name, exactly as sent; false when there is none. It runs
// on the goroutine of Verify and should cost the same for both.
type Lookup func(user string) (ha1 HA1, ok bool)

// A Verifier challenges and verifies for one realm. Safe for concurrent use.
type Verifier struct {
	cfg    Config
	lookup Lookup
	decoy  HA1       // of users that do not exist; nobody knows it
	macs   sync.Pool // of *mac, keyed with Secret
	replay *replay
}

// New makes a Verifier. Its error joins every fault of cfg.
func New(cfg Config, lookup Lookup) (*Verifier, error) {
	if err := cfg.setDefaults(); err != nil {
		return nil, err
	}
	// Nonces from before this moment may have been used in an earlier life.
	start := cfg.Now().Add(-time.Millisecond)
	v := &Verifier{cfg: cfg, lookup: lookup, replay: newReplay(cfg.Replay, start), decoy: Password(cfg.Realm, "", rand.Text())}
	v.macs.New = func() any { return &mac{hash: hmac.New(sha256.New, v.cfg.Secret)} }
	return v, nil
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
		end := `, qop="auth"`
		if stale {
			end = `, qop="auth", stale=true`
		}
		out = append(out, `Digest realm="`+v.cfg.Realm+`", nonce="`+nonce+`", algorithm=`+alg+end)
	}
	return out
}

// A Request is what credentials must be made for.
type Request struct {
	Source netip.Addr
	Method string
	URI    string // the Request-URI
	// Print tells a request from all others, and stays when it is sent again by who is
	// without a transaction to answer it. The nonce count may then come again with
	// the same Print. 0: it may not.
	Print uint64
}

// A Proof is what right credentials show.
type Proof struct {
	User string
	// Again: this very request was verified before, as its Print says.
	Again bool
}

// Verify checks one Authorization value of a request. The error is ErrMissing, ErrStale
// or ErrDenied.
//
// Work and answer do not depend on whether the user exists. Credentials whose nonce
// was not given to the network of the source are ErrStale, whatever else is in them:
// who forges his source never gets as far as ErrDenied, and a telephone whose address
// changed asks once more. Each success uses up one nonce count, so call Verify once
// per request.
func (v *Verifier) Verify(r Request, authorization string) (Proof, error) {
	if authorization == "" {
		return Proof{}, ErrMissing
	}
	c, err := ParseCredentials(authorization)
	if err != nil {
		return Proof{}, ErrDenied
	}
	return v.check(&r, &c)
}

// check is Verify for credentials that are read already.
func (v *Verifier) check(r *Request, c *Credentials) (Proof, error) {
	if c.Realm != v.cfg.Realm {
		return Proof{}, ErrMissing
	}
	id, ok := v.openNonce(c.Nonce, r.Source)
	if !ok {
		return Proof{}, ErrStale
	}
	// From here on the sender receives at his address.
	if !v.proves(r.Method, c) || !sameURI(c.URI, r.URI, v.cfg.AnyUser) {
		return Proof{}, ErrDenied
	}
	// From here on he knows the password.
	if age := v.cfg.Now().Sub(id.time()); age > v.cfg.NonceLife || age < -time.Second {
		return Proof{}, ErrStale
	}
	nc, err := strconv.ParseUint(c.NC, 16, 32)
	if err != nil || nc == 0 {
		return Proof{}, ErrDenied
	}
	switch v.replay.accept(id, uint32(nc), r.Print) {
	case fresh:
		return Proof{User: c.Username}, nil
	case again:
		return Proof{User: c.Username, Again: true}, nil
	}
	return Proof{}, ErrStale
}

// VerifyAny is Verify over all Authorization values of a request: the first for
// our realm counts (RFC 3261 22.3).
func (v *Verifier) VerifyAny(r Request, authorizations []string) (Proof, error) {
	for _, a := range authorizations {
		if p, err := v.Verify(r, a); !errors.Is(err, ErrMissing) {
			return p, err
		}
	}
	return Proof{}, ErrMissing
}

// proves tells whether the response was made by somebody who knows the password
// of the user it names. For users and algorithms that we do not have it does the
// same computation with a made-up HA1.
func (v *Verifier) proves(method string, c *Credentials) bool {
	alg, known := c.Algorithm, slices.Contains(v.cfg.Algorithms, c.Algorithm)
	if !known {
		alg = v.cfg.Algorithms[0]
	}
	ha1, exists := v.lookup(c.Username)
	secret := ha1.of(alg)
	if !exists || len(secret) != hexLen(alg) {
		secret, exists = v.decoy.of(alg), false
	}
	var want, got [2 * sha256.Size]byte
	n := len(appendResponse(want[:0], alg, secret, method, c))
	same := len(c.Response) == n
	for i := range min(n, len(c.Response)) { // hex in either case
		got[i] = c.Response[i]
		if got[i] >= 'A' && got[i] <= 'F' {
			got[i] += 'a' - 'A'
		}
	}
	equal := subtle.ConstantTimeCompare(want[:n], got[:n]) == 1
	return same && equal && exists && known && strings.EqualFold(c.QOP, "auth") && len(c.NC) == 8 && c.CNonce != ""
}
