package b2bua

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/media"
	"github.com/lineaamica/la2/sip/dialog"
	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/siptest"
	"github.com/lineaamica/la2/sip/transaction"
	"github.com/lineaamica/la2/sip/wire"
)

// world is a switch at 10.0.0.1 on an in-memory network. Its script is the test's.
type world struct {
	t      *testing.T
	net    *siptest.Network
	sock   *siptest.Socket
	layer  *transaction.Layer
	sw     *Switch
	media  *fakeMedia
	script func(ctx context.Context, c *Call) cti.Cause
	cfg    Config
	dress  func(i int, t *Target) // what targets says of the i-th

	stranger bool // callers are not known

	mu     sync.Mutex
	log    []cti.Event
	commit error
	calls  []*Call
}

// scenario runs f in a bubble and checks afterwards that nothing is left.
func scenario(t *testing.T, script func(ctx context.Context, c *Call) cti.Cause, f func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, script)
		defer w.layer.Close()
		defer w.sock.Close()
		defer func() {
			now, cancel := context.WithCancel(context.Background())
			cancel()
			w.sw.Drain(now)
		}()
		f(w)
		time.Sleep(80 * time.Second) // all transactions end
		synctest.Wait()
		w.checkEmpty()
	})
}

func newWorld(t *testing.T, script func(ctx context.Context, c *Call) cti.Cause) *world {
	t.Helper()
	w := &world{t: t, net: siptest.NewNetwork(1), media: newFakeMedia(), script: script}
	sock, err := w.net.Listen("10.0.0.1:5060")
	if err != nil {
		t.Fatal(err)
	}
	w.sock = sock
	w.layer = transaction.New(transaction.Config{Shards: 1}, w, (*route)(w))
	w.cfg.Site = "formez"
	w.sw = New(w.cfg, Deps{
		Transactions: w.layer, Media: w.media, Events: w,
		Clips: func(name string) (*media.Clip, bool) {
			if name == "music" || name == "ringback" || strings.HasPrefix(name, "prompt") {
				return media.NewClip(name, make([]byte, 160), make([]byte, 160), nil), true
			}
			return nil, false
		},
		Targets: w.targets,
		Resolve: func(user string, by cti.DeviceID) (cti.Destination, bool) {
			return cti.Destination{Device: cti.DeviceID(user)}, user != "900"
		},
		Colleagues: func(a, b cti.DeviceID) bool { return a == "1005" && b != "1004" },
		Serve: func(ctx context.Context, in *cti.Inbound, c *Call) cti.Cause {
			w.mu.Lock()
			w.calls = append(w.calls, c)
			w.mu.Unlock()
			return w.script(ctx, c)
		},
	})
	go w.read() // ends when the socket is closed
	return w
}

func (w *world) read() {
	buf := make([]byte, 65535)
	for {
		n, from, err := w.sock.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		var m wire.Message
		if err := m.Parse(slices.Clone(buf[:n])); err != nil {
			w.t.Errorf("parse: %v\n%s", err, buf[:n])
			continue
		}
		w.layer.Receive(w.flow(from), &m)
	}
}

func (w *world) flow(to netip.AddrPort) flow.Flow {
	return flow.Flow{Transport: flow.UDP, Local: netip.MustParseAddrPort("10.0.0.1:5060"), Remote: to}
}

// Send is the transport.
func (w *world) Send(f flow.Flow, b []byte) error {
	_, err := w.sock.WriteToUDPAddrPort(b, f.Remote)
	return err
}

// targets: device N and trunk N live at 10.0.0.N (the last two digits); several
// separated by commas are forks. Trunks are trusted.
func (w *world) targets(_ context.Context, d cti.Destination) ([]Target, error) {
	name := string(d.Device)
	if d.Trunk != "" {
		name = d.Trunk
	}
	var out []Target
	for one := range strings.SplitSeq(name, ",") {
		if one == "nowhere" {
			return nil, cti.Fail(cti.CauseNotFound, "no such device")
		}
		host := "10.0.0." + strings.TrimLeft(one[len(one)-2:], "0")
		to, err := netip.ParseAddrPort(host + ":5060")
		if err != nil {
			return nil, cti.Fail(cti.CauseNotFound, "no such device")
		}
		out = append(out, Target{
			URI:     sip.Uri{Scheme: "sip", User: one, Host: host, Port: 5060},
			Flow:    w.flow(to),
			Trusted: d.Trunk != "",
		})
		if w.dress != nil {
			w.dress(len(out)-1, &out[len(out)-1])
		}
	}
	return out, nil
}

