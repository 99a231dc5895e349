package registrar

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/lineaamica/la2/sip/digest"
	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/location"
	"github.com/lineaamica/la2/sip/wire"
)

// A Verifier checks credentials. Satisfied by *digest.Verifier
// and *digest.Guard.
type Verifier interface {
	Challenge(src netip.Addr, stale bool) []string
	VerifyAny(r digest.Request, authorizations []string) (digest.Proof, error)
}

// Config of a Registrar. The zero value works.
type Config struct {
	// Domains for which we register, in any case. IP addresses are always ours,
	// since phones are often given nothing else. Default: every domain.
	Domains []string
	// Allowed tells whether an account with good credentials may register over a
	// flow; who may not gets 403. Default: every one.
	Allowed func(f flow.Flow, user string) bool
	// Certified tells whether a flow has shown a certificate that stands for the
	// user, who then needs no password. Default: none has.
	Certified func(f flow.Flow, user string) bool
	// Admit tells whether there is time for one more REGISTER; without it gets 503 and
	// comes again after 5 s to 30 s. Default: always.
	Admit func(flow.Flow) bool
	// MinExpires is the shortest registration; shorter ones get 423 (10.3 step
	// 7). Default 60s.
	MinExpires time.Duration
	// DefaultExpires holds when the phone names none. Default 1h.
	DefaultExpires time.Duration
	// MaxExpires shortens longer wishes. Default 2h.
	MaxExpires time.Duration
	// FlowTimer is how often a phone with outbound should say that its connection
	// lives (RFC 5626 10), in whole seconds. Default 120s.
	FlowTimer time.Duration
	// Now is the clock. Default time.Now.
	Now func() time.Time
}

func (c *Config) setDefaults() error {
	def := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	def(&c.MinExpires, time.Minute)
	def(&c.DefaultExpires, time.Hour)
	def(&c.MaxExpires, 2*time.Hour)
	def(&c.FlowTimer, 2*time.Minute)
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.MinExpires > c.DefaultExpires || c.DefaultExpires > c.MaxExpires {
		return fmt.Errorf("registrar: expires: want min %v <= default %v <= max %v", c.MinExpires, c.DefaultExpires, c.MaxExpires)
	}
	return nil
}

// Stats counts what happened to REGISTERs since start.
type Stats struct {
	Accepted   uint64 // 200, repeated ones included
	Repeated   uint64 // 200 to a request that had been answered before
	Challenged uint64 // 401 to a request without usable credentials, or stale ones
	Denied     uint64 // 401 to wrong credentials, and 403
	Refused    uint64 // all other errors
}

// A Registrar processes REGISTER. Safe for concurrent use.
type Registrar struct {
	cfg      Config
	table    *location.Table
	verifier Verifier
	domains  map[string]bool
	seed     maphash.Seed

	accepted, repeated, challenged, denied, refused atomic.Uint64
}

// New makes a Registrar. The error is about intervals that contradict.
func New(cfg Config, table *location.Table, v Verifier) (*Registrar, error) {
	if err := cfg.setDefaults(); err != nil {
		return nil, err
	}
	r := &Registrar{cfg: cfg, table: table, verifier: v, domains: map[string]bool{}, seed: maphash.MakeSeed()}
	for _, d := range cfg.Domains {
		r.domains[strings.ToLower(d)] = true
	}
	return r, nil
}

// Stats returns the counts.
func (r *Registrar) Stats() Stats {
	return Stats{r.accepted.Load(), r.repeated.Load(), r.challenged.Load(), r.denied.Load(), r.refused.Load()}
}

// A request is the REGISTER in hand.
type request struct {
	m     *wire.Message
	flow  flow.Flow
	print uint64 // see digest.Request
	again bool   // it was answered before
	state outboundState
}

