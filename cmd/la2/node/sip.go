package node

import (
	"context"
	"crypto/rand"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"time"

	"github.com/lineaamica/la2/configs"
	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/media"
	"github.com/lineaamica/la2/media/g711"
	"github.com/lineaamica/la2/media/prompt"
	"github.com/lineaamica/la2/media/relay"
	"github.com/lineaamica/la2/media/tone"
	"github.com/lineaamica/la2/media/wav"
	"github.com/lineaamica/la2/sip/b2bua"
	"github.com/lineaamica/la2/sip/digest"
	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/location"
	"github.com/lineaamica/la2/sip/registrar"
	"github.com/lineaamica/la2/sip/transaction"
)

// loadPrompts reads the built-in announcements or those of the directory named.
func loadPrompts(cfg *configs.Config) (*prompt.Set, error) {
	var files fs.FS = configs.Prompts
	dir := "prompts/" + cfg.Prompts.Language
	if cfg.Prompts.Directory != "" {
		files, dir = os.DirFS(cfg.Prompts.Directory), "."
	}
	return prompt.Load(files, dir, g711.New())
}

// ringbackName is the clip that is made and not recorded.
const ringbackName = "ringback"

// ringback is the Italian ringing tone as a clip.
func ringback() *media.Clip {
	return prompt.Clip(ringbackName, wav.Sound{Rate: media.ClockRate, Samples: tone.Ringback()}, g711.New())
}

func (n *Node) openMedia(context.Context) (err error) {
	addr, err := netip.ParseAddr(n.cfg.Media.Address)
	if err != nil {
		return fmt.Errorf("media.address: %w", err)
	}
	advertise := addr
	if n.cfg.Media.Advertise != "" {
		if advertise, err = netip.ParseAddr(n.cfg.Media.Advertise); err != nil {
			return fmt.Errorf("media.advertise: %w", err)
		}
	}
	n.relay, err = relay.New(relay.Config{Shards: n.cfg.Media.Shards, IP: addr, Advertise: advertise, PortMin: n.cfg.Media.Ports.Min, PortMax: n.cfg.Media.Ports.Max,
		Timeout: n.cfg.Media.Timeout, Net: n.opts.Env.RTP, Logger: n.log, Allow: flow.ScopeOf(addr).Allows,
		OnEvent: func(ev relay.Event) { n.sw.MediaEvent(ev) }})
	return err
}

func accountsOf(cfg *configs.Config) map[string]configs.Account {
	out := map[string]configs.Account{}
	for _, a := range cfg.Accounts {
		out[a.User] = a
	}
	pool := cfg.Pools.Accounts
	for _, name := range pool.Names() {
		out[name] = configs.Account{User: name, Password: configs.Secret(pool.PasswordPrefix + name), Kind: "station"}
	}
	return out
}

