package resolve

import (
	"cmp"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"github.com/lineaamica/la2/sip/flow"
)

// A service is a transport and the name under which SRV has its servers.
type service struct {
	transport flow.Transport
	name      string
}

// Most records of a zone that are looked at.
const (
	maxServices = 8
	maxServers  = 16
)

// services orders what NAPTR offers (RFC 3263 4.1): by order, then preference, then our own taste.
// What we do not speak is left out, and all but TLS when secure.
func services(records []dns.RR, speak []flow.Transport, secure bool) []service {
	var offers []*dns.NAPTR
	taste := map[*dns.NAPTR]int{}
	for _, rr := range records {
		n, ok := rr.(*dns.NAPTR)
		if !ok || !strings.EqualFold(n.Flags, "s") || n.Regexp != "" {
			continue
		}
		t := map[string]flow.Transport{"SIP+D2U": flow.UDP, "SIP+D2T": flow.TCP, "SIPS+D2T": flow.TLS}[strings.ToUpper(n.Service)]
		at := slices.Index(speak, t)
		if at < 0 || secure && t != flow.TLS {
			continue
		}
		offers, taste[n] = append(offers, n), at
	}
	slices.SortStableFunc(offers, func(a, b *dns.NAPTR) int {
		return cmp.Or(cmp.Compare(a.Order, b.Order), cmp.Compare(a.Preference, b.Preference), cmp.Compare(taste[a], taste[b]))
	})
	var out []service
	for _, n := range offers[:min(len(offers), maxServices)] {
		out = append(out, service{speak[taste[n]], n.Replacement})
	}
	return out
}

// srvName is where SRV has the servers of a domain for a transport (RFC 3263 4.1).
func srvName(t flow.Transport, domain string) string {
	switch t {
	case flow.UDP:
		return "_sip._udp." + domain
	case flow.TLS:
		return "_sips._tcp." + domain
	default:
		return "_sip._tcp." + domain
	}
}

// servers orders SRV records: by priority, and among equal ones by chance in proportion to their
// weights (RFC 2782). A target of "." means that there is no such service and is left out.
func servers(records []dns.RR, random func(int) int) []*dns.SRV {
	var left, out []*dns.SRV
	for _, rr := range records {
		if s, ok := rr.(*dns.SRV); ok && s.Target != "." && s.Port != 0 {
			left = append(left, s)
		}
	}
	// Weight 0 stands in front, so that it is drawn with a small chance only.
	slices.SortStableFunc(left, func(a, b *dns.SRV) int {
		return cmp.Or(cmp.Compare(a.Priority, b.Priority), cmp.Compare(a.Weight, b.Weight))
	})
	for len(left) > 0 && len(out) < maxServers {
		same, sum := 0, 0
		for same < len(left) && left[same].Priority == left[0].Priority {
			sum += int(left[same].Weight)
			same++
		}
		draw, at := random(sum+1), 0
		for run := int(left[0].Weight); run < draw; run += int(left[at].Weight) {
			at++
		}
		out = append(out, left[at])
		left = slices.Delete(left, at, at+1)
	}
	return out
}
