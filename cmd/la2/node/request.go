package node

import (
	"context"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/acd/route"
	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/numbering"
	"github.com/lineaamica/la2/sip/b2bua"
	"github.com/lineaamica/la2/sip/dialog"
	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/transaction"
	"github.com/lineaamica/la2/sip/wire"
)

// requestRoute is the transaction user of a node: one page that says what
// happens to every request, like a kamailio.cfg. It runs on the shard of the
// transaction and blocks on nothing. What only passes through, proxy.go takes first;
// REGISTER never gets here.
type requestRoute struct{ n *Node }

// statusUnsupportedURI has no name in sipgo (RFC 3261 21.4.14).
const statusUnsupportedURI = 416

const allowed = "INVITE, ACK, CANCEL, BYE, OPTIONS, REGISTER, PRACK, UPDATE, INFO, REFER, NOTIFY, SUBSCRIBE"

// receive takes every message from its reader. REGISTER is answered at once and needs no
// transaction; all others have one.
func (n *Node) receive(f flow.Flow, m *wire.Message) {
	if m.Method() != wire.Register {
		n.tx.Receive(f, m)
		return
	}
	b := n.replies.Get().(*[]byte)
	defer n.replies.Put(b)
	*b = n.registrar.Answer((*b)[:0], f, m)
	_ = n.flows.Send(flow.ResponseFlow(m.TopVia(), f), *b) // lost like any datagram: it is asked for again
}

// Request takes every request but REGISTER, ACK and CANCEL.
func (r requestRoute) Request(tx *transaction.Server) {
	req := tx.Request()
	switch {
	case req.Method == sip.SUBSCRIBE:
		r.subscribe(tx)
	case dialog.InDialog(req):
		r.n.sw.Request(tx)
	case req.Method == sip.OPTIONS:
		r.options(tx)
	case req.Method == sip.INVITE:
		r.invite(tx)
	case req.Method == sip.REFER: // out of a dialog, nobody may (RFC 7647 5)
		tx.RespondOnce(sip.StatusForbidden, "")
	case req.Method == sip.BYE, req.Method == sip.UPDATE, req.Method == sip.INFO, req.Method == sip.PRACK, req.Method == sip.NOTIFY: // of no dialog
		tx.RespondOnce(sip.StatusCallTransactionDoesNotExists, "")
	default:
		tx.RespondOnce(sip.StatusMethodNotAllowed, "", sip.NewHeader("Allow", allowed))
	}
}

// options tells a peer whether we take calls (trunk health).
func (r requestRoute) options(tx *transaction.Server) {
	if r.n.draining.Load() {
		tx.RespondOnce(sip.StatusServiceUnavailable, "", sip.NewHeader("Retry-After", "30"))
		return
	}
	if _, ok := r.n.dialled(&tx.Request().Recipient); !ok {
		tx.RespondOnce(statusUnsupportedURI, "Unsupported URI Scheme")
		return
	}
	r.n.sw.Options(tx)
}

// invite admits who calls, finds what the number reaches and starts the call.
// An unknown number is told only to those who are admitted.
func (r requestRoute) invite(tx *transaction.Server) {
	number, ok := r.n.dialled(&tx.Request().Recipient)
	if !ok {
		tx.RespondOnce(statusUnsupportedURI, "Unsupported URI Scheme")
		return
	}
	target, known := r.n.plan.routes.Lookup(number)
	peer, _ := r.n.peer(tx.Flow())
	if peer != nil {
		target, known = r.n.plan.routes.Lookup(dialledBy(peer, tx.Request(), number))
	}
	who, ok := r.admit(tx, known && r.n.open(target))
	if !ok {
		return
	}
	if who.peer != nil && peer == nil { // known by its credentials
		target, known = r.n.plan.routes.Lookup(dialledBy(who.peer, tx.Request(), number))
	}
	if who.peer != nil && (!known || !who.may(target)) { // forwarded to us: what the caller dialled may say more
		if first, ok := r.n.plan.routes.Lookup(who.peer.Original(tx.Request())); ok {
			target, known = first, true
		}
	}
	if help := numbering.Canonical(number); who.kind == station && numbering.IsEmergency(help) {
		r.emergency(tx, who, help)
		return
	}
	to, passed := r.n.plan.proxied[target.Number]
	in := cti.Inbound{At: r.n.now(), Caller: who.caller, Dialled: target.Number,
		Device: who.device, Trunk: who.trunk, From: who.site, Capsule: who.capsule}
	switch {
	case !passed && r.n.sw.Replaces(tx.Request()): // a call that runs here, whatever the number
		r.n.sw.Invite(tx, in)
	case !known:
		tx.Respond(sip.StatusNotFound, "")
	case !who.may(target), who.kind == station && !r.n.plan.dial.dials(who.device, target):
		if known && who.kind == station {
			r.n.plan.dial.refused.Add(1)
		}
		tx.Respond(sip.StatusForbidden, "")
	case passed:
		r.pass(tx, to, cti.Inbound{Caller: who.caller, Dialled: target.Number, Trunk: who.trunk, From: who.site})
	case r.n.running() >= r.n.cfg.SIP.MaxCalls, r.n.busy(who.trunk):
		tx.Respond(sip.StatusServiceUnavailable, "", sip.NewHeader("Retry-After", "5"))
	default:
		if plan, ok := r.n.direct(tx.Wire(), who, target); ok {
			r.passDirect(tx, plan, cti.Inbound{Caller: who.caller, Device: who.device, Dialled: target.Number}, target)
			return
		}
		r.n.sw.Invite(tx, in)
	}
}

