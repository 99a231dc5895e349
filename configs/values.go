package configs

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"strconv"
	"strings"
)

// Listen is a transport and address, written `udp:127.0.0.1:5060`.
type Listen struct {
	Transport string // udp or tcp
	Address   netip.AddrPort
}

// UnmarshalText reads TRANSPORT:IP:PORT.
func (l *Listen) UnmarshalText(b []byte) error {
	transport, addr, ok := strings.Cut(string(b), ":")
	if !ok || (transport != "udp" && transport != "tcp") {
		return errors.New("want udp:IP:PORT or tcp:IP:PORT")
	}
	ap, err := netip.ParseAddrPort(addr)
	if err != nil || ap.Port() == 0 {
		return errors.New("want udp:IP:PORT or tcp:IP:PORT, with a literal IP address and a port of 1 to 65535")
	}
	l.Transport, l.Address = transport, netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
	return nil
}

// String writes what UnmarshalText reads; "" for the zero value.
func (l Listen) String() string {
	if l.Transport == "" {
		return ""
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
