package flow_test

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/siptest"
	"github.com/lineaamica/la2/sip/wire"
)

// dial connects a client and keeps what it receives.
type client struct {
	net.Conn
	mu   sync.Mutex // guards got, end
	got  strings.Builder
	end  bool
	done chan struct{}
}

func dial(t *testing.T, nw *siptest.Network, from string) *client {
	t.Helper()
	nc, err := nw.Dialer(netip.MustParseAddr(from))(t.Context(), "tcp", nodeAddr.String())
	if err != nil {
		t.Fatal(err)
	}
	c := &client{Conn: nc, done: make(chan struct{})}
	go func() { // ends with the connection
		defer close(c.done)
		b := make([]byte, 4096)
		for {
			n, err := nc.Read(b)
			c.mu.Lock()
			c.got.Write(b[:n])
			c.end = err != nil
			c.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() { _ = nc.Close(); <-c.done })
	return c
}

func (c *client) say(t *testing.T, s string) {
	t.Helper()
	if _, err := io.WriteString(c, s); err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
}

func (c *client) heard() (string, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.got.String(), c.end
}

func TestStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, flow.Config{})
		c := dial(t, n.net, "10.0.0.1")
		c.say(t, options[:50])
		time.Sleep(10 * time.Second)
		c.say(t, options[50:]+options+"\r\n\r\n"+options[:10])
		time.Sleep(10 * time.Second)
		c.say(t, options[10:])
		got, end := c.heard()
		if strings.Count(got, "SIP/2.0 200 OK") != 3 || strings.Count(got, "\r\n\r\n\r\n") != 1 || end {
			t.Errorf("got %q, closed %v", got, end)
		}
		if len(n.received()) != 3 || n.received()[1] != options {
			t.Errorf("received %q", n.received())
		}
		_ = c.Close()
		synctest.Wait()
		if n.gone() != 1 || n.Stats().Connections != 0 {
			t.Errorf("%d told closed, stats %+v", n.gone(), n.Stats())
		}
		if f := n.firstFlow(); n.Alive(f) || !errors.Is(n.Send(f, []byte("x")), flow.ErrGone) {
			t.Error("a closed connection is alive")
		}
	})
}

func TestStreamThatCannotBeFramed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, flow.Config{})
		for _, tt := range []struct{ name, in, want string }{
			{"no Content-Length", strings.Replace(options, "Content-Length: 0\r\n", "", 1), "SIP/2.0 400 Missing Content-Length"},
			{"huge", strings.Replace(options, "Length: 0", "Length: 4000000000", 1), "SIP/2.0 513 Message Too Large"},
			{"TLS", "\x16\x03\x01hello", ""},
		} {
			c := dial(t, n.net, "10.0.0.1")
			c.say(t, tt.in)
			got, end := c.heard()
			if line, _, _ := strings.Cut(got, "\r\n"); line != tt.want || !end {
				t.Errorf("%s: got %q, closed %v", tt.name, got, end)
			}
		}
	})
}

func TestTimeouts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, flow.Config{})
		silent := dial(t, n.net, "10.0.0.1")
		slow := dial(t, n.net, "10.0.0.2")
		idle := dial(t, n.net, "10.0.0.3")
		slow.say(t, options)
		idle.say(t, options)
		for range 25 { // an octet each second does not help
			slow.say(t, "O")
			time.Sleep(time.Second)
		}
		time.Sleep(6 * time.Second)
		if _, end := silent.heard(); !end {
			t.Error("a connection without a message is open after 31 s")
		}
		if _, end := slow.heard(); !end {
			t.Error("a message is on its way for 31 s")
		}
		time.Sleep(19 * time.Minute)
		if _, end := idle.heard(); end {
			t.Error("an idle connection was closed before its time")
		}
		idle.say(t, "\r\n\r\n")
		time.Sleep(19 * time.Minute)
		if _, end := idle.heard(); end {
			t.Error("a connection that is kept alive was closed")
		}
		time.Sleep(2 * time.Minute)
		if _, end := idle.heard(); !end {
			t.Error("an idle connection is open")
		}
		if got := n.Stats().TimedOut; got != 3 {
			t.Errorf("%d timed out, want 3", got)
		}
	})
}

func TestConnectionLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, flow.Config{MaxConnsPerIP: 2, MaxConns: 3})
		open := func(from string) bool {
			c := dial(t, n.net, from)
			synctest.Wait()
			_, end := c.heard()
			return !end
		}
		got := []bool{open("10.0.0.1"), open("10.0.0.1"), open("10.0.0.1"), open("10.0.0.2"), open("10.0.0.3")}
		for i, want := range []bool{true, true, false, true, false} {
			if got[i] != want {
				t.Errorf("connection %d open: %v, want %v", i, got[i], want)
			}
		}
		if s := n.Stats(); s.Capped != 2 || s.Accepted != 3 || s.Connections != 3 {
			t.Errorf("stats %+v", s)
		}
	})
}

