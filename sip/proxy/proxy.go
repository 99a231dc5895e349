package proxy

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"hash/maphash"
	"log/slog"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/transaction"
	"github.com/lineaamica/la2/sip/wire"
)

// Config sets a Proxy.
type Config struct {
	// Address gives our address as the far end of a flow reaches it: for Via and Record-Route.
	// Default: the local end of the flow.
	Address func(flow.Flow) netip.AddrPort
	// Dial gives a flow to a literal address, at once: it never waits for a connection. Required.
	Dial func(flow.Transport, netip.AddrPort) (flow.Flow, error)
	// Allow says whether a request in dialog d may go to next. Default: to the two hosts of d.
	Allow func(d Dialog, next netip.AddrPort) bool
	// Alive says whether a flow of before can still be sent on. Default: always.
	Alive func(flow.Flow) bool
	// Realm is the realm of our own challenges: credentials for it end here (16.6, 22.3), so
	// that no target learns what proves an account of ours. "": all pass.
	Realm string
	// Secret signs our Record-Route; 32 octets or more. Default: new ones from crypto/rand.
	Secret []byte
	// Logger gets refusals that smell of abuse, at Debug. Default: discard.
	Logger *slog.Logger
}

// A Target is where a request goes.
type Target struct {
	URI    string    // the new Request-URI
	Flow   flow.Flow // the path to it, or to the first of Routes
	Routes []string  // Route values, "<sip:edge;lr>", such as a Path (RFC 3327 5.5)
	// Keep says that requests of the dialog go over Flow as well, whatever the Contact says: it is
	// a connection that the target opened, or a hole in its NAT (RFC 5626 5.3).
	Keep bool
}

// Stats counts what a Proxy did; all grow.
type Stats struct {
	Requests  uint64 // forwarded statefully
	Responses uint64 // passed back
	Acks      uint64 // for a 2xx, forwarded
	Looped    uint64 // refused with 482
	Exhausted uint64 // refused with 483
	Denied    uint64 // requests in a dialog and ACKs that policy stopped
}

// A Proxy forwards requests; see the package comment.
type Proxy struct {
	cfg    Config
	send   transaction.Sender
	sign   *signer
	seed   maphash.Seed
	works  sync.Pool // *work
	answer func(*transaction.Server, transaction.Forwarded)
	own    func(credentials []byte) bool

	requests, responses, acks, looped, exhausted, denied atomic.Uint64
}

// work is the scratch memory of one message.
type work struct {
	edit  wire.Edit
	out   []byte
	text  []byte
	token []byte
	loop  []byte // the loop token of the message
	hash  maphash.Hash

	branch []byte // of the Via
	bits   [12]byte
}

