package node

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/lineaamica/la2/acd/route"
	"github.com/lineaamica/la2/configs"
	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/cti/metrics"
	"github.com/lineaamica/la2/numbering"
	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/location"
	"github.com/lineaamica/la2/sip/proxy"
	"github.com/lineaamica/la2/sip/resolve"
	"github.com/lineaamica/la2/sip/transaction"
	"github.com/lineaamica/la2/sip/wire"
)

// proxied is a contact to which calls are passed on instead of being bridged.
type proxied struct {
	number string
	uri    string
	query  resolve.Query
	addr   netip.AddrPort // of a literal address reached by UDP: no look-up, no waiting
	open   bool
}

// proxiedOf finds the routes of mode proxy, by number.
func proxiedOf(cfg *configs.Config) map[string]proxied {
	out := map[string]proxied{}
	for _, r := range cfg.Routes {
		q, ok := resolve.QueryOf([]byte(r.Contact))
		if r.Mode != "proxy" || !ok {
			continue
		}
		p := proxied{number: numbering.Canonical(r.User), uri: r.Contact, query: q, open: r.Open}
		if ip, err := netip.ParseAddr(q.Host); err == nil && !q.Secure && q.Transport <= flow.UDP {
			p.addr = netip.AddrPortFrom(ip.Unmap(), cmp.Or(q.Port, 5060))
		}
		out[p.number] = p
	}
	return out
}

func (n *Node) openProxy(ctx context.Context) error {
	secret, err := n.proxySecret(ctx)
	if err != nil {
		return err
	}
	n.proxy = proxy.New(proxy.Config{Address: n.flows.Address, Dial: n.dialNow, Alive: n.flows.Alive, Realm: n.cfg.SIP.Realm,
		Secret: secret, Logger: n.log}, n.flows)
	return nil
}

// proxySecret is what signs our Record-Route. It is kept, so that calls which pass through go on
// after a restart.
func (n *Node) proxySecret(ctx context.Context) (secret []byte, err error) {
	rows, key := n.store.Projection("proxy"), []byte("secret")
	err = rows.Update(ctx, func(tx cti.Tx) error {
		if secret = slices.Clone(tx.Get(key)); len(secret) > 0 {
			return nil
		}
		secret = make([]byte, 32)
		_, _ = rand.Read(secret) // never fails
		return tx.Put(key, secret)
	})
	if err != nil {
		return nil, fmt.Errorf("secret of the proxy: %w", err)
	}
	return secret, nil
}

// proxyValues are what the proxy and the look-up of names count.
func (n *Node) proxyValues() []metrics.Value {
	counter := func(name, help string, count func() uint64) metrics.Value {
		return metrics.Value{Name: name, Help: help, Counter: true, Func: func() float64 { return float64(count()) }}
	}
	return []metrics.Value{
		{Name: "la2_proxy_calls", Help: "Calls that pass through now; la2_sip_calls has them, too.", Func: func() float64 { return float64(n.passing.running()) }},
		counter("la2_proxy_requests_total", "Requests passed on.", func() uint64 { return n.proxy.Stats().Requests }),
		counter("la2_proxy_denied_total", "Requests refused because their route is not ours or leads elsewhere.", func() uint64 { return n.proxy.Stats().Denied }),
		counter("la2_proxy_looped_total", "Requests refused because they had been here before or had no hops left.", func() uint64 { s := n.proxy.Stats(); return s.Looped + s.Exhausted }),
		counter("la2_dns_questions_total", "Questions to name servers.", func() uint64 { return n.resolver.Stats().Asked }),
		counter("la2_dns_failed_total", "Questions that no name server answered.", func() uint64 { return n.resolver.Stats().Failed }),
	}
}

// dialNow gives a path that is there: UDP, or an open connection.
func (n *Node) dialNow(t flow.Transport, to netip.AddrPort) (flow.Flow, error) {
	return n.flows.Dial(n.atOnce, t, to)
}

// Relays takes what passes through as bytes: requests along a route that we recorded, and calls
// of strangers to an open contact. All others are admitted by Request.
func (r requestRoute) Relays(f flow.Flow, m *wire.Message) bool {
	if r.n.proxy.Mine(m) {
		return true
	}
	if _, peer := r.n.peer(f); peer {
		return false
	}
	to, ok := r.n.passes(m)
	return ok && to.open
}

// Relay passes such a request on.
func (r requestRoute) Relay(tx *transaction.Server) {
	m := tx.Wire()
	if r.n.proxy.Mine(m) {
		if r.n.proxy.InDialog(tx) {
			r.n.passing.follow(m)
		}
		return
	}
	to, _ := r.n.passes(m)
	r.n.shield.Lend(tx.Flow().Remote.Addr(), lent)
	r.pass(tx, to, cti.Inbound{Caller: strangerOf(m), Dialled: to.number})
}

// RelayAck passes on the ACK for a 2xx that went through us.
func (r requestRoute) RelayAck(f flow.Flow, m *wire.Message) bool { return r.n.proxy.Ack(f, m) }

// passes finds the proxied contact of a new call.
func (n *Node) passes(m *wire.Message) (proxied, bool) {
	if len(n.plan.proxied) == 0 || m.Method() != wire.Invite || len(m.ToTag()) > 0 {
		return proxied{}, false
	}
	uri, ok := wire.ParseURI(m.RequestURI())
	if !ok || !n.ours(string(uri.Host)) {
		return proxied{}, false
	}
	to, ok := n.plan.proxied[numbering.Canonical(string(uri.User))]
	return to, ok
}

