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
	"github.com/lineaamica/la2/media/sdp"
	"github.com/lineaamica/la2/numbering"
	"github.com/lineaamica/la2/sip/b2bua"
	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/resolve"
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
	hostName, port := "", 0
	transport, _ := flow.ParseTransport(t.Address.Transport)
	if t.URI != "" {
		q, _ := resolve.QueryOf([]byte(t.URI))
		transport = q.Transport
		if q.Secure {
			transport = flow.TLS
		}
		hostName, port = q.Host, int(q.Port)
	}
	p := trunk.Peer{HostName: hostName, Port: port, Name: t.Name, Site: t.Site, GroupName: t.Group, Priority: t.Priority, Weight: t.Weight,
		Transport: transport, Address: t.Address.Address, Domain: t.Domain, Certificate: t.Certificate,
		Reliable: t.PRACK, MaxCalls: t.MaxCalls, MaxRate: t.MaxRate, CLI: t.CLI, Trusted: t.Trusted, Abroad: t.Abroad, Format: numbering.Format(t.Format)}
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
		if p, ok := n.trunks.AdmitName(f.Remote, n.flows.Peer(f).Is); ok {
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
		for _, t := range n.peerTargets(ctx, p, d) {
			t.Rank = len(out)
			out = append(out, t)
		}
	}
	if len(out) == 0 {
		return nil, cti.Fail(cti.CauseUnreachable, "no path to the trunk's peer")
	}
	return out, nil
}

// peerTargets are the addresses of a peer that can be reached, best first. None is
// evidence against it.
func (n *Node) peerTargets(ctx context.Context, p *trunk.Peer, d cti.Destination) (out []b2bua.Target) {
	for _, at := range n.places(ctx, p) {
		if f, err := n.dialPlace(ctx, at); err == nil {
			out = append(out, n.peerTarget(p, f, d))
		}
	}
	if len(out) == 0 {
		n.heard(p, nil)
	}
	return out
}

func (n *Node) peerTarget(p *trunk.Peer, f flow.Flow, d cti.Destination) b2bua.Target {
	t := b2bua.Target{
		URI: peerURI(p, p.Outward(d.Number)), Flow: f, Trunk: p.Name, Patience: trunkPatience,
		Trusted: p.Site != "", Asserts: p.Trusts(), Line: p.CLI, Reliable: p.Reliable,
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
	return t
}

// maxPlaces is how many addresses of one name are tried.
const maxPlaces = 3

// places are where a peer is: its address, or those that its name has now. The look-up
// may take its time, so this is for goroutines that may wait.
func (n *Node) places(ctx context.Context, p *trunk.Peer) []resolve.Target {
	if p.HostName == "" {
		return []resolve.Target{{Transport: p.Transport, Addr: p.Address, Host: p.Certificate}}
	}
	found, err := n.resolver.Targets(ctx, resolve.Query{Host: p.HostName, Port: uint16(p.Port), Transport: p.Transport, Secure: p.Transport == flow.TLS})
	if err != nil {
		n.log.Warn("trunk not found by its name", "trunk", p.Name, "error", err)
	}
	return found[:min(len(found), maxPlaces)]
}

// dialPlace gives a way there; over TLS the certificate must name it.
func (n *Node) dialPlace(ctx context.Context, at resolve.Target) (flow.Flow, error) {
	ctx, cancel := context.WithTimeout(ctx, dialPatience)
	defer cancel()
	return n.flows.DialName(ctx, at.Transport, at.Addr, at.Host)
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

// codecs are what the configuration allows a trunk, or a station for "", best first.
func (n *Node) codecs(name string) []media.Codec { return n.plan.codecs[name] }

// protect is whether the audio of a trunk or station is SRTP.
func (n *Node) protect(trunk string, station cti.DeviceID) sdp.Policy {
	if trunk != "" {
		return n.plan.srtp[trunk]
	}
	return policyOf(n.accounts[string(station)].SRTP)
}

func peerURI(p *trunk.Peer, user string) sip.Uri {
	u := sip.Uri{Scheme: "sip", User: user, Host: p.HostName, Port: p.Port}
	if p.HostName == "" {
		u.Host, u.Port = p.Address.Addr().Unmap().String(), int(p.Address.Port())
	}
	if param := p.Transport.Param(); param != "" {
		u.UriParams = sip.HeaderParams{{K: "transport", V: param}}
	}
	return u
}