// openSIP builds the stack from the sockets up to the switch.
func (n *Node) openSIP(ctx context.Context) (err error) {
	n.secrets = secretsOf(n.cfg.SIP.Realm, n.accounts)
	secret := []byte(rand.Text() + rand.Text())
	v, err := digest.New(digest.Config{Realm: n.cfg.SIP.Realm, Algorithms: digest.Algorithms(n.cfg.SIP.Digest), Secret: secret, AnyUser: true}, n.secret)
	if err != nil {
		return err
	}
	n.verifier = digest.NewGuard(digest.GuardConfig{OnDenied: n.guessed, Spared: n.spared, Logger: n.log}, v)
	outward, err := n.keys.outward(n.cfg.SIP.TLS)
	if err != nil {
		return err
	}
	n.openShield()
	n.openOverload()
	n.flows = flow.New(flow.Config{Dial: n.opts.Env.DialTCP, Filter: n.shield.Verdict, Outgoing: n.shield.Outgoing, OnFault: n.fault, Trusted: n.trusted, OnClosed: n.flowClosed, Keep: n.kept,
		Advertise: advertised(n.cfg), TLS: outward, WebSocket: flow.WebSocketConfig{Origins: n.cfg.SIP.WebSocket.Origins}, Logger: n.log}, n.receive)
	n.openResolver()
	if err := n.openProxy(ctx); err != nil {
		return err
	}
	n.tx = transaction.New(transaction.Config{Shards: n.cfg.SIP.Shards, Address: n.flows.Address, Stream: n.upgrade, Admit: n.admits, Urgent: urgent,
		OnStray: n.unasked, Logger: n.log}, n.flows, requestRoute{n})
	reg := n.cfg.SIP.Registrar
	n.location = location.NewTable(location.Config{MaxBindings: reg.MaxBindings, Grace: reg.Grace,
		Limit: func(a location.AOR) int { return n.accounts[string(a)].MaxBindings }, OnChange: n.bindingChanged})
	if reg.Durable {
		n.bindings = newKeeper(n.store.Projection("bindings"), n.location.Lookup, n.log)
	}
	n.stations = newStations(n)
	n.openEvents()
	n.passing = newPassing(n.stations, n.stream.PublishAll, n.lamps.tell, n.cfg.SIP.MaxDuration, n.now)
	n.sw = b2bua.New(b2bua.Config{Codecs: n.codecs, Protect: n.protect, Credentials: n.credentials, Site: cti.SiteID(n.cfg.Site.IPA), UserAgent: "LA2 " + n.opts.Version, Contact: n.flows.Address,
		RingTime: n.cfg.SIP.RingTime, MaxDuration: n.cfg.SIP.MaxDuration, SessionExpires: sessionExpires(n.cfg), Reliable: n.cfg.SIP.PRACK, Logger: n.log},
		b2bua.Deps{Transactions: n.tx, Media: n.relay, Events: n.stations, Clips: n.clip, Targets: n.targets, Resolve: n.referTarget, Colleagues: n.colleagues, Lines: n.lamps.tell, Serve: n.serve})
	n.registrar, err = registrar.New(registrar.Config{Domains: n.hosts(), Allowed: n.registers, Certified: n.certified, Admit: n.admitsRegister,
		MinExpires: reg.MinExpires, DefaultExpires: reg.DefaultExpires, MaxExpires: reg.MaxExpires}, n.location, n.verifier)
	if err != nil {
		return err
	}
	return n.openTrunks(ctx)
}

// sessionExpires is the wish of the file, whose 0 means none.
func sessionExpires(cfg *configs.Config) time.Duration {
	if cfg.SIP.SessionExpires == 0 {
		return -1
	}
	return cfg.SIP.SessionExpires
}

// secretsOf is what digest needs of each account: computed once, since it is asked for
// with every request.
func secretsOf(realm string, accounts map[string]configs.Account) map[string]digest.HA1 {
	out := make(map[string]digest.HA1, len(accounts))
	for user, a := range accounts {
		if a.Password != "" {
			out[user] = digest.Password(realm, user, string(a.Password))
		}
	}
	return out
}

// secret is the password side of digest.
func (n *Node) secret(user string) (digest.HA1, bool) {
	s, ok := n.secrets[user]
	return s, ok
}

// registers tells whether an account may bind contacts over f: carriers only call.
func (n *Node) registers(f flow.Flow, user string) bool {
	return n.accounts[user].Kind != "carrier" && n.owns(f, user)
}

func (n *Node) clip(name string) (*media.Clip, bool) {
	if name == ringbackName {
		return n.ringback, true
	}
	c := n.prompts.Clip(name)
	return c, c != nil
}

// kept tells whether a silent connection is still of use: a phone is registered on it.
func (n *Node) kept(f flow.Flow) bool { return n.location.Bound(f) }

func (n *Node) flowClosed(f flow.Flow) {
	n.tx.Closed(f)
	n.location.DropFlow(f)
	n.events.FlowClosed(f)
}

// bindingChanged tells the floor and the journal's keeper.
func (n *Node) bindingChanged(c location.Change) {
	if n.bindings != nil {
		n.bindings.changed(c)
	}
	n.registered(n.location.Lookup(c.AOR))
	if n.floor == nil {
		return
	}
	switch {
	case c.Up():
		n.floor.DeviceUp(cti.DeviceID(c.AOR))
	case c.Down():
		n.floor.DeviceDown(cti.DeviceID(c.AOR))
	}
}
