package resolve

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
	"go.uber.org/goleak"

	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/siptest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const zone = `
example.it. 60 IN SOA ns.example.it. root.example.it. 1 1 1 1 30
example.it. IN NAPTR 50 50 "s" "SIPS+D2T" "" _sips._tcp.example.it.
example.it. IN NAPTR 90 50 "s" "SIP+D2T" "" _sip._tcp.example.it.
example.it. IN NAPTR 100 50 "s" "SIP+D2U" "" _sip._udp.example.it.
example.it. IN NAPTR 10 50 "s" "SIP+D2S" "" _sip._sctp.example.it.
example.it. IN NAPTR 10 50 "u" "E2U+sip" "!^.*$!sip:x@y!" .
_sips._tcp.example.it. IN SRV 0 1 5061 one.example.it.
_sip._tcp.example.it. IN SRV 0 1 5060 one.example.it.
_sip._udp.example.it. IN SRV 0 1 5060 one.example.it.
_sip._udp.example.it. IN SRV 1 1 5070 two.example.it.
one.example.it. IN A 192.0.2.1
one.example.it. IN AAAA 2001:db8::1
two.example.it. IN CNAME real.example.it.
real.example.it. IN A 192.0.2.2
bare.example.it. IN A 192.0.2.3
srv.example.it. IN A 192.0.2.99
_sip._udp.srv.example.it. IN SRV 0 0 5080 one.example.it.
_sip._tcp.srv.example.it. IN SRV 0 0 5080 one.example.it.
closed.example.it. IN A 192.0.2.98
_sip._udp.closed.example.it. IN SRV 0 0 0 .
loop.example.it. IN CNAME pool.example.it.
pool.example.it. IN CNAME loop.example.it.
trap.example.it. IN A 127.0.0.1
trap.example.it. IN A 169.254.169.254
half.example.it. IN A 127.0.0.1
half.example.it. IN A 192.0.2.4
`

const (
	ns1 = "192.0.2.53:53"
	ns2 = "192.0.2.54:53"
)

// bubble runs f with a resolver and its name servers on a clock of their own.
func bubble(t *testing.T, change func(*Config), f func(r *Resolver, d *siptest.DNS)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := siptest.NewDNS(t, zone)
		cfg := Config{Servers: []string{ns1, ns2}, Dial: d.Dial, Random: func(int) int { return 0 },
			Allow: func(a netip.Addr) bool { return !a.IsLoopback() && !a.IsLinkLocalUnicast() }}
		if change != nil {
			change(&cfg)
		}
		r := New(cfg)
		f(r, d)
		r.Close()
		synctest.Wait()
	})
}

func texts(list []Target) string {
	var out []string
	for _, t := range list {
		out = append(out, t.Transport.String()+" "+t.Addr.String())
	}
	return strings.Join(out, ", ")
}

