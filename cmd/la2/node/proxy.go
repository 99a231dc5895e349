package node

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/netip"
	"slices"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/configs"
	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/numbering"
	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/proxy"
	"github.com/lineaamica/la2/sip/transaction"
	"github.com/lineaamica/la2/sip/wire"
)

// proxied is a contact to which calls are passed on instead of being bridged.
type proxied struct {
	uri  string
	addr netip.AddrPort
	open bool
}

// proxiedOf finds the routes of mode proxy, by number.
func proxiedOf(cfg *configs.Config) map[string]proxied {
	out := map[string]proxied{}
	for _, r := range cfg.Routes {
		var uri sip.Uri
		if r.Mode != "proxy" || sip.ParseUri(r.Contact, &uri) != nil {
			continue
		}
		if addr, err := addressOf(uri); err == nil {
			out[numbering.Canonical(r.User)] = proxied{uri: r.Contact, addr: addr, open: r.Open}
		}
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

// dialNow gives a path that is there: UDP, or an open connection.
func (n *Node) dialNow(t flow.Transport, to netip.AddrPort) (flow.Flow, error) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return n.flows.Dial(ctx, t, to)
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
		r.n.proxy.InDialog(tx)
		return
	}
	to, _ := r.n.passes(m)
	r.n.shield.Lend(tx.Flow().Remote.Addr(), lent)
	r.pass(tx, to)
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

// pass forwards a new call to a proxied contact.
func (r requestRoute) pass(tx *transaction.Server, to proxied) {
	m := tx.Wire()
	if r.n.draining.Load() {
		tx.Refuse(m, 503, "", wire.Field{Name: "Retry-After", Value: "30"})
		return
	}
	f, err := r.n.dialNow(flow.UDP, to.addr)
	if err != nil {
		tx.Refuse(m, 500, "")
		return
	}
	r.n.proxy.Forward(tx, proxy.Target{URI: to.uri, Flow: f})
}
