package resolve

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// How long an answer serves beyond its time while no server answers (RFC 8767), and how long a
// failure of all servers keeps us from asking again.
const (
	staleFor   = time.Hour
	failureTTL = 5 * time.Second
)

// Longest chain of CNAME that is followed.
const maxChain = 8

type question struct {
	name  string // fully qualified, lower case
	qtype uint16
}

// An answer is one that is there, when done is closed, or one that is being waited for.
type answer struct {
	done    chan struct{}
	records []dns.RR // of the type asked for
	err     error
	until   time.Time // of use from memory
	last    time.Time // of use when no server answers
}

var closed = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

// ask returns the answer to a question: from memory, or one that comes. All who ask the same
// while it is open share it.
func (r *Resolver) ask(name string, qtype uint16) *answer {
	q := question{strings.ToLower(dns.Fqdn(name)), qtype}
	r.mu.Lock()
	defer r.mu.Unlock()
	old := r.answers[q]
	if old != nil {
		select {
		case <-old.done:
			if time.Now().Before(old.until) {
				return old
			}
		default:
			return old
		}
	}
	switch {
	case r.life.Err() != nil:
		return &answer{done: closed, err: ErrTimeout}
	case r.open >= r.cfg.Open+r.cfg.Waiting:
		return &answer{done: closed, err: ErrBusy}
	}
	r.room()
	a := &answer{done: make(chan struct{})}
	r.answers[q] = a
	r.open++
	r.wg.Add(1)
	go r.answer(q, a, old) // ends after Config.Total, or with Close
	return a
}

// room makes place for one more answer: those out of date go first, then any that is there.
func (r *Resolver) room() {
	if len(r.answers) < r.cfg.Entries {
		return
	}
	now, gone := time.Now(), 0
	for pass := range 2 {
		for q, a := range r.answers {
			select {
			case <-a.done:
				if pass == 1 || now.After(a.last) {
					delete(r.answers, q)
					gone++
				}
			default:
			}
			if pass == 1 && gone > r.cfg.Entries/16 {
				return
			}
		}
		if gone > 0 {
			return
		}
	}
}

// answer asks q of the servers and fills a. old, if not nil, is what was known before.
func (r *Resolver) answer(q question, a, old *answer) {
	defer r.wg.Done()
	ctx, cancel := context.WithTimeout(r.life, r.cfg.Total)
	defer cancel()
	records, ttl, err := r.careful(ctx, q)
	now := time.Now()
	last := now.Add(ttl + staleFor)
	if errors.Is(err, ErrTimeout) {
		r.failed.Add(1)
		ttl, last = failureTTL, now.Add(failureTTL)
		if old != nil && old.err == nil && now.Before(old.last) {
			r.stale.Add(1)
			records, err, last = old.records, nil, old.last
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	a.records, a.err, a.until, a.last = records, err, now.Add(ttl), last
	r.open--
	close(a.done)
}

// careful is inquire; a panic over what a server wrote is one more server that does not answer.
func (r *Resolver) careful(ctx context.Context, q question) (records []dns.RR, ttl time.Duration, err error) {
	defer func() {
		if recover() != nil {
			records, ttl, err = nil, 0, ErrTimeout
		}
	}()
	return r.inquire(ctx, q)
}

// inquire waits for its turn and asks. An empty answer is ErrNotFound.
func (r *Resolver) inquire(ctx context.Context, q question) ([]dns.RR, time.Duration, error) {
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	case <-ctx.Done():
		return nil, 0, ErrTimeout
	}
	m, err := r.exchange(ctx, q)
	if err != nil {
		return nil, 0, err
	}
	records, ttl := pick(m, q)
	if len(records) == 0 {
		return nil, min(negative(m), r.cfg.NegativeTTL), ErrNotFound
	}
	return records, min(ttl, r.cfg.MaxTTL), nil
}

// wait returns the records of a when they are there.
func (a *answer) wait(ctx context.Context) ([]dns.RR, error) {
	select {
	case <-a.done:
		return a.records, a.err
	case <-ctx.Done():
		return nil, ErrTimeout
	}
}

// pick takes from m the records that answer q, along CNAMEs, and the shortest TTL among them.
// Records of other names, which a server may put in, are ignored.
func pick(m *dns.Msg, q question) (out []dns.RR, ttl time.Duration) {
	name, seconds := q.name, ^uint32(0)
	for range maxChain {
		next := ""
		for _, rr := range m.Answer {
			h := rr.Header()
			if !strings.EqualFold(h.Name, name) || h.Class != dns.ClassINET {
				continue
			}
			if c, ok := rr.(*dns.CNAME); ok {
				next = c.Target
				seconds = min(seconds, h.Ttl)
			}
			if h.Rrtype == q.qtype {
				out = append(out, rr)
				seconds = min(seconds, h.Ttl)
			}
		}
		if len(out) > 0 || next == "" {
			break
		}
		name = next
	}
	return out, time.Duration(seconds) * time.Second
}

// negative is how long "there is none" is true (RFC 2308 5).
func negative(m *dns.Msg) time.Duration {
	for _, rr := range m.Ns {
		if soa, ok := rr.(*dns.SOA); ok {
			return time.Duration(min(soa.Hdr.Ttl, soa.Minttl)) * time.Second
		}
	}
	return failureTTL
}
