package flow_test

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/shield"
	"github.com/lineaamica/la2/sip/siptest"
	"github.com/lineaamica/la2/sip/wire"
)

var (
	nodeAddr  = netip.MustParseAddrPort("10.0.0.9:5060")
	phoneAddr = netip.MustParseAddrPort("10.0.0.1:5062")
)

const options = "OPTIONS sip:10.0.0.9 SIP/2.0\r\n" +
	"Via: SIP/2.0/UDP 10.0.0.1:5062;branch=z9hG4bKa;rport\r\n" +
	"From: <sip:a@10.0.0.1>;tag=1\r\nTo: <sip:10.0.0.9>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n" +
	"Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n"

// A node is a layer in a network that answers each request with 200 and keeps what came.
type node struct {
	*flow.Layer
	net *siptest.Network

	mu     sync.Mutex // guards all below
	flows  []flow.Flow
	got    []string
	closed []flow.Flow
	onMsg  func(flow.Flow, *wire.Message)
}

func newNode(t *testing.T, cfg flow.Config) *node {
	t.Helper()
	n := &node{net: siptest.NewNetwork(1)}
	cfg.Dial = n.net.Dialer(nodeAddr.Addr())
	cfg.OnClosed = func(f flow.Flow) {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.closed = append(n.closed, f)
	}
	n.Layer = flow.New(cfg, n.message)
	pc, err := n.net.Listen(nodeAddr.String())
	if err != nil {
		t.Fatal(err)
	}
	ln, err := n.net.ListenTCP(nodeAddr.String())
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = n.ServeUDP(pc) }() // ends with Close
	go func() { _ = n.ServeTCP(ln) }() // ends with Close
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	synctest.Wait()
	return n
}

func (n *node) message(f flow.Flow, m *wire.Message) {
	n.mu.Lock()
	n.flows, n.got = append(n.flows, f), append(n.got, string(m.Raw()))
	fn := n.onMsg
	n.mu.Unlock()
	if fn != nil {
		fn(f, m)
		return
	}
	if m.IsRequest() {
		_ = n.Send(flow.ResponseFlow(m.TopVia(), f), wire.AppendReplyTo(nil, m, f.Remote, 200, "OK", "t"))
	}
}

func (n *node) received() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]string(nil), n.got...)
}

func (n *node) firstFlow() flow.Flow {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.flows[0]
}

func (n *node) gone() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.closed)
}

func (n *node) phone(t *testing.T, addr netip.AddrPort) *siptest.Socket {
	t.Helper()
	s, err := n.net.ListenAddrPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// ask sends bytes and returns what comes back within a second, "" when nothing does.
func ask(t *testing.T, s *siptest.Socket, b string) string {
	t.Helper()
	if _, err := s.WriteToUDPAddrPort([]byte(b), nodeAddr); err != nil {
		t.Fatal(err)
	}
	if err := s.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 65536)
	n, _, err := s.ReadFromUDPAddrPort(buf)
	if err != nil {
		return ""
	}
	return string(buf[:n])
}

func TestDatagrams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, flow.Config{})
		s := n.phone(t, phoneAddr)
		malformed := strings.Replace(options, "CSeq: 1 OPTIONS", "CSeq: 1 BYE", 1)
		response := "SIP/2.0 200 OK\r\n" + strings.SplitN(malformed, "\r\n", 2)[1]
		for _, tt := range []struct{ name, in, want string }{
			{"a request reaches the handler", options, "SIP/2.0 200 OK"},
			{"keep-alive", "\r\n\r\n", "\r\n"},
			{"half a keep-alive", "\r\n", ""},
			{"four octets", "\x00\x00\x00\x00", ""},
			{"STUN", "\x00\x01\x00\x00\x21\x12\xa4\x42abcdefghijkl", "\x01\x01\x00\x0c\x21\x12\xa4\x42abcdefghijkl\x00\x20\x00\x08\x00\x01\x32\xd4\x2b\x12\xa4\x43"},
			{"another STUN", "\x00\x03\x00\x00\x21\x12\xa4\x42abcdefghijkl", ""},
			{"RTP", "\x80\x08" + strings.Repeat("x", 170), ""},
			{"text", "GET / HTTP/1.0\r\n\r\n", ""},
			{"malformed request", malformed, "SIP/2.0 400 CSeq Method Differs"},
			{"malformed ACK", strings.ReplaceAll(malformed, "OPTIONS", "ACK"), ""},
			{"malformed response", strings.Replace(response, "CSeq: 1 BYE", "CSeq: x", 1), ""},
			{"response", response, ""},
		} {
			got := ask(t, s, tt.in)
			if line, _, _ := strings.Cut(got, "\r\n"); line != tt.want && got != tt.want {
				t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
			}
			if strings.HasPrefix(got, "SIP/2.0 4") && !strings.Contains(got, ";rport=5062;received=10.0.0.1") {
				t.Errorf("%s: Via without received and rport: %q", tt.name, got)
			}
		}
		want := flow.Stats{Received: 2, Sent: 2, KeepAlive: 2, Junk: 4, Malformed: 4, Refused: 1}
		if got := n.Stats(); got != want {
			t.Errorf("stats\n%+v, want\n%+v", got, want)
		}
		if got, want := n.firstFlow(), (flow.Flow{Transport: flow.UDP, Local: nodeAddr, Remote: phoneAddr}); got != want {
			t.Errorf("flow %+v, want %+v", got, want)
		}
	})
}

