package siptest

import (
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/lineaamica/la2/sip/flow"
)

// Timers of RFC 3261 17, over datagrams.
const (
	t1      = 500 * time.Millisecond
	t2      = 4 * time.Second
	timeout = 64 * t1
)

// Messages and calls that wait for the script; a script that leaves more unread is wrong.
const queueSize = 1024

// TB is what a UA needs of a *testing.T. Cleanup ends the UA, in the bubble of the test.
type TB interface {
	Helper()
	Fatalf(format string, args ...any)
	Cleanup(func())
}

// An Option changes a UA when it is made.
type Option func(*UA)

// Account makes the UA answer digest challenges, and gives the user part of From and Contact.
func Account(user, password string) Option {
	return func(u *UA) { u.user, u.password = user, password }
}

// Manual turns off all that the UA does by itself: retransmissions, their absorption, ACK of a
// refusal, answers to CANCEL, BYE, OPTIONS and re-INVITE, digest. The script sees and sends all.
func Manual() Option { return func(u *UA) { u.manual = true } }

// NoRTP makes calls without RTP sockets; their SDP says the port after the UA's own.
func NoRTP() Option { return func(u *UA) { u.listen = nil } }

// A UA is a scripted user agent at one address. Its methods are safe for concurrent use, except
// that each wait has one goroutine. A wait that fails ends the test with the trace of messages.
type UA struct {
	tb             TB
	pc             flow.PacketConn
	addr           netip.AddrPort
	user, password string
	manual         bool
	listen         func() (flow.PacketConn, error) // an RTP socket
	transport      string                          // as Via writes it
	host           string                          // of Via and Contact
	done           chan struct{}                   // closed when the reader ended

	incoming chan *Call    // new INVITEs
	others   chan *Message // requests outside calls

	mu       sync.Mutex // guards all below and the fields of calls
	closed   bool
	lastID   int
	calls    map[string]*Call
	subs     map[string]*Subscription
	clients  map[string]*clientTx
	servers  map[string]*serverTx
	handlers map[string]func(*Call, *Message) bool
	onCall   func(*Call)
	rtps     []*RTP
	trace    []string
	begun    time.Time
}

// NewUA starts a user agent at addr in the network; it ends with the test.
func NewUA(tb TB, nw *Network, addr string, opts ...Option) *UA {
	tb.Helper()
	s, err := nw.Listen(addr)
	if err != nil {
		tb.Fatalf("%v", err)
		return nil
	}
	return NewUAOn(tb, s, nw.rtpListener(s.AddrPort().Addr()), opts...)
}

func (n *Network) rtpListener(ip netip.Addr) func() (flow.PacketConn, error) {
	return func() (flow.PacketConn, error) { return n.ListenAddrPort(netip.AddrPortFrom(ip, 0)) }
}

// NewUAOn starts a user agent on any datagram socket; listen opens RTP sockets and may be nil.
// The UA closes the socket.
func NewUAOn(tb TB, pc flow.PacketConn, listen func() (flow.PacketConn, error), opts ...Option) *UA {
	u := &UA{
		tb: tb, pc: pc, listen: listen,
		addr: netip.MustParseAddrPort(pc.LocalAddr().String()),
		user: "ua", transport: "UDP",
		done:     make(chan struct{}),
		incoming: make(chan *Call, queueSize),
		others:   make(chan *Message, queueSize),
		calls:    map[string]*Call{},
		subs:     map[string]*Subscription{},
		clients:  map[string]*clientTx{},
		servers:  map[string]*serverTx{},
		handlers: map[string]func(*Call, *Message) bool{},
		begun:    time.Now(),
	}
	u.host = u.addr.String()
	if s, ok := pc.(interface{ Transport() (name, host string) }); ok {
		u.transport, u.host = s.Transport()
	}
	for _, o := range opts {
		o(u)
	}
	go u.read() // ends when Close closes the socket
	tb.Cleanup(u.Close)
	return u
}

// Addr is the address of the UA.
func (u *UA) Addr() netip.AddrPort { return u.addr }

// URI is the address as a SIP URI, with the user of Account.
func (u *UA) URI() string { return fmt.Sprintf("sip:%s@%s", u.user, u.host) }

