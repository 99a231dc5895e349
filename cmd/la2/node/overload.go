package node

import (
	"bytes"
	"context"
	"time"

	"github.com/lineaamica/la2/cti/metrics"
	"github.com/lineaamica/la2/numbering"
	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/overload"
	"github.com/lineaamica/la2/sip/wire"
)

func (n *Node) openOverload() {
	wait := n.cfg.SIP.MaxWait
	if wait == 0 {
		wait = 24 * time.Hour // never
	}
	n.load = overload.New(overload.Config{Target: wait, OnChange: func(refusing bool) {
		if refusing {
			n.log.Warn("too much to do: a part of new calls and registrations is refused")
			return
		}
		n.log.Warn("everything is taken again")
	}})
}

// admits decides about new work that came over f: while there is too much, who is known goes before
// who is not.
func (n *Node) admits(f flow.Flow) bool { return n.load.Admit(n.shield.Known(f)) }

func (n *Node) admitsRegister(f flow.Flow) bool {
	ok := n.admits(f)
	if !ok {
		n.shed.Add(1)
	}
	return ok
}

// watchLoad measures until ctx ends.
func (n *Node) watchLoad(ctx context.Context) error {
	w := overload.Watch{Controller: n.load, Backlog: n.flows.Backlog, Received: func() uint64 {
		s := n.flows.Stats()
		return s.Received + s.Filtered + s.Malformed + s.Junk
	}, Known: func() uint64 { return n.shield.Stats().Friends }}
	w.Run(ctx)
	return nil
}

// urgent tells a call to an emergency number: exactly the user part of the Request-URI, or its
// number, or the service of RFC 5031.
func urgent(m *wire.Message) bool {
	if m.Method() != wire.Invite {
		return false
	}
	number := m.RequestURI()
	if u, ok := wire.ParseURI(number); ok {
		number = u.User
	} else if len(number) > 4 && bytes.EqualFold(number[:4], []byte("tel:")) {
		number = number[4:]
	}
	if service, ok := bytes.CutPrefix(number, []byte("urn:")); ok {
		_, sos := numbering.Service(string(service))
		return sos
	}
	return numbering.IsEmergency(string(number))
}

func (n *Node) loadValues() []metrics.Value {
	return []metrics.Value{
		{Name: "la2_sip_admitted_ratio", Help: "How much new work is taken: 1 all, 0.5 that of telephones and trunks, less a part of it.", Func: func() float64 { return n.load.Level() }},
		{Name: "la2_sip_shed_total", Help: "New requests refused with 503 for want of time.", Counter: true, Func: func() float64 { return float64(n.tx.Stats().Shed + n.shed.Load()) }},
		{Name: "la2_sip_overrun_total", Help: "Messages dropped because too many waited.", Counter: true, Func: func() float64 { return float64(n.tx.Stats().Dropped) }},
	}
}
