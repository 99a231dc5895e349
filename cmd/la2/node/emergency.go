package node

import (
	"context"
	"errors"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/configs"
	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/numbering"
	"github.com/lineaamica/la2/sip/b2bua"
	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/transaction"
	"github.com/lineaamica/la2/sip/trunk"
	"github.com/lineaamica/la2/ticketlink"
	"github.com/lineaamica/la2/ticketlink/ticket"
)

// rescue is the number to which a citizen in danger is handed over (NUE).
const rescue = "112"

// rescueRing is how long they may take to answer before the citizen is back.
const rescueRing = 2 * time.Minute

// An egress is how calls for help leave: by trunks of carriers at this site, so that
// they reach the rescuers of this place, with its number and where it is.
type egress struct {
	trunks   []string // names of trunks or groups, in order
	cli      string
	location string
}

// egressOf takes the file's list; without one every carrier is a way out.
func egressOf(cfg *configs.Config) egress {
	e := egress{trunks: cfg.Emergency.Trunks, cli: cfg.Emergency.CLI, location: cfg.Emergency.Location}
	if len(e.trunks) > 0 {
		return e
	}
	for _, t := range cfg.Trunks {
		if t.Site == "" {
			e.trunks = append(e.trunks, t.Name)
		}
	}
	return e
}

// emergency admits a call for help by a station: whatever its other rights, and
// however full, draining or broken the node is. It has answered tx, or started the
// call.
func (r requestRoute) emergency(tx *transaction.Server, w who, number string) {
	in := cti.Inbound{At: r.n.now(), Caller: w.caller, Dialled: number, Device: w.device, Emergency: true}
	if len(r.n.plan.egress.trunks) == 0 {
		tx.Respond(sip.StatusNotFound, "No emergency egress")
		return
	}
	r.n.sw.Invite(tx, in)
}

// help is the destination of a station's own call for help: the rescuers see the
// number of the site and where it is.
func (e egress) help(number string) cti.Destination {
	return cti.Destination{Number: number, Emergency: true, Early: true, Caller: cti.Party{Number: e.cli, Display: e.location, Verified: true}}
}

// shown is whom the rescuers see: a citizen by the own number, which is where to
// call back, else the site.
func (e egress) shown(p *trunk.Peer, c cti.Party) cti.Party {
	if !c.Withheld && numbering.Presentable(c.Number) {
		return c
	}
	number := e.cli
	if number == "" {
		number = p.CLI
	}
	return cti.Party{Number: number, Verified: number != "", Withheld: number == ""}
}

// emergencyTargets are all ways out in order, the dead ones too.
func (n *Node) emergencyTargets(ctx context.Context, d cti.Destination) ([]b2bua.Target, error) {
	e := n.plan.egress
	var out []b2bua.Target
	for _, name := range e.trunks {
		for _, p := range n.trunks.Members(name) {
			for _, t := range n.peerTargets(ctx, p, d) {
				t.Rank = len(out)
				t.Identity = func(c cti.Party) cti.Party { return e.shown(p, c) }
				t.Headers = []sip.Header{sip.NewHeader("Priority", "emergency")} // RFC 3261 20.26
				if e.cli != "" {
					t.Asserts, t.Headers = false, append(t.Headers, sip.NewHeader("P-Asserted-Identity", "<sip:"+e.cli+"@"+n.site(t.Flow)+">"))
				}
				out = append(out, t)
			}
		}
	}
	if len(out) == 0 {
		return nil, cti.Fail(cti.CauseUnreachable, "no way out for emergency calls")
	}
	return out, nil
}

// Emergency hands the citizen of an agent's call over to 112. The agent stays until
// the rescuers answer; if nobody does the citizen is with the agent again.
func (c calls) Emergency(ctx context.Context, call cti.CallID, leg cti.LegID) error {
	if err := c.n.sw.Transfer(ctx, call, leg, cti.Destination{Number: rescue, Emergency: true, Ring: rescueRing}); err != nil {
		return err
	}
	view, err := c.n.sw.View(ctx, call)
	if err != nil {
		return nil // it has ended meanwhile; the rescuers were being rung
	}
	c.n.stream.Publish(cti.Event{Type: cti.EvEmergency, Call: call, Leg: leg, Ticket: view.Ticket, Target: rescue})
	c.n.markEmergency(view.Ticket)
	return nil
}

// markEmergency writes the outcome into the ticket, so that the agent only has to
// close it. Somebody may edit it in the same moment: three tries.
func (n *Node) markEmergency(id cti.TicketID) {
	if id == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	for range 3 {
		t, err := n.tickets.Get(ctx, id)
		if err == nil {
			_, err = n.tickets.Edit(ctx, id, t.Revision, ticket.FrontOffice, map[string]string{"outcome": "emergency_redirect", "priority": "emergency"})
		}
		if !errors.Is(err, ticketlink.ErrStale) {
			if err != nil {
				n.log.Warn("ticket of an emergency not marked", "ticket", string(id), "error", err)
			}
			return
		}
	}
}

// site is the host part of our own numbers towards the far end of f.
func (n *Node) site(f flow.Flow) string {
	a := n.flows.Address(f).Addr().Unmap()
	if a.Is6() {
		return "[" + a.String() + "]"
	}
	return a.String()
}
