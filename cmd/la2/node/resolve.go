package node

import (
	"context"
	"net"
	"net/netip"
	"slices"

	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/resolve"
)

// openResolver sets up the look-up of names. Without name servers in the configuration those of
// the machine serve; without any, names lead nowhere and literal addresses still work.
func (n *Node) openResolver() {
	servers := make([]string, 0, len(n.cfg.SIP.NameServers))
	for _, s := range n.cfg.SIP.NameServers {
		servers = append(servers, nameServer(s))
	}
	if len(servers) == 0 && n.opts.Env.DialDNS == nil {
		var err error
		if servers, err = resolve.SystemServers(); err != nil {
			n.log.Warn("no name servers; only literal addresses are reached", "error", err)
		}
	}
	n.resolver = resolve.New(resolve.Config{Servers: servers, Dial: n.opts.Env.DialDNS, Transports: n.speaks(), Allow: n.reachable})
}

// nameServer adds the usual port to an address that has none; the file was checked when it was loaded.
func nameServer(s string) string {
	if a, err := netip.ParseAddr(s); err == nil {
		return netip.AddrPortFrom(a, 53).String()
	}
	return s
}

// speaks are the transports of our listeners, UDP first.
func (n *Node) speaks() (out []flow.Transport) {
	if len(n.udp) > 0 {
		out = append(out, flow.UDP)
	}
	for _, t := range []flow.Transport{flow.TCP, flow.TLS} {
		if slices.ContainsFunc(n.streams, func(s streamPort) bool { return s.transport == t }) {
			out = append(out, t)
		}
	}
	return out
}

// scope is where strangers may lead us: see flow.Scope.
func (n *Node) scope() flow.Scope {
	var local []netip.Addr
	for _, l := range n.cfg.SIP.Listen {
		local = append(local, l.Address.Addr())
	}
	return flow.ScopeOf(local...)
}

// reachable tells whether what a name server says is of use: in scope, and of a family that we have.
func (n *Node) reachable(a netip.Addr) bool {
	for _, l := range n.cfg.SIP.Listen {
		here := l.Address.Addr().Unmap()
		if here.Is4() == a.Unmap().Is4() || here == netip.IPv6Unspecified() {
			return n.scope().Allows(a)
		}
	}
	return false
}

// dialURI returns a flow to the first server of a SIP URI that can be had. It asks name servers,
// so it is for goroutines that may wait.
func (n *Node) dialURI(ctx context.Context, uri string) (flow.Flow, error) {
	q, ok := resolve.QueryOf([]byte(uri))
	if !ok {
		return flow.Flow{}, resolve.ErrName
	}
	targets, err := n.resolver.Targets(ctx, q)
	for _, t := range targets {
		var f flow.Flow
		if f, err = n.flows.DialName(ctx, t.Transport, t.Addr, t.Host); err == nil {
			return f, nil
		}
	}
	return flow.Flow{}, err
}

// DialDNS is how an Env connects to name servers.
type DialDNS func(ctx context.Context, network, address string) (net.Conn, error)
