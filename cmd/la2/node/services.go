package node

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/lineaamica/la2/acd"
	"github.com/lineaamica/la2/acd/engine"
	"github.com/lineaamica/la2/acd/hours"
	"github.com/lineaamica/la2/acd/ivr"
	"github.com/lineaamica/la2/acd/route"
	"github.com/lineaamica/la2/configs"
	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/media"
	"github.com/lineaamica/la2/media/sdp"
	"github.com/lineaamica/la2/numbering"
)

// plan is what the acd packages take from the configuration: pure values, no
// sockets.
type plan struct {
	engine  engine.Config
	service acd.Config
	routes  *route.Table
	open    map[string]bool // services and contacts that need no credentials
	proxied map[string]proxied
	dial    dialPlan
	egress  egress                   // of emergency calls
	trunks  map[string]bool          // names of trunks and groups
	codecs  map[string][]media.Codec // by trunk; "": of stations
	srtp    map[string]sdp.Policy    // of trunks
	desks   map[cti.DeviceID]bool    // stations of users, where a desktop may work
}

// newPlan translates cfg. Its errors name the configuration key.
func newPlan(cfg *configs.Config) (*plan, error) {
	p := &plan{open: map[string]bool{}, proxied: proxiedOf(cfg), egress: egressOf(cfg), dial: newDialPlan(cfg), desks: map[cti.DeviceID]bool{}, trunks: map[string]bool{}, codecs: map[string][]media.Codec{"": codecsOf(cfg.Media.Codecs)}, srtp: map[string]sdp.Policy{}}
	for _, t := range cfg.Trunks {
		p.trunks[t.Name], p.trunks[groupOf(t)] = true, true
		p.codecs[t.Name], p.srtp[t.Name] = trunkCodecs(cfg, t), policyOf(t.SRTP)
	}
	for _, u := range cfg.Users {
		p.desks[cti.DeviceID(u.Device)] = true
	}
	p.engine = engineConfig(cfg)
	calendars, err := calendarsOf(cfg)
	if err != nil {
		return nil, err
	}
	if p.routes, err = routesOf(cfg); err != nil {
		return nil, err
	}
	p.service = acd.Config{Site: cti.SiteID(cfg.Site.IPA), Routes: p.routes, Overflow: map[string]acd.Target{}}
	for _, q := range cfg.Queues {
		if q.Overflow.Trunk != "" {
			p.service.Overflow[q.Overflow.Trunk] = acd.Target{Trunk: q.Overflow.Trunk, Number: q.Overflow.Number}
		}
	}
	for _, s := range cfg.Services {
		p.service.Lines = append(p.service.Lines, line(cfg, s, calendars))
		p.open[s.Name] = s.Open
	}
	for _, r := range cfg.Routes {
		p.open[r.Contact] = p.open[r.Contact] || r.Open
	}
	return p, p.service.Validate()
}

func engineConfig(cfg *configs.Config) engine.Config {
	var e engine.Config
	for _, q := range cfg.Queues {
		out := engine.Queue{ID: cti.QueueID(q.Name), WrapUp: q.WrapUp, Max: q.Max}
		if q.WrapUp == 0 {
			out.WrapUp = -1 // the file says none
		}
		if q.Overflow.Trunk != "" {
			out.Overflow = engine.Overflow{After: q.Overflow.After, Targets: []string{q.Overflow.Trunk}}
		}
		if q.Lease > e.Lease {
			e.Lease = q.Lease
		}
		e.Queues = append(e.Queues, out)
	}
	for _, u := range cfg.Users {
		if !hasRole(u, cti.RoleAgent) {
			continue
		}
		a := engine.Agent{ID: cti.AgentID(u.User), Skills: u.Skills, Backup: u.Bot, Static: u.Static, Contact: u.Contact}
		if u.Static || u.Bot {
			a.Device, a.Static = cti.DeviceID(u.Device), true
		}
		for _, q := range u.Queues {
			a.Queues = append(a.Queues, cti.QueueID(q))
		}
		e.Agents = append(e.Agents, a)
	}
	pool := cfg.Pools.StaticAgents
	for _, name := range pool.Names() {
		e.Agents = append(e.Agents, engine.Agent{ID: cti.AgentID(name), Queues: []cti.QueueID{cti.QueueID(pool.Queue)},
			Static: true, Contact: fmt.Sprintf(pool.Contact, name)})
	}
	return e
}