func TestTargets_RFC3263_4(t *testing.T) {
	all := []flow.Transport{flow.UDP, flow.TCP, flow.TLS}
	const (
		tls = "TLS [2001:db8::1]:5061, TLS 192.0.2.1:5061"
		tcp = "TCP [2001:db8::1]:5060, TCP 192.0.2.1:5060"
		udp = "UDP [2001:db8::1]:5060, UDP 192.0.2.1:5060, UDP 192.0.2.2:5070"
	)
	for _, tt := range []struct {
		uri   string
		speak []flow.Transport
		want  string
		err   error
	}{
		{uri: "sip:192.0.2.9", want: "UDP 192.0.2.9:5060"},
		{uri: "sip:192.0.2.9:6000;transport=tcp", want: "TCP 192.0.2.9:6000"},
		{uri: "sip:a@[2001:db8::9]", want: "UDP [2001:db8::9]:5060"},
		{uri: "sips:192.0.2.9", want: "TLS 192.0.2.9:5061"},
		{uri: "sips:192.0.2.9;transport=tcp", want: "TLS 192.0.2.9:5061"},
		{uri: "sip:x@example.it", want: tls + ", " + tcp + ", " + udp},
		{uri: "sip:x@EXAMPLE.it", speak: []flow.Transport{flow.UDP, flow.TCP}, want: tcp + ", " + udp},
		{uri: "sips:example.it", want: tls},
		{uri: "sip:example.it;transport=udp", want: udp},
		{uri: "sip:example.it;transport=TLS", want: tls},
		{uri: "sip:one.example.it:6000", want: "UDP [2001:db8::1]:6000, UDP 192.0.2.1:6000"},
		{uri: "sip:two.example.it:6000;transport=tcp", want: "TCP 192.0.2.2:6000"},
		{uri: "sips:two.example.it:6000", want: "TLS 192.0.2.2:6000"},
		{uri: "sip:bare.example.it", want: "UDP 192.0.2.3:5060"},
		{uri: "sip:bare.example.it;transport=tls", want: "TLS 192.0.2.3:5061"},
		{uri: "sip:srv.example.it", want: "UDP [2001:db8::1]:5080, UDP 192.0.2.1:5080, TCP [2001:db8::1]:5080, TCP 192.0.2.1:5080"},
		{uri: "sip:half.example.it", want: "UDP 192.0.2.4:5060"},
		{uri: "sip:nobody.example.it", err: ErrNotFound},
		{uri: "sip:closed.example.it", err: ErrNotFound},
		{uri: "sip:loop.example.it", err: ErrNotFound},
		{uri: "sip:trap.example.it", err: ErrDenied},
		{uri: "sip:127.0.0.1", err: ErrDenied},
		{uri: "sip:169.254.169.254:80", err: ErrDenied},
		{uri: "sips:example.it", speak: []flow.Transport{flow.UDP}, err: ErrTransport},
		{uri: "sips:example.it;transport=udp", err: ErrTransport},
		{uri: "sip:example.it;transport=ws", err: ErrTransport},
		{uri: "sip:a..b", err: ErrName},
	} {
		t.Run(tt.uri, func(t *testing.T) {
			bubble(t, func(c *Config) {
				if c.Transports = tt.speak; tt.speak == nil {
					c.Transports = all
				}
			}, func(r *Resolver, d *siptest.DNS) {
				q, ok := QueryOf([]byte(tt.uri))
				if !ok {
					t.Fatal("not read")
				}
				got, err := r.Targets(context.Background(), q)
				if texts(got) != tt.want || !errors.Is(err, tt.err) {
					t.Errorf("got %s, %v; want %s, %v", texts(got), err, tt.want, tt.err)
				}
				for _, g := range got {
					if g.Host != q.Host {
						t.Errorf("host %q, want %q", g.Host, q.Host)
					}
				}
			})
		})
	}
}

func TestQueryOf(t *testing.T) {
	t.Parallel()
	for _, uri := range []string{"tel:123", "http://x", "sip:", "sip:x;transport=pigeon", "sip:x;transport", ""} {
		if q, ok := QueryOf([]byte(uri)); ok {
			t.Errorf("%q: read as %+v", uri, q)
		}
	}
}

// A look-up whose first server is dead goes to the second in one Timeout, and begins there next time.
func TestDeadServer(t *testing.T) {
	bubble(t, nil, func(r *Resolver, d *siptest.DNS) {
		d.Behave(func(server, _ string, _ dns.Question) siptest.Mood { return siptest.Mood{Silent: server == ns1} })
		for i, want := range []time.Duration{time.Second, 0} {
			start := time.Now()
			host := []string{"one.example.it", "two.example.it"}[i]
			if _, err := r.Targets(context.Background(), Query{Host: host, Port: 5060}); err != nil || time.Since(start) != want {
				t.Errorf("look-up %d: %v after %v, want %v", i, err, time.Since(start), want)
			}
		}
	})
}

// When no server answers, the end comes within Total, and for some seconds nobody asks again.
func TestNoServer(t *testing.T) {
	bubble(t, nil, func(r *Resolver, d *siptest.DNS) {
		d.Behave(func(string, string, dns.Question) siptest.Mood { return siptest.Mood{Silent: true} })
		start := time.Now()
		_, err := r.Targets(context.Background(), Query{Host: "one.example.it", Port: 5060})
		if !errors.Is(err, ErrTimeout) || time.Since(start) > 3*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		d.Asked()
		_, err = r.Targets(context.Background(), Query{Host: "one.example.it", Port: 5060})
		if n := len(d.Asked()); !errors.Is(err, ErrTimeout) || n != 0 {
			t.Errorf("%v and %d more questions", err, n)
		}
	})
}

