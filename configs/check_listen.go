package configs

import (
	"fmt"
	"net/netip"
	"regexp"
)

// originForm is scheme, host and port of a web page, without wildcards.
var originForm = regexp.MustCompile(`^https?://[a-z0-9.-]+(:\d{1,5})?$`)

// checkListen reports what is wrong with the sockets of SIP.
func checkListen(c SIP, r report) {
	if len(c.Listen) == 0 {
		r("sip.listen", "is required: at least one of udp:IP:PORT, tcp:IP:PORT, tls:IP:PORT")
	}
	type place struct {
		stream bool
		at     netip.AddrPort
	}
	seen, secure := map[place]bool{}, false
	for i, l := range c.Listen {
		p := place{l.Transport != "udp", l.Address}
		if seen[p] {
			r(fmt.Sprintf("sip.listen[%d]", i), l.String()+" stands here twice")
		}
		seen[p] = true
		secure = secure || l.Transport == "tls" || l.Transport == "wss"
		if !p.stream && l.Address.Addr().IsUnspecified() && !l.As.IsValid() {
			r(fmt.Sprintf("sip.listen[%d]", i), "listens at all addresses and knows none to tell: write one address, or add as IP:PORT")
		}
	}
	for i, o := range c.WebSocket.Origins {
		form(r, fmt.Sprintf("sip.websocket.origins[%d]", i), o, originForm)
	}
	t := c.TLS
	if secure && t.Certificate == "" {
		r("sip.tls.certificate", "is required for tls and wss listeners: the path of a PEM file")
	}
	if (t.Certificate == "") != (t.Key == "") {
		r("sip.tls.key", "certificate and key go together: the paths of two PEM files")
	}
	oneOf(r, "sip.tls.clients", t.Clients, "optional", "required")
	if t.Clients == "required" && t.ClientCA == "" {
		r("sip.tls.client_ca", "is required when clients need certificates: the path of a PEM file of their authorities")
	}
}
