// Package registrar answers REGISTER (RFC 3261 10.3) on top of package location
// and digest.
//
// Every request is authenticated, and credentials open only the address-of-record
// of their own user: another one is 403. The flow on which a REGISTER came is kept
// in the binding, and requests to the phone go back over it. Third parties cannot
// register for others. Omitted: Path (RFC 3327), outbound and GRUU (RFC 5626,
// 5627: neither is offered), Service-Route. The package owns no goroutine.
package registrar

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/sip/digest"
	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/location"
)

// A Tx is one REGISTER and the way to answer it. Satisfied by *transaction.Server.
type Tx interface {
	Request() *sip.Request
	Flow() flow.Flow
	NewResponse(status int, reason string) *sip.Response
	Reply(res *sip.Response)
	ReplyOnce(res *sip.Response)
}

// A Verifier checks credentials. Satisfied by *digest.Verifier
// and *digest.Guard.
type Verifier interface {
	Challenge(src netip.Addr, stale bool) []string
	VerifyAny(src netip.Addr, method, uri string, authorizations []string) (user string, err error)
}

// Config of a Registrar. The zero value works.
type Config struct {
	// Domains for which we register, in any case. IP addresses are always ours,
	// since phones are often given nothing else. Default: every domain.
	Domains []string
	// Allowed tells whether an account with good credentials may register; who may
	// not gets 403. Default: every one.
	Allowed func(user string) bool
	// MinExpires is the shortest registration; shorter ones get 423 (10.3 step
	// 7). Default 60s.
	MinExpires time.Duration
	// DefaultExpires holds when the phone names none. Default 1h.
	DefaultExpires time.Duration
	// MaxExpires shortens longer wishes. Default 2h.
	MaxExpires time.Duration
	// Now is the clock. Default time.Now.
	Now func() time.Time
}

// Stats counts what happened to REGISTERs since start.
type Stats struct {
	Accepted   uint64 // 200
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

	accepted, challenged, denied, refused atomic.Uint64
}

// New makes a Registrar. The error is about intervals that contradict.
func New(cfg Config, table *location.Table, v Verifier) (*Registrar, error) {
	if cfg.MinExpires <= 0 {
		cfg.MinExpires = time.Minute
	}
	if cfg.DefaultExpires <= 0 {
		cfg.DefaultExpires = time.Hour
	}
	if cfg.MaxExpires <= 0 {
		cfg.MaxExpires = 2 * time.Hour
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.MinExpires > cfg.DefaultExpires || cfg.DefaultExpires > cfg.MaxExpires {
		return nil, fmt.Errorf("registrar: expires: want min %v <= default %v <= max %v", cfg.MinExpires, cfg.DefaultExpires, cfg.MaxExpires)
	}
	r := &Registrar{cfg: cfg, table: table, verifier: v, domains: map[string]bool{}}
	for _, d := range cfg.Domains {
		r.domains[strings.ToLower(d)] = true
	}
	return r, nil
}

// Stats returns the counts.
func (r *Registrar) Stats() Stats {
	return Stats{r.accepted.Load(), r.challenged.Load(), r.denied.Load(), r.refused.Load()}
}

// Handle answers tx, in the order of RFC 3261 10.3. It does not block but for
// what the table's OnChange does.
func (r *Registrar) Handle(tx Tx) {
	req := tx.Request()
	to := req.To()
	if to == nil || req.CSeq() == nil || req.CallID() == nil {
		r.refuse(tx, 400, "Bad Request")
		return
	}
	if !r.ours(req.Recipient.Host) || !r.ours(to.Address.Host) {
		r.refuse(tx, 404, "Not Found")
		return
	}
	if tags := required(req); len(tags) > 0 {
		r.refuse(tx, 420, "Bad Extension", sip.NewHeader("Unsupported", strings.Join(tags, ", ")))
		return
	}
	user, ok := r.authenticate(tx)
	if !ok {
		return
	}
	aor, err := url.PathUnescape(to.Address.User)
	if err != nil || aor != user || r.cfg.Allowed != nil && !r.cfg.Allowed(user) {
		r.denied.Add(1)
		tx.Reply(tx.NewResponse(403, "Forbidden"))
		return
	}
	bs, fault := r.update(tx, location.AOR(user))
	if fault != nil {
		r.refuse(tx, fault.status, fault.reason, fault.headers...)
		return
	}
	r.accepted.Add(1)
	tx.Reply(r.ok(tx, bs))
}

// authenticate returns the proven user, or answers with a challenge.
func (r *Registrar) authenticate(tx Tx) (user string, ok bool) {
	req, src := tx.Request(), tx.Flow().Remote.Addr()
	var auths []string
	for _, h := range req.GetHeaders("Authorization") {
		auths = append(auths, h.Value())
	}
	user, err := r.verifier.VerifyAny(src, string(req.Method), req.Recipient.String(), auths)
	if err == nil {
		return user, true
	}
	if errors.Is(err, digest.ErrDenied) {
		r.denied.Add(1)
	} else {
		r.challenged.Add(1)
	}
	res := tx.NewResponse(401, "Unauthorized")
	for _, c := range r.verifier.Challenge(src, errors.Is(err, digest.ErrStale)) {
		res.AppendHeader(sip.NewHeader("WWW-Authenticate", c))
	}
	tx.ReplyOnce(res)
	return "", false
}

func (r *Registrar) refuse(tx Tx, status int, reason string, headers ...sip.Header) {
	r.refused.Add(1)
	res := tx.NewResponse(status, reason)
	for _, h := range headers {
		res.AppendHeader(h)
	}
	tx.ReplyOnce(res)
}

// ok lists all current bindings of the AOR (10.3 step 8).
func (r *Registrar) ok(tx Tx, bs []location.Binding) *sip.Response {
	res := tx.NewResponse(200, "OK")
	now := r.cfg.Now()
	for _, b := range bs {
		left := int((b.Expires.Sub(now) + time.Second - 1) / time.Second)
		v := "<" + b.Contact + ">;expires=" + strconv.Itoa(left)
		if b.Q < 1000 {
			v += ";q=" + strconv.FormatFloat(float64(b.Q)/1000, 'f', -1, 64)
		}
		res.AppendHeader(sip.NewHeader("Contact", v))
	}
	res.AppendHeader(sip.NewHeader("Date", now.UTC().Format("Mon, 02 Jan 2006 15:04:05")+" GMT"))
	return res
}

// ours tells whether we register for a host. IPv6 comes with or without brackets.
func (r *Registrar) ours(host string) bool {
	if len(r.domains) == 0 || r.domains[strings.ToLower(host)] {
		return true
	}
	_, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil
}

// required lists the option tags of Require: we support none of them here.
func required(req *sip.Request) []string {
	var tags []string
	for _, h := range req.GetHeaders("Require") {
		for tag := range strings.SplitSeq(h.Value(), ",") {
			if tag = strings.TrimSpace(tag); tag != "" {
				tags = append(tags, tag)
			}
		}
	}
	return tags
}
