package node

import (
	"context"
	"net/netip"
	"strconv"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/configs"
	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/media"
	"github.com/lineaamica/la2/numbering"
	"github.com/lineaamica/la2/sip/b2bua"
	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/trunk"
)

func (n *Node) openTrunks(context.Context) (err error) {
	var peers []trunk.Peer
	for _, t := range n.cfg.Trunks {
		peers = append(peers, peerOf(t))
	}
	n.trunks, err = trunk.New(peers, n.opts.Env.Health)
	return err
}

// peerOf translates a trunk of the configuration, which was checked when the file
// was loaded.
func peerOf(t configs.Trunk) trunk.Peer {
	transport, _ := flow.ParseTransport(t.Address.Transport)
	p := trunk.Peer{Name: t.Name, Site: t.Site, GroupName: t.Group, Priority: t.Priority, Weight: t.Weight,
		Transport: transport, Address: t.Address.Address, Domain: t.Domain, Certificate: t.Certificate,
		MaxCalls: t.MaxCalls, MaxRate: t.MaxRate, CLI: t.CLI, Trusted: t.Trusted, Abroad: t.Abroad, Format: numbering.Format(t.Format)}
	for _, s := range t.Sources {
		if prefix, err := netip.ParsePrefix(s); err == nil {
			p.Sources = append(p.Sources, prefix)
			continue
		}
		p.Endpoints = append(p.Endpoints, netip.MustParseAddrPort(s))
	}
	for _, r := range t.In {
		p.In = append(p.In, trunk.Rule(r))
	}
	for _, r := range t.Out {
		p.Out = append(p.Out, trunk.Rule(r))
	}
	if t.Account.User != "" {
		p.Account = &trunk.Account{User: t.Account.User, Password: string(t.Account.Password), Realm: t.Account.Realm}
	}
	if t.Register.Expires > 0 {
		p.Register = &trunk.Registration{Expires: t.Register.Expires}
		for _, a := range t.Register.Registrars {
			p.Register.Registrars = append(p.Register.Registrars, netip.MustParseAddrPort(a))
		}
	}
	return p
}

// peer finds the trunk that f belongs to: by the name that its certificate proves,
// or by its address.
func (n *Node) peer(f flow.Flow) (*trunk.Peer, bool) {
	if f.Transport == flow.TLS {
		if p, ok := n.trunks.AdmitName(n.flows.Peer(f).Is); ok {
			return p, true
		}
	}
	return n.trunks.Admit(f.Remote)
}

// Timing of a call on its way out: a peer that says nothing for trunkPatience, or
// takes no connection in dialPatience, is passed over, so that the third of three
// is tried within 4 s of dead ones.
const (
	trunkPatience = 1900 * time.Millisecond
	dialPatience  = 1500 * time.Millisecond
)

// trunkTargets are the peers behind a trunk or a group of trunks, with the number
// as user part, in the order in which to try them.
func (n *Node) trunkTargets(ctx context.Context, d cti.Destination) ([]b2bua.Target, error) {
	if _, known := n.plan.trunks[d.Trunk]; !known {
		return nil, cti.Fail(cti.CauseNotFound, "no such trunk")
	}
	if !d.Emergency && !n.trunks.Usable(d.Trunk) {
		return nil, cti.Fail(cti.CauseUnreachable, "trunk is down")
	}
	var out []b2bua.Target
	for _, p := range n.trunks.Members(d.Trunk) {
		t, err := n.peerTarget(ctx, p, d)
		if err != nil {
			n.heard(p, nil)
			continue
		}
		t.Rank = len(out)
		out = append(out, t)
	}
	if len(out) == 0 {
		return nil, cti.Fail(cti.CauseUnreachable, "no path to the trunk's peer")
	}
	return out, nil
}

func (n *Node) peerTarget(ctx context.Context, p *trunk.Peer, d cti.Destination) (b2bua.Target, error) {
	f, err := n.dialPeer(ctx, p, p.Address)
	if err != nil {
		return b2bua.Target{}, err
	}
	t := b2bua.Target{
		URI: peerURI(p, p.Outward(d.Number)), Flow: f, Trunk: p.Name, Patience: trunkPatience,
		Trusted: p.Site != "", Asserts: p.Trusts(), Line: p.CLI,
		Identity: func(c cti.Party) cti.Party { return presented(p, c) },
		Heard:    func(res *sip.Response) { n.heard(p, res) },
		Seize:    func() bool { return d.Emergency || !n.full(p) && n.trunks.Take(p.Name, time.Now()) },
	}
	t.Diverted = func(dialled string, class cti.Class) []sip.Header {
		why := trunk.NoAnswer
		if class == cti.ClassTransfer {
			why = trunk.Deflection
		}
		return p.History(dialled, t.URI.User, why, n.site(f))
	}
	return t, nil
}

// dialPeer gives a way to an address of p; over TLS its certificate must name the
// peer.
func (n *Node) dialPeer(ctx context.Context, p *trunk.Peer, to netip.AddrPort) (flow.Flow, error) {
	ctx, cancel := context.WithTimeout(ctx, dialPatience)
	defer cancel()
	return n.flows.DialName(ctx, p.Transport, to, p.Certificate)
}

// heard takes what a call found of a peer as evidence of its health.
func (n *Node) heard(p *trunk.Peer, res *sip.Response) {
	status, retry := 0, time.Duration(0)
	if res != nil {
		status = res.StatusCode
		if h := res.GetHeader("Retry-After"); h != nil {
			if s, err := strconv.ParseUint(h.Value(), 10, 16); err == nil {
				retry = time.Duration(s) * time.Second
			}
		}
	}
	if state, changed := n.trunks.Heard(p.Name, status, retry, time.Now()); changed {
		n.trunkChanged(p.Name, state == trunk.Up)
	}
}

// full tells whether as many calls use a trunk as the configuration allows.
func (n *Node) full(p *trunk.Peer) bool { return p.MaxCalls > 0 && n.sw.Lines(p.Name) >= p.MaxCalls }

// busy tells whether a new call by the trunk of that name, "" for none, has to be
// refused for now: its lines are taken, its calls come too fast, or the journal does
// not write, and nobody could be answered.
func (n *Node) busy(name string) bool {
	if n.stream.Healthy() != nil {
		return true
	}
	p, ok := n.trunks.Peer(name)
	return ok && (n.full(p) || !n.trunks.Take(name, time.Now()))
}

// credentials answer the challenges of a trunk's peer.
func (n *Node) credentials(name string) b2bua.Credentials {
	if p, ok := n.trunks.Peer(name); ok && p.Account != nil {
		return p.Account.Answer
	}
	return nil
}

// codecs are what a trunk's configuration allows, best first; nil: all.
func (n *Node) codecs(name string) []media.Codec { return n.plan.codecs[name] }

func peerURI(p *trunk.Peer, user string) sip.Uri {
	u := sip.Uri{Scheme: "sip", User: user, Host: p.Address.Addr().Unmap().String(), Port: int(p.Address.Port())}
	if param := p.Transport.Param(); param != "" {
		u.UriParams = sip.HeaderParams{{K: "transport", V: param}}
	}
	return u
}