// Close ends the UA without a word to its peers, as a power cut does, and waits for its
// goroutines. It can be repeated.
func (u *UA) Close() {
	u.mu.Lock()
	closed := u.closed
	u.closed = true
	rtps := u.rtps
	for _, c := range u.clients {
		c.timer.Stop()
	}
	for _, s := range u.servers {
		s.timer.Stop()
	}
	u.mu.Unlock()
	if !closed {
		_ = u.pc.Close() // the socket is gone either way
	}
	for _, r := range rtps {
		r.close()
	}
	<-u.done
}

// On lets fn see requests of a method inside calls before the UA acts; true means that fn has
// answered. It runs on the reader of the UA and must not wait.
func (u *UA) On(method string, fn func(*Call, *Message) bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.handlers[method] = fn
}

// OnCall lets fn take each new INVITE instead of ExpectInvite. It runs on the reader of the UA
// and must not wait.
func (u *UA) OnCall(fn func(*Call)) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.onCall = fn
}

// AutoAnswer rings and answers each call after so long, and plays p to it when p is not nil.
func (u *UA) AutoAnswer(after time.Duration, p Source) {
	u.OnCall(func(c *Call) {
		c.Respond(180)
		time.AfterFunc(after, func() { // ends by itself; a closed or cancelled call ignores it
			if c.open() {
				c.accept()
				if p != nil && c.RTP != nil {
					c.RTP.Play(p)
				}
			}
		})
	})
}

// AutoReject answers each call with status after so long, ringing until then.
func (u *UA) AutoReject(status int, after time.Duration) {
	u.OnCall(func(c *Call) {
		if after > 0 {
			c.Respond(180)
		}
		time.AfterFunc(after, func() { // ends by itself
			if c.open() {
				c.Respond(status)
			}
		})
	})
}

// Trace returns one line for each message sent and received.
func (u *UA) Trace() string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return strings.Join(u.trace, "\n")
}

func (u *UA) fatalf(format string, args ...any) {
	u.tb.Helper()
	u.tb.Fatalf("siptest: %v: %s\n%s", u.addr, fmt.Sprintf(format, args...), u.Trace())
}

func (u *UA) read() {
	defer close(u.done)
	b := make([]byte, 65536)
	for {
		n, from, err := u.pc.ReadFromUDPAddrPort(b)
		if err != nil {
			return
		}
		m, err := ParseMessage(b[:n])
		if err != nil {
			u.mu.Lock()
			u.note("< %v: %v", from, err)
			u.mu.Unlock()
			continue
		}
		m.From, m.At = from, time.Now()
		if m.IsRequest() {
			u.request(m)
		} else {
			u.response(m)
		}
	}
}

// note adds a line to the trace. u.mu must be held.
func (u *UA) note(format string, args ...any) {
	line := fmt.Sprintf("%9.3fs ", time.Since(u.begun).Seconds()) + fmt.Sprintf(format, args...)
	u.trace = append(u.trace, line)
}

// write sends m. u.mu must be held.
func (u *UA) write(m *Message, to netip.AddrPort) {
	if u.closed {
		return
	}
	u.note("> %v %v", to, m)
	if _, err := u.pc.WriteToUDPAddrPort(m.Bytes(), to); err != nil {
		u.note("! %v", err)
	}
}

// id makes a token that no other UA of the test makes. u.mu must be held.
func (u *UA) id() string {
	u.lastID++
	host := strings.NewReplacer(".", "-", ":", "-", "[", "", "]", "").Replace(u.addr.String())
	return fmt.Sprintf("%s-%x-%d", host, u.begun.UnixNano()&0xffffff, u.lastID)
}

// Send sends a message as it is: for what the other methods do not do.
func (u *UA) Send(m *Message, to netip.AddrPort) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.write(m, to)
}

// SendRaw sends bytes as they are.
func (u *UA) SendRaw(b []byte, to netip.AddrPort) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.note("> %v %d octets", to, len(b))
	if _, err := u.pc.WriteToUDPAddrPort(b, to); err != nil {
		u.note("! %v", err)
	}
}
