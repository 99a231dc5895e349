package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"

	"github.com/lineaamica/la2/configs"
	"github.com/lineaamica/la2/sip/flow"
)

// A streamPort is a port on which connections come.
type streamPort struct {
	net.Listener
	transport flow.Transport
}

// openSockets takes every port first: a taken one is the commonest fault, and
// nothing must have been written by then.
func (n *Node) openSockets(context.Context) (err error) {
	if n.keys, err = newKeyring(n.cfg.SIP.TLS, n.log); err != nil {
		return err
	}
	for _, l := range n.cfg.SIP.Listen {
		if err := n.listen(l); err != nil {
			return err
		}
	}
	if n.opts.Env.NoHTTP {
		return nil
	}
	ln, err := net.Listen("tcp", n.cfg.HTTP.Listen)
	if err != nil {
		return taken("HTTP", "tcp:"+n.cfg.HTTP.Listen, err)
	}
	n.http = ln
	return nil
}

func (n *Node) listen(l configs.Listen) error {
	env := n.opts.Env
	t, _ := flow.ParseTransport(l.Transport) // checked when the file was loaded
	if t == flow.UDP {
		open := env.ListenUDP
		if open == nil {
			open = listenUDP
		}
		pc, err := open(l.Address)
		if err != nil {
			return taken("SIP", l.String(), err)
		}
		n.udp = append(n.udp, pc)
		return nil
	}
	open := env.ListenTCP
	if open == nil {
		open = func(a netip.AddrPort) (net.Listener, error) {
			return (&net.ListenConfig{Control: mark}).Listen(context.Background(), "tcp", a.String())
		}
	}
	ln, err := open(l.Address)
	if err != nil {
		return taken("SIP", l.String(), err)
	}
	n.streams = append(n.streams, streamPort{ln, t})
	return nil
}

func listenUDP(a netip.AddrPort) (flow.PacketConn, error) {
	lp, err := (&net.ListenConfig{Control: mark}).ListenPacket(context.Background(), "udp", a.String())
	if err != nil {
		return nil, err
	}
	pc, ok := lp.(*net.UDPConn)
	if !ok {
		_ = lp.Close()
		return nil, errors.New("no UDP socket")
	}
	_ = pc.SetReadBuffer(4 << 20) // a smaller buffer works too, with more loss at peaks
	return pc, nil
}

// advertised tells under which addresses others reach our endpoints.
func advertised(cfg *configs.Config) map[flow.Endpoint]netip.AddrPort {
	out := map[flow.Endpoint]netip.AddrPort{}
	for _, l := range cfg.SIP.Listen {
		if t, ok := flow.ParseTransport(l.Transport); ok && l.As.IsValid() {
			out[flow.Endpoint{Transport: t, Addr: l.Address}] = l.As
		}
	}
	return out
}

func (n *Node) serveSockets(part func(string, func(context.Context) error)) {
	for _, pc := range n.udp {
		read, err := n.flows.OpenUDP(pc)
		if err != nil {
			read = func() error { return err }
		}
		part("udp", func(context.Context) error { return read() })
	}
	for _, s := range n.streams {
		accept := n.openStream(s)
		part(s.transport.String(), func(context.Context) error { return accept() })
	}
	if n.http == nil {
		return
	}
	part("http", func(context.Context) error {
		if err := n.web.Serve(n.http); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
}

// openStream hands a port over to the layer.
func (n *Node) openStream(s streamPort) (accept func() error) {
	switch s.transport {
	case flow.TLS:
		return n.flows.OpenTLS(s.Listener, n.keys.server())
	case flow.WS:
		return n.flows.OpenWS(s.Listener, nil, nil)
	case flow.WSS:
		return n.flows.OpenWS(s.Listener, n.keys.server(), nil)
	}
	return n.flows.OpenTCP(s.Listener)
}

// upgrade finds a connection for a request that is too long for a datagram. A trunk
// keeps the transport of its address: its peer knows us by address and port, which a
// connection does not have.
func (n *Node) upgrade(ctx context.Context, f flow.Flow) (flow.Flow, error) {
	if _, peer := n.trunks.Admit(f.Remote); peer {
		return flow.Flow{}, flow.ErrNoRoute
	}
	return n.flows.Upgrade(ctx, f)
}

func (n *Node) closeSockets() {
	if n.resolver != nil {
		n.resolver.Close()
	}
	if n.tx != nil {
		n.tx.Close()
	}
	if n.flows != nil {
		_ = n.flows.Close()
	}
	for _, pc := range n.udp {
		_ = pc.Close()
	}
	for _, s := range n.streams {
		_ = s.Close()
	}
	if n.http != nil {
		_ = n.http.Close()
	}
}

// taken is the one line about a port that cannot be had.
func taken(what, where string, err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	return fmt.Errorf("%s port %s cannot be opened: %w", what, where, sysText(err))
}

func sysText(err error) error {
	var se *os.SyscallError
	if errors.As(err, &se) {
		return se.Err
	}
	return err
}
