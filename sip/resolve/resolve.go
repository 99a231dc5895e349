package resolve

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"

	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/wire"
)

// Why no target was found.
var (
	// ErrNotFound: the name, or what is needed of it, does not exist.
	ErrNotFound = errors.New("resolve: no such name")
	// ErrTimeout: no name server gave an answer in time; asking again may help.
	ErrTimeout = errors.New("resolve: no answer from the name servers")
	// ErrDenied: all addresses are such that nothing is sent to them.
	ErrDenied = errors.New("resolve: addresses are not allowed")
	// ErrTransport: the domain is reached by no transport that we speak.
	ErrTransport = errors.New("resolve: no common transport")
	// ErrName: the host is no domain name.
	ErrName = errors.New("resolve: not a domain name")
	// ErrBusy: too many questions are open.
	ErrBusy = errors.New("resolve: too many look-ups at a time")
)

// Config sets a Resolver. The zero value of each field but Servers works.
type Config struct {
	// Servers are the name servers, "IP:PORT", asked in order. Default: none; names get ErrTimeout.
	Servers []string
	// Dial opens a path to a name server; network is "udp" or "tcp". Default: net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Timeout is how long one server has for one question. Default 1 s.
	Timeout time.Duration
	// Total bounds one question over all servers. Default 3 s.
	Total time.Duration
	// Open is how many questions are asked at a time, Waiting how many more may wait for that.
	// Defaults 64 and 1024.
	Open, Waiting int
	// Entries is how many answers are kept. Default 10000.
	Entries int
	// MaxTTL bounds what a zone asks for, NegativeTTL the same for what is not there. Defaults 1 h
	// and 5 min.
	MaxTTL, NegativeTTL time.Duration
	// Transports are those that we speak, the preferred first. Default UDP, TCP.
	Transports []flow.Transport
	// Allow says whether messages may go to an address. Default: that of a node in the open, see
	// flow.Scope.
	Allow func(netip.Addr) bool
	// Random returns a number from 0 to n-1, for the weights of SRV. Default math/rand/v2.
	Random func(n int) int
}

func (c Config) withDefaults() Config {
	or := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	or(&c.Timeout, time.Second)
	or(&c.Total, 3*time.Second)
	or(&c.MaxTTL, time.Hour)
	or(&c.NegativeTTL, 5*time.Minute)
	if c.Open <= 0 {
		c.Open = 64
	}
	if c.Waiting <= 0 {
		c.Waiting = 1024
	}
	if c.Entries <= 0 {
		c.Entries = 10000
	}
	if len(c.Transports) == 0 {
		c.Transports = []flow.Transport{flow.UDP, flow.TCP}
	}
	if c.Dial == nil {
		c.Dial = (&net.Dialer{}).DialContext
	}
	if c.Random == nil {
		c.Random = rand.IntN
	}
	if c.Allow == nil {
		c.Allow = flow.Scope{}.Allows
	}
	return c
}

// SystemServers returns the name servers of this machine, from resolv.conf.
func SystemServers() ([]string, error) {
	c, err := dns.ClientConfigFromFile("/etc/resolv.conf")
	if err != nil {
		return nil, fmt.Errorf("resolve: %w", err)
	}
	var out []string
	for _, s := range c.Servers {
		out = append(out, net.JoinHostPort(s, c.Port))
	}
	return out, nil
}

// A Query is what a URI says about where it leads.
type Query struct {
	Host      string         // a domain name, or a literal address without brackets
	Port      uint16         // 0 when the URI has none
	Transport flow.Transport // 0 when the URI names none
	Secure    bool           // sips: TLS on this hop
}

// QueryOf reads a SIP or SIPS URI; ok is false for what is none or names an unknown transport.
func QueryOf(uri []byte) (q Query, ok bool) {
	u, ok := wire.ParseURI(uri)
	if !ok || len(u.Host) == 0 {
		return Query{}, false
	}
	q = Query{Host: string(u.Host), Port: u.Port, Secure: u.Secure}
	if t, named := u.Param("transport"); named {
		if q.Transport, ok = transportNamed(string(t)); !ok {
			return Query{}, false
		}
	}
	return q, true
}

func transportNamed(name string) (flow.Transport, bool) {
	for _, t := range [...]flow.Transport{flow.UDP, flow.TCP, flow.TLS, flow.WS, flow.WSS} {
		if strings.EqualFold(name, t.String()) {
			return t, true
		}
	}
	return 0, false
}

// A Target is one place to send to.
type Target struct {
	Transport flow.Transport
	Addr      netip.AddrPort
	Host      string // the host of the query: the name that a certificate must have (RFC 5922 4)
}

// Stats counts what a Resolver did; all grow but Kept.
type Stats struct {
	Asked   uint64 // questions that went to name servers
	Failed  uint64 // of these, those without an answer
	Stale   uint64 // answered from before, because no server did
	Refused uint64 // addresses that Allow refused
	Kept    int    // answers in memory
}

// A Resolver finds servers; see the package comment.
type Resolver struct {
	cfg   Config
	life  context.Context // ends with Close
	end   context.CancelFunc
	wg    sync.WaitGroup // questions
	slots chan struct{}  // one for each question that is being asked
	first atomic.Uint32  // the server that answered last

	mu      sync.Mutex // guards all below
	answers map[question]*answer
	open    int // answers that are not there yet

	asked, failed, stale, refused atomic.Uint64
}

// New returns a resolver. The caller closes it.
func New(cfg Config) *Resolver {
	r := &Resolver{cfg: cfg.withDefaults(), answers: map[question]*answer{}}
	r.slots = make(chan struct{}, r.cfg.Open)
	r.life, r.end = context.WithCancel(context.Background())
	return r
}

// Close ends all questions, with ErrTimeout, and waits for their goroutines.
func (r *Resolver) Close() {
	r.mu.Lock()
	r.end()
	r.mu.Unlock()
	r.wg.Wait()
}

// Stats returns the counters since New.
func (r *Resolver) Stats() Stats {
	r.mu.Lock()
	kept := len(r.answers)
	r.mu.Unlock()
	return Stats{r.asked.Load(), r.failed.Load(), r.stale.Load(), r.refused.Load(), kept}
}