// Answer appends the response to m, a REGISTER that Parse accepted and that came on f. It goes
// through RFC 3261 10.3 in order, and does not block but for what the table's OnChange does.
func (r *Registrar) Answer(dst []byte, f flow.Flow, m *wire.Message) []byte {
	q := &request{m: m, flow: f, print: r.print(f, m), state: outboundOf(m)}
	if r.cfg.Admit != nil && !r.cfg.Admit(f) {
		later := strconv.Itoa(5 + int(q.print%26)) // not all at once
		return r.refuse(dst, q, &fault{503, "Service Unavailable", []wire.Field{{Name: "Retry-After", Value: later}}})
	}
	to, misled := r.addressed(m)
	if misled != nil {
		return r.refuse(dst, q, misled)
	}
	if tags := unsupported(m); tags != "" {
		return r.refuse(dst, q, &fault{420, "Bad Extension", []wire.Field{{Name: "Unsupported", Value: tags}}})
	}
	aor, err := userOf(to)
	if err != nil || r.cfg.Certified == nil || !r.cfg.Certified(f, aor) {
		user, err := r.authenticate(q)
		if err != nil {
			return r.challenge(dst, q, err)
		}
		if aor != user {
			aor = ""
		}
	}
	if aor == "" || f.Remote == f.Local || r.cfg.Allowed != nil && !r.cfg.Allowed(f, aor) {
		r.denied.Add(1)
		return q.reply(dst, 403, "Forbidden")
	}
	bs, fault := r.update(q, location.AOR(aor))
	if fault != nil {
		return r.refuse(dst, q, fault)
	}
	r.accepted.Add(1)
	if q.again {
		r.repeated.Add(1)
	}
	return r.ok(dst, q, bs)
}

// print is the same for the same bytes from the same address. Nobody can choose it.
func (r *Registrar) print(f flow.Flow, m *wire.Message) uint64 {
	var h maphash.Hash
	h.SetSeed(r.seed)
	_, _ = h.Write(m.Raw())
	var from [18]byte
	a := f.Remote.Addr().As16()
	copy(from[:], a[:])
	binary.BigEndian.PutUint16(from[16:], f.Remote.Port())
	_, _ = h.Write(from[:])
	return h.Sum64() | 1
}

// addressed reads To and tells whether it and the Request-URI are for us (10.3 steps 1 and 5).
func (r *Registrar) addressed(m *wire.Message) (to wire.URI, f *fault) {
	uri, ok := wire.ParseURI(m.RequestURI())
	if !ok {
		return to, badURI(m.RequestURI())
	}
	value, _, ok := wire.NextAddress(m.Header("To"))
	if !ok {
		return to, &fault{status: 400, reason: "Bad To"}
	}
	if to, ok = wire.ParseURI(value.URI); !ok || !r.ours(uri.Host) || !r.ours(to.Host) {
		return to, &fault{status: 404, reason: "Not Found"}
	}
	return to, nil
}

// badURI tells a scheme that is not ours from a URI that nobody can read (8.2.2.1).
func badURI(uri []byte) *fault {
	scheme, _, _ := bytes.Cut(uri, []byte{':'})
	switch strings.ToLower(string(scheme)) {
	case "sip", "sips":
		return &fault{status: 400, reason: "Bad Request-URI"}
	}
	return &fault{status: 416, reason: "Unsupported URI Scheme"}
}

// ours tells whether we register for a host.
func (r *Registrar) ours(host []byte) bool {
	if len(r.domains) == 0 || r.domains[string(host)] || r.domains[strings.ToLower(string(host))] {
		return true
	}
	_, err := netip.ParseAddr(string(host))
	return err == nil
}

// userOf is the address-of-record that a URI names.
func userOf(u wire.URI) (string, error) {
	user, _, _ := strings.Cut(string(u.User), ":") // the password part
	return url.PathUnescape(user)
}

// authenticate returns the proven user.
func (r *Registrar) authenticate(q *request) (user string, err error) {
	var room [2]string
	sent := room[:0]
	for _, v := range q.m.Values("Authorization") {
		sent = append(sent, unfolded(v))
	}
	p, err := r.verifier.VerifyAny(digest.Request{Source: q.flow.Remote.Addr(), Method: "REGISTER",
		URI: string(q.m.RequestURI()), Print: q.print}, sent)
	q.again = p.Again
	return p.User, err
}

func (r *Registrar) challenge(dst []byte, q *request, err error) []byte {
	if errors.Is(err, digest.ErrDenied) {
		r.denied.Add(1)
	} else {
		r.challenged.Add(1)
	}
	var fields []wire.Field
	for _, c := range r.verifier.Challenge(q.flow.Remote.Addr(), errors.Is(err, digest.ErrStale)) {
		fields = append(fields, wire.Field{Name: "WWW-Authenticate", Value: c})
	}
	return q.reply(dst, 401, "Unauthorized", fields...)
}
