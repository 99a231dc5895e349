package resolve

import (
	"context"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// Largest answer over UDP that we take (the advice of the DNS flag day 2020).
const udpSize = 1232

// exchange asks the servers in turn, beginning with the one that answered last, twice round.
// The answer says that there is something or that there is nothing; all else is ErrTimeout.
func (r *Resolver) exchange(ctx context.Context, q question) (*dns.Msg, error) {
	r.asked.Add(1)
	n := len(r.cfg.Servers)
	first := int(r.first.Load())
	for i := range 2 * n {
		if ctx.Err() != nil {
			break
		}
		at := (first + i) % n
		m, err := r.query(ctx, r.cfg.Servers[at], "udp", q)
		if err == nil && m.Truncated {
			m, err = r.query(ctx, r.cfg.Servers[at], "tcp", q)
		}
		if err == nil && (m.Rcode == dns.RcodeSuccess || m.Rcode == dns.RcodeNameError) {
			r.first.Store(uint32(at)) //nolint:gosec // below the number of servers
			return m, nil
		}
	}
	return nil, ErrTimeout
}

// query asks one server once. What comes with another number, or answers another question, is
// not for us and is read past until the time is over.
func (r *Resolver) query(ctx context.Context, server, network string, q question) (*dns.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.Timeout)
	defer cancel()
	c, err := r.cfg.Dial(ctx, network, server)
	if err != nil {
		return nil, err
	}
	conn := &dns.Conn{Conn: c, UDPSize: udpSize}
	defer func() { _ = conn.Close() }()
	// Ends the wait when ctx does.
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	m := new(dns.Msg).SetQuestion(q.name, q.qtype).SetEdns0(udpSize, false)
	if err := conn.WriteMsg(m); err != nil {
		return nil, err
	}
	for {
		got, err := conn.ReadMsg()
		if err != nil {
			return nil, err
		}
		if got.Response && got.Id == m.Id && len(got.Question) == 1 && got.Question[0].Qtype == q.qtype &&
			got.Question[0].Qclass == dns.ClassINET && strings.EqualFold(got.Question[0].Name, q.name) {
			return got, nil
		}
	}
}
