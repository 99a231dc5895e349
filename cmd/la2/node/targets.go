package node

import (
	"context"
	"errors"
	"net/netip"
	"slices"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/sip/b2bua"
	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/location"
	"github.com/lineaamica/la2/sip/wire"
)

// targets says where a destination is: the bindings of a station, a fixed
// contact, or the peer of a trunk.
func (n *Node) targets(ctx context.Context, d cti.Destination) ([]b2bua.Target, error) {
	switch {
	case d.Emergency:
		return n.emergencyTargets(ctx, d)
	case d.Device != "":
		out, err := n.stationTargets(ctx, d.Device)
		if d.AutoAnswer && n.accounts[string(d.Device)].AutoAnswer {
			autoAnswer(out)
		}
		return out, err
	case d.Contact != "":
		t, err := n.contactTarget(ctx, d.Contact)
		return []b2bua.Target{t}, err
	case d.Trunk != "":
		return n.trunkTargets(ctx, d)
	}
	return nil, cti.Fail(cti.CauseNotFound, "destination without a target")
}

// autoAnswer asks telephones to answer by themselves, in the two ways that they
// understand: an alert of the name that most vendors share, and Call-Info (RFC 3261
// 20.9) with answer-after.
func autoAnswer(targets []b2bua.Target) {
	for i := range targets {
		targets[i].Headers = append(targets[i].Headers,
			sip.NewHeader("Alert-Info", "<http://127.0.0.1>;info=alert-autoanswer"),
			sip.NewHeader("Call-Info", "<sip:127.0.0.1>;answer-after=0"))
	}
}

func (n *Node) stationTargets(ctx context.Context, device cti.DeviceID) ([]b2bua.Target, error) {
	var out []b2bua.Target
	flows := map[string]int{} // of an instance, so far
	for _, b := range n.location.Lookup(location.AOR(device)) {
		t, ok := n.bound(ctx, &b)
		if !ok {
			continue
		}
		if b.RegID > 0 {
			t.Rank = flows[b.Instance]
			flows[b.Instance]++
		}
		out = append(out, t)
	}
	if len(out) == 0 {
		return nil, cti.Fail(cti.CauseUnreachable, "no binding")
	}
	slices.SortStableFunc(out, func(a, b b2bua.Target) int { return a.Rank - b.Rank })
	return out, nil
}

// bound is the way to a binding; false: there is none now.
func (n *Node) bound(ctx context.Context, b *location.Binding) (t b2bua.Target, ok bool) {
	t = b2bua.Target{Flow: b.Flow, NAT: b.NAT}
	if b.Lost || sip.ParseUri(b.Contact, &t.URI) != nil {
		return t, false
	}
	for rest := []byte(b.Path); len(rest) > 0; {
		var hop wire.Address
		var uri sip.Uri
		if hop, rest, ok = wire.NextAddress(rest); !ok || sip.ParseUri(string(hop.URI), &uri) != nil {
			return t, false
		}
		t.Route = append(t.Route, uri)
	}
	if n.flows.Alive(t.Flow) {
		return t, true
	}
	f, err := n.flows.Dial(ctx, t.Flow.Transport, t.Flow.Remote)
	t.Flow = f
	return t, err == nil
}

func (n *Node) contactTarget(ctx context.Context, contact string) (b2bua.Target, error) {
	var uri sip.Uri
	if err := sip.ParseUri(contact, &uri); err != nil {
		return b2bua.Target{}, cti.Fail(cti.CauseFailed, "bad contact in the configuration")
	}
	if addr, err := addressOf(uri); err == nil { // the configuration's own word, whatever its scope
		f, err := n.flows.Dial(ctx, flow.UDP, addr)
		if err != nil {
			return b2bua.Target{}, cti.Fail(cti.CauseUnreachable, "no path to the contact")
		}
		return b2bua.Target{URI: uri, Flow: f}, nil
	}
	f, err := n.dialURI(ctx, contact)
	if err != nil {
		return b2bua.Target{}, cti.Fail(cti.CauseUnreachable, "no path to the contact: "+err.Error())
	}
	return b2bua.Target{URI: uri, Flow: f}, nil
}

var errNoAddress = errors.New("no literal address")

// addressOf reads host and port of a URI without asking any name server.
func addressOf(uri sip.Uri) (netip.AddrPort, error) {
	ip, err := netip.ParseAddr(uri.Host)
	if err != nil {
		return netip.AddrPort{}, errNoAddress
	}
	port := uri.Port
	if port == 0 {
		port = 5060
	}
	return netip.AddrPortFrom(ip, uint16(port)), nil
}
