package configs

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"
)

// report names the key at fault and says what is allowed.
type report func(path, message string)

var (
	nameForm = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,31}$`)
	userForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$`)
	ipaForm  = regexp.MustCompile(`^[a-z0-9_]{1,16}$`)
	hourForm = regexp.MustCompile(`^([01]\d|2[0-4]):[0-5]\d-([01]\d|2[0-4]):[0-5]\d$`)
	// accountForm is what stands in a URI without escapes.
	accountForm = regexp.MustCompile(`^[A-Za-z0-9+*#][A-Za-z0-9+*#._-]{0,63}$`)
	// hostForm is a host name or an address.
	hostForm = regexp.MustCompile(`^([A-Za-z0-9._-]+|\[?[0-9A-Fa-f:.]+\]?)$`)
	// realmForm is what stands in quotes as it is.
	realmForm = regexp.MustCompile(`^[^"\\\x00-\x1f\x7f]{1,128}$`)
	cliForm   = regexp.MustCompile(`^\+390\d{5,10}$`)
)

// check reports everything that a well-formed file may still get wrong.
func check(c *Config, r report) {
	checkNode(c, r)
	checkAccounts(c, r)
	names := collect(c, r)
	checkQueues(c, names, r)
	checkServices(c, names, r)
	checkTrunks(c, r)
	checkPool("pools.accounts.", c.Pools.Accounts, r)
	checkPool("pools.static_agents.", c.Pools.StaticAgents, r)
	if c.Pools.StaticAgents.Prefix != "" {
		refer(r, "pools.static_agents.queue", c.Pools.StaticAgents.Queue, "queue", names.queues)
		if strings.Count(c.Pools.StaticAgents.Contact, "%") != 1 || !strings.Contains(c.Pools.StaticAgents.Contact, "%s") {
			r("pools.static_agents.contact", "want a SIP URI with %s where the name goes, such as sip:%s@127.0.0.1:5081")
		}
	}
	for i, rt := range c.Routes {
		p := fmt.Sprintf("routes[%d].", i)
		form(r, p+"user", rt.User, userForm)
		oneOf(r, p+"mode", rt.Mode, "b2bua", "proxy")
		if !strings.HasPrefix(rt.Contact, "sip:") {
			r(p+"contact", "want a SIP URI such as sip:bench@127.0.0.1:5080")
		}
	}
}

func checkNode(c *Config, r report) {
	form(r, "site.ipa", c.Site.IPA, ipaForm)
	if c.Site.Name == "" {
		r("site.name", "is required: the office's name as citizens know it")
	}
	oneOf(r, "log.level", c.Log.Level, "debug", "info", "warn", "error")
	oneOf(r, "log.format", c.Log.Format, "text", "json")
	checkListen(c.SIP, r)
	oneOf(r, "sip.digest", c.SIP.Digest, "md5", "sha-256", "both")
	form(r, "sip.realm", c.SIP.Realm, realmForm)
	for i, d := range c.SIP.Domains {
		form(r, fmt.Sprintf("sip.domains[%d]", i), d, hostForm)
	}
	between(r, "sip.shards", c.SIP.Shards, 1, 64)
	oneOf(r, "sip.direct_calls", c.SIP.DirectCalls, "b2bua", "proxy")
	for i, s := range c.SIP.NameServers {
		_, bare := netip.ParseAddr(s)
		if _, err := netip.ParseAddrPort(s); err != nil && bare != nil {
			r(fmt.Sprintf("sip.name_servers[%d]", i), "want IP or IP:PORT of a name server, such as 192.0.2.53")
		}
	}
	between(r, "sip.max_calls", c.SIP.MaxCalls, 1, 100000)
	duration(r, "sip.drain", c.SIP.Drain, 0, 30*time.Minute)
	duration(r, "sip.ring_time", c.SIP.RingTime, 5*time.Second, 2*time.Minute)
	duration(r, "sip.max_duration", c.SIP.MaxDuration, time.Minute, 24*time.Hour)
	checkRegistrar(c.SIP.Registrar, r)
	if c.SIP.SessionExpires != 0 {
		duration(r, "sip.session_expires", c.SIP.SessionExpires, 90*time.Second, 24*time.Hour)
	}
	if c.SIP.MaxWait != 0 {
		duration(r, "sip.max_wait", c.SIP.MaxWait, 50*time.Millisecond, 10*time.Second)
	}
	checkShield(c.SIP, r)
	between(r, "media.shards", c.Media.Shards, 1, 16)
	duration(r, "media.timeout", c.Media.Timeout, 5*time.Second, 10*time.Minute)
	if len(c.Media.Codecs) == 0 {
		r("media.codecs", "want at least one of g722, pcma, pcmu")
	}
	checkCodecs(r, "media.codecs", c.Media.Codecs)
	if _, err := netip.ParseAddr(c.Media.Address); err != nil {
		r("media.address", "want the literal IP address that phones send their audio to, such as 192.0.2.10")
	}
	if a, err := netip.ParseAddr(c.Media.Advertise); c.Media.Advertise != "" && (err != nil || a.IsUnspecified()) {
		r("media.advertise", "want the literal IP address outside the NAT, such as 203.0.113.7")
	}
	oneOf(r, "prompts.language", c.Prompts.Language, "it")
	if _, err := netip.ParseAddrPort(c.HTTP.Listen); err != nil {
		r("http.listen", "want IP:PORT, such as 127.0.0.1:8080")
	}
	duration(r, "http.session_life", c.HTTP.SessionLife, time.Minute, 24*time.Hour)
}

