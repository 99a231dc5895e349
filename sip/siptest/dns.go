package siptest

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// A DNS is any number of name servers, by address, that know the same zone and are reached over
// in-memory connections. Its methods are safe for concurrent use.
type DNS struct {
	tb testing.TB

	mu    sync.Mutex // guards all below
	zone  []dns.RR
	mood  func(server, network string, q dns.Question) Mood
	asked []string
}

// A Mood is how a name server takes one question. The zero value answers at once.
type Mood struct {
	Silent   bool          // never answers
	After    time.Duration // answers late
	Rcode    int           // refuses, with this code
	Truncate bool          // says over UDP that the answer does not fit
	Lie      []string      // says before, with another number and for another question, and once in the answer itself
}

// NewDNS returns servers for a zone in the text form of RFC 1035 5, with names fully qualified.
func NewDNS(tb testing.TB, zone string) *DNS {
	d := &DNS{tb: tb}
	d.Load(zone)
	return d
}

// Load replaces the zone.
func (d *DNS) Load(zone string) {
	d.tb.Helper()
	list := d.parse(zone)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.zone = list
}

func (d *DNS) parse(text string) (out []dns.RR) {
	d.tb.Helper()
	p := dns.NewZoneParser(strings.NewReader(text), ".", "")
	p.SetDefaultTTL(60)
	for rr, ok := p.Next(); ok; rr, ok = p.Next() {
		out = append(out, rr)
	}
	if err := p.Err(); err != nil {
		d.tb.Fatal(err)
	}
	return out
}

// Behave sets how questions are taken.
func (d *DNS) Behave(f func(server, network string, q dns.Question) Mood) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.mood = f
}

// Asked returns the questions so far, "SRV _sip._udp.example.it.", and forgets them.
func (d *DNS) Asked() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := d.asked
	d.asked = nil
	return out
}

// Dial connects to the server of that address.
func (d *DNS) Dial(_ context.Context, network, address string) (net.Conn, error) {
	near, far := net.Pipe()
	go d.serve(far, network, address) // ends when the caller closes its end
	return near, nil
}

func (d *DNS) serve(c net.Conn, network, server string) {
	defer func() { _ = c.Close() }()
	conn := &dns.Conn{Conn: c}
	for {
		q, err := conn.ReadMsg()
		if err != nil {
			return
		}
		for _, m := range d.reply(q, network, server) {
			if conn.WriteMsg(m) != nil {
				return
			}
		}
	}
}

func (d *DNS) reply(m *dns.Msg, network, server string) []*dns.Msg {
	q := m.Question[0]
	d.mu.Lock()
	d.asked = append(d.asked, dns.TypeToString[q.Qtype]+" "+q.Name)
	mood := Mood{}
	if d.mood != nil {
		mood = d.mood(server, network, q)
	}
	zone := d.zone
	d.mu.Unlock()
	time.Sleep(mood.After)
	r := new(dns.Msg).SetReply(m)
	switch {
	case mood.Silent:
		return nil
	case mood.Rcode != 0:
		r.Rcode = mood.Rcode
		return []*dns.Msg{r}
	case mood.Truncate && network == "udp":
		r.Truncated = true
		return []*dns.Msg{r}
	}
	fill(r, zone, q)
	if mood.Lie == nil {
		return []*dns.Msg{r}
	}
	lies := d.parse(strings.Join(mood.Lie, "\n"))
	number, other := r.Copy(), r.Copy()
	number.Id++
	number.Answer = lies
	other.Question[0].Name = "other.example."
	other.Answer = lies
	r.Answer = append(lies, r.Answer...)
	return []*dns.Msg{number, other, r}
}

// fill answers q from the zone, along CNAMEs; with the SOA when there is nothing.
func fill(r *dns.Msg, zone []dns.RR, q dns.Question) {
	name, known := q.Name, false
	for range 10 {
		next := ""
		for _, rr := range zone {
			h := rr.Header()
			if !strings.EqualFold(h.Name, name) {
				continue
			}
			known = true
			c, alias := rr.(*dns.CNAME)
			if alias {
				next = c.Target
			}
			if alias || h.Rrtype == q.Qtype {
				r.Answer = append(r.Answer, rr)
			}
		}
		if next == "" {
			break
		}
		name = next
	}
	if len(r.Answer) > 0 {
		return
	}
	if !known {
		r.Rcode = dns.RcodeNameError
	}
	for _, rr := range zone {
		if rr.Header().Rrtype == dns.TypeSOA {
			r.Ns = append(r.Ns, rr)
		}
	}
}
