// Package node wires one node of the network: configuration in, sockets,
// switch, floor, tickets and desktops out. It decides nothing that a package
// below could decide; what it holds are the request route (request.go), who may
// dial what (admit.go) and adapters between packages that do not know each other.
//
// New builds, Run serves until its context ends and owns every goroutine it starts.
package node

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lineaamica/la2/acd"
	"github.com/lineaamica/la2/acd/floor"
	"github.com/lineaamica/la2/configs"
	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/cti/metrics"
	"github.com/lineaamica/la2/cti/server"
	"github.com/lineaamica/la2/cti/stream"
	"github.com/lineaamica/la2/media"
	"github.com/lineaamica/la2/media/prompt"
	"github.com/lineaamica/la2/media/relay"
	"github.com/lineaamica/la2/sip/b2bua"
	"github.com/lineaamica/la2/sip/digest"
	"github.com/lineaamica/la2/sip/events"
	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/location"
	"github.com/lineaamica/la2/sip/overload"
	"github.com/lineaamica/la2/sip/proxy"
	"github.com/lineaamica/la2/sip/registrar"
	"github.com/lineaamica/la2/sip/resolve"
	"github.com/lineaamica/la2/sip/shield"
	"github.com/lineaamica/la2/sip/transaction"
	"github.com/lineaamica/la2/sip/trunk"
	"github.com/lineaamica/la2/store"
	"github.com/lineaamica/la2/ticketlink"
)

// Options of a Node.
type Options struct {
	Config *configs.Config
	// Data is the directory of the journal; it is made when absent.
	Data   string
	Logger *slog.Logger
	Env    Env
	// Version is shown in User-Agent and /metrics.
	Version string
}

// Env is where sockets come from. The zero value is the real world; tests put
// an in-memory network here.
type Env struct {
	ListenUDP func(addr netip.AddrPort) (flow.PacketConn, error)
	ListenTCP func(addr netip.AddrPort) (net.Listener, error)
	RTP       relay.Network
	DialTCP   func(ctx context.Context, network, address string) (net.Conn, error)
	DialDNS   DialDNS
	// Health is how trunks are probed.
	Health trunk.HealthConfig
	NoHTTP bool
	// PINCost is the bcrypt cost of tracking codes' PINs; 0: the default.
	PINCost int
	// NoSync leaves out fsync.
	NoSync bool
}

// A Node is one office.
type Node struct {
	cfg  *configs.Config
	opts Options
	log  *slog.Logger
	plan *plan

	store    *store.Store
	stream   *stream.Log
	prompts  *prompt.Set
	ringback *media.Clip
	relay    *relay.Relay

	shield    *shield.Shield
	load      *overload.Controller
	shed      atomic.Uint64 // REGISTER refused for want of time
	flows     *flow.Layer
	resolver  *resolve.Resolver
	tx        *transaction.Layer
	sw        *b2bua.Switch
	stations  *stations
	proxy     *proxy.Proxy
	passing   *passing
	verifier  *digest.Guard
	location  *location.Table
	bindings  *keeper // nil: registrations end with the process
	registrar *registrar.Registrar
	replies   sync.Pool // of *[]byte, for the registrar's answers
	lamps     *lamps
	events    *events.Notifier
	trunks    *trunk.Table
	accounts  map[string]configs.Account
	secrets   map[string]digest.HA1 // of accounts

	floor   *floor.Floor
	acd     *acd.Service
	tickets *ticketlink.Service
	server  *server.Server
	metrics *metrics.Metrics
	token   string // of la2 status

	udp      []flow.PacketConn
	streams  []streamPort
	keys     *keyring // nil without certificates
	http     net.Listener
	web      *http.Server
	draining atomic.Bool
	hurry    context.Context // ends when draining must
	rush     context.CancelFunc
	leaving  context.Context // ends when we take our registrations with carriers back
	leave    context.CancelFunc
	left     chan struct{} // closed when that is done
	ready    chan struct{}
	atOnce   context.Context // has ended: for what may not wait
}

// Check builds from cfg what needs no sockets or files, so that a bad
// configuration is told before a node starts.
func Check(cfg *configs.Config) error {
	if _, err := newPlan(cfg); err != nil {
		return err
	}
	_, err := loadPrompts(cfg)
	return err
}

// New opens the journal and the sockets. On error nothing stays open.
func New(ctx context.Context, o Options) (*Node, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	n := &Node{cfg: o.Config, opts: o, log: o.Logger.With("site", o.Config.Site.IPA), ready: make(chan struct{}),
		accounts: accountsOf(o.Config), left: make(chan struct{}), replies: sync.Pool{New: func() any { return new([]byte) }}}
	n.leaving, n.leave = context.WithCancel(context.WithoutCancel(ctx))
	var ended context.CancelFunc
	n.atOnce, ended = context.WithCancel(context.WithoutCancel(ctx))
	ended()
	n.hurry, n.rush = context.WithCancel(context.WithoutCancel(ctx))
	for _, step := range []func(context.Context) error{n.openPlan, n.openSockets, n.openJournal, n.openMedia, n.openSIP, n.openFloor, n.openDesk} {
		if err := step(ctx); err != nil {
			n.close()
			return nil, err
		}
	}
	return n, nil
}

func (n *Node) openPlan(context.Context) (err error) {
	if n.plan, err = newPlan(n.cfg); err != nil {
		return err
	}
	n.plan.service.Logger = n.log
	n.ringback = ringback()
	n.prompts, err = loadPrompts(n.cfg)
	return err
}

// A disk write costs the CPU time of a fifth of a call: these two share it out
// among calls, and delay a pop or an answer by less than anybody notices.
const (
	journalLinger = 10 * time.Millisecond
	journalPace   = 6 * time.Millisecond
)

func (n *Node) openJournal(context.Context) (err error) {
	if err = os.MkdirAll(n.opts.Data, 0o700); err != nil {
		return fmt.Errorf("data directory %s: %w", n.opts.Data, err)
	}
	if n.store, err = store.Open(filepath.Join(n.opts.Data, "node.db"), store.Options{NoSync: n.opts.Env.NoSync}); err != nil {
		return err
	}
	n.stream, err = stream.New(stream.Config{Site: cti.SiteID(n.cfg.Site.IPA), Logger: n.log, Linger: journalLinger, Pace: journalPace}, n.store)
	return err
}

func (n *Node) now() time.Time { return time.Now().UTC() }

// Ready is closed when the node takes calls.
func (n *Node) Ready() <-chan struct{} { return n.ready }

// StatusToken lets `la2 status` in.
func (n *Node) StatusToken() string { return n.token }
