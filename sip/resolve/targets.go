package resolve

import (
	"context"
	"errors"
	"net/netip"
	"slices"

	"github.com/miekg/dns"

	"github.com/lineaamica/la2/sip/flow"
)

// Most targets of one query.
const maxTargets = 16

// A hop is a host to find the addresses of.
type hop struct {
	transport flow.Transport
	host      string
	port      uint16
}

// Targets returns where a request with such a URI goes, the best first. It blocks until the name
// servers have answered, at most until ctx ends or three times Config.Total. The error is one of
// this package's.
func (r *Resolver) Targets(ctx context.Context, q Query) ([]Target, error) {
	if err := r.speaks(q); err != nil {
		return nil, err
	}
	if ip, err := netip.ParseAddr(q.Host); err == nil {
		t := Target{r.plain(q), netip.AddrPortFrom(ip.Unmap(), port(r.plain(q), q.Port)), q.Host}
		return r.allowed([]Target{t}, nil)
	}
	if _, ok := dns.IsDomainName(q.Host); !ok || q.Host == "" || q.Host == "." {
		return nil, ErrName
	}
	hops, err := r.hops(ctx, q)
	if err != nil {
		return nil, err
	}
	return r.addresses(ctx, q.Host, hops)
}

// speaks tells whether the URI leaves a transport that we have.
func (r *Resolver) speaks(q Query) error {
	ok := q.Transport == 0 || slices.Contains(r.cfg.Transports, r.plain(q))
	if q.Secure && (q.Transport == flow.UDP || !slices.Contains(r.cfg.Transports, flow.TLS)) {
		ok = false
	}
	if !ok {
		return ErrTransport
	}
	return nil
}

// plain is the transport without a look-up: the one named, else UDP, TLS for sips (4.1).
func (r *Resolver) plain(q Query) flow.Transport {
	switch {
	case q.Secure:
		return flow.TLS
	case q.Transport != 0:
		return q.Transport
	}
	return flow.UDP
}

func port(t flow.Transport, given uint16) uint16 {
	switch {
	case given != 0:
		return given
	case t == flow.TLS:
		return 5061
	}
	return 5060
}

// hops finds transports, hosts and ports (4.1, 4.2).
func (r *Resolver) hops(ctx context.Context, q Query) ([]hop, error) {
	self := hop{r.plain(q), q.Host, port(r.plain(q), q.Port)}
	if q.Port != 0 {
		return []hop{self}, nil
	}
	list, err := r.choose(ctx, q)
	if err != nil {
		return nil, err
	}
	var questions []*answer
	for _, s := range list {
		questions = append(questions, r.ask(s.name, dns.TypeSRV))
	}
	var out []hop
	some := false // SRV records exist, be it to say that there is no service
	for i, a := range questions {
		records, err := a.wait(ctx)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return nil, err
		}
		some = some || len(records) > 0
		for _, s := range servers(records, r.cfg.Random) {
			out = append(out, hop{list[i].transport, s.Target, s.Port})
		}
	}
	switch {
	case len(out) > 0:
		return out, nil
	case some:
		return nil, ErrNotFound
	}
	return []hop{self}, nil
}

// choose finds the transports of a name without a port: the one that the URI names, else what
// NAPTR offers, else all that we speak (4.1).
func (r *Resolver) choose(ctx context.Context, q Query) ([]service, error) {
	if q.Transport != 0 || q.Secure && !slices.Contains(r.cfg.Transports, flow.TLS) {
		t := r.plain(q)
		return []service{{t, srvName(t, q.Host)}}, nil
	}
	// Who drops this type must not cost the caller more than one server that is silent.
	brief, cancel := context.WithTimeout(ctx, 3*r.cfg.Timeout/2)
	defer cancel()
	records, err := r.ask(q.Host, dns.TypeNAPTR).wait(brief)
	if err != nil && !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrTimeout) {
		return nil, err
	}
	if list := services(records, r.cfg.Transports, q.Secure); len(list) > 0 {
		return list, nil
	}
	var out []service
	for _, t := range r.cfg.Transports {
		if !q.Secure || t == flow.TLS {
			out = append(out, service{t, srvName(t, q.Host)})
		}
	}
	return out, nil
}

// addresses finds the addresses of all hops, asked for at once, and keeps their order.
func (r *Resolver) addresses(ctx context.Context, host string, hops []hop) ([]Target, error) {
	type pair struct{ six, four *answer }
	var pairs []pair
	for _, h := range hops {
		p := pair{}
		if _, err := netip.ParseAddr(h.host); err != nil {
			p = pair{r.ask(h.host, dns.TypeAAAA), r.ask(h.host, dns.TypeA)}
		}
		pairs = append(pairs, p)
	}
	var out []Target
	failed := ErrNotFound
	for i, p := range pairs {
		if p.six == nil {
			continue // an SRV target has to be a name (RFC 2782)
		}
		for _, a := range [...]*answer{p.six, p.four} {
			records, err := a.wait(ctx)
			if err != nil && !errors.Is(err, ErrNotFound) {
				failed = err
			}
			for _, rr := range records {
				if ip, ok := addressOf(rr); ok {
					out = append(out, Target{hops[i].transport, netip.AddrPortFrom(ip, hops[i].port), host})
				}
			}
		}
	}
	return r.allowed(out, failed)
}

func addressOf(rr dns.RR) (netip.Addr, bool) {
	var ip netip.Addr
	ok := false
	switch rr := rr.(type) {
	case *dns.A:
		ip, ok = netip.AddrFromSlice(rr.A)
	case *dns.AAAA:
		ip, ok = netip.AddrFromSlice(rr.AAAA)
	}
	return ip.Unmap(), ok
}

// allowed drops what may not be sent to, and repetitions. failed is the error when there was
// nothing to begin with.
func (r *Resolver) allowed(list []Target, failed error) ([]Target, error) {
	if len(list) == 0 {
		return nil, failed
	}
	var out []Target
	for _, t := range list {
		switch {
		case !r.cfg.Allow(t.Addr.Addr()):
			r.refused.Add(1)
		case len(out) < maxTargets && !slices.Contains(out, t):
			out = append(out, t)
		}
	}
	if len(out) == 0 {
		return nil, ErrDenied
	}
	return out, nil
}
