package node

import (
	"net/netip"
	"slices"
	"time"

	"github.com/lineaamica/la2/cti/metrics"
	"github.com/lineaamica/la2/cti/server"
	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/location"
	"github.com/lineaamica/la2/sip/shield"
)

// lent is how many octets the answers of a call by a stranger, at an open service, may have more
// than what he sent: 100, 180, 200 and a few repetitions.
const lent = 4096

// proven is how long an address is known by a password that it proved with a call.
const proven = time.Hour

// listedBans is how many bans the status shows.
const listedBans = 200

func (n *Node) openShield() {
	c := &n.cfg.SIP.Shield
	cfg := shield.Config{Exempt: c.Exempt, Peer: n.isPeer, Rate: c.Rate, KnownRate: c.KnownRate, Points: c.Points, Ban: c.Ban, MaxBan: c.MaxBan,
		Loopback: c.Loopback, Signatures: append(shield.DefaultSignatures(), c.Signatures...), Logger: n.log}
	for _, a := range c.Access {
		cfg.Rules = append(cfg.Rules, shield.Rule{Listener: a.Listen.Address, Allow: a.Allow, Deny: a.Deny})
	}
	n.shield = shield.New(cfg)
}

// isPeer tells whether the far end of f is a trunk.
func (n *Node) isPeer(f flow.Flow) bool {
	_, ok := n.peer(f)
	return ok
}

// fault tells the shield of what was no message.
func (n *Node) fault(f flow.Flow, what flow.Fault) {
	o := shield.Malformed
	if what == flow.Junk {
		o = shield.Junk
	}
	n.shield.Report(f, o)
}

func (n *Node) unasked(f flow.Flow) { n.shield.Report(f, shield.Unasked) }

// guessed tells the shield of wrong credentials.
func (n *Node) guessed(src netip.Addr) {
	n.shield.Report(flow.Flow{Transport: flow.UDP, Remote: netip.AddrPortFrom(src, 0)}, shield.Password)
}

// spared tells whether the guard against guessing leaves the network of src alone, as the shield does.
func (n *Node) spared(src netip.Addr) bool {
	c := &n.cfg.SIP.Shield
	src = src.Unmap()
	return src.IsLoopback() && !c.Loopback || slices.ContainsFunc(c.Exempt, func(p netip.Prefix) bool { return p.Contains(src) })
}

// trusted tells whose connections are limited only by the number of all: whom the shield knows or
// leaves alone, and trunks.
func (n *Node) trusted(src netip.Addr) bool {
	return n.shield.Known(flow.Flow{Transport: flow.TCP, Remote: netip.AddrPortFrom(src, 0)})
}

// registered makes the addresses of bindings known for as long as they hold.
func (n *Node) registered(list []location.Binding) {
	for _, b := range list {
		n.shield.Trust(b.Flow.Remote.Addr(), b.Expires)
	}
}

// banned is what the status shows of the shield, and of the guard against guessing.
func (n *Node) banned() []server.BanStatus {
	out := []server.BanStatus{}
	for _, p := range n.verifier.Pauses() {
		why := "passwords"
		if p.Account {
			why = "passwords of one account"
		}
		if len(out) < listedBans {
			out = append(out, server.BanStatus{Source: p.Source.String(), Reason: why, Since: p.Since.UTC(), Until: p.Until.UTC(), Times: 1, Dropped: p.Unread})
		}
	}
	for _, b := range n.shield.Bans(listedBans) {
		out = append(out, server.BanStatus{Source: b.Source.String(), Reason: b.Reason, Since: b.Since.UTC(), Until: b.Until.UTC(), Times: b.Times, Dropped: b.Dropped})
	}
	return out
}

// unban ends whatever keeps an address out.
func (n *Node) unban(a netip.Addr) bool {
	shielded, paused := n.shield.Unban(a), n.verifier.Forgive(a)
	return shielded || paused
}

// shieldValues are what the shield and the layers behind it count.
func (n *Node) shieldValues() []metrics.Value {
	dropped := func(reason string, f func() uint64) metrics.Value {
		return metrics.Value{Name: "la2_sip_dropped_total", Help: "Messages and connections that were not looked at.", Counter: true,
			Labels: map[string]string{"reason": reason}, Func: func() float64 { return float64(f()) }}
	}
	panics := func(part string, f func() uint64) metrics.Value {
		return metrics.Value{Name: "la2_panics_total", Help: "Faults of ours, contained; each cost a message or a call.", Counter: true,
			Labels: map[string]string{"part": part}, Func: func() float64 { return float64(f()) }}
	}
	return []metrics.Value{
		dropped("denied", func() uint64 { return n.shield.Stats().Denied }),
		dropped("rate", func() uint64 { return n.shield.Stats().Limited }),
		dropped("banned", func() uint64 { return n.shield.Stats().Banned }),
		dropped("scanner", func() uint64 { return n.shield.Stats().Scanners }),
		dropped("junk", func() uint64 { return n.flows.Stats().Junk }),
		dropped("malformed", func() uint64 { return n.flows.Stats().Malformed }),
		{Name: "la2_sip_withheld_total", Help: "Responses not sent, because they were longer than what came from an unknown address.", Counter: true,
			Func: func() float64 { return float64(n.shield.Stats().Withheld) }},
		{Name: "la2_sip_bans", Help: "Sources banned now.", Func: func() float64 { return float64(n.shield.Stats().Bans) }},
		panics("flow", func() uint64 { return n.flows.Stats().Panics }),
		panics("transaction", func() uint64 { return n.tx.Stats().Panics }),
		panics("call", n.sw.Panics),
		panics("media", n.relay.Panics),
	}
}
