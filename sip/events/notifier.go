package events

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/sip/dialog"
	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/transaction"
)

// A Package is one event package of the notifier (RFC 6665 3.2.1).
type Package struct {
	// Accept is the media type of Body, as "application/dialog-info+xml".
	Accept string
	// Allowed is the status that refuses a watcher a resource, 0 when it may watch.
	// It runs on a shard of the transaction layer and must not block. Nil: 403.
	Allowed func(watcher, resource string) int
	// Body is the state of a resource for one subscription: since is what Body
	// returned for it last, nil when everything is to be told. It runs on the owner
	// and must not block.
	Body func(resource string, n Notification) (body []byte, now any)
}

// A Notification is what Body has to know of the NOTIFY that it writes for.
type Notification struct {
	Version uint32 // counts the NOTIFYs of the subscription from 0
	Since   any    // nil: full state
}

// A Sender starts client transactions; satisfied by *transaction.Layer.
type Sender interface {
	Request(req *sip.Request, f flow.Flow, on func(transaction.ClientEvent)) *transaction.Client
}

// Config of a Notifier. Packages, Sender and Contact are required.
type Config struct {
	Packages map[string]Package // by event name, in lower case
	Sender   Sender
	// Contact is where the far end of a flow reaches us.
	Contact func(flow.Flow) sip.Uri
	// UserAgent is the Server and User-Agent header; "" for none.
	UserAgent string
	// MinExpires is the shortest subscription; shorter ones get 423 (RFC 6665
	// 4.2.1.1). Default 60s. DefaultExpires holds when the watcher names none,
	// MaxExpires shortens longer wishes. Defaults 1h and 2h.
	MinExpires, DefaultExpires, MaxExpires time.Duration
	// Pace is the least time between two NOTIFYs of a subscription that nobody asked
	// for. Default 1s.
	Pace time.Duration
	// MaxEach and Max bound the subscriptions of one watcher and of all. Defaults 256
	// and 20000.
	MaxEach, Max int
	// Logger. Default: discard.
	Logger *slog.Logger
}

func (c *Config) setDefaults() {
	for _, d := range []struct {
		to *time.Duration
		is time.Duration
	}{{&c.MinExpires, time.Minute}, {&c.DefaultExpires, time.Hour}, {&c.MaxExpires, 2 * time.Hour}, {&c.Pace, time.Second}} {
		if *d.to <= 0 {
			*d.to = d.is
		}
	}
	if c.MaxEach <= 0 {
		c.MaxEach = 256
	}
	if c.Max <= 0 {
		c.Max = 20000
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
}

// A Notifier holds the subscriptions. Its methods are safe for concurrent use and
// never block.
type Notifier struct {
	cfg   Config
	allow string // Allow-Events
	wake  chan struct{}

	mu     sync.Mutex // guards queue, closed, total
	queue  []any
	closed bool
	total  int // subscriptions, for Len

	// Owned by Run.
	subs     map[subKey]*subscription
	watching map[resourceKey]map[*subscription]struct{}
	each     map[string]int // by watcher
}

type (
	subKey      struct{ callID, tag string } // Call-ID and our tag
	resourceKey struct{ event, resource string }
)

// What reaches the owner.
type (
	subscribed struct {
		tx       *transaction.Server
		watcher  string
		resource string
	}
	resubscribed struct{ tx *transaction.Server }
	changed      struct{ resourceKey }
	told         struct {
		sub *subscription
		ok  bool
	}
	due      struct{ sub *subscription }
	lostFlow struct{ f flow.Flow }
)

// New makes a Notifier; Run makes it work.
func New(cfg Config) *Notifier {
	cfg.setDefaults()
	n := &Notifier{
		cfg: cfg, wake: make(chan struct{}, 1),
		subs:     make(map[subKey]*subscription),
		watching: make(map[resourceKey]map[*subscription]struct{}),
		each:     make(map[string]int),
	}
	var names []string
	for name := range cfg.Packages {
		names = append(names, name)
	}
	slices.Sort(names)
	n.allow = strings.Join(names, ", ")
	return n
}

// AllowEvents is the value of Allow-Events (RFC 6665 8.2.2).
func (n *Notifier) AllowEvents() string { return n.allow }

// Len is the number of subscriptions.
func (n *Notifier) Len() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.total
}

// Changed tells that the state of a resource of a package is another one.
func (n *Notifier) Changed(event, resource string) { n.put(changed{resourceKey{event, resource}}) }

// FlowClosed drops the subscriptions that came over f: there is no way to tell them.
func (n *Notifier) FlowClosed(f flow.Flow) { n.put(lostFlow{f}) }

// put hands what to the owner; false after Run.
func (n *Notifier) put(what any) bool {
	n.mu.Lock()
	if n.closed {
		n.mu.Unlock()
		return false
	}
	n.queue = append(n.queue, what)
	n.mu.Unlock()
	select {
	case n.wake <- struct{}{}:
	default:
	}
	return true
}

// Run owns the subscriptions until ctx ends. Then the watchers are told that they
// may come back later (RFC 6665 4.2.2: deactivated).
func (n *Notifier) Run(ctx context.Context) {
	for {
		select {
		case <-n.wake:
		case <-ctx.Done():
			n.shut()
			return
		}
		for _, what := range n.take() {
			n.handle(what)
		}
	}
}

func (n *Notifier) take() []any {
	n.mu.Lock()
	defer n.mu.Unlock()
	batch := n.queue
	n.queue = nil
	return batch
}

func (n *Notifier) shut() {
	n.mu.Lock()
	n.closed = true
	batch := n.queue
	n.queue = nil
	n.mu.Unlock()
	for _, what := range batch {
		n.handle(what)
	}
	for _, s := range n.subs {
		n.stop(s, "deactivated")
		s.timer.Stop()
	}
}

func (n *Notifier) handle(what any) {
	switch what := what.(type) {
	case subscribed:
		n.subscribe(what)
	case resubscribed:
		n.resubscribe(what.tx)
	case changed:
		for s := range n.watching[what.resourceKey] {
			n.step(s, change)
		}
	case told:
		if what.ok {
			n.step(what.sub, answered)
		} else {
			n.step(what.sub, refused)
		}
	case due:
		n.due(what.sub)
	case lostFlow:
		for _, s := range n.subs {
			if s.dlg.Flow() == what.f {
				n.step(s, lost)
			}
		}
	}
}

// dialogOf is the key of a request inside a dialog.
func dialogOf(req *sip.Request) subKey {
	id := dialog.IDOf(req)
	return subKey{id.CallID, id.LocalTag}
}