// checkCodecs tells which of list is no codec, or there twice.
func checkCodecs(r report, path string, list []string) {
	for i, codec := range list {
		p := fmt.Sprintf("%s[%d]", path, i)
		oneOf(r, p, codec, "g722", "pcma", "pcmu")
		if slices.Contains(list[:i], codec) {
			r(p, "is there twice")
		}
	}
}

func checkRegistrar(g Registrar, r report) {
	const p = "sip.registrar."
	duration(r, p+"min_expires", g.MinExpires, 10*time.Second, 24*time.Hour)
	duration(r, p+"max_expires", g.MaxExpires, 10*time.Second, 24*time.Hour)
	duration(r, p+"default_expires", g.DefaultExpires, g.MinExpires, max(g.MinExpires, g.MaxExpires))
	between(r, p+"max_bindings", g.MaxBindings, 1, 100)
	duration(r, p+"grace", g.Grace, time.Second, 5*time.Minute)
}

func checkAccounts(c *Config, r report) {
	seen := map[string]bool{}
	for i, a := range c.Accounts {
		p := fmt.Sprintf("accounts[%d].", i)
		form(r, p+"user", a.User, userForm)
		oneOf(r, p+"kind", a.Kind, "", "station", "carrier")
		if len(a.Password) < 8 && (a.Password != "" || a.Certificate == "") {
			r(p+"password", "want at least 8 characters, better file:PATH or env:NAME")
		}
		if a.Certificate != "" && c.SIP.TLS.ClientCA == "" {
			r(p+"certificate", "wants sip.tls.client_ca: without it nobody is asked for a certificate")
		}
		oneOf(r, p+"srtp", a.SRTP, srtpWords()...)
		between(r, p+"max_bindings", a.MaxBindings, 0, 100)
		if seen[a.User] {
			r(p+"user", fmt.Sprintf("%q stands here twice", a.User))
		}
		seen[a.User] = true
	}
	people := map[string]bool{}
	for i, u := range c.Users {
		p := fmt.Sprintf("users[%d].", i)
		form(r, p+"user", u.User, userForm)
		if people[u.User] {
			r(p+"user", fmt.Sprintf("%q stands here twice", u.User))
		}
		people[u.User] = true
		for j, role := range u.Roles {
			oneOf(r, fmt.Sprintf("%sroles[%d]", p, j), role, "agent", "supervisor")
		}
		if !u.Static && u.Device != "" && !seen[u.Device] {
			r(p+"device", fmt.Sprintf("no account %q", u.Device))
		}
		if u.Static && !strings.HasPrefix(u.Contact, "sip:") {
			r(p+"contact", "a static agent needs the SIP URI it is rung at")
		}
		if !u.Static && !u.Bot && u.Hash == "" {
			r(p+"password_hash", "is required: make one with la2 user")
		}
	}
}

// names are the names that other parts of the file may refer to.
type names struct{ queues, calendars, menus, trunks []string }

func collect(c *Config, r report) names {
	var n names
	take := func(list *[]string, path, name string) {
		form(r, path, name, nameForm)
		if slices.Contains(*list, name) {
			r(path, fmt.Sprintf("%q stands here twice", name))
		}
		*list = append(*list, name)
	}
	for i, q := range c.Queues {
		take(&n.queues, fmt.Sprintf("queues[%d].name", i), q.Name)
	}
	for i, k := range c.Calendars {
		take(&n.calendars, fmt.Sprintf("calendars[%d].name", i), k.Name)
	}
	for i, m := range c.Menus {
		take(&n.menus, fmt.Sprintf("menus[%d].name", i), m.Name)
	}
	for i, t := range c.Trunks {
		take(&n.trunks, fmt.Sprintf("trunks[%d].name", i), t.Name)
	}
	for i, u := range c.Users {
		for j, q := range u.Queues {
			refer(r, fmt.Sprintf("users[%d].queues[%d]", i, j), q, "queue", n.queues)
		}
	}
	return n
}

// poolMax is how many members a pool may have.
const poolMax = 100_000

func checkPool(path string, p Pool, r report) {
	if p.Prefix == "" {
		return
	}
	form(r, path+"prefix", p.Prefix, userForm)
	if p.First < 0 || p.Last < p.First || p.Last-p.First >= poolMax {
		r(path+"last", fmt.Sprintf("%d to %d is not allowed; allowed: 0 <= first <= last, at most %d members", p.First, p.Last, poolMax))
	}
}

func form(r report, path, value string, f *regexp.Regexp) {
	if !f.MatchString(value) {
		r(path, fmt.Sprintf("%q does not match %s", value, f))
	}
}

func oneOf(r report, path, value string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		r(path, fmt.Sprintf("%q is not allowed; allowed: %s", value, strings.Join(slices.DeleteFunc(allowed, func(s string) bool { return s == "" }), ", ")))
	}
}

func refer(r report, path, value, kind string, have []string) {
	if !slices.Contains(have, value) {
		all := "none"
		if len(have) > 0 {
			all = strings.Join(have, ", ")
		}
		r(path, fmt.Sprintf("no %s %q; there are: %s", kind, value, all))
	}
}

func between(r report, path string, value, lo, hi int) {
	if value < lo || value > hi {
		r(path, fmt.Sprintf("%d is not allowed; allowed: %d to %d", value, lo, hi))
	}
}

func duration(r report, path string, value, lo, hi time.Duration) {
	if value < lo || value > hi {
		r(path, fmt.Sprintf("%v is not allowed; allowed: %v to %v", value, lo, hi))
	}
}
