package events

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/sip/dialog"
	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/siptest"
	"github.com/lineaamica/la2/sip/transaction"
	"github.com/lineaamica/la2/sip/wire"
)

var here = netip.MustParseAddrPort("10.0.0.1:5060")

// world is a notifier at 10.0.0.1 on an in-memory network. Its package "counter" tells
// a number; 403 is who watches "secret", 404 for "nobody".
type world struct {
	t     *testing.T
	net   *siptest.Network
	sock  *siptest.Socket
	layer *transaction.Layer
	n     *Notifier
	stop  context.CancelFunc
	count atomic.Int64
}

func inWorld(t *testing.T, cfg Config, f func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, net: siptest.NewNetwork(1)}
		var err error
		if w.sock, err = w.net.ListenAddrPort(here); err != nil {
			t.Fatal(err)
		}
		w.layer = transaction.New(transaction.Config{Shards: 1}, w, (*route)(w))
		cfg.Sender = w.layer
		cfg.Contact = func(flow.Flow) sip.Uri { return sip.Uri{Scheme: "sip", Host: "10.0.0.1", Port: 5060} }
		cfg.Packages = map[string]Package{"counter": {
			Accept: "text/plain",
			Allowed: func(_, resource string) int {
				return map[string]int{"secret": 403, "nobody": 404}[resource]
			},
			Body: func(resource string, n Notification) ([]byte, any) {
				return fmt.Appendf(nil, "%s %d version %d since %v", resource, w.count.Load(), n.Version, n.Since), w.count.Load()
			},
		}}
		w.n = New(cfg)
		ctx, stop := context.WithCancel(context.Background())
		w.stop = stop
		ended := make(chan struct{})
		go func() { w.n.Run(ctx); close(ended) }() // ends with the test
		go w.read()                                // ends when the socket is closed
		f(w)
		time.Sleep(80 * time.Second) // all transactions end
		synctest.Wait()
		stop()
		<-ended
		_ = w.sock.Close()
		w.layer.Close()
	})
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
		w.layer.Receive(flow.Flow{Transport: flow.UDP, Local: here, Remote: from}, &m)
	}
}

// Send is the transport.
func (w *world) Send(f flow.Flow, b []byte) error {
	_, err := w.sock.WriteToUDPAddrPort(b, f.Remote)
	return err
}

func (w *world) watcher(ip, user string) *siptest.UA {
	return siptest.NewUA(w.t, w.net, ip+":5060", siptest.NoRTP(), siptest.Account(user, ""))
}

// change sets the counter and tells of it.
func (w *world) change(to int) {
	w.count.Store(int64(to))
	w.n.Changed("counter", "thing")
	synctest.Wait()
}

// left fails unless so many subscriptions are there.
func (w *world) left(want int) {
	w.t.Helper()
	time.Sleep(10 * time.Millisecond) // answers are on their way
	synctest.Wait()
	if got := w.n.Len(); got != want {
		w.t.Errorf("%d subscriptions, want %d", got, want)
	}
}

type route world

func (r *route) Request(tx *transaction.Server) {
	req := tx.Request()
	switch {
	case req.Method != sip.SUBSCRIBE:
		tx.Respond(405, "")
	case dialog.InDialog(req):
		r.n.Resubscribe(tx)
	default:
		r.n.Subscribe(tx, req.From().Address.User, req.Recipient.User)
	}
}
func (r *route) Cancel(*transaction.Server)     {}
func (r *route) Ack(flow.Flow, *sip.Request)    {}
func (r *route) Unacked(*transaction.Server)    {}
func (r *route) Stray(flow.Flow, *sip.Response) {}

// said is the body and the state of a NOTIFY.
func said(m *siptest.Message) string {
	return strings.TrimSpace(string(m.Body)) + " | " + m.Get("Subscription-State")
}
