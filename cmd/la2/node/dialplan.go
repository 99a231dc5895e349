package node

import (
	"context"
	"slices"
	"sync/atomic"

	"github.com/lineaamica/la2/acd/route"
	"github.com/lineaamica/la2/configs"
	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/numbering"
	"github.com/lineaamica/la2/sip/b2bua"
	"github.com/lineaamica/la2/sip/toll"
)

// dialPlan says which calls cost money, and who may make them.
type dialPlan struct {
	carriers map[string]toll.Payer // trunks and groups of the public network
	accounts map[string]configs.Account
	ledger   *toll.Ledger
	refused  *atomic.Int64 // calls that would have cost too much
}

func newDialPlan(cfg *configs.Config) dialPlan {
	p := dialPlan{carriers: map[string]toll.Payer{}, accounts: accountsOf(cfg), ledger: &toll.Ledger{}, refused: &atomic.Int64{}}
	for _, t := range cfg.Trunks {
		if t.Site == "" { // members of a group share the account of the first
			for _, name := range []string{t.Name, groupOf(t)} {
				if _, seen := p.carriers[name]; !seen {
					p.carriers[name] = toll.Payer{Name: "trunk " + groupOf(t), Limits: limits(t.Limits, toll.Limits{})}
				}
			}
		}
	}
	return p
}

// stationLimits hold for a station whose account says nothing else.
var stationLimits = toll.Limits{Calls: configs.DefaultTollCalls, DayCalls: configs.DefaultTollDayCalls, DayMinutes: configs.DefaultTollDayMinutes}

// limits translates those of the file: 0 is the default, -1 none.
func limits(l configs.Limits, normal toll.Limits) toll.Limits {
	pick := func(value, normal int) int {
		switch {
		case value < 0:
			return 0
		case value == 0:
			return normal
		}
		return value
	}
	return toll.Limits{Calls: pick(l.Calls, normal.Calls), DayCalls: pick(l.DayCalls, normal.DayCalls), DayMinutes: pick(l.DayMinutes, normal.DayMinutes)}
}

// dials tells whether a station may dial a number that leads to a carrier: what
// costs the callee or little by default, what costs more when its account says so.
func (p dialPlan) dials(station cti.DeviceID, t route.Target) bool {
	if _, costs := p.carriers[t.Trunk]; !costs {
		return true
	}
	class := numbering.ClassOf(t.Number)
	if allowed := p.accounts[string(station)].Dial; allowed != nil {
		return slices.Contains(allowed, string(class))
	}
	return class == numbering.Geographic || class == numbering.Mobile || class == numbering.Freephone
}

// pay connects a call, within the limits of who pays for it.
func (n *Node) pay(ctx context.Context, in *cti.Inbound, c *b2bua.Call, d *cti.Destination) cti.Cause {
	call, refused := n.bill(in, d.Trunk)
	switch {
	case refused != "":
		return refused
	case call == nil:
		return connect(ctx, c, d, nil)
	}
	defer func() { call.End(n.now()) }()
	return connect(ctx, c, d, func() { call.Answered(n.now()) })
}

// bill books a call that somebody pays for: the station that dials and the trunk. It costs nothing
// when the call is nil.
func (n *Node) bill(in *cti.Inbound, name string) (call *toll.Call, refused cti.Cause) {
	p := n.plan.dial
	trunk, costs := p.carriers[name]
	if !costs {
		return nil, ""
	}
	payers := []toll.Payer{trunk}
	if in.Device != "" {
		payers = append(payers, toll.Payer{Name: "station " + string(in.Device), Limits: limits(p.accounts[string(in.Device)].Limits, stationLimits)})
	}
	call, why, who := p.ledger.Begin(n.now(), payers...)
	if why != toll.OK {
		p.refused.Add(1)
		n.log.Warn("call refused by its limit", "call", string(in.Call), "of", who, "limit", why.String(), "dialled", cti.Mask(in.Dialled))
		if why == toll.Now {
			return nil, cti.CauseOverload
		}
		return nil, cti.CauseForbidden
	}
	return call, ""
}
