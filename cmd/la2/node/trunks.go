package node

import (
	"context"
	"crypto/rand"
	"net/netip"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/sip/b2bua"
	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/transaction"
	"github.com/lineaamica/la2/sip/trunk"
)

func (n *Node) openTrunks(context.Context) (err error) {
	var peers []trunk.Peer
	for _, t := range n.cfg.Trunks {
		transport, _ := flow.ParseTransport(t.Address.Transport) // checked when the file was loaded
		p := trunk.Peer{Name: t.Name, Site: t.Site, Transport: transport, Address: t.Address.Address, Numbers: t.Numbers, MaxCalls: t.MaxCalls, CLI: t.CLI}
		for _, s := range t.Sources {
			if prefix, err := netip.ParsePrefix(s); err == nil {
				p.Sources = append(p.Sources, prefix)
				continue
			}
			p.Endpoints = append(p.Endpoints, netip.MustParseAddrPort(s)) // checked when the file was loaded
		}
		peers = append(peers, p)
	}
	n.trunks, err = trunk.New(peers, n.opts.Env.Health)
	return err
}

// trunkTargets is the peer's address with the number as user part.
func (n *Node) trunkTargets(ctx context.Context, d cti.Destination) ([]b2bua.Target, error) {
	p, ok := n.trunks.Peer(d.Trunk)
	if !ok {
		return nil, cti.Fail(cti.CauseNotFound, "no such trunk")
	}
	if !n.trunks.Usable(d.Trunk) {
		return nil, cti.Fail(cti.CauseUnreachable, "trunk is down")
	}
	if n.full(p) {
		return nil, cti.Fail(cti.CauseOverload, "all lines of the trunk are busy")
	}
	f, err := n.flows.Dial(ctx, p.Transport, p.Address)
	if err != nil {
		return nil, cti.Fail(cti.CauseUnreachable, "no path to the trunk's peer")
	}
	identity := func(c cti.Party) cti.Party { return presented(p, c) }
	return []b2bua.Target{{URI: peerURI(p, p.Outward(d.Number)), Flow: f, Trusted: p.Site != "", Identity: identity}}, nil
}

// presented is what the peer may know of a caller: numbers by its rules, who is
// anonymous stays so. Names go to offices only; none is a number in disguise.
func presented(p *trunk.Peer, c cti.Party) cti.Party {
	if p.Site == "" || p.Identity(c.Display) != c.Display {
		c.Display = ""
	}
	own := c.Number
	if !c.Withheld {
		c.Number = p.Identity(own)
	}
	switch {
	case c.Withheld, c.Number == "" && c.Display == "":
		return cti.Party{Withheld: true, Verified: c.Verified}
	case c.Number != own: // a number of ours in its place
		return cti.Party{Number: c.Number, Verified: true}
	}
	return c
}

// full tells whether as many calls use a trunk as the configuration allows.
func (n *Node) full(p *trunk.Peer) bool { return p.MaxCalls > 0 && n.sw.Lines(p.Name) >= p.MaxCalls }

// busy tells whether a new call by the trunk of that name, "" for none, has to be
// refused for now: its lines are taken, or the journal does not write, and nobody
// could be answered.
func (n *Node) busy(name string) bool {
	if n.stream.Healthy() != nil {
		return true
	}
	p, ok := n.trunks.Peer(name)
	return ok && n.full(p)
}

func peerURI(p *trunk.Peer, user string) sip.Uri {
	u := sip.Uri{Scheme: "sip", User: user, Host: p.Address.Addr().Unmap().String(), Port: int(p.Address.Port())}
	if param := p.Transport.Param(); param != "" {
		u.UriParams = sip.HeaderParams{{K: "transport", V: param}}
	}
	return u
}

// runTrunks watches the peers until ctx ends; a change is an event.
func (n *Node) runTrunks(ctx context.Context) error {
	n.trunks.Run(ctx, n.probe, func(name string, up bool) {
		ev := cti.Event{Type: cti.EvTrunkDown, Trunk: name}
		if up {
			ev.Type = cti.EvTrunkUp
		}
		n.stream.Publish(ev)
	})
	return nil
}

// probe asks a peer with OPTIONS whether it takes calls.
func (n *Node) probe(ctx context.Context, p *trunk.Peer) (int, error) {
	f, err := n.flows.Dial(ctx, p.Transport, p.Address)
	if err != nil {
		return 0, err
	}
	answer := make(chan transaction.ClientEvent, 1)
	n.tx.Request(n.options(p, f), f, func(e transaction.ClientEvent) {
		if e.Err == nil && e.Response.StatusCode < 200 {
			return
		}
		select {
		case answer <- e:
		default:
		}
	})
	select {
	case e := <-answer:
		if e.Err != nil {
			return 0, e.Err
		}
		return e.Response.StatusCode, nil
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
}

func (n *Node) options(p *trunk.Peer, f flow.Flow) *sip.Request {
	at := n.flows.Address(f)
	self := sip.Uri{Scheme: "sip", User: "la2", Host: at.Addr().Unmap().String(), Port: int(at.Port())}
	req := sip.NewRequest(sip.OPTIONS, peerURI(p, ""))
	callID := sip.CallIDHeader(rand.Text())
	hops := sip.MaxForwardsHeader(1)
	req.AppendHeader(&hops)
	req.AppendHeader(&sip.FromHeader{Address: self, Params: sip.HeaderParams{{K: "tag", V: rand.Text()[:13]}}})
	req.AppendHeader(&sip.ToHeader{Address: req.Recipient})
	req.AppendHeader(&callID)
	req.AppendHeader(&sip.CSeqHeader{SeqNo: 1, MethodName: sip.OPTIONS})
	req.AppendHeader(&sip.ContactHeader{Address: self})
	return req
}
