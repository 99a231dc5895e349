package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/lineaamica/la2/cmd/la2/node"
	"github.com/lineaamica/la2/configs"
)

type demoCmd struct {
	Bots   bool   `default:"true" negatable:"" help:"Bot operators answer while no person is ready; --bots=false for none."`
	Closed bool   `help:"All services are closed: hear the closed announcement."`
	Data   string `placeholder:"DIR" help:"Directory of the journals, kept; default a temporary one, removed at the end."`
	Log    string `default:"warn" enum:"debug,info,warn,error" placeholder:"LEVEL" help:"What the nodes log to standard error: debug, info (one line a change of a call), warn or error; default warn."`
}

// demoSites are the nodes in the order in which they start.
var demoSites = []string{"formezpa", "c_b180", "cmna"}

// Run starts the network, says how to ring it and stops on Ctrl-C.
func (c demoCmd) Run() error {
	ctx, second, stop := signals()
	defer stop()
	data, cleanup, err := c.directory()
	if err != nil {
		return err
	}
	defer cleanup()
	d := &demo{log: slog.New(newConsole(os.Stderr, level(c.Log)))}
	defer d.forget()
	for _, site := range demoSites {
		if err := d.add(ctx, site, filepath.Join(data, site), c.Closed); err != nil {
			d.abandon(ctx)
			return err
		}
	}
	defer hurried(second, d.hurry)()
	return d.run(ctx, c.Bots, os.Stdout)
}

func (c demoCmd) directory() (string, func(), error) {
	if c.Data != "" {
		return c.Data, func() {}, os.MkdirAll(c.Data, 0o700)
	}
	dir, err := os.MkdirTemp("", "la2-demo-")
	return dir, func() { _ = os.RemoveAll(dir) }, err
}

// A demo is the three nodes and their bots.
type demo struct {
	log     *slog.Logger
	configs []*configs.Config
	nodes   []*node.Node
	tokens  []func()
}

func (d *demo) add(ctx context.Context, site, data string, closed bool) error {
	name := "demo/" + site + ".yaml"
	raw, err := configs.Demo.ReadFile(name)
	if err != nil {
		return err
	}
	cfg, err := configs.Parse("configs/"+name, raw)
	if err != nil {
		return err
	}
	if closed {
		for i := range cfg.Calendars {
			cfg.Calendars[i] = configs.Calendar{Name: cfg.Calendars[i].Name, Never: true}
		}
	}
	n, err := node.New(ctx, node.Options{Config: cfg, Data: data, Logger: d.log, Version: version})
	if err != nil {
		return err
	}
	d.configs, d.nodes = append(d.configs, cfg), append(d.nodes, n)
	if forget, err := saveToken(cfg.HTTP.Listen, n.StatusToken()); err == nil {
		d.tokens = append(d.tokens, forget)
	}
	return nil
}

func (d *demo) forget() {
	for _, f := range d.tokens {
		f()
	}
}

// abandon ends nodes that never ran.
func (d *demo) abandon(ctx context.Context) {
	ended, cancel := context.WithCancel(ctx)
	cancel()
	for _, n := range d.nodes {
		_ = n.Run(ended)
	}
}

// hurry ends the calls of all nodes at once.
func (d *demo) hurry() {
	for _, n := range d.nodes {
		n.Hurry()
	}
}

func (d *demo) run(ctx context.Context, withBots bool, out io.Writer) error {
	life, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var wg sync.WaitGroup
	errs := make([]error, len(d.nodes))
	ended := make(chan struct{}, len(d.nodes)) // one slot a node
	for i, n := range d.nodes {
		wg.Go(func() { // ends with life
			errs[i] = n.Run(life)
			ended <- struct{}{}
		})
	}
	bots := func() {}
	err := d.await(ctx)
	if err == nil && withBots {
		bots, err = startBots(ctx, d.configs, d.log)
	}
	if err == nil {
		fmt.Fprintln(out, "la2 ready")
		d.screen(out, withBots)
		select {
		case <-ctx.Done():
		case <-ended: // one node that fails ends the demo
		}
		fmt.Fprintln(out, "stopping")
	}
	if ctx.Err() != nil {
		err = nil
	}
	bots()
	stop()
	wg.Wait()
	return errors.Join(errors.Join(errs...), err)
}

// await returns when every node takes calls.
func (d *demo) await(ctx context.Context) error {
	for _, n := range d.nodes {
		select {
		case <-n.Ready():
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// screen says how to use the demo.
func (d *demo) screen(out io.Writer, bots bool) {
	p := func(format string, a ...any) { fmt.Fprintf(out, format+"\n", a...) }
	p("")
	p("Ring it:        bin/la2 phone call 803001                    (you play the citizen; --record heard.wav keeps what you hear)")
	p("Numbers:        803001, +3906828881  Linea Amica     +390831000111  URP Brindisi     +390810002222  URP Napoli")
	p("")
	for _, cfg := range d.configs {
		var stations []string
		for _, a := range cfg.Accounts {
			if a.Kind == "station" {
				stations = append(stations, a.User)
			}
		}
		p("%-34s SIP %s   desktop http://%s/", cfg.Site.Name, strings.TrimPrefix(cfg.SIP.Listen[0].String(), "udp:"), cfg.HTTP.Listen)
		p("%-34s stations %s", "", strings.Join(stations, " "))
	}
	p("")
	p("Be an operator: open the desktop, log in as 1001 with password demo-1001, press «Pronto»;")
	p("                for the phone of station 1001: bin/la2 phone answer --user 1001 --for 10m, or a softphone:")
	p("Softphone:      user 1001, password demo-1001, domain and proxy 127.0.0.1:5060, transport UDP, codec PCMA, no STUN, no ICE")
	if bots {
		p("Bots:           1101-1103, 2101-2102, 3101-3102 answer while no person is ready; they step back when one is")
	}
	p("Look:           bin/la2 status       http://%s/metrics", d.configs[0].HTTP.Listen)
	p("Stop:           Ctrl-C")
}
