package configs

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/lineaamica/la2/numbering"
)

func checkTrunks(c *Config, r report) {
	groups := map[string]string{} // group → site of its members
	for i, t := range c.Trunks {
		p := fmt.Sprintf("trunks[%d].", i)
		checkPeer(c, t, p, r)
		checkCarrier(t, p, r)
		if t.Group == "" {
			continue
		}
		form(r, p+"group", t.Group, nameForm)
		if slices.ContainsFunc(c.Trunks, func(o Trunk) bool { return o.Name == t.Group }) {
			r(p+"group", fmt.Sprintf("%q is the name of a trunk", t.Group))
		}
		if site, seen := groups[t.Group]; seen && site != t.Site {
			r(p+"group", "offices and carriers, or two offices, are no group: calls would go to either")
		}
		groups[t.Group] = t.Site
	}
	checkEmergency(c, r)
	for i, t := range c.Trunks {
		checkLimits(t.Limits, fmt.Sprintf("trunks[%d].limits.", i), r)
	}
	for i, a := range c.Accounts {
		at := fmt.Sprintf("accounts[%d].", i)
		checkLimits(a.Limits, at+"limits.", r)
		for j, class := range a.Dial {
			oneOf(r, fmt.Sprintf("%sdial[%d]", at, j), class, classNames()...)
		}
		if a.Trunk == "" {
			continue
		}
		p := fmt.Sprintf("accounts[%d].", i)
		if a.Kind != "carrier" {
			r(p+"trunk", "only an account of kind carrier calls by a trunk")
		}
		if !slices.ContainsFunc(c.Trunks, func(t Trunk) bool { return t.Name == a.Trunk && t.Site == "" }) {
			r(p+"trunk", fmt.Sprintf("no trunk %q of a carrier", a.Trunk))
		}
	}
}

// checkEmergency: calls for help leave here, by carriers, and no other office or
// station takes them.
func checkEmergency(c *Config, r report) {
	for i, name := range c.Emergency.Trunks {
		if !slices.ContainsFunc(c.Trunks, func(t Trunk) bool { return t.Site == "" && (t.Name == name || t.Group == name) }) {
			r(fmt.Sprintf("emergency.trunks[%d]", i), fmt.Sprintf("no trunk or group %q of a carrier: rescuers are reached from where the caller is", name))
		}
	}
	if cli := c.Emergency.CLI; cli != "" && !cliForm.MatchString(cli) {
		r("emergency.cli", "want the geographic number of the site, such as +3906828881")
	}
	if l := c.Emergency.Location; len(l) > 64 || strings.ContainsFunc(l, func(c rune) bool { return c < ' ' || c == 0x7f || c == '"' || c == '\\' }) {
		r("emergency.location", "want one line of at most 64 bytes, without quotes and backslashes")
	}
	taken := func(path, number string) {
		if n := numbering.Canonical(number); numbering.IsEmergency(n) {
			r(path, number+" is an emergency number and leads to the rescuers alone")
		}
	}
	for i, a := range c.Accounts {
		taken(fmt.Sprintf("accounts[%d].user", i), a.User)
	}
	for i, s := range c.Services {
		for j, n := range s.Numbers {
			taken(fmt.Sprintf("services[%d].numbers[%d]", i, j), n)
		}
	}
	for i, rt := range c.Routes {
		taken(fmt.Sprintf("routes[%d].user", i), rt.User)
	}
	for i, t := range c.Trunks {
		for j, n := range t.Numbers {
			taken(fmt.Sprintf("trunks[%d].numbers[%d]", i, j), n)
		}
	}
}

// Warnings are faults with which a node may still run: one line each.
func Warnings(c *Config) (out []string) {
	out = keysInTheOpen(c)
	switch {
	case !slices.ContainsFunc(c.Trunks, func(t Trunk) bool { return t.Site == "" }):
		out = append(out, "trunks: no carrier: 112, 113, 115 and 118 cannot be called from this site")
	case c.Emergency.CLI == "":
		out = append(out, "emergency.cli: empty: the rescuers see the number of the trunk, or none")
	}
	for i, t := range c.Trunks {
		if t.Certificate != "" && c.SIP.TLS.ClientCA == "" {
			out = append(out, fmt.Sprintf("trunks[%d].certificate: without sip.tls.client_ca nobody is asked for one: calls from %s are refused", i, t.Name))
		}
	}
	return out
}

func checkLimits(l Limits, p string, r report) {
	between(r, p+"calls", l.Calls, -1, 100000)
	between(r, p+"day_calls", l.DayCalls, -1, 10_000_000)
	between(r, p+"day_minutes", l.DayMinutes, -1, 10_000_000)
}

func classNames() []string {
	var out []string
	for _, c := range numbering.Classes() {
		out = append(out, string(c))
	}
	return out
}

