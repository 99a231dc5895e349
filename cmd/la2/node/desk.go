package node

import (
	"context"
	"crypto/rand"
	"net/http"
	"slices"
	"time"

	"github.com/lineaamica/la2/configs"
	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/cti/cdr"
	"github.com/lineaamica/la2/cti/metrics"
	"github.com/lineaamica/la2/cti/server"
	"github.com/lineaamica/la2/sip/trunk"
	"github.com/lineaamica/la2/ticketlink/taxonomy"
	"github.com/lineaamica/la2/web"
)

// openDesk builds what reads the stream: desktops, metrics, call records.
func (n *Node) openDesk(ctx context.Context) (err error) {
	if _, err = cdr.CloseOpen(ctx, n.stream, n.store.Projection("cdr")); err != nil {
		return err
	}
	if n.token = string(n.cfg.HTTP.StatusToken); n.token == "" {
		n.token = rand.Text()
	}
	queues, services, trunks := names(n.cfg)
	n.metrics, err = metrics.New(metrics.Config{Version: n.opts.Version, QueuesOf: n.queuesOf, Queues: queues, Services: services,
		Trunks: trunks, Values: n.gauges()})
	if err != nil {
		return err
	}
	n.server, err = server.New(server.Config{
		Site: server.Site{IPA: cti.SiteID(n.cfg.Site.IPA), Name: n.cfg.Site.Name},
		Log:  n.stream, Users: n.user, QueuesOf: n.queuesOf, Queues: queues, Offices: offices(n.cfg), Trunks: trunks, TrunkDetail: n.trunkDetail,
		Taxonomy: taxonomy.Default(),
		Agents:   agents{n.floor}, Calls: calls{n}, Tickets: tickets{n.tickets},
		Sessions: n.store.Projection("sessions"), SessionLife: n.cfg.HTTP.SessionLife, StatusToken: n.token,
		Bans: n.banned, Unban: n.unban,
		Desktop: web.Desktop(), Metrics: n.metrics.Handler(),
		Ready:  []server.Check{{Name: "journal", Func: n.journalReady}, {Name: "sip", Func: n.sipReady}},
		Logger: n.log,
	})
	if err != nil {
		return err
	}
	n.web = &http.Server{Handler: n.pages(), ReadHeaderTimeout: 5 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10}
	return nil
}

// browserPath is where a desktop's browser speaks SIP; the cookie of its session goes
// there.
const browserPath = "GET /cti/v1/sip"

// pages is what the HTTP port serves.
func (n *Node) pages() http.Handler {
	if !n.cfg.SIP.WebSocket.Desktop {
		return n.server.Handler()
	}
	mux := http.NewServeMux()
	mux.Handle(browserPath, n.flows.WebSocket(n.browser))
	mux.Handle("/", n.server.Handler())
	return mux
}

// browser says whose WebSocket r asks for: that of the station of its session.
func (n *Node) browser(r *http.Request) (user string, err error) {
	d, ok := n.server.Device(r)
	if !ok || d == "" {
		return "", server.ErrForbidden
	}
	return string(d), nil
}

func names(cfg *configs.Config) (queues []cti.QueueID, services []cti.ServiceID, trunks []string) {
	for _, q := range cfg.Queues {
		queues = append(queues, cti.QueueID(q.Name))
	}
	for _, s := range cfg.Services {
		services = append(services, cti.ServiceID(s.Name))
	}
	for _, t := range cfg.Trunks {
		trunks = append(trunks, t.Name)
	}
	return queues, services, trunks
}

func (n *Node) trunkDetail(name string) server.TrunkDetail {
	s, _ := n.trunks.Status(name)
	return server.TrunkDetail{Since: s.Since.UTC(), Registration: s.Registration.String(), Fault: s.Fault.What, FaultAt: s.Fault.At.UTC()}
}

// offices are the trunks that lead to one.
func offices(cfg *configs.Config) []server.Office {
	var out []server.Office
	for _, t := range cfg.Trunks {
		if t.Site != "" && t.Transfer != "" {
			out = append(out, server.Office{IPA: cti.SiteID(t.Site), Name: t.Title, Number: t.Transfer, Trunk: t.Name})
		}
	}
	return out
}

func (n *Node) user(name string) (server.User, bool) {
	for _, u := range n.cfg.Users {
		if u.User != name || u.Hash == "" {
			continue
		}
		out := server.User{Name: u.User, FullName: u.Name, PasswordHash: u.Hash, Device: cti.DeviceID(u.Device)}
		for _, r := range u.Roles {
			out.Roles = append(out.Roles, cti.Role(r))
		}
		if hasRole(u, cti.RoleAgent) {
			out.Agent = cti.AgentID(u.User)
		}
		for _, q := range u.Queues {
			out.Queues = append(out.Queues, cti.QueueID(q))
		}
		return out, true
	}
	return server.User{}, false
}