// Silence on NAPTR alone costs one and a half Timeouts and no call.
func TestNAPTRDropped(t *testing.T) {
	bubble(t, nil, func(r *Resolver, d *siptest.DNS) {
		d.Behave(func(_, _ string, q dns.Question) siptest.Mood { return siptest.Mood{Silent: q.Qtype == dns.TypeNAPTR} })
		start := time.Now()
		got, err := r.Targets(context.Background(), Query{Host: "example.it"})
		if err != nil || time.Since(start) != 1500*time.Millisecond || len(got) != 5 {
			t.Errorf("%s, %v after %v", texts(got), err, time.Since(start))
		}
	})
}

// SERVFAIL and REFUSED are no answers; a truncated answer is fetched over TCP.
func TestOddServers(t *testing.T) {
	for name, mood := range map[string]siptest.Mood{
		"SERVFAIL": {Rcode: dns.RcodeServerFailure}, "REFUSED": {Rcode: dns.RcodeRefused}, "truncated": {Truncate: true}, "slow": {After: 900 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, nil, func(r *Resolver, d *siptest.DNS) {
				d.Behave(func(server, _ string, _ dns.Question) siptest.Mood {
					if server == ns2 {
						return siptest.Mood{}
					}
					return mood
				})
				got, err := r.Targets(context.Background(), Query{Host: "bare.example.it", Port: 5060})
				if texts(got) != "UDP 192.0.2.3:5060" {
					t.Errorf("%s, %v", texts(got), err)
				}
			})
		})
	}
}

// Answers to other questions, of other numbers, and records of other names do nothing.
func TestLyingServer(t *testing.T) {
	bubble(t, nil, func(r *Resolver, d *siptest.DNS) {
		d.Behave(func(string, string, dns.Question) siptest.Mood {
			return siptest.Mood{Lie: []string{"evil.example.it. IN A 203.0.113.6", "other.example. IN A 203.0.113.6", "one.example.it. CH A 203.0.113.7"}}
		})
		got, err := r.Targets(context.Background(), Query{Host: "bare.example.it", Port: 5060})
		if texts(got) != "UDP 192.0.2.3:5060" {
			t.Errorf("%s, %v", texts(got), err)
		}
	})
}

// TTL, negative TTL from the SOA, and stale answers while no server is there.
func TestCache(t *testing.T) {
	bubble(t, nil, func(r *Resolver, d *siptest.DNS) {
		ask := func(host string, wantAsked int, wantErr error) {
			t.Helper()
			_, err := r.Targets(context.Background(), Query{Host: host, Port: 5060})
			if n := len(d.Asked()); n != wantAsked || !errors.Is(err, wantErr) {
				t.Errorf("%s: %d questions, %v; want %d, %v", host, n, err, wantAsked, wantErr)
			}
		}
		ask("bare.example.it", 2, nil) // A, and AAAA that is not there
		ask("bare.example.it", 0, nil)
		ask("nobody.example.it", 2, ErrNotFound)
		ask("nobody.example.it", 0, ErrNotFound)
		time.Sleep(31 * time.Second) // the SOA says 30 s
		ask("nobody.example.it", 2, ErrNotFound)
		ask("bare.example.it", 1, nil) // AAAA again
		time.Sleep(60 * time.Second)
		d.Behave(func(string, string, dns.Question) siptest.Mood { return siptest.Mood{Rcode: dns.RcodeServerFailure} })
		_, err := r.Targets(context.Background(), Query{Host: "bare.example.it", Port: 5060})
		if err != nil || r.Stats().Stale != 1 {
			t.Errorf("no stale answer: %v, %+v", err, r.Stats())
		}
		time.Sleep(time.Hour)
		if _, err = r.Targets(context.Background(), Query{Host: "bare.example.it", Port: 5060}); !errors.Is(err, ErrTimeout) {
			t.Errorf("after an hour: %v", err)
		}
	})
}

