package configs

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Listen is a transport and address, written `udp:127.0.0.1:5060`; behind a NAT
// `udp:10.0.0.5:5060 as 203.0.113.7:5060`.
type Listen struct {
	Transport string // udp, tcp, tls, ws or wss
	Address   netip.AddrPort
	As        netip.AddrPort // what others use to reach it; zero: Address
}

// UnmarshalText reads TRANSPORT:IP:PORT, with " as IP:PORT" behind it or not.
func (l *Listen) UnmarshalText(b []byte) error {
	text, as, shown := strings.Cut(string(b), " as ")
	transport, addr, _ := strings.Cut(text, ":")
	if !slices.Contains([]string{"udp", "tcp", "tls", "ws", "wss"}, transport) {
		return errors.New("want udp:IP:PORT, tcp:…, tls:…, ws:… or wss:…")
	}
	ap, ok := literal(addr)
	if !ok {
		return fmt.Errorf("want %s:IP:PORT, with a literal IP address and a port of 1 to 65535", transport)
	}
	l.Transport, l.Address, l.As = transport, ap, netip.AddrPort{}
	if !shown {
		return nil
	}
	if l.As, ok = literal(strings.TrimSpace(as)); !ok || l.As.Addr().IsUnspecified() {
		return errors.New("want as IP:PORT, the literal address at which others reach it, such as 203.0.113.7:5060")
	}
	return nil
}

func literal(s string) (netip.AddrPort, bool) {
	ap, err := netip.ParseAddrPort(s)
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port()), err == nil && ap.Port() != 0
}

// String writes what UnmarshalText reads; "" for the zero value.
func (l Listen) String() string {
	switch {
	case l.Transport == "":
		return ""
	case l.As.IsValid():
		return l.Transport + ":" + l.Address.String() + " as " + l.As.String()
	}
	return l.Transport + ":" + l.Address.String()
}

// Ports is a range of UDP ports, written `20000-23999`, both ends included.
type Ports struct{ Min, Max int }

// UnmarshalText reads MIN-MAX.
func (p *Ports) UnmarshalText(b []byte) error {
	lo, hi, ok := strings.Cut(string(b), "-")
	minPort, err1 := strconv.Atoi(strings.TrimSpace(lo))
	maxPort, err2 := strconv.Atoi(strings.TrimSpace(hi))
	if !ok || err1 != nil || err2 != nil || minPort < 1024 || maxPort > 65535 || minPort >= maxPort {
		return errors.New("want MIN-MAX with 1024 <= MIN < MAX <= 65535")
	}
	p.Min, p.Max = minPort, maxPort
	return nil
}

// Secret is a password or token: written in the file (demo only), or as
// `file:PATH` or `env:NAME`. It never prints.
type Secret string

// UnmarshalText resolves file: and env: forms.
func (s *Secret) UnmarshalText(b []byte) error {
	text := string(b)
	if path, ok := strings.CutPrefix(text, "file:"); ok {
		raw, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("secret file %s cannot be read", path)
		}
		*s = Secret(strings.TrimSpace(string(raw)))
		return nil
	}
	if name, ok := strings.CutPrefix(text, "env:"); ok {
		v, set := os.LookupEnv(name)
		if !set {
			return fmt.Errorf("environment variable %s is not set", name)
		}
		*s = Secret(v)
		return nil
	}
	*s = Secret(text)
	return nil
}

// String hides the value.
func (s Secret) String() string { return "***" }

// LogValue hides the value.
func (s Secret) LogValue() slog.Value { return slog.StringValue("***") }