// New returns a proxy that sends ACKs for 2xx by send; all else goes by the transactions given
// to its methods.
func New(cfg Config, send transaction.Sender) *Proxy {
	if cfg.Address == nil {
		cfg.Address = func(f flow.Flow) netip.AddrPort { return f.Local }
	}
	if cfg.Allow == nil {
		cfg.Allow = func(d Dialog, next netip.AddrPort) bool {
			return next.Addr() == d.Caller.Addr || next.Addr() == d.Callee.Addr
		}
	}
	if cfg.Alive == nil {
		cfg.Alive = func(flow.Flow) bool { return true }
	}
	if len(cfg.Secret) == 0 {
		cfg.Secret = make([]byte, 32)
		_, _ = rand.Read(cfg.Secret) // never fails
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	p := &Proxy{cfg: cfg, send: send, sign: newSigner(cfg.Secret), seed: maphash.MakeSeed()}
	p.works.New = func() any { return &work{} }
	p.answer = func(tx *transaction.Server, a transaction.Forwarded) { p.back(tx, a, nil) }
	p.own = func(credentials []byte) bool { return forRealm(credentials, p.cfg.Realm) }
	return p
}

// Stats returns the counters since New.
func (p *Proxy) Stats() Stats {
	return Stats{p.requests.Load(), p.responses.Load(), p.acks.Load(), p.looped.Load(), p.exhausted.Load(), p.denied.Load()}
}

// Mine reports whether m follows a route that we recorded: it is in a dialog, and its top Route
// carries a token. Whether the token fits is for InDialog and Ack.
func (p *Proxy) Mine(m *wire.Message) bool {
	if len(m.ToTag()) == 0 {
		return false
	}
	if _, ok := token(m.TopRoute()); ok {
		return true
	}
	_, ok := token(m.RequestURI()) // a strict router is before us (16.4)
	return ok
}

func token(uri []byte) ([]byte, bool) {
	if !bytes.Contains(uri, []byte(";"+parameter+"=")) {
		return nil, false
	}
	u, ok := wire.ParseURI(uri)
	if !ok {
		return nil, false
	}
	return u.Param(parameter)
}

// A Seen is told, on the shard, what the caller is told of a request: each 1xx above 100, each 2xx,
// the refusal that ends it. m is valid during the call, and nil when the response is our own.
type Seen func(status int, m *wire.Message)

func (s Seen) tell(status int, m *wire.Message) {
	if s != nil {
		s(status, m)
	}
}

// Forward sends the new request of tx to its target (RFC 3261 16.6) and records our route where
// a dialog may form. It runs within TU.Request or Relay.Relay and answers tx if it cannot. seen may
// be nil.
func (p *Proxy) Forward(tx *transaction.Server, to Target, seen Seen) {
	m := tx.Wire()
	p.forward(tx, m, p.hopTo(m, tx.Flow(), to), seen)
}

// hopTo is the way of a request to a target.
func (p *Proxy) hopTo(m *wire.Message, from flow.Flow, to Target) hop {
	return hop{from: from, to: to.Flow, uri: to.URI, fresh: len(m.ToTag()) == 0, routes: to.Routes, keep: to.Keep}
}

// InDialog forwards a request that is Mine along its route (16.12), to where policy allows. It
// reports whether it did; else it has answered.
func (p *Proxy) InDialog(tx *transaction.Server) bool {
	m := tx.Wire()
	h, err := p.follow(m, tx.Flow())
	if err != nil {
		p.denied.Add(1)
		p.cfg.Logger.Debug("request in a dialog refused", "method", m.Method().String(), "remote", tx.Flow().Remote.String(), "error", err)
		switch {
		case errors.Is(err, errScheme):
			tx.RefuseOnce(m, 416, "Unsupported URI Scheme")
		case errors.Is(err, errFlow):
			tx.RefuseOnce(m, 430, "Flow Failed") // RFC 5626 5.3.1
		default:
			tx.RefuseOnce(m, 403, "") // who sends it is unknown
		}
		return false
	}
	if !recorded(m) {
		h.token = nil
	}
	return p.forward(tx, m, h, nil)
}

// recorded tells the methods that get our Record-Route: those that make a dialog, in it as well,
// for an end that has forgotten its route (16.6 step 4).
func recorded(m *wire.Message) bool {
	switch m.Method() {
	case wire.Invite, wire.Subscribe, wire.Refer:
		return true
	}
	return false
}

// Ack forwards the ACK for a 2xx along its route, without state (16.11); false when it is not Mine.
func (p *Proxy) Ack(f flow.Flow, m *wire.Message) bool {
	if !p.Mine(m) {
		return false
	}
	h, err := p.follow(m, f)
	if err != nil {
		p.denied.Add(1)
		return true
	}
	w := p.works.Get().(*work)
	defer p.works.Put(w)
	loop := p.loop(w, m)
	if m.MaxForwards() == 0 || looped(m, loop) {
		return true
	}
	h.token = nil
	branch := p.ackBranch(w, m, loop)
	p.acks.Add(1)
	_ = p.send.Send(h.to, p.rewrite(w, m, h, branch)) // the callee sends its 2xx again
	return true
}

// forward sends a request on hop h alone, and reports whether it did.
func (p *Proxy) forward(tx *transaction.Server, m *wire.Message, h hop, seen Seen) bool {
	w := p.works.Get().(*work)
	defer p.works.Put(w)
	if status := p.check(w, tx, m); status != 0 {
		seen.tell(status, nil)
		return false
	}
	back := p.answer
	if seen != nil {
		back = func(tx *transaction.Server, a transaction.Forwarded) { p.back(tx, a, seen) }
	}
	p.launch(w, tx, m, h, back)
	return true
}

// check looks whether a request may be forwarded (16.3). If not, it answers it and returns the
// status. w has its loop token then.
func (p *Proxy) check(w *work, tx *transaction.Server, m *wire.Message) (status int) {
	p.loop(w, m)
	switch {
	case m.MaxForwards() == 0:
		p.exhausted.Add(1)
		status = 483
		tx.Refuse(m, 483, "")
	case m.Header("Proxy-Require") != nil:
		status = 420
		tx.Refuse(m, 420, "", wire.Field{Name: "Unsupported", Value: string(m.Header("Proxy-Require"))})
	case looped(m, w.loop):
		p.looped.Add(1)
		status = 482
		tx.Refuse(m, 482, "")
	case len(m.ToTag()) == 0 && breadthOf(m) == 0:
		status = 440
		tx.Refuse(m, 440, "Max-Breadth Exceeded")
	}
	return status
}

// launch sends a request that passes on hop h. w has its loop token.
func (p *Proxy) launch(w *work, tx *transaction.Server, m *wire.Message, h hop, back func(*transaction.Server, transaction.Forwarded)) transaction.Branch {
	p.requests.Add(1)
	if h.fresh && recorded(m) {
		w.token = p.sign.appendToken(w.token[:0], m, Dialog{endOf(h.from, behind(m, h.from)), endOf(h.to, h.keep)})
		h.token = w.token
	}
	branch := newBranch(w, w.loop)
	return tx.Forward(h.to, branch, p.rewrite(w, m, h, branch), back)
}

// behind reports whether the sender of m is an end that can be reached by the flow of m alone: its
// only Via is not where m came from, or it opened a connection to us.
func behind(m *wire.Message, f flow.Flow) bool {
	if m.MoreVia() {
		return false // another proxy, which is in the Record-Route
	}
	if f.Transport != flow.UDP {
		return true
	}
	via := m.TopVia()
	port := via.Port
	if port == 0 {
		port = 5060
	}
	host, err := netip.ParseAddr(string(via.Host))
	return err != nil || netip.AddrPortFrom(host.Unmap(), port) != f.Remote
}

// A hop is one forwarding of a request.
type hop struct {
	from, to flow.Flow
	uri      string // the new Request-URI; empty keeps it
	pop      int    // Route values of ours on top
	token    []byte // for Record-Route; nil: none
	fresh    bool   // of no dialog: the caller's own Route ends here, routes take its place
	rerouted bool   // in a dialog: routes take the place of Route
	keep     bool   // to is a flow to be kept: see Target.Keep
	routes   []string
	breadth  int // Max-Breadth; 0 leaves it, or puts the usual one where there is none
}

// rewrite returns m as it leaves on hop h (16.6). The bytes are w's.
func (p *Proxy) rewrite(w *work, m *wire.Message, h hop, branch []byte) []byte {
	e := &w.edit
	e.Reset(m)
	e.Stamp(h.from.Remote)
	if h.uri != "" {
		e.SetRequestURI(h.uri)
	}
	e.PopRoutes(h.pop)
	if h.fresh || h.rerouted {
		reroute(e, m, h.routes)
	}
	if h.fresh {
		limit(e, m, h.breadth)
	}
	forwards := m.MaxForwards() - 1
	if m.MaxForwards() < 0 {
		forwards = 70
	}
	e.Set("Max-Forwards", strconv.Itoa(forwards))
	if p.cfg.Realm != "" {
		e.DeleteIf("Authorization", p.own)
		e.DeleteIf("Proxy-Authorization", p.own)
	}
	if m.ContentLength() < 0 {
		e.Set("Content-Length", strconv.Itoa(len(m.Body())))
	}
	out := p.cfg.Address(h.to)
	w.text = append(append(append(w.text[:0], "SIP/2.0/"...), h.to.Transport.String()...), ' ')
	w.text = append(append(out.AppendTo(w.text), ";branch="...), branch...)
	e.PushVia(string(w.text))
	if h.token != nil {
		p.record(w, h)
	}
	w.out = e.Append(w.out[:0])
	return w.out
}

// reroute replaces Route: a stranger must not choose it for a new request (16.4, 16.6 step 6).
func reroute(e *wire.Edit, m *wire.Message, routes []string) {
	switch {
	case len(routes) > 0:
		e.Set("Route", strings.Join(routes, ", "))
	case m.Header("Route") != nil:
		e.Delete("Route")
	}
}

// limit sets Max-Breadth of a new request (RFC 5393 5.3.3).
func limit(e *wire.Edit, m *wire.Message, breadth int) {
	switch {
	case breadth > 0:
		e.Set("Max-Breadth", strconv.Itoa(breadth))
	case m.Header("Max-Breadth") == nil:
		e.Set("Max-Breadth", "60")
	}
}

// record adds our Record-Route: one value, or two when the ends reach us at two addresses, the
// callee's side on top (RFC 5658).
func (p *Proxy) record(w *work, h hop) {
	if h.from.Transport != h.to.Transport || p.cfg.Address(h.from) != p.cfg.Address(h.to) {
		w.edit.PushRecordRoute(p.route(w, h.from, h.token))
	}
	w.edit.PushRecordRoute(p.route(w, h.to, h.token))
}

func (p *Proxy) route(w *work, f flow.Flow, token []byte) string {
	b := append(w.text[:0], "<sip:"...)
	b = p.cfg.Address(f).AppendTo(b)
	if param := f.Transport.Param(); param != "" {
		b = append(append(b, ";transport="...), param...)
	}
	b = append(b, ";lr;"+parameter+"="...)
	b = append(b, token...)
	w.text = append(b, '>')
	return string(w.text)
}

// newBranch makes a Via branch: 96 random bits and the loop token. The bytes are w's.
func newBranch(w *work, loop []byte) []byte {
	_, _ = rand.Read(w.bits[:]) // never fails
	w.branch = hex.AppendEncode(append(w.branch[:0], wire.Cookie...), w.bits[:])
	w.branch = append(w.branch, loop...)
	return w.branch
}
