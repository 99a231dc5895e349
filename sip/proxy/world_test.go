package proxy

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"
	"go.uber.org/goleak"

	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/siptest"
	"github.com/lineaamica/la2/sip/transaction"
	"github.com/lineaamica/la2/sip/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	home = netip.MustParseAddrPort("10.0.0.1:5060")
	far  = netip.MustParseAddrPort("10.0.0.3:5080")
)

// A world is a proxy at 10.0.0.1 that sends "bob" to 10.0.0.3:5080 and "loop" to itself, on an
// in-memory network with a caller at 10.0.0.2 and a callee.
type world struct {
	*testing.T
	net   *siptest.Network
	self  netip.AddrPort
	sock  *siptest.Socket
	layer *transaction.Layer
	p     *Proxy
	typed bool // requests go through the typed parser first
	plan  Plan // where "group" goes

	mu    sync.Mutex // guards seen
	seen  []string   // "caller>proxy INVITE"
	told  []string   // what reached the typed user
	start time.Time
}

// scenario runs f in a bubble and checks afterwards that no transaction is left.
func scenario(t *testing.T, f func(*world)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &world{T: t, net: siptest.NewNetwork(1), start: time.Now(), self: home}
		w.net.Tap(w.tap)
		defer w.open()()
		f(w)
		time.Sleep(80 * time.Second) // all transactions end
		synctest.Wait()
		w.clean()
	})
}

// open starts the proxy at w.self and returns what ends it.
func (w *world) open() (end func()) {
	sock, err := w.net.ListenAddrPort(w.self)
	if err != nil {
		w.Fatal(err)
	}
	w.sock = sock
	w.layer = transaction.New(transaction.Config{Shards: 1}, w, w)
	w.p = New(Config{Dial: func(tr flow.Transport, to netip.AddrPort) (flow.Flow, error) { return w.flow(to), nil }}, w)
	go w.read() // ends when the socket is closed
	return func() {
		_ = sock.Close()
		w.layer.Close()
	}
}

// clean checks that no transaction is left.
func (w *world) clean() {
	w.Helper()
	if s := w.layer.Stats(); s.Servers != 0 || s.Clients != 0 || s.Panics != 0 {
		w.Errorf("left behind: %+v", s)
	}
}

func (w *world) read() {
	buf := make([]byte, 65535)
	var m wire.Message
	for {
		n, from, err := w.sock.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		if err := m.Parse(buf[:n]); err != nil {
			w.Errorf("parse: %v\n%s", err, buf[:n])
			continue
		}
		w.layer.Receive(w.flow(from), &m)
	}
}

func (w *world) flow(to netip.AddrPort) flow.Flow {
	return flow.Flow{Transport: flow.UDP, Local: w.self, Remote: to}
}

// Send is the transport.
func (w *world) Send(f flow.Flow, b []byte) error {
	_, err := w.sock.WriteToUDPAddrPort(b, f.Remote)
	return err
}

func (w *world) tap(from, to netip.AddrPort, b []byte) {
	name := func(a netip.AddrPort) string { return a.Addr().String()[len("10.0.0."):] }
	what, rest, _ := strings.Cut(string(b), " ")
	if what == "SIP/2.0" {
		what, _, _ = strings.Cut(rest, " ")
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen = append(w.seen, fmt.Sprintf("%s>%s %s", name(from), name(to), what))
}

// count returns how often a line was on the network, such as "2>1 ACK".
func (w *world) count(line string) (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.seen {
		if s == line {
			n++
		}
	}
	return n
}

// wantSeen checks all that was on the network, in order.
func (w *world) wantSeen(want ...string) {
	w.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.Equal(w.seen, want) {
		w.Errorf("on the network\n  %s\nwant\n  %s", strings.Join(w.seen, ", "), strings.Join(want, ", "))
	}
}

// The request route.

func (w *world) target(m *wire.Message) (Target, bool) {
	u, _ := wire.ParseURI(m.RequestURI())
	switch string(u.User) {
	case "bob":
		return Target{URI: "sip:bob@" + far.String(), Flow: w.flow(far)}, true
	case "group":
		return Target{}, true
	case "loop":
		return Target{URI: "sip:loop@10.0.0.1", Flow: w.flow(home)}, true
	}
	return Target{}, false
}

func (w *world) Relays(_ flow.Flow, m *wire.Message) bool {
	_, known := w.target(m)
	return w.p.Mine(m) || known && !w.typed
}

func (w *world) Relay(tx *transaction.Server) {
	if w.p.Mine(tx.Wire()) {
		w.p.InDialog(tx)
		return
	}
	w.forward(tx)
}

// forward sends "group" by the plan, all others to their target.
func (w *world) forward(tx *transaction.Server) {
	to, _ := w.target(tx.Wire())
	if to.URI == "" {
		w.p.Fork(tx, tx.Wire(), w.plan)
		return
	}
	w.p.Forward(tx, to, nil)
}

func (w *world) RelayAck(f flow.Flow, m *wire.Message) bool { return w.p.Ack(f, m) }

func (w *world) Request(tx *transaction.Server) {
	if _, ok := w.target(tx.Wire()); ok && tx.Request() != nil {
		w.forward(tx)
		return
	}
	tx.Respond(404, "")
}
func (w *world) Cancel(tx *transaction.Server)        { w.told = append(w.told, "cancel") }
func (w *world) Ack(_ flow.Flow, ack *sip.Request)    { w.told = append(w.told, "ack") }
func (w *world) Unacked(*transaction.Server)          { w.told = append(w.told, "unacked") }
func (w *world) Stray(_ flow.Flow, res *sip.Response) { w.told = append(w.told, "stray") }
func (w *world) caller(o ...siptest.Option) *siptest.UA {
	return siptest.NewUA(w, w.net, "10.0.0.2:5060", append(o, siptest.NoRTP())...)
}
func (w *world) callee(o ...siptest.Option) *siptest.UA {
	return siptest.NewUA(w, w.net, far.String(), append(o, siptest.NoRTP())...)
}

// established is a call through the proxy.
func (w *world) established() (out, in *siptest.Call) {
	w.Helper()
	alice, bob := w.caller(), w.callee()
	out = alice.Invite("sip:bob@10.0.0.1", home)
	in = bob.ExpectInvite(time.Second)
	in.Respond(180)
	out.Expect(siptest.Status(180), time.Second)
	in.Respond(200)
	out.Established(time.Second)
	in.ExpectAck(time.Second)
	return out, in
}
