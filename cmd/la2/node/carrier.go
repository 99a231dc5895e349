package node

import (
	"context"
	"crypto/rand"
	"net/netip"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/resolve"
	"github.com/lineaamica/la2/sip/transaction"
	"github.com/lineaamica/la2/sip/trunk"
)

// runTrunks watches the peers and keeps the registrations with carriers until ctx
// ends; a change is an event.
func (n *Node) runTrunks(ctx context.Context) error {
	n.trunks.Run(ctx, n.probe, n.trunkChanged)
	return nil
}

func (n *Node) trunkChanged(name string, up bool) {
	ev := cti.Event{Type: cti.EvTrunkDown, Trunk: name}
	if up {
		ev.Type = cti.EvTrunkUp
	}
	n.stream.Publish(ev)
}

// runRegister keeps our registrations until the node leaves, which it tells the
// registrars.
func (n *Node) runRegister(ctx context.Context) error {
	defer close(n.left)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(n.leaving, cancel)
	defer stop()
	n.trunks.Register(ctx, n.exchange, func(name string, s trunk.RegState) {
		n.stream.Publish(cti.Event{Type: cti.EvTrunkRegistration, Trunk: name, Value: s.String()})
	})
	return nil
}

// leaveRegistrars takes our registrations back, in a second at most.
func (n *Node) leaveRegistrars() {
	n.leave()
	select {
	case <-n.left:
	case <-time.After(time.Second):
	}
}

// probe asks a peer with OPTIONS whether it takes calls.
func (n *Node) probe(ctx context.Context, p *trunk.Peer) (int, error) {
	res, err := n.exchange(ctx, p, p.Address, func(contact sip.Uri) *sip.Request { return options(p, contact) })
	if err != nil {
		return 0, err
	}
	return res.StatusCode, nil
}

// exchange sends a request of no dialog to a peer and returns its final response; a
// challenge is answered once, when we have an account there. It is a
// trunk.Exchange.
func (n *Node) exchange(ctx context.Context, p *trunk.Peer, to netip.AddrPort, build func(contact sip.Uri) *sip.Request) (res *sip.Response, err error) {
	places := []resolve.Target{{Transport: p.Transport, Addr: to, Host: p.Certificate}}
	if !to.IsValid() {
		if places = n.places(ctx, p); len(places) == 0 {
			return nil, resolve.ErrNotFound
		}
	}
	for i, at := range places { // each has its share of the time
		share := ctx
		if end, ok := ctx.Deadline(); ok {
			var cancel context.CancelFunc
			share, cancel = context.WithTimeout(ctx, time.Until(end)/time.Duration(len(places)-i))
			defer cancel()
		}
		if res, err = n.exchangeAt(share, p, at, build); err == nil {
			return res, nil
		}
	}
	return nil, err
}

func (n *Node) exchangeAt(ctx context.Context, p *trunk.Peer, to resolve.Target, build func(contact sip.Uri) *sip.Request) (*sip.Response, error) {
	f, err := n.dialPlace(ctx, to)
	if err != nil {
		return nil, err
	}
	at := n.flows.Address(f)
	contact := sip.Uri{Scheme: "sip", User: "la2", Host: at.Addr().Unmap().String(), Port: int(at.Port())}
	if param := f.Transport.Param(); param != "" {
		contact.UriParams = sip.HeaderParams{{K: "transport", V: param}}
	}
	req := build(contact)
	res, err := final(ctx, n.tx, req, f)
	if err != nil || p.Account == nil || (res.StatusCode != sip.StatusUnauthorized && res.StatusCode != sip.StatusProxyAuthRequired) {
		return res, err
	}
	h, ok := p.Account.Answer(req, res)
	if !ok {
		return res, nil
	}
	req.CSeq().SeqNo++
	req.AppendHeader(h)
	return final(ctx, n.tx, req, f)
}

// final sends req and waits for its final response.
func final(ctx context.Context, layer *transaction.Layer, req *sip.Request, f flow.Flow) (*sip.Response, error) {
	answer := make(chan transaction.ClientEvent, 1)
	layer.Request(req, f, func(e transaction.ClientEvent) {
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
		return e.Response, e.Err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// options asks a peer whether it takes calls (RFC 3261 11.1).
func options(p *trunk.Peer, contact sip.Uri) *sip.Request {
	req := sip.NewRequest(sip.OPTIONS, peerURI(p, ""))
	callID, hops := sip.CallIDHeader(rand.Text()), sip.MaxForwardsHeader(1)
	req.AppendHeader(&hops)
	req.AppendHeader(&sip.FromHeader{Address: contact, Params: sip.HeaderParams{{K: "tag", V: rand.Text()[:13]}}})
	req.AppendHeader(&sip.ToHeader{Address: req.Recipient})
	req.AppendHeader(&callID)
	req.AppendHeader(&sip.CSeqHeader{SeqNo: 1, MethodName: sip.OPTIONS})
	req.AppendHeader(&sip.ContactHeader{Address: contact})
	return req
}
