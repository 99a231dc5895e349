package node

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lineaamica/la2/configs"
	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/cti/cdr"
	"github.com/lineaamica/la2/media/relay"
	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/siptest"
	"github.com/lineaamica/la2/sip/trunk"
)

// Addresses of the world.
const (
	hubIP      = "10.0.0.1"
	napoliIP   = "10.0.2.1"
	brindisiIP = "10.0.3.1"
	rescueIP   = "10.0.6.1"
)

// A world is a network in memory with one node or two, and the actors of a scenario.
type world struct {
	t      *testing.T
	net    *siptest.Network
	began  time.Time
	nodes  map[string]*site
	actors map[string]*actor
	codes  map[string]string // tracking codes told, by name
	cut    []netip.Addr
	napoli bool // there is a second node
	dns    *siptest.DNS
	again  func() // restarts the node, in some tests
}

// A site is a node that runs.
type site struct {
	*Node
	w      *world
	name   string
	ip     string
	data   string
	free   int // ports at the beginning
	closed bool
	health trunk.HealthConfig
	stop   func()
}

func newWorld(t *testing.T) *world {
	return &world{t: t, net: siptest.NewNetwork(1), nodes: map[string]*site{}, actors: map[string]*actor{}, codes: map[string]string{}}
}

// demoConfig is a file of the demo network, moved to the network in memory.
func demoConfig(t testing.TB, ipa, ip string) *configs.Config {
	t.Helper()
	name := "demo/" + ipa + ".yaml"
	raw, err := configs.Demo.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := configs.Parse(name, raw)
	if err != nil {
		t.Fatal(err)
	}
	at := netip.AddrPortFrom(netip.MustParseAddr(ip), 5060)
	cfg.SIP.Listen = []configs.Listen{{Transport: "udp", Address: at}, {Transport: "tcp", Address: at}}
	cfg.SIP.Shards, cfg.Media.Shards = 2, 1
	cfg.Media.Address, cfg.Media.Ports.Min, cfg.Media.Ports.Max = ip, 20000, 20199
	cfg.Users = slices.DeleteFunc(cfg.Users, func(u configs.User) bool { return u.Bot })
	for i := range cfg.Trunks {
		to := map[string]string{"napoli": napoliIP, "brindisi": brindisiIP, "hub": hubIP}[cfg.Trunks[i].Name]
		cfg.Trunks[i].Address.Address = netip.AddrPortFrom(netip.MustParseAddr(to), 5060)
	}
	for i := range cfg.Queues {
		cfg.Queues[i].Lease = 24 * time.Hour
		cfg.Queues[i].Overflow = configs.Overflow{}
	}
	return cfg
}

// settings of a scenario, for all nodes but overflow and closed.
func (o *site) set(cfg *configs.Config, l scriptLine) error {
	q := &cfg.Queues[0]
	d, err := time.ParseDuration(l.word(2))
	switch l.word(1) {
	case "ring":
		q.Ring = d
	case "wrapup":
		q.WrapUp = d
	case "lease":
		q.Lease = d
	case "media-timeout":
		cfg.Media.Timeout = d
	case "probe":
		o.health.Interval = d
	case "overflow": // set overflow 10s napoli
		if o.name != "hub" {
			return nil
		}
		number := map[string]string{"napoli": "+390810002222", "brindisi": "+390831000111"}[l.word(3)]
		q.Overflow = configs.Overflow{After: d, Trunk: l.word(3), Number: number}
	case "group": // set group a: all stations are colleagues
		err = nil
		for i := range cfg.Accounts {
			if cfg.Accounts[i].Kind == "station" {
				cfg.Accounts[i].Group = l.word(2)
			}
		}
	case "rescue": // a carrier by which 112 is reached
		err = nil
		if o.name == "hub" {
			cfg.Trunks = append(cfg.Trunks, toCarrier("rescue", rescueIP))
			cfg.Emergency.CLI = "+390612300000"
		}
	case "prack": // reliable provisional responses between the offices, and for callers who can
		err = nil
		cfg.SIP.PRACK = true
		for i := range cfg.Trunks {
			cfg.Trunks[i].PRACK = true
		}
	case "auto-answer": // set auto-answer 1001
		err = nil
		for i := range cfg.Accounts {
			cfg.Accounts[i].AutoAnswer = cfg.Accounts[i].AutoAnswer || cfg.Accounts[i].User == l.word(2)
		}
	case "closed": // set closed hub
		err = nil
		if o.name == l.word(2) {
			cfg.Calendars[0] = configs.Calendar{Name: cfg.Calendars[0].Name, Never: true}
		}
	default:
		err = fmt.Errorf("unknown setting %q", l.word(1))
	}
	return err
}