// Of IPv6 a /64 counts as one address. Whom we trust has no limit of its own, and places that
// strangers do not get.
func TestConnectionLimits_trusted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		friend := netip.MustParseAddr("10.0.0.9")
		n := newNode(t, flow.Config{MaxConnsPerIP: 2, MaxConns: 8, Trusted: func(a netip.Addr) bool { return a == friend }})
		open := func(from string) bool {
			c := dial(t, n.net, from)
			synctest.Wait()
			_, end := c.heard()
			return !end
		}
		for i, tt := range []struct {
			from string
			want bool
		}{
			{"2001:db8::1", true}, {"2001:db8::2", true}, {"2001:db8::3", false}, {"2001:db8:0:1::1", true},
			{"10.0.0.9", true}, {"10.0.0.9", true}, {"10.0.0.9", true}, {"10.0.0.1", true},
			{"10.0.0.2", false}, {"10.0.0.9", true}, {"10.0.0.9", false},
		} {
			if got := open(tt.from); got != tt.want {
				t.Errorf("connection %d, of %s, open: %v, want %v", i, tt.from, got, tt.want)
			}
		}
	})
}

// A peer that does not read must neither block Send nor live on.
func TestSlowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, flow.Config{SendQueue: 8})
		nc, err := n.net.Dialer(phoneAddr.Addr())(t.Context(), "tcp", nodeAddr.String())
		if err != nil {
			t.Fatal(err)
		}
		n.mu.Lock()
		n.onMsg = func(flow.Flow, *wire.Message) {}
		n.mu.Unlock()
		if _, err := io.WriteString(nc, options); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		full := 0
		for range 100 {
			if err := n.Send(n.firstFlow(), []byte(options)); errors.Is(err, flow.ErrFull) {
				full++
			}
		}
		if full < 50 {
			t.Errorf("%d sends of 100 met a full queue", full)
		}
		time.Sleep(11 * time.Second)
		if s := n.Stats(); s.Connections != 0 || s.TimedOut != 1 || n.gone() != 1 {
			t.Errorf("stats %+v", s)
		}
		_ = nc.Close()
	})
}

func TestDialTCP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, flow.Config{})
		ln, err := n.net.ListenTCP(phoneAddr.String())
		if err != nil {
			t.Fatal(err)
		}
		type result struct {
			f   flow.Flow
			err error
		}
		results := make(chan result, 3)
		for range 3 {
			go func() { // ends with the connection
				f, err := n.Dial(t.Context(), flow.TCP, phoneAddr)
				results <- result{f, err}
			}()
		}
		synctest.Wait()
		nc, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		first := <-results
		for range 2 {
			if r := <-results; r != first || r.err != nil {
				t.Errorf("got %+v, want %+v for all", r, first)
			}
		}
		if again, err := n.Dial(t.Context(), flow.TCP, phoneAddr); again != first.f || err != nil {
			t.Errorf("second dial: %+v, %v", again, err)
		}
		if err := n.Send(first.f, []byte(options)); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 2000)
		if k, err := nc.Read(buf); string(buf[:k]) != options || err != nil {
			t.Errorf("read %q, %v", buf[:k], err)
		}
		// In-dialog requests come back on the same connection.
		if _, err := io.WriteString(nc, options); err != nil {
			t.Fatal(err)
		}
		if k, err := nc.Read(buf); !strings.HasPrefix(string(buf[:k]), "SIP/2.0 200") || err != nil {
			t.Errorf("read %q, %v", buf[:k], err)
		}
		_ = nc.Close()
		_ = ln.Close()
		synctest.Wait()
		if _, err := n.Dial(t.Context(), flow.TCP, phoneAddr); err == nil {
			t.Error("dialled a closed listener")
		}
		if _, err := n.Dial(t.Context(), flow.TCP, netip.MustParseAddrPort("224.0.0.1:5060")); !errors.Is(err, flow.ErrAddress) {
			t.Errorf("dial multicast: %v", err)
		}
	})
}

func TestDialTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, flow.Config{})
		if _, err := n.net.ListenTCP(phoneAddr.String()); err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		if _, err := n.Dial(t.Context(), flow.TCP, phoneAddr); err == nil || time.Since(begun) != 5*time.Second {
			t.Errorf("got %v after %v, want an error after 5 s", err, time.Since(begun))
		}
	})
}

// flaky fails its first accepts as a process without file descriptors does.
type flaky struct {
	net.Listener
	left int
}