// Cancel, Ack, Unacked and Stray belong to calls.
func (r requestRoute) Cancel(tx *transaction.Server)        { r.n.sw.Cancel(tx) }
func (r requestRoute) Ack(f flow.Flow, ack *sip.Request)    { r.n.sw.Ack(f, ack) }
func (r requestRoute) Unacked(tx *transaction.Server)       { r.n.sw.Unacked(tx) }
func (r requestRoute) Stray(f flow.Flow, res *sip.Response) { r.n.sw.Stray(f, res) }

// serve is the script of every call: a service, or a plain connection.
func (n *Node) serve(ctx context.Context, in *cti.Inbound, c *b2bua.Call) cti.Cause {
	d := n.plainly(in)
	switch {
	case d == nil:
		return n.queued(ctx, in, c)
	case in.Emergency:
		return connect(ctx, c, d, nil)
	}
	return n.pay(ctx, in, c, d)
}

// queued is the script of a service. Inlined it would lengthen the frame of serve, on which plain
// calls wait, by a copy of in; so would ringUp that of connect.
//
//go:noinline
func (n *Node) queued(ctx context.Context, in *cti.Inbound, c *b2bua.Call) cti.Cause {
	return n.acd.Serve(ctx, *in, c)
}

// plainly tells of a call that no service takes and finds where it goes; nil is a service.
func (n *Node) plainly(in *cti.Inbound) *cti.Destination {
	var target route.Target
	var d cti.Destination
	if in.Emergency {
		d = n.plan.egress.help(in.Dialled)
	} else {
		if target, _ = n.plan.routes.Lookup(in.Dialled); target.Service != "" {
			return nil
		}
		d = destination(target, *in)
	}
	n.offered(in)
	n.stations.direct(*in, target)
	return &d
}

func (n *Node) offered(in *cti.Inbound) {
	n.stream.Publish(cti.Event{Type: cti.EvOffered, Call: in.Call, Trunk: in.Trunk, Instant: in.At,
		Info: &cti.CallInfo{Caller: in.Caller, Dialled: in.Dialled, From: in.From}})
}

// connect rings d and stays until either end leaves. A party whom d handed over to
// somebody who then did not answer goes back to d, once. answered, which may be nil,
// is called at each answer.
func connect(ctx context.Context, c *b2bua.Call, d *cti.Destination, answered func()) cti.Cause {
	for back := false; ; back = true {
		leg, err := ringUp(ctx, c, d)
		if err != nil {
			return causeOf(err)
		}
		if answered != nil {
			answered()
		}
		var cause cti.Cause
		for leg != "" {
			leg, cause = c.Talk(ctx, leg)
		}
		if cause != cti.CauseTransferred || back || ctx.Err() != nil {
			return cause
		}
	}
}

//go:noinline
func ringUp(ctx context.Context, c *b2bua.Call, d *cti.Destination) (cti.LegID, error) {
	return c.Dial(ctx, *d)
}

// plainRing is how long a plain call rings, and how long its early media may be
// heard for nothing: as long as carriers and proxies wait (Timer C, RFC 3261 16.6).
const plainRing = 3 * time.Minute

// destination of a number that is no service.
func destination(t route.Target, in cti.Inbound) cti.Destination {
	d := cti.Destination{Device: t.Device, Contact: t.Contact, Trunk: t.Trunk, Caller: in.Caller, Early: true, Follow: true, Ring: plainRing}
	if t.Trunk != "" {
		d.Number = t.Number
	}
	return d
}

// open tells whether anybody may reach t without credentials.
func (n *Node) open(t route.Target) bool {
	return n.plan.open[string(t.Service)] || n.plan.open[t.Contact]
}