// A request whose answer is longer is not answered, whoever sent it, before it is sent again.
func TestNoAmplification(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		guard := shield.New(shield.Config{})
		n := newNode(t, flow.Config{Filter: guard.Verdict, Outgoing: guard.Outgoing})
		s := n.phone(t, phoneAddr)
		tiny := "O a:b SIP/2.0\r\nv:SIP/2.0/UDP h;rport\r\nf:<a:b>\r\nt:<a:b>\r\ni:1\r\nCSeq:1 X\r\n\r\n"
		stun := "\x00\x01\x00\x00\x21\x12\xa4\x42abcdefghijkl"
		other := n.phone(t, netip.MustParseAddrPort("10.0.0.2:5062"))
		for i, want := range []int{0, 32, 0, 32, 32} { // each pays 20
			if got := ask(t, other, stun); len(got) != want {
				t.Errorf("STUN %d: got %d octets, want %d", i, len(got), want)
			}
		}
		if got := ask(t, s, tiny); got != "" {
			t.Errorf("%d octets got %d: %q", len(tiny), len(got), got)
		}
		if s := n.Stats(); s.Malformed != 1 || s.Refused != 0 || s.Withheld != 3 {
			t.Errorf("stats %+v", s)
		}
		in, out := len(tiny), 0
		for range 20 {
			in, out = in+len(tiny), out+len(ask(t, s, tiny))
			if out > in {
				t.Errorf("%d octets in, %d out", in, out)
			}
		}
		if out == 0 {
			t.Error("never an answer")
		}
	})
}

// What was no message is told, with the flow on which it came.
func TestFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex // guards told
		var told []flow.Fault
		n := newNode(t, flow.Config{OnFault: func(f flow.Flow, what flow.Fault) {
			if f.Remote.Addr() != phoneAddr.Addr() {
				t.Errorf("flow %+v", f)
			}
			mu.Lock()
			defer mu.Unlock()
			told = append(told, what)
		}})
		s := n.phone(t, phoneAddr)
		for _, in := range []string{options, "\x00\x01\x00\x00", "hello there", "\r\n\r\n"} {
			ask(t, s, in)
		}
		c := dial(t, n.net, "10.0.0.1")
		_, _ = c.Write([]byte("OPTIONS sip:x SIP/2.0\r\nContent-Length: 99999999999\r\n\r\n"))
		time.Sleep(time.Minute)
		_ = c.Close()
		mu.Lock()
		defer mu.Unlock()
		if want := []flow.Fault{flow.Junk, flow.Malformed, flow.Malformed}; !slices.Equal(told, want) {
			t.Errorf("told %v, want %v", told, want)
		}
	})
}

func TestMalformedIsRateLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, flow.Config{RefuseRate: 10})
		s := n.phone(t, phoneAddr)
		bad := []byte(strings.Replace(options, "CSeq: 1", "CSeq: x", 1))
		for range 1000 {
			_, _ = s.WriteToUDPAddrPort(bad, nodeAddr)
		}
		time.Sleep(time.Second)
		if got := n.Stats(); got.Malformed != 1000 || got.Refused != 10 {
			t.Errorf("stats %+v, want 10 refused", got)
		}
	})
}

func TestPanicLosesOneMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, flow.Config{})
		n.mu.Lock()
		n.onMsg = func(flow.Flow, *wire.Message) { panic("poison") }
		n.mu.Unlock()
		s := n.phone(t, phoneAddr)
		ask(t, s, options)
		n.mu.Lock()
		n.onMsg = nil
		n.mu.Unlock()
		if got := ask(t, s, options); !strings.HasPrefix(got, "SIP/2.0 200") {
			t.Errorf("after a panic: %q", got)
		}
		if got := n.Stats().Panics; got != 1 {
			t.Errorf("%d panics counted, want 1", got)
		}
	})
}

func TestSendErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, flow.Config{})
		udp := func(remote string) flow.Flow {
			return flow.Flow{Transport: flow.UDP, Local: nodeAddr, Remote: netip.MustParseAddrPort(remote)}
		}
		other := udp("10.0.0.1:5060")
		other.Local = phoneAddr
		for _, tt := range []struct {
			name string
			f    flow.Flow
			b    []byte
			want error
		}{
			{"broadcast (RFC 4475 bcast)", udp("255.255.255.255:5060"), []byte("x"), flow.ErrAddress},
			{"multicast", udp("224.0.1.75:5060"), []byte("x"), flow.ErrAddress},
			{"IPv6 multicast", udp("[ff02::1]:5060"), []byte("x"), flow.ErrAddress},
			{"unspecified", udp("0.0.0.0:5060"), []byte("x"), flow.ErrAddress},
			{"port 0", udp("10.0.0.1:0"), []byte("x"), flow.ErrAddress},
			{"zero flow", flow.Flow{}, []byte("x"), flow.ErrGone},
			{"too long", udp("10.0.0.1:5060"), make([]byte, 65508), flow.ErrSize},
			{"empty", udp("10.0.0.1:5060"), nil, flow.ErrSize},
			{"socket that is not ours", other, []byte("x"), flow.ErrGone},
			{"connection that never was", flow.Flow{Transport: flow.TCP, ID: 7}, []byte("x"), flow.ErrGone},
			{"good", udp("10.0.0.1:5060"), []byte("x"), nil},
		} {
			if got := n.Send(tt.f, tt.b); !errors.Is(got, tt.want) {
				t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
			}
		}
	})
}

func TestResponseAddr_RFC3261_18_2_2(t *testing.T) {
	udp := flow.Flow{Transport: flow.UDP, Remote: netip.MustParseAddrPort("192.0.2.1:40000")}
	tcp := udp
	tcp.Transport = flow.TCP
	for _, tt := range []struct {
		name, via string
		f         flow.Flow
		want      string
	}{
		{"rport: the source", "10.0.0.1:5062;rport", udp, "192.0.2.1:40000"},
		{"no rport: the port of sent-by", "10.0.0.1:5062", udp, "192.0.2.1:5062"},
		{"no port: 5060", "10.0.0.1", udp, "192.0.2.1:5060"},
		{"maddr and received lead nowhere", "10.0.0.1:5062;maddr=224.2.2.2;received=8.8.8.8", udp, "192.0.2.1:5062"},
		{"connection", "10.0.0.1:5062", tcp, "192.0.2.1:40000"},
	} {
		var m wire.Message
		if err := m.Parse([]byte(strings.Replace(options, "10.0.0.1:5062;branch=z9hG4bKa;rport", tt.via, 1))); err != nil {
			t.Fatal(err)
		}
		if got := flow.ResponseAddr(m.TopVia(), tt.f); got.String() != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestDialUDP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, flow.Config{})
		f, err := n.Dial(t.Context(), flow.UDP, netip.MustParseAddrPort("[::ffff:10.0.0.1]:5062"))
		if err != nil || f != (flow.Flow{Transport: flow.UDP, Local: nodeAddr, Remote: phoneAddr}) {
			t.Errorf("got %+v, %v", f, err)
		}
		for _, to := range []string{"127.0.0.1:5060", "[2001:db8::1]:5060"} {
			if _, err := n.Dial(t.Context(), flow.UDP, netip.MustParseAddrPort(to)); err == nil {
				t.Errorf("%s is reached from %v", to, nodeAddr)
			}
		}
		if n.Local(flow.UDP) != nodeAddr || n.Local(flow.TCP) != nodeAddr || n.Local(flow.TLS).IsValid() {
			t.Errorf("local %v, %v", n.Local(flow.UDP), n.Local(flow.TCP))
		}
	})
}

// The kernel's sockets: what the in-memory network cannot show.
func TestKernelSockets(t *testing.T) {
	got := make(chan flow.Flow, 10)
	l := flow.New(flow.Config{}, nil)
	l = flow.New(flow.Config{}, func(f flow.Flow, m *wire.Message) {
		_ = l.Send(flow.ResponseFlow(m.TopVia(), f), wire.AppendReplyTo(nil, m, f.Remote, 200, "OK", "t"))
		got <- f
	})
	pc, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 2)
	go func() { done <- l.ServeUDP(pc) }() // ends with Close
	go func() { done <- l.ServeTCP(ln) }() // ends with Close
	for network, addr := range map[string]string{"udp": pc.LocalAddr().String(), "tcp": ln.Addr().String()} {
		c, err := net.Dial(network, addr)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Write([]byte(options)); err != nil {
			t.Fatal(err)
		}
		_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
		buf := make([]byte, 2000)
		n, err := c.Read(buf)
		if err != nil || !strings.HasPrefix(string(buf[:n]), "SIP/2.0 200 OK") {
			t.Errorf("%s: got %q, %v", network, buf[:n], err)
		}
		if f := <-got; f.Remote.String() != c.LocalAddr().String() || f.Local.String() != addr {
			t.Errorf("%s: flow %+v", network, f)
		}
		_ = c.Close()
	}
	out := flow.Flow{Transport: flow.UDP, Local: l.Local(flow.UDP), Remote: netip.MustParseAddrPort("127.255.255.255:5999")}
	if err := l.Send(out, []byte("x")); err == nil {
		t.Error("the kernel sent to the broadcast address of a subnet")
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