func (f *flaky) Accept() (net.Conn, error) {
	if f.left > 0 {
		f.left--
		return nil, errors.New("accept: too many open files")
	}
	return f.Listener.Accept()
}

func TestAcceptErrorsAreWaitedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, flow.Config{})
		ln, err := n.net.ListenTCP("10.0.0.9:5070")
		if err != nil {
			t.Fatal(err)
		}
		go func() { _ = n.ServeTCP(&flaky{ln, 10}) }() // ends with Close
		begun := time.Now()
		c, err := n.net.Dialer(phoneAddr.Addr())(t.Context(), "tcp", "10.0.0.9:5070")
		if err != nil {
			t.Fatal(err)
		}
		if d := time.Since(begun); d < 2*time.Second || d > 5*time.Second {
			t.Errorf("accepted after %v, want the sum of 10 growing waits", d)
		}
		_ = c.Close()
	})
}

func TestCloseEndsAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, flow.Config{})
		c := dial(t, n.net, "10.0.0.1")
		c.say(t, options)
		if err := n.Close(); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if _, end := c.heard(); !end || n.gone() != 1 {
			t.Errorf("closed %v, told %d", end, n.gone())
		}
		if _, err := n.Dial(t.Context(), flow.TCP, phoneAddr); !errors.Is(err, flow.ErrClosed) {
			t.Errorf("dial after Close: %v", err)
		}
	})
}

func TestOpenedButNeverServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nw := siptest.NewNetwork(1)
		l := flow.New(flow.Config{}, nil)
		pc, err := nw.Listen(nodeAddr.String())
		if err != nil {
			t.Fatal(err)
		}
		ln, err := nw.ListenTCP(nodeAddr.String())
		if err != nil {
			t.Fatal(err)
		}
		read, err := l.OpenUDP(pc)
		if err != nil {
			t.Fatal(err)
		}
		accept := l.OpenTCP(ln)
		if l.Local(flow.UDP) != nodeAddr || l.Local(flow.TCP) != nodeAddr {
			t.Errorf("local %v, %v, want %v", l.Local(flow.UDP), l.Local(flow.TCP), nodeAddr)
		}
		if _, err := l.Dial(t.Context(), flow.UDP, phoneAddr); err != nil {
			t.Error(err)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if err := errors.Join(read(), accept()); err != nil {
			t.Errorf("serve after Close: %v", err)
		}
	})
}

// A connection that we made is kept alive, and closed all the same when nobody answers for long.
func TestKeepAliveOfOurs_RFC5626_4_4_1(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, flow.Config{})
		ln, err := n.net.ListenTCP(phoneAddr.String())
		if err != nil {
			t.Fatal(err)
		}
		type beat struct {
			after time.Duration
			text  string
		}
		beats := make(chan beat, 100)
		begun := time.Now()
		go func() { // ends with the connection
			defer close(beats)
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			b := make([]byte, 100)
			for {
				k, err := nc.Read(b)
				if err != nil {
					beats <- beat{time.Since(begun), "closed"}
					return
				}
				beats <- beat{time.Since(begun), string(b[:k])}
				if len(beats) < 12 { // then it falls silent
					_, _ = io.WriteString(nc, "\r\n")
				}
			}
		}()
		if _, err := n.Dial(t.Context(), flow.TCP, phoneAddr); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		i, last := 0, time.Duration(0)
		for b := range beats {
			if i++; b.text == "closed" {
				if want := last + 20*time.Minute; i < 20 || b.after > want {
					t.Errorf("closed after %d keep-alives at %v, want %v at the latest", i, b.after, want)
				}
				break
			}
			if b.text != "\r\n\r\n" || b.after != time.Duration(i)*100*time.Second {
				t.Errorf("keep-alive %d: %q after %v", i, b.text, b.after)
			}
			if i <= 11 {
				last = b.after
			}
		}
		_ = ln.Close()
	})
}

// A phone that registered and says nothing keeps its connection for as long as it is registered.
func TestKeep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var registered atomic.Bool
		registered.Store(true)
		n := newNode(t, flow.Config{Keep: func(f flow.Flow) bool { return registered.Load() && f.Remote.Addr() == phoneAddr.Addr() }})
		phone, stranger := dial(t, n.net, phoneAddr.Addr().String()), dial(t, n.net, "10.0.0.2")
		phone.say(t, options)
		stranger.say(t, options)
		time.Sleep(21 * time.Minute)
		if _, end := stranger.heard(); !end {
			t.Error("an idle connection of nobody is open")
		}
		time.Sleep(3 * time.Hour)
		if _, end := phone.heard(); end {
			t.Error("the connection of a registered phone was closed")
		}
		registered.Store(false)
		time.Sleep(21 * time.Minute)
		if _, end := phone.heard(); !end {
			t.Error("it is open though the registration has ended")
		}
	})
}
