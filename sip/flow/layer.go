package flow

import (
	"context"
	"errors"
	"hash/maphash"
	"net"
	"net/netip"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lineaamica/la2/sip/wire"
)

// Why a message could not be sent.
var (
	// ErrGone: the connection of the flow is closed, or no socket has its local address.
	ErrGone = errors.New("flow: gone")
	// ErrFull: the peer reads too slowly; the message is lost and the connection stays.
	ErrFull = errors.New("flow: send queue full")
	// ErrAddress: the remote address is unspecified, multicast or broadcast, or has port 0.
	ErrAddress = errors.New("flow: address not to be sent to")
	// ErrSize: the message does not fit into a datagram, or is empty.
	ErrSize = errors.New("flow: message size")
	// ErrNoRoute: no socket of ours can reach the address.
	ErrNoRoute = errors.New("flow: no socket for the address")
	// ErrLimit: as many connections are open as the configuration allows.
	ErrLimit = errors.New("flow: too many connections")
	// ErrWithheld: Config.Outgoing dropped the message.
	ErrWithheld = errors.New("flow: message withheld")
	// ErrClosed: the layer was closed.
	ErrClosed = errors.New("flow: layer closed")
)

// Longest payload of a datagram over IPv4.
const maxDatagram = 65507

// A Handler takes a message. It runs on the reader of the flow, so it must return soon; m and
// its bytes are valid only during the call. It may call Send. A panic is contained and counted.
type Handler func(f Flow, m *wire.Message)

// A Layer owns the SIP sockets of a node. Its methods are safe for concurrent use.
type Layer struct {
	cfg    Config
	handle Handler
	count  counters
	refuse bucket // of answers to malformed requests
	seed   maphash.Seed
	life   context.Context // ends with Close; bounds dialling
	end    context.CancelFunc
	wg     sync.WaitGroup // readers, writers, dials and Serve calls

	indexes indexes

	udp       atomic.Pointer[[]*socket]   // replaced, never changed
	listeners atomic.Pointer[[]*listener] // replaced, never changed

	mu       sync.RWMutex // guards all below
	closed   bool
	lastID   uint64
	conns    map[uint64]*conn
	byRemote map[target]*conn
	perIP    map[netip.Addr]int // accepted connections
	greeting map[netip.Addr]int // of these, handshakes that are not over
	waiting  int                // connections in the lobby
	dials    map[target]*attempt
	noStream map[netip.AddrPort]time.Time // peers that Upgrade does not ask, until then
}

// New returns a layer without sockets. The caller closes it.
func New(cfg Config, h Handler) *Layer {
	l := &Layer{
		cfg: cfg.withDefaults(), handle: h, seed: maphash.MakeSeed(),
		conns:    map[uint64]*conn{},
		byRemote: map[target]*conn{},
		perIP:    map[netip.Addr]int{},
		greeting: map[netip.Addr]int{},
		dials:    map[target]*attempt{},
		noStream: map[netip.AddrPort]time.Time{},
	}
	l.refuse.rate = float64(max(0, l.cfg.RefuseRate))
	l.life, l.end = context.WithCancel(context.Background())
	l.udp.Store(new([]*socket))
	l.listeners.Store(new([]*listener))
	return l
}

// Send puts the message b on f and returns; b may be used again at once. UDP: one datagram.
// Connections: the queue of the writer.
func (l *Layer) Send(f Flow, b []byte) error {
	if len(b) == 0 {
		return ErrSize
	}
	if b = l.cfg.Outgoing(f, b); b == nil {
		l.count.withheld.Add(1)
		return ErrWithheld
	}
	if f.Transport == UDP {
		return l.sendUDP(f, b)
	}
	l.mu.RLock()
	c := l.conns[f.ID]
	l.mu.RUnlock()
	if c == nil || c.flow != f {
		return ErrGone
	}
	return c.send(b)
}

// Alive reports whether Send could work on f: its socket or connection is open.
func (l *Layer) Alive(f Flow) bool {
	if f.Transport == UDP {
		return l.socket(f.Local) != nil
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	c := l.conns[f.ID]
	return c != nil && c.flow == f
}

// Close closes all sockets and connections and returns when all goroutines of the layer and
// all Serve calls have ended. Handlers must return for that, and must not call Close.
func (l *Layer) Close() error {
	l.mu.Lock()
	l.closed = true
	var errs []error
	for _, ln := range *l.listeners.Load() {
		errs = append(errs, ln.Close())
	}
	for _, s := range *l.udp.Load() {
		errs = append(errs, s.pc.Close())
	}
	for _, c := range l.conns {
		c.link.cut()
	}
	l.mu.Unlock()
	l.end()
	l.wg.Wait()
	errs = slices.DeleteFunc(errs, func(err error) bool { return errors.Is(err, net.ErrClosed) })
	return errors.Join(errs...)
}

// enter lets Close wait for the caller, until wg.Done; false when the layer is closed.
func (l *Layer) enter() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.wg.Add(1)
	return true
}

// message indexes what a reader got and hands it on. Panics end here: one message is lost.
func (l *Layer) message(f Flow, b []byte, m *wire.Message) {
	defer l.recovered(f)
	if l.cfg.Filter(f, b) == Drop {
		l.count.filtered.Add(1)
		return
	}
	if err := m.Parse(b); err != nil {
		l.malformed(f, m, err)
		return
	}
	l.count.received.Add(1)
	l.handle(f, m)
}

// recovered is deferred around what readers do.
func (l *Layer) recovered(f Flow) {
	if r := recover(); r != nil {
		l.count.panics.Add(1)
		l.cfg.Logger.Error("reader panicked", "transport", f.Transport.String(), "remote", f.Remote.String(), "panic", r, "stack", string(debug.Stack()))
	}
}

// malformed answers a refused request once, statelessly (RFC 3261 8.2.7), when its index allows,
// and the rate too. That a forged source gains nothing by it is up to Config.Outgoing.
func (l *Layer) malformed(f Flow, m *wire.Message, err error) {
	l.count.malformed.Add(1)
	l.cfg.OnFault(f, Malformed)
	if !m.Answerable() || !l.refuse.take(time.Now(), 1) {
		return
	}
	status, reason := wire.ParseStatusFor(err)
	var buf [1024]byte
	b := wire.AppendReplyTo(buf[:0], m, f.Remote, status, reason, l.tag(m))
	if l.Send(ResponseFlow(m.TopVia(), f), b) == nil {
		l.count.refused.Add(1)
	}
}

// tag is the same for the same request (RFC 3261 8.2.7).
func (l *Layer) tag(m *wire.Message) string {
	var h maphash.Hash
	h.SetSeed(l.seed)
	_, _ = h.Write(m.Header("Call-ID"))
	_, _ = h.Write(m.TopVia().Raw)
	const hex = "0123456789abcdef"
	var out [16]byte
	for i, v := 0, h.Sum64(); i < len(out); i, v = i+1, v>>4 {
		out[i] = hex[v&15]
	}
	return string(out[:])
}