// admits tells whether one more call may pass; it has answered if not.
func (r requestRoute) admits(tx *transaction.Server, m *wire.Message) bool {
	after := "5"
	switch {
	case r.n.draining.Load():
		after = "30"
	case r.n.running() < r.n.cfg.SIP.MaxCalls:
		return true
	}
	tx.Refuse(m, 503, "", wire.Field{Name: "Retry-After", Value: after})
	return false
}

// running is how many calls there are, bridged and passing through.
func (n *Node) running() int { return n.sw.Running() + n.passing.running() }

// pass forwards a new call to a proxied contact.
func (r requestRoute) pass(tx *transaction.Server, to proxied, in cti.Inbound) {
	m := tx.Wire()
	if !r.admits(tx, m) {
		return
	}
	_, seen := r.n.passing.begin(m, in, route.Target{Contact: to.uri})
	if !to.addr.IsValid() {
		r.n.passByName(tx, to, seen)
		return
	}
	f, err := r.n.dialNow(flow.UDP, to.addr)
	if err != nil {
		tx.Refuse(m, 500, "")
		tell(seen, 500)
		return
	}
	r.n.proxy.Forward(tx, proxy.Target{URI: to.uri, Flow: f}, seen)
}

// passByName is pass to a contact that has to be looked up or connected to. The request waits for
// that, its shard does not.
func (n *Node) passByName(tx *transaction.Server, to proxied, seen proxy.Seen) {
	m := new(wire.Message)
	if m.Parse(slices.Clone(tx.Wire().Raw())) != nil {
		tx.Refuse(tx.Wire(), 500, "")
		tell(seen, 500)
		return
	}
	go func() { // ends with the look-up and the dialling, both of which are bounded
		ctx, cancel := context.WithTimeout(context.Background(), lookupTime)
		defer cancel()
		plan := proxy.Plan{Failover: true, Seen: seen}
		targets, err := n.resolver.Targets(ctx, to.query)
		for _, t := range targets {
			if f, failed := n.flows.Dial(ctx, t.Transport, t.Addr); failed == nil {
				plan.Groups = append(plan.Groups, []proxy.Target{{URI: to.uri, Flow: f}})
			}
		}
		if len(plan.Groups) == 0 {
			n.log.Warn("no path to a contact", "contact", to.query.Host, "error", err)
		}
		tx.Do(func() { n.proxy.Fork(tx, m, plan) })
	}()
}

// lookupTime bounds the way to a contact: look-up and connection.
const lookupTime = 3 * time.Second

func tell(seen proxy.Seen, status int) {
	if seen != nil {
		seen(status, nil)
	}
}

// direct tells whether a call from station to station needs nothing of us but its way, and finds
// that way: who calls says in From who he is and asserts nothing else, no desktop works at either
// end, and the file wants it so. All else is bridged.
func (n *Node) direct(m *wire.Message, w who, t route.Target) (proxy.Plan, bool) {
	if n.cfg.SIP.DirectCalls != "proxy" || w.kind != station || t.Device == "" || n.plan.desks[w.device] || n.plan.desks[t.Device] {
		return proxy.Plan{}, false
	}
	address, _, ok := wire.NextAddress(m.Header("From"))
	from, sip := wire.ParseURI(address.URI)
	if !ok || !sip || string(from.User) != string(w.device) {
		return proxy.Plan{}, false
	}
	for _, name := range [...]string{"P-Asserted-Identity", "P-Preferred-Identity", "Remote-Party-ID", "Privacy", "Diversion",
		"History-Info", "User-to-User", "Identity"} {
		if m.Header(name) != nil {
			return proxy.Plan{}, false
		}
	}
	return n.stationPlan(t.Device)
}

// stationPlan is all bindings of a station (RFC 3261 16.6): those of one preference at a time, and
// of several flows of one telephone (RFC 5626) one after the other, the latest first.
func (n *Node) stationPlan(device cti.DeviceID) (proxy.Plan, bool) {
	type place struct{ q, rank int }
	groups := map[place][]proxy.Target{}
	flows := map[string]int{} // of an instance, so far
	for _, b := range n.location.Lookup(location.AOR(device)) {
		t, ok := n.bound(n.atOnce, &b) // what has to be connected first is not there
		if !ok {
			continue
		}
		to := proxy.Target{URI: b.Contact, Flow: t.Flow, Keep: b.Path == "" && (b.NAT || t.Flow.Transport != flow.UDP)}
		if b.Path != "" {
			to.Routes = []string{b.Path}
		}
		at := place{q: b.Q}
		if b.RegID > 0 {
			at.rank = flows[b.Instance]
			flows[b.Instance]++
		}
		groups[at] = append(groups[at], to)
	}
	plan := proxy.Plan{Ring: n.cfg.SIP.RingTime}
	order := slices.SortedFunc(maps.Keys(groups), func(a, b place) int { return cmp.Or(b.q-a.q, a.rank-b.rank) })
	for _, at := range order {
		plan.Groups = append(plan.Groups, groups[at])
	}
	return plan, len(plan.Groups) > 0
}

// passDirect forwards a call from station to station.
func (r requestRoute) passDirect(tx *transaction.Server, plan proxy.Plan, in cti.Inbound, t route.Target) {
	m := tx.Wire()
	if !r.admits(tx, m) {
		return
	}
	in.Call, plan.Seen = r.n.passing.begin(m, in, t)
	if plan.Seen != nil {
		r.n.stations.direct(in, t)
	}
	r.n.proxy.Fork(tx, m, plan)
}