// A hundred who ask the same at a time ask once; more than Open names wait, more than Waiting are refused.
func TestConcurrent(t *testing.T) {
	bubble(t, func(c *Config) { c.Open, c.Waiting = 2, 2 }, func(r *Resolver, d *siptest.DNS) {
		d.Behave(func(string, string, dns.Question) siptest.Mood { return siptest.Mood{After: 100 * time.Millisecond} })
		errs := make(chan error)
		for range 100 {
			go func() { // ends with its look-up
				_, err := r.Targets(context.Background(), Query{Host: "bare.example.it", Port: 5060})
				errs <- err
			}()
		}
		for range 100 {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		if n := len(d.Asked()); n != 2 {
			t.Errorf("%d questions, want 2", n)
		}
		for i := range 4 {
			go func() { // ends with its look-up
				_, err := r.Targets(context.Background(), Query{Host: fmt.Sprintf("n%d.example.it", i), Port: 5060})
				errs <- err
			}()
		}
		busy := 0
		for range 4 {
			if errors.Is(<-errs, ErrBusy) {
				busy++
			}
		}
		if busy != 2 { // four questions fit: two names
			t.Errorf("%d were refused, want 2", busy)
		}
	})
}

// The table of answers is bounded, and what is waited for stays.
func TestRoom(t *testing.T) {
	bubble(t, func(c *Config) { c.Entries = 32 }, func(r *Resolver, d *siptest.DNS) {
		for i := range 500 {
			_, _ = r.Targets(context.Background(), Query{Host: fmt.Sprintf("n%d.example.it", i), Port: 5060})
			if n := r.Stats().Kept; n > 32 {
				t.Fatalf("%d answers kept", n)
			}
		}
	})
}

// A caller who leaves does not spoil the answer of the others, and Close ends all.
func TestLeaving(t *testing.T) {
	bubble(t, nil, func(r *Resolver, d *siptest.DNS) {
		d.Behave(func(string, string, dns.Question) siptest.Mood { return siptest.Mood{After: 500 * time.Millisecond} })
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
		defer cancel()
		if _, err := r.Targets(ctx, Query{Host: "bare.example.it", Port: 5060}); !errors.Is(err, ErrTimeout) {
			t.Errorf("%v, want ErrTimeout", err)
		}
		if _, err := r.Targets(context.Background(), Query{Host: "bare.example.it", Port: 5060}); err != nil || len(d.Asked()) != 2 {
			t.Errorf("%v", err)
		}
		r.Close()
		if _, err := r.Targets(context.Background(), Query{Host: "one.example.it", Port: 5060}); !errors.Is(err, ErrTimeout) {
			t.Errorf("after Close: %v", err)
		}
	})
}

func rrs(t testing.TB, lines ...string) (out []dns.RR) {
	t.Helper()
	for _, l := range lines {
		rr, err := dns.NewRR(l)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, rr)
	}
	return out
}

// Priorities are kept; within one the first place goes by weight (RFC 2782).
func TestServers_RFC2782(t *testing.T) {
	t.Parallel()
	list := rrs(t, "x. SRV 2 0 1 c.", "x. SRV 1 1 1 a.", "x. SRV 1 3 1 b.", "x. SRV 0 0 1 z.", "x. SRV 0 0 1 y.", "x. SRV 0 5 1 .")
	first := map[string]int{}
	for draw := range 5 { // sum of the weights is 4, both ends are drawn
		seen := 0
		got := servers(list, func(n int) int {
			if seen++; seen == 3 {
				if n != 5 {
					t.Fatalf("drew below %d, want 5", n)
				}
				return draw
			}
			return 0
		})
		names := []string{}
		for _, s := range got {
			names = append(names, s.Target)
		}
		if len(names) != 5 || names[4] != "c." || !slices.Contains(names[:2], "y.") || !slices.Contains(names[:2], "z.") {
			t.Errorf("draw %d: %v", draw, names)
		}
		first[names[2]]++
	}
	if first["a."] != 2 || first["b."] != 3 {
		t.Errorf("first within priority 1: %v", first)
	}
}

// Whatever a zone holds, services and servers neither panic nor lose the order.
func FuzzServers(f *testing.F) {
	f.Add(uint16(1), uint16(0), uint16(1), uint16(9), uint16(0), uint16(65535), 3)
	f.Fuzz(func(t *testing.T, p1, w1, p2, w2, p3, w3 uint16, draw int) {
		list := []dns.RR{&dns.SRV{Priority: p1, Weight: w1, Port: 1, Target: "a."}, &dns.SRV{Priority: p2, Weight: w2, Port: 1, Target: "b."},
			&dns.SRV{Priority: p3, Weight: w3, Port: 1, Target: "c."}}
		got := servers(list, func(n int) int { return int(uint(draw) % uint(n)) })
		if len(got) != 3 {
			t.Fatalf("%d of 3 records", len(got))
		}
		if !slices.IsSortedFunc(got, func(a, b *dns.SRV) int { return int(a.Priority) - int(b.Priority) }) {
			t.Fatalf("order lost: %v", got)
		}
	})
}
