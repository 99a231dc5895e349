package phone

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/media"
	"github.com/lineaamica/la2/media/g711"
	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/transaction"
)

// Config of a Phone.
type Config struct {
	// Listen is our address; default 127.0.0.1 with a free port.
	Listen netip.AddrPort
	// Via is the server that gets everything. Required.
	Via netip.AddrPort
	// Transport is UDP (0, too), TCP or TLS.
	Transport flow.Transport
	// Name is whom the certificate of the server must name over TLS; "": the address of Via.
	Name string
	// TLS says whom we believe and who we are; nil: the authorities of the system, nobody.
	TLS *tls.Config
	// User and Password answer digest challenges. User is also our address-of-record.
	User, Password string
	// From replaces User in From (a carrier shows the citizen's number so).
	From string
	// Anonymous withholds the number (RFC 3323).
	Anonymous bool
	// Sound is what we say, as 16-bit samples at 8 kHz, repeated; nil: silence.
	Sound []int16
	// WideSound is what we say in G.722, as samples at 16 kHz, repeated; nil: Sound.
	WideSound []int16
	// Codecs in order of preference; nil: PCMA, PCMU.
	Codecs []media.Codec
	// Record keeps what is heard of each call for Call.Heard.
	Record bool
	// Listener gets each event, on the owner's goroutine; it must not block.
	Listener func(Event)
	// Incoming decides on a call that rings us; nil: 486. It must not block.
	Incoming func(*Call)
	// Logger; nil: none.
	Logger *slog.Logger
}

// An Event is one line of what `la2 phone` prints.
type Event struct {
	At    time.Time `json:"at"`
	Event string    `json:"event"`           // registered, calling, incoming, progress, answered, audio, dtmf, held, retrieved, ended, failed
	User  string    `json:"user,omitempty"`  // ours
	Peer  string    `json:"peer,omitempty"`  // number or URI at the other end
	Code  int       `json:"code,omitempty"`  // SIP status
	Text  string    `json:"text,omitempty"`  // reason, key
	Hears string    `json:"hears,omitempty"` // silence, tone, speech
	Hz    int       `json:"hz,omitempty"`
	DBFS  int       `json:"dbfs,omitempty"`
	UUI   string    `json:"uui,omitempty"` // User-to-User received
}

// A Phone is one user agent. Methods are safe for concurrent use.
type Phone struct {
	cfg   Config
	flows *flow.Layer
	tx    *transaction.Layer
	flow  flow.Flow
	local netip.AddrPort
	inbox inbox
	done  chan struct{}
	wg    sync.WaitGroup

	tables *g711.Tables

	// Owned by run.
	calls map[string]*Call // by SIP Call-ID
	reg   registration
}

// New opens the sockets and starts the owner. Close ends it.
func New(ctx context.Context, cfg Config) (*Phone, error) {
	if !cfg.Via.IsValid() {
		return nil, errors.New("phone: no server address")
	}
	cfg.Via = netip.AddrPortFrom(cfg.Via.Addr().Unmap(), cfg.Via.Port()) // as URIs write it
	if !cfg.Listen.IsValid() {
		cfg.Listen = netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), 0)
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	p := &Phone{cfg: cfg, calls: map[string]*Call{}, done: make(chan struct{}), inbox: newInbox(), tables: g711.New()}
	if err := p.open(ctx); err != nil {
		return nil, err
	}
	p.wg.Go(p.run) // ends at Close
	return p, nil
}

func (p *Phone) open(ctx context.Context) error {
	pc, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(p.cfg.Listen))
	if err != nil {
		return fmt.Errorf("phone: listen: %w", err)
	}
	p.local = pc.LocalAddr().(*net.UDPAddr).AddrPort()
	p.flows = flow.New(flow.Config{Logger: p.cfg.Logger, TLS: p.cfg.TLS}, p.receive)
	p.tx = transaction.New(transaction.Config{Shards: 1, Logger: p.cfg.Logger,
		Address: func(flow.Flow) netip.AddrPort { return p.local }}, p.flows, p)
	read, err := p.flows.OpenUDP(pc)
	if err != nil {
		return err
	}
	p.wg.Go(func() { _ = read() }) // ends when the layer closes the socket
	if p.cfg.Transport <= flow.UDP {
		p.flow = flow.Flow{Transport: flow.UDP, Local: p.local, Remote: p.cfg.Via}
		return nil
	}
	if p.flow, err = p.flows.DialName(ctx, p.cfg.Transport, p.cfg.Via, p.cfg.Name); err != nil {
		p.flows.Close()
		return fmt.Errorf("phone: connect: %w", err)
	}
	p.local = p.flow.Local
	return nil
}

// run owns the calls.
func (p *Phone) run() {
	for {
		select {
		case <-p.inbox.wake:
			for _, fn := range p.inbox.take() {
				fn()
			}
		case <-p.done:
			return
		}
	}
}

// Close hangs up nothing: end the calls first. It frees sockets and goroutines.
func (p *Phone) Close() {
	close(p.done)
	p.tx.Close()
	p.flows.Close()
	p.wg.Wait()
	for _, c := range p.calls {
		c.stopAudio()
	}
}

// do runs fn on the owner and waits for it.
func (p *Phone) do(ctx context.Context, fn func()) error {
	ran := make(chan struct{})
	p.inbox.put(func() { fn(); close(ran) })
	select {
	case <-ran:
		return nil
	case <-p.done:
		return errors.New("phone: closed")
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (p *Phone) tell(e Event) {
	e.At, e.User = time.Now().UTC(), p.cfg.User
	if p.cfg.Listener != nil {
		p.cfg.Listener(e)
	}
}

// contact is where we are reached.
func (p *Phone) contact() sip.Uri {
	u := sip.Uri{Scheme: "sip", User: p.cfg.User, Host: p.local.Addr().String(), Port: int(p.local.Port()), UriParams: sip.NewParams()}
	if param := p.cfg.Transport.Param(); param != "" {
		u.UriParams.Add("transport", param)
	}
	return u
}