func (w *world) Publish(ev cti.Event) cti.Position {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.log = append(w.log, ev)
	return cti.Position{}
}

func (w *world) Commit(_ context.Context, evs ...cti.Event) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.commit != nil {
		return w.commit
	}
	w.log = append(w.log, evs...)
	return nil
}

// events are the types published so far, the caller's ConnectionCleared as
// "ConnectionCleared/1".
func (w *world) events() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return inShort(w.log)
}

// eventsOf is events of one call.
func (w *world) eventsOf(c *Call) string {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	return inShort(slices.DeleteFunc(slices.Clone(w.log), func(ev cti.Event) bool { return ev.Call != c.id }))
}

func inShort(log []cti.Event) string {
	var out []string
	for _, ev := range log {
		s := string(ev.Type)
		if ev.Leg != "" {
			s += string(ev.Leg[strings.LastIndexByte(string(ev.Leg), '/'):])
		}
		if ev.Cause != "" {
			s += ":" + string(ev.Cause)
		}
		out = append(out, s)
	}
	return strings.Join(out, " ")
}

func (w *world) wantEvents(want string) {
	w.t.Helper()
	synctest.Wait()
	if got := w.events(); got != want {
		w.t.Errorf("events\n got %s\nwant %s", got, want)
	}
}

func (w *world) call() *Call {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.calls) == 0 {
		w.t.Fatal("no call was served")
	}
	return w.calls[len(w.calls)-1]
}

func (w *world) leg(n int) cti.LegID {
	return cti.LegID(string(w.call().id) + "/" + string(rune('0'+n)))
}

// checkEmpty is the invariant after every scenario.
func (w *world) checkEmpty() {
	w.t.Helper()
	w.sw.mu.Lock()
	calls, dialogs, lines, leaving := len(w.sw.calls), len(w.sw.dialogs), len(w.sw.lines), len(w.sw.leaving)
	w.sw.mu.Unlock()
	if calls != 0 || dialogs != 0 || lines != 0 || leaving != 0 {
		w.t.Errorf("left: %d calls, %d dialogs, lines on %d trunks, %d BYEs", calls, dialogs, lines, leaving)
	}
	if n := w.media.held(); n != 0 {
		w.t.Errorf("left: %d ports", n)
	}
	if s := w.layer.Stats(); s.Servers != 0 || s.Clients != 0 || s.Panics != 0 {
		w.t.Errorf("left: %+v", s)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	cleared := map[cti.CallID]int{}
	for i, ev := range w.log {
		if cleared[ev.Call] > 0 {
			w.t.Errorf("event %d after CallCleared: %s", i, ev.Type)
		}
		if ev.Type == cti.EvCallCleared {
			cleared[ev.Call]++
		}
	}
	for _, c := range w.calls {
		if cleared[c.id] != 1 {
			w.t.Errorf("call %s: %d CallCleared", c.id, cleared[c.id])
		}
	}
}

// route is the request route of the tests.
type route world

func (r *route) Request(tx *transaction.Server) {
	req := tx.Request()
	switch {
	case dialog.InDialog(req):
		r.sw.Request(tx)
	case req.Method == sip.INVITE:
		in := cti.Inbound{Dialled: req.Recipient.User, Caller: cti.Party{Number: req.From().Address.User, Verified: !r.stranger}}
		in.Device = cti.DeviceID(header(req, "X-Station"))
		in.Caller.Withheld = header(req, "Privacy") == "id"
		if office := header(req, "X-Office"); office != "" {
			in.Trunk, in.From = office, "office"
		}
		in.Capsule, _ = ParseCapsule(header(req, "User-to-User"))
		r.sw.Invite(tx, in)
	case req.Method == sip.OPTIONS:
		r.sw.Options(tx)
	default:
		tx.Respond(405, "")
	}
}
func (r *route) Cancel(tx *transaction.Server)        { r.sw.Cancel(tx) }
func (r *route) Ack(f flow.Flow, ack *sip.Request)    { r.sw.Ack(f, ack) }
func (r *route) Unacked(tx *transaction.Server)       { r.sw.Unacked(tx) }
func (r *route) Stray(f flow.Flow, res *sip.Response) { r.sw.Stray(f, res) }