func hasRole(u configs.User, role cti.Role) bool {
	for _, r := range u.Roles {
		if cti.Role(r) == role {
			return true
		}
	}
	return len(u.Roles) == 0 && role == cti.RoleAgent
}

func calendarsOf(cfg *configs.Config) (map[string]*hours.Calendar, error) {
	out := map[string]*hours.Calendar{}
	var errs []error
	for _, k := range cfg.Calendars {
		c, err := hours.New(hours.Config{Always: k.Always, Never: k.Never, Week: k.Week, Holidays: k.Holidays, Closed: k.Closed})
		if err != nil {
			errs = append(errs, fmt.Errorf("calendars: %s: %w", k.Name, err))
			continue
		}
		out[k.Name] = c
	}
	return out, errors.Join(errs...)
}

// routesOf ties every number of the file to what it reaches.
func routesOf(cfg *configs.Config) (*route.Table, error) {
	var rules []route.Rule
	for _, s := range cfg.Services {
		for _, n := range s.Numbers {
			rules = append(rules, route.Rule{Number: n, Service: cti.ServiceID(s.Name)})
		}
	}
	for _, a := range cfg.Accounts {
		if a.Kind != "carrier" {
			rules = append(rules, route.Rule{Number: a.User, Device: cti.DeviceID(a.User)})
		}
	}
	taken := map[string]bool{} // members of a group may all name its numbers
	for _, t := range cfg.Trunks {
		for _, n := range t.Numbers {
			if number, prefix := strings.CutSuffix(n, "*"); !served(cfg, n) && !taken[number+groupOf(t)] {
				rules = append(rules, route.Rule{Number: number, Prefix: prefix, Trunk: groupOf(t)})
				taken[number+groupOf(t)] = true
			}
		}
	}
	for _, r := range cfg.Routes {
		rules = append(rules, route.Rule{Number: r.User, Contact: r.Contact})
	}
	t, err := route.New(rules)
	if err != nil {
		return nil, fmt.Errorf("numbers: %w", err)
	}
	return t, nil
}

// groupOf is where the numbers of a trunk lead: its group, or the trunk alone.
func groupOf(t configs.Trunk) string { return cmp.Or(t.Group, t.Name) }

func codecsOf(names []string) []media.Codec {
	var out []media.Codec
	for _, n := range names {
		out = append(out, map[string]media.Codec{"g722": media.G722, "pcma": media.PCMA, "pcmu": media.PCMU}[n])
	}
	return out
}

// trunkCodecs are what the trunk names; else what stations have for an office of
// the network, where calls stay wide-band, and G.711 for a carrier.
func trunkCodecs(cfg *configs.Config, t configs.Trunk) []media.Codec {
	switch {
	case len(t.Codecs) > 0:
		return codecsOf(t.Codecs)
	case t.Trusted:
		return codecsOf(cfg.Media.Codecs)
	}
	return []media.Codec{media.PCMA, media.PCMU}
}

func policyOf(word string) sdp.Policy {
	return map[string]sdp.Policy{"prefer": sdp.Prefer, "require": sdp.Require}[word]
}

// served tells whether a service of this node has the number itself.
func served(cfg *configs.Config, number string) bool {
	want := numbering.Canonical(number)
	for _, s := range cfg.Services {
		for _, n := range s.Numbers {
			if numbering.Canonical(n) == want {
				return true
			}
		}
	}
	return false
}

func line(cfg *configs.Config, s configs.Service, calendars map[string]*hours.Calendar) acd.Line {
	l := acd.Line{ID: cti.ServiceID(s.Name), Queue: cti.QueueID(s.Queue), Calendar: calendars[s.Calendar], Priority: s.Priority, Plain: s.Plain}
	if s.Greeting != "" {
		l.Greeting = []string{s.Greeting}
	}
	for _, q := range cfg.Queues {
		if q.Name == s.Queue {
			l.Ring, l.Announce = q.Ring, q.Announce
		}
	}
	for _, m := range cfg.Menus {
		if m.Name == s.Menu {
			l.Menu, l.MenuPrompt, l.MenuTimeout = menu(m), m.Prompt, m.Timeout
		}
	}
	return l
}

func menu(m configs.Menu) *ivr.Menu {
	out := &ivr.Menu{}
	for _, c := range m.Choices {
		o := ivr.Option{Key: c.Key[0], Topic: c.Topic, Queue: cti.QueueID(c.Queue), Tracking: c.Tracking, Operator: c.Operator}
		if c.Skill != "" {
			o.Skills = []string{c.Skill}
		}
		out.Options = append(out.Options, o)
	}
	return out
}