// checkPeer is about where the peer is.
func checkPeer(c *Config, t Trunk, p string, r report) {
	if t.Site != "" {
		form(r, p+"site", t.Site, ipaForm)
	}
	if t.Site == c.Site.IPA && t.Site != "" {
		r(p+"site", "is this very site")
	}
	switch {
	case t.URI != "" && t.Address.Transport != "":
		r(p+"uri", "an address stands here already")
	case t.URI != "":
		checkPeerURI(t, p, r)
	case t.Address.Transport == "":
		r(p+"address", "is required: udp:IP:PORT, tcp:IP:PORT or tls:IP:PORT of the peer; or its name as uri")
	}
	if tr := t.Address.Transport; tr == "ws" || tr == "wss" || t.Address.As.IsValid() || tr != "" && t.Address.Address.Addr().IsUnspecified() {
		r(p+"address", "want udp:IP:PORT, tcp:IP:PORT or tls:IP:PORT of the peer")
	}
	for j, src := range t.Sources {
		prefix, err := netip.ParsePrefix(src)
		if _, bad := netip.ParseAddrPort(src); err != nil && bad != nil || prefix.Addr().Is4In6() {
			r(fmt.Sprintf("%ssources[%d]", p, j), "want a prefix such as 192.0.2.0/24 or IP:PORT")
		}
		if err == nil && prefix.Bits() == 0 {
			r(fmt.Sprintf("%ssources[%d]", p, j), "everybody would be this trunk")
		}
	}
	if t.Certificate != "" && t.Address.Transport != "tls" && t.URI == "" {
		r(p+"certificate", "wants an address with tls:, only there is a certificate shown")
	}
	atLeast0(r, p+"max_calls", t.MaxCalls)
	atLeast0(r, p+"max_rate", t.MaxRate)
	between(r, p+"priority", t.Priority, 0, 65535)
	between(r, p+"weight", t.Weight, 0, 65535)
	if t.Domain != "" {
		form(r, p+"domain", t.Domain, hostForm)
	}
	checkCodecs(r, p+"codecs", t.Codecs)
	oneOf(r, p+"srtp", t.SRTP, srtpWords()...)
}

// peerURI is a URI with a name, a port and a transport, and nothing else.
var peerURI = regexp.MustCompile(`^sips?:[A-Za-z0-9.-]*[A-Za-z][A-Za-z0-9.-]*(:\d{1,5})?(;transport=(udp|tcp|tls))?$`)

func checkPeerURI(t Trunk, p string, r report) {
	if !peerURI.MatchString(t.URI) {
		r(p+"uri", "want sip:NAME, perhaps with :PORT and ;transport=udp, tcp or tls")
	}
	if len(t.Sources) == 0 && t.Certificate == "" {
		r(p+"sources", "is required with uri: a name does not tell where its calls come from")
	}
}

// checkCarrier is about numbers and credentials.
func checkCarrier(t Trunk, p string, r report) {
	if t.CLI != "" && !cliForm.MatchString(t.CLI) {
		r(p+"cli", "want a geographic number, such as +3906828881: others may not be presented")
	}
	oneOf(r, p+"format", t.Format, "", "e164", "national")
	checkRules(t.In, p+"in", r)
	checkRules(t.Out, p+"out", r)
	if a := t.Account; a.User != "" || a.Password != "" || a.Realm != "" {
		form(r, p+"account.user", a.User, accountForm)
		if a.Realm == "" {
			r(p+"account.realm", "is required: the realm in the carrier's challenges, no other is answered")
		} else {
			form(r, p+"account.realm", a.Realm, realmForm)
		}
		if a.Password == "" {
			r(p+"account.password", "is required, better file:PATH or env:NAME")
		}
	}
	if t.Register.Expires == 0 {
		if len(t.Register.Registrars) > 0 {
			r(p+"register.expires", "is required: how long a registration is to last, such as 1h")
		}
		return
	}
	duration(r, p+"register.expires", t.Register.Expires, time.Minute, 24*time.Hour)
	if t.Account.User == "" {
		r(p+"register.expires", "wants trunks.account: who is to be registered")
	}
	for j, a := range t.Register.Registrars {
		if ap, err := netip.ParseAddrPort(a); err != nil || ap.Port() == 0 {
			r(fmt.Sprintf("%sregister.registrars[%d]", p, j), "want IP:PORT")
		}
	}
}

func checkRules(rules []Rewrite, p string, r report) {
	seen := map[string]bool{}
	for i, rule := range rules {
		at := fmt.Sprintf("%s[%d].", p, i)
		for key, v := range map[string]string{"match": rule.Match, "add": rule.Add} {
			if strings.Trim(v, "0123456789+*#") != "" {
				r(at+key, fmt.Sprintf("%q: want digits, +, * or #", v))
			}
		}
		if seen[rule.Match] {
			r(at+"match", fmt.Sprintf("%q stands here twice", rule.Match))
		}
		seen[rule.Match] = true
		if rule.Strip < 0 || rule.Strip > len(rule.Match) {
			r(at+"strip", fmt.Sprintf("%d is not allowed; allowed: 0 to %d, the length of match", rule.Strip, len(rule.Match)))
		}
	}
}

func atLeast0(r report, path string, value int) {
	if value < 0 {
		r(path, "want 0 (no limit) or more")
	}
}