func (n *Node) queuesOf(a cti.AgentID) []cti.QueueID {
	for _, e := range n.plan.engine.Agents {
		if e.ID == a {
			return e.Queues
		}
	}
	return nil
}

// journalReady: an empty commit may fit on a disk where the next event does not,
// so the stream is asked first.
func (n *Node) journalReady(ctx context.Context) error {
	if err := n.stream.Healthy(); err != nil {
		return err
	}
	return n.store.Healthy(ctx)
}

func (n *Node) sipReady(context.Context) error {
	if n.draining.Load() {
		return cti.Fail(cti.CauseShutdown, "draining")
	}
	return nil
}

// registers counts REGISTERs by what became of them.
func registers(outcome string, count func() uint64) metrics.Value {
	return metrics.Value{Name: "la2_sip_registers_total", Help: "REGISTER requests answered.", Counter: true,
		Labels: map[string]string{"outcome": outcome}, Func: func() float64 { return float64(count()) }}
}

// registrations with carriers, by trunk.
func (n *Node) registrations() (out []metrics.Value) {
	for _, t := range n.cfg.Trunks {
		if t.Register.Expires == 0 {
			continue
		}
		out = append(out, metrics.Value{Name: "la2_trunk_registered", Help: "1 while we are registered with the carrier.", Labels: map[string]string{"trunk": t.Name}, Func: func() float64 {
			if s, _ := n.trunks.Status(t.Name); s.Registration == trunk.Registered {
				return 1
			}
			return 0
		}})
	}
	return out
}

// gauges are what the packet and signalling layers count.
func (n *Node) gauges() []metrics.Value {
	return slices.Concat(n.registrations(), n.shieldValues(), n.loadValues(), n.proxyValues(), []metrics.Value{
		{Name: "la2_sip_calls", Help: "Calls now.", Func: func() float64 { return float64(n.running()) }},
		{Name: "la2_sip_subscriptions", Help: "Subscriptions of telephones to events (busy lamps).", Func: func() float64 { return float64(n.events.Len()) }},
		{Name: "la2_sip_dial_refused_total", Help: "Calls of stations that their dial plan or a limit refused.", Counter: true, Func: func() float64 { return float64(n.plan.dial.refused.Load()) }},
		{Name: "la2_sip_auth_failures_total", Help: "Wrong credentials.", Counter: true, Func: func() float64 { return float64(n.verifier.Stats().Failures) }},
		{Name: "la2_sip_auth_throttled_total", Help: "Credentials refused unread, because their source sent too many wrong ones.", Counter: true, Func: func() float64 { return float64(n.verifier.Stats().Throttled) }},
		registers("accepted", func() uint64 { return n.registrar.Stats().Accepted }),
		registers("challenged", func() uint64 { return n.registrar.Stats().Challenged }),
		registers("denied", func() uint64 { return n.registrar.Stats().Denied }),
		registers("refused", func() uint64 { return n.registrar.Stats().Refused }),
		{Name: "la2_sip_registered", Help: "Accounts with a binding now.", Func: func() float64 { return float64(n.location.Len()) }},
		{Name: "la2_sip_messages_received_total", Help: "SIP messages received.", Counter: true, Func: func() float64 { return float64(n.flows.Stats().Received) }},
		{Name: "la2_sip_messages_sent_total", Help: "SIP messages sent.", Counter: true, Func: func() float64 { return float64(n.flows.Stats().Sent) }},
		{Name: "la2_sip_retransmissions_total", Help: "Repeated requests absorbed.", Counter: true, Func: func() float64 { return float64(n.tx.Stats().Retransmissions) }},
		{Name: "la2_sip_transactions", Help: "Transactions alive now.", Func: func() float64 { s := n.tx.Stats(); return float64(s.Servers + s.Clients) }},
		{Name: "la2_rtp_ports_free", Help: "Ports for audio that no call holds.", Func: func() float64 { return float64(n.relay.FreePorts()) }},
		{Name: "la2_rtp_rtcp_errors_total", Help: "RTCP of strangers, malformed or too much; at most one a second and leg.", Counter: true, Func: func() float64 { return float64(n.relay.BadRTCP()) }},
		{Name: "la2_stream_degraded", Help: "1 while the journal does not write.", Func: func() float64 {
			if n.stream.Stats().Degraded {
				return 1
			}
			return 0
		}},
		{Name: "la2_stream_lost_events_total", Help: "Events dropped while the journal did not write.", Counter: true, Func: func() float64 { return float64(n.stream.Stats().Lost) }},
		{Name: "la2_store_bytes", Help: "Size of the journal file.", Func: func() float64 { return float64(n.store.Size()) }},
	})
}
