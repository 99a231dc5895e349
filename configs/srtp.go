package configs

import (
	"fmt"
	"slices"
)

// srtpWords are what srtp of an account or trunk may be; "" is never.
func srtpWords() []string { return []string{"", "never", "prefer", "require"} }

// protected tells whether a value of srtp has keys sent.
func protected(srtp string) bool { return srtp == "prefer" || srtp == "require" }

// keysInTheOpen warns where SRTP keys would travel in messages that everybody on
// the way can read (RFC 4568 wants them protected).
func keysInTheOpen(c *Config) (out []string) {
	encrypted := func(l Listen) bool { return l.Transport == "tls" || l.Transport == "wss" }
	stations := func(a Account) bool { return protected(a.SRTP) }
	if slices.ContainsFunc(c.Accounts, stations) && !slices.ContainsFunc(c.SIP.Listen, encrypted) {
		out = append(out, "accounts: srtp without a tls or wss listener in sip.listen: the keys can be read on the way")
	}
	for i, t := range c.Trunks {
		if protected(t.SRTP) && t.URI == "" && t.Address.Transport != "tls" {
			out = append(out, fmt.Sprintf("trunks[%d].srtp: without tls the keys can be read on the way", i))
		}
	}
	return out
}