// start builds and runs a node.
func (w *world) start(name, ipa, ip, data string, settings []scriptLine) *site {
	w.t.Helper()
	o := &site{w: w, name: name, ip: ip, data: data, health: trunk.HealthConfig{Interval: 24 * time.Hour}}
	cfg := demoConfig(w.t, ipa, ip)
	if !w.napoli {
		cfg.Trunks = slices.DeleteFunc(cfg.Trunks, func(t configs.Trunk) bool { return t.Name == "napoli" })
	}
	for _, l := range settings {
		if err := o.set(cfg, l); err != nil {
			w.t.Fatalf("line %d: %s: %v", l.no, l, err)
		}
	}
	return w.run(o, cfg)
}

func (w *world) run(o *site, cfg *configs.Config) *site {
	w.t.Helper()
	logger := slog.New(slog.DiscardHandler)
	if os.Getenv("SCENARIO_LOG") != "" {
		logger = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	env := Env{
		ListenUDP: func(a netip.AddrPort) (flow.PacketConn, error) { return w.net.ListenAddrPort(a) },
		DialTCP:   w.net.Dialer(netip.MustParseAddr(o.ip)),
		ListenTCP: func(a netip.AddrPort) (net.Listener, error) { return w.net.ListenTCP(a.String()) },
		RTP:       relay.NetworkFunc(func(a string) (relay.PacketConn, error) { return w.net.Listen(a) }),
		NoHTTP:    true, NoSync: true, Health: o.health, PINCost: 4,
	}
	if w.dns != nil {
		env.DialDNS = w.dns.Dial
	}
	ctx, cancel := context.WithCancel(context.Background())
	n, err := New(ctx, Options{Config: cfg, Data: o.data, Env: env, Version: "test", Logger: logger})
	if err != nil {
		cancel()
		w.t.Fatal(err)
	}
	o.Node = n
	o.free = n.relay.FreePorts()
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }() // ends with cancel
	<-n.Ready()
	stopped := false
	o.stop = func() {
		if cancel(); stopped {
			return
		}
		stopped = true
		if err := <-done; err != nil {
			w.t.Errorf("%s ended: %v", o.name, err)
		}
	}
	w.nodes[o.name] = o
	w.t.Cleanup(o.stop)
	return o
}

func (o *site) addr() netip.AddrPort {
	return netip.AddrPortFrom(netip.MustParseAddr(o.ip), 5060)
}

// siteOf is the node that a line names, the hub if none.
func (w *world) siteOf(l scriptLine) *site {
	for _, word := range l.words {
		if o := w.nodes[word]; o != nil {
			return o
		}
	}
	return w.nodes["hub"]
}

// events are the whole stream of a node.
func (o *site) events() []cti.Event {
	o.w.t.Helper()
	r, err := o.stream.Subscribe(cti.Position{})
	if err != nil {
		o.w.t.Fatal(err)
	}
	var out []cti.Event
	for {
		ev, ok, err := r.Ready()
		if err != nil {
			o.w.t.Fatal(err)
		}
		if !ok {
			return out
		}
		out = append(out, ev)
	}
}

// records are the finished call records of a node.
func (o *site) records() []cdr.Record {
	o.w.t.Helper()
	var b bytes.Buffer
	if _, err := cdr.Export(o.store.Projection("cdr"), 0, &b); err != nil {
		o.w.t.Fatal(err)
	}
	var out []cdr.Record
	for dec := json.NewDecoder(&b); dec.More(); {
		var r cdr.Record
		if err := dec.Decode(&r); err != nil {
			o.w.t.Fatal(err)
		}
		out = append(out, r)
	}
	return out
}

// story is the stream in short, for whoever reads a failure.
func (o *site) story() string {
	var b strings.Builder
	for _, ev := range o.events() {
		if ev.Type == cti.EvEngineInput || ev.Type == cti.EvEngineDecision {
			continue
		}
		call := string(ev.Call)
		if len(call) > 4 {
			call = call[len(call)-4:]
		}
		leg := string(ev.Leg)
		leg = leg[strings.LastIndexByte(leg, '/')+1:]
		fmt.Fprintf(&b, "%s %9.3fs %-5s %-2s %s %s%s%s %s %s %s\n", o.name, ev.At.Sub(o.w.began).Seconds(), call, leg, ev.Type,
			ev.Stage, ev.Value, ev.Target, ev.Agent, ev.Cause, ev.Reason)
	}
	return b.String()
}

// data makes a directory for a node.
func dataDir(t testing.TB, name string) string { return filepath.Join(t.TempDir(), name) }

// number of an actor's name: a12 is 12.
func number(name string) int {
	n, err := strconv.Atoi(strings.TrimLeft(name, "abcdefghijklmnopqrstuvwxyz"))
	if err != nil {
		return 1
	}
	return n
}
